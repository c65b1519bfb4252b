//! Sockets turned into served connections, on a separate thread and event loop.

use std::{
    io,
    sync::{Arc, mpsc},
};

use tokio::{
    sync::{mpsc as handover, watch},
    task::{JoinSet, LocalSet},
};

use crate::{
    limits::HANDOVER_SOCKETS_MAX,
    load_shedding::load_shedder::LoadShedder,
    services::health::Phase,
    transport::{
        connection::{Socket, serve},
        connection_policy::ConnectionPolicy,
        routes::Services,
    },
};

/// What a worker serves, and until when.
pub(crate) struct Work {
    pub(crate) services: Services,
    /// Told when the event loop sleeps and wakes.
    pub(crate) load_shedder: Option<Arc<LoadShedder>>,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) policy: ConnectionPolicy,
}

/// Starts a worker. It ends when no sender of sockets is left and its connections have ended, and then sends
/// how many requests were cut off.
pub(crate) fn start(
    name: String,
    work: Work,
    ended: mpsc::Sender<usize>,
) -> io::Result<handover::Sender<Socket>> {
    let (sender, sockets) = handover::channel(HANDOVER_SOCKETS_MAX);
    let mut builder = tokio::runtime::Builder::new_current_thread();
    if let Some(load_shedder) = &work.load_shedder {
        let (sleeps, wakes) = (Arc::clone(load_shedder), Arc::clone(load_shedder));
        builder
            .on_thread_park(move || sleeps.sleeps())
            .on_thread_unpark(move || wakes.wakes());
    }
    let runtime = builder.enable_all().build()?;
    std::thread::Builder::new().name(name).spawn(move || {
        let cut_off = LocalSet::new().block_on(&runtime, serve_all(sockets, work));
        // If this fails, the waiting thread has given up.
        let _ = ended.send(cut_off);
    })?;
    Ok(sender)
}

/// Serves sockets as they come, until the channel closes and every connection has ended.
pub(crate) async fn serve_all(mut sockets: handover::Receiver<Socket>, work: Work) -> usize {
    let mut connections = JoinSet::new();
    let mut cut_off = 0;
    loop {
        tokio::select! {
            socket = sockets.recv() => {
                let Some(socket) = socket else { break };
                let (services, phase) = (work.services.clone(), work.phase.clone());
                connections.spawn_local(serve(socket, services, work.policy.clone(), phase));
            }
            // A connection that panicked has taken its own requests with it, and no others.
            Some(ended) = connections.join_next() => cut_off += ended.unwrap_or(0),
        }
    }
    while let Some(ended) = connections.join_next().await {
        cut_off += ended.unwrap_or(0);
    }
    cut_off
}
