//! The server: its threads, from the first bundle to the last response.

mod report;
mod start;

use std::{
    fmt,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use nextbest_otlp::SpanProcessor;
use nextbest_pipeline::{Activation, Counter, MemoryBudget, activate};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::sync::watch;

use crate::{
    access::Access,
    error::ServerError,
    load_shedding::load_shedder::InFlight,
    services::health::Phase,
    settings::Settings,
    shared::Shared,
    transport::{
        address::Address, admission::Admission, connection_policy::ConnectionPolicy, descriptors::Shares,
        tls::Tls,
    },
};

/// Beyond the deadline of a shutdown, for threads to end.
const THREAD_END: Duration = Duration::from_secs(1);

/// A running server. Its threads are its own; dropping it ends them without a drain.
pub struct Server {
    settings: Settings,
    workers: usize,
    shared: Arc<Shared>,
    ports: Ports,
    in_flight: Arc<InFlight>,
    intake: Arc<MemoryBudget>,
    policy: ConnectionPolicy,
    phase: watch::Sender<Phase>,
    decision_address: Address,
    health_address: Address,
    // One activation at a time: each swaps on top of the one before it.
    activation: Mutex<()>,
    // Taken by the first drain: each worker sends how many calls it cut off.
    working: Mutex<Option<mpsc::Receiver<usize>>>,
    // Taken by the first shutdown.
    running: Mutex<Option<Running>>,
}

/// Who connects to the two ports.
struct Ports {
    decisions: Arc<Admission>,
    shares: Shares,
    health: Arc<Admission>,
    accepts_failed: Arc<Counter>,
}

/// What a shutdown waits for, once the workers have ended.
struct Running {
    accept: mpsc::Receiver<usize>,
    processor: Option<SpanProcessor>,
}

/// What a shutdown could not finish in its time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// Calls under way that got no answer.
    pub calls_cut_off: usize,
    /// Spans of decisions that were still to be exported.
    pub spans_lost: u64,
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("decision_address", &self.decision_address)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Where the decision services listen.
    #[must_use]
    pub fn decision_address(&self) -> &Address {
        &self.decision_address
    }

    /// Where health checks are answered.
    #[must_use]
    pub fn health_address(&self) -> &Address {
        &self.health_address
    }

    /// Opens and warms a bundle and makes it the active one. The active one decides until then, and stays if
    /// the new one is not valid.
    ///
    /// # Errors
    /// When the bundle or one of its models cannot be opened.
    pub fn activate(&self, bundle: Vec<u8>) -> Result<Activation, ServerError> {
        let _one = self.activation.lock();
        let opening = self.settings.opening(self.workers);
        Ok(activate(bundle, opening, &self.shared.active)?)
    }

    /// Offers new connections other certificates; open ones keep those that they began with.
    ///
    /// # Errors
    /// When they cannot be used, or the port speaks plain text. Nothing changes then.
    pub fn renew(&self, tls: &Tls) -> Result<(), ServerError> {
        self.policy.handshake.renew(tls).map_err(ServerError::Tls)
    }

    /// Changes who may call, on open connections too. A port that everybody may call stays open to all.
    pub fn grant(&self, access: Access) {
        if self.policy.access.load().is_some() {
            self.policy.access.store(Some(Arc::new(access)));
            self.shared.grants.send_modify(|grants| *grants += 1);
        }
    }

    /// How the models of the active bundle fare: an encoded `ModelHealthResponse`.
    #[must_use]
    pub fn model_health(&self) -> Vec<u8> {
        let active = self.shared.active.load();
        active.counters.report(&active.bundle).encode_to_vec()
    }

    /// Ends the decision port in good order: health reports the end at once, sockets are accepted for the
    /// grace that the settings give, then the server asks every client to leave and open calls get their
    /// responses.
    ///
    /// Takes at most `time_max`, the grace included. Returns how many calls were cut off; a second drain does
    /// nothing and returns 0.
    pub fn drain(&self, time_max: Duration) -> usize {
        let Some(ended) = self.working.lock().take() else {
            return 0;
        };
        let by = Instant::now() + time_max;
        self.phase.send_replace(Phase::Leaving);
        std::thread::sleep(self.settings.drain_grace.min(time_max));
        self.phase.send_replace(Phase::Draining(by));
        // A worker that does not end has at least one call that will never be answered.
        let cut_off = |_| ended.recv_timeout(left(by + THREAD_END)).unwrap_or(1);
        (0..self.workers).map(cut_off).sum()
    }

    /// Drains, exports the spans that are still queued, and ends all threads.
    ///
    /// Takes at most `time_max` and about a second. A second shutdown does nothing.
    pub fn shutdown(&self, time_max: Duration) -> Ended {
        let by = Instant::now() + time_max;
        let calls_cut_off = self.drain(time_max);
        let Some(running) = self.running.lock().take() else {
            return Ended::default();
        };
        let spans_lost = running.processor.map_or(0, |processor| end(processor, left(by)));
        self.phase.send_replace(Phase::Ended);
        let _ = running.accept.recv_timeout(THREAD_END);
        Ended {
            calls_cut_off,
            spans_lost,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Ended);
    }
}

/// Returns how many spans the end cost.
fn end(processor: SpanProcessor, time_max: Duration) -> u64 {
    let (emitter, before) = (processor.emitter(), processor.counts());
    // Says whether any was lost; the counts say how many.
    let _ = processor.shutdown(time_max);
    let after = emitter.counts();
    after.dropped.saturating_sub(before.dropped) + after.pending
}

fn left(by: Instant) -> Duration {
    by.saturating_duration_since(Instant::now())
}
