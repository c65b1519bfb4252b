//! Listeners turned into sockets: those of the decision port go to the workers in turn, those of the health
//! port are served on this thread.

use std::{
    io,
    sync::{Arc, mpsc},
    time::Duration,
};

use tokio::{
    sync::{mpsc as handover, watch},
    task::LocalSet,
};

use crate::{
    address::{Incoming, Listener, Stream},
    admission::{Admission, Bounds},
    connection::{Door, Socket, draining},
    health::{Health, Phase},
    limits::{HANDOVER_SOCKETS_MAX, HEALTH_CONNECTIONS_MAX},
    routes::Services,
    settings::Patience,
    worker::{Work, serve_all},
};

/// After an accept that failed, as it does when the process has no file descriptors left.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// A listener, and who serves what it accepts.
pub(crate) struct Port {
    pub(crate) listener: Listener,
    pub(crate) admission: Arc<Admission>,
    pub(crate) workers: Vec<handover::Sender<Socket>>,
}

/// Starts the thread. Decisions are accepted until the server drains, health checks are answered until it has
/// ended. `decisions` comes once there is a bundle to decide with.
pub(crate) fn start(
    health: Listener,
    patience: Patience,
    decisions: tokio::sync::oneshot::Receiver<Port>,
    mut phase: watch::Receiver<Phase>,
    ended: mpsc::Sender<usize>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("nextbest-accept".into())
        .spawn(move || {
            LocalSet::new().block_on(&runtime, async move {
                // Health checks do not drain; they are dropped with this event loop.
                let (_always, always) = watch::channel(Phase::Serving);
                let (to_health, health_sockets) = handover::channel(HANDOVER_SOCKETS_MAX);
                // One kubelet or balancer may ask for all.
                let admission = Admission::new(Bounds {
                    all: HEALTH_CONNECTIONS_MAX,
                    of_a_peer: HEALTH_CONNECTIONS_MAX,
                });
                let port = Port {
                    listener: health,
                    admission,
                    workers: vec![to_health],
                };
                let services = Services::health(Health { phase: phase.clone() });
                let work = Work {
                    services,
                    backlog: None,
                    phase: always.clone(),
                    // A probe that watches has nobody to move to: replicas are not shared out by health checks.
                    door: Door::open(Patience {
                        age: None,
                        ..patience
                    }),
                };
                tokio::task::spawn_local(serve_all(health_sockets, work));
                tokio::task::spawn_local(accept(port, always));
                if let Ok(port) = decisions.await {
                    accept(port, phase.clone()).await;
                }
                // Without a sender there is no server left.
                let _ = phase.wait_for(|phase| *phase == Phase::Ended).await;
            });
            // Whoever waited has given up if this fails.
            let _ = ended.send(0);
        })?;
    Ok(())
}

/// Hands sockets out in turn until the phase is draining; the port closes then.
async fn accept(port: Port, mut phase: watch::Receiver<Phase>) {
    let Ok(listener) = Incoming::of(port.listener) else {
        return;
    };
    let mut workers = port.workers.iter().cycle();
    let mut hand_out = |stream: Stream| {
        if let (Some(place), Some(worker)) = (port.admission.admit(stream.peer()), workers.next()) {
            // A worker that is so far behind gets no more: dropping the socket closes it.
            let _ = worker.try_send(Socket { stream, place });
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = draining(&mut phase) => break,
        };
        match accepted {
            Ok(stream) => hand_out(stream),
            Err(_) => tokio::time::sleep(RETRY_AFTER).await,
        }
    }
    for stream in listener.close() {
        hand_out(stream);
    }
}
