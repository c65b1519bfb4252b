//! Listeners turned into sockets: those of the decision port go to the worker with the fewest, those of the health
//! port are served on this thread.

use std::{
    io,
    sync::{Arc, mpsc},
    time::Duration,
};

use nextbest_pipeline::Counter;
use tokio::{
    sync::{mpsc as handover, watch},
    task::LocalSet,
};

use crate::{
    limits::HANDOVER_SOCKETS_MAX,
    services::health::{Health, Phase},
    transport::{
        address::{Incoming, Listener, Stream},
        admission::Admission,
        connection::{Socket, draining},
        connection_policy::ConnectionPolicy,
        routes::Services,
    },
    worker::{Work, serve_all},
};

/// After an accept that failed, as it does when the process has no file descriptors left.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// A listener, and how many it takes.
pub(crate) struct Listening {
    pub(crate) listener: Listener,
    pub(crate) admission: Arc<Admission>,
    /// Sockets that the system would not give.
    pub(crate) failed: Arc<Counter>,
}

/// The same, and who serves what it accepts.
pub(crate) struct Port {
    pub(crate) listening: Listening,
    pub(crate) workers: Vec<Handover>,
}

/// Where one worker's sockets go.
pub(crate) struct Handover {
    pub(crate) sockets: handover::Sender<Socket>,
    // Each of its sockets holds one more reference while it is open.
    open: Arc<()>,
}

impl Handover {
    pub(crate) fn to(sockets: handover::Sender<Socket>) -> Self {
        Self {
            sockets,
            open: Arc::default(),
        }
    }

    fn open(&self) -> usize {
        Arc::strong_count(&self.open)
    }
}

/// The worker with the fewest connections; of several, the one behind the last that got one.
fn least_loaded(workers: &[Handover], last: usize) -> Option<(usize, &Handover)> {
    let (before, after) = workers.split_at(workers.len().min(last + 1));
    let in_turn = after.iter().chain(before);
    let (ahead, worker) = in_turn.enumerate().min_by_key(|(_, worker)| worker.open())?;
    Some(((last + 1 + ahead) % workers.len(), worker))
}

/// Starts the thread. Decisions are accepted until the server drains, health checks are answered until it has
/// ended. `decisions` comes once there is a bundle to decide with.
pub(crate) fn start(
    health: Listening,
    policy: ConnectionPolicy,
    probes: Health,
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
                let port = Port {
                    listening: health,
                    workers: vec![Handover::to(to_health)],
                };
                let services = Services::health(probes);
                let work = Work {
                    services,
                    load_shedder: None,
                    phase: always.clone(),
                    policy,
                };
                tokio::task::spawn_local(serve_all(health_sockets, work));
                tokio::task::spawn_local(accept(port, always));
                if let Ok(port) = decisions.await {
                    accept(port, phase.clone()).await;
                }
                // Without a sender there is no server left.
                let _ = phase.wait_for(|phase| *phase == Phase::Ended).await;
            });
            // If this fails, the waiting thread has given up.
            let _ = ended.send(0);
        })?;
    Ok(())
}

/// Hands sockets out until the phase is draining; the port closes then.
async fn accept(port: Port, mut phase: watch::Receiver<Phase>) {
    let Port { listening, workers } = port;
    let Ok(listener) = Incoming::of(listening.listener) else {
        return;
    };
    let mut last = workers.len().saturating_sub(1);
    let mut hand_out = |stream: Stream| {
        if let Some(place) = listening.admission.admit(stream.peer())
            && let Some((index, worker)) = least_loaded(&workers, last)
        {
            last = index;
            let open = Arc::clone(&worker.open);
            // A worker that is so far behind gets no more: dropping the socket closes it.
            let _ = worker.sockets.try_send(Socket { stream, place, open });
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = draining(&mut phase) => break,
        };
        if let Ok(stream) = accepted {
            hand_out(stream);
        } else {
            listening.failed.add();
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }
    for stream in listener.close() {
        hand_out(stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worker_with_the_fewest_is_next_and_equals_in_turn() {
        let worker = || Handover::to(handover::channel(1).0);
        let workers = [worker(), worker(), worker()];
        let mut open = vec![];
        let mut last = workers.len() - 1;
        let mut next = |kept: &mut Vec<Arc<()>>| {
            let (index, worker) = least_loaded(&workers, last).unwrap();
            last = index;
            kept.push(Arc::clone(&worker.open));
            index
        };
        assert_eq!([next(&mut open), next(&mut open), next(&mut open)], [0, 1, 2]);
        // Those in between that did not last leave no trace.
        for _ in 0..5 {
            next(&mut vec![]);
        }
        drop(open.remove(1));
        assert_eq!(next(&mut open), 1);
        let three = [next(&mut open), next(&mut open), next(&mut open)];
        assert_eq!([0, 1, 2].map(|index| three.contains(&index)), [true; 3]);
        assert!(least_loaded(&[], 0).is_none());
    }
}
