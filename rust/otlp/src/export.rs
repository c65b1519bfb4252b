//! Batches of spans turned into requests to a collector, with the retries that the OTLP specification allows.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{sync::watch, task::JoinSet, time::timeout_at};

use crate::{
    grpc::GrpcClient,
    post::HttpClient,
    queue::{Batch, Queue},
    span::Envelope,
    verdict::Verdict,
};

/// A request may hold 4 MiB; smaller ones keep a retry cheap.
pub(crate) const BATCH_BYTES_MAX: usize = 1024 * 1024;
pub(crate) const BATCH_SPANS_MAX: usize = 2048;
/// Throughput is this many batches a round trip.
const EXPORTS_IN_FLIGHT_MAX: usize = 4;

/// How long the exporter waits for what.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// A span waits at most so long before it is sent.
    pub flush_interval: Duration,
    /// Until a request counts as unanswered.
    pub request_timeout: Duration,
    /// Before the first retry; doubles with each.
    pub backoff_first: Duration,
    /// Before any retry.
    pub backoff_max: Duration,
    /// From the first attempt of a batch to giving it up.
    pub retry_max: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            flush_interval: Duration::from_millis(200),
            request_timeout: Duration::from_secs(10),
            backoff_first: Duration::from_millis(500),
            backoff_max: Duration::from_secs(10),
            retry_max: Duration::from_mins(5),
        }
    }
}

/// A collector, spoken to by either protocol.
pub(crate) enum Client {
    Grpc(GrpcClient),
    Http(HttpClient),
}

impl Client {
    fn prepare(&self, request: Bytes) -> Bytes {
        match self {
            Self::Grpc(_) => request,
            Self::Http(client) => client.prepare(request),
        }
    }

    async fn send(&self, request: Bytes) -> Verdict {
        match self {
            Self::Grpc(client) => client.send(request).await,
            Self::Http(client) => client.send(request).await,
        }
    }
}

/// Why the collector did not take the spans of the last request; empty when it did.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<String>);

impl Trouble {
    pub(crate) fn get(&self) -> String {
        self.0.lock().clone()
    }

    fn note(&self, verdict: &Verdict) {
        verdict
            .reason()
            .unwrap_or_default()
            .clone_into(&mut self.0.lock());
    }
}

/// Sends what is in the queue until it is asked to stop, and then until the queue is empty or time is up.
pub(crate) struct Exporter {
    pub(crate) queue: Arc<Queue>,
    pub(crate) client: Client,
    pub(crate) trouble: Arc<Trouble>,
    pub(crate) batch_spans_max: usize,
    pub(crate) envelope: Envelope,
    pub(crate) timeouts: Timeouts,
    /// The time by which to have stopped, once that is asked for.
    pub(crate) stop: watch::Receiver<Option<Instant>>,
}

impl Exporter {
    pub(crate) async fn run(self) {
        let this = Arc::new(self);
        let mut exports = JoinSet::new();
        let mut stop = this.stop.clone();
        while stop.borrow().is_none() {
            this.send_queued(&mut exports).await;
            tokio::select! {
                () = this.queue.woken() => {}
                () = tokio::time::sleep(this.timeouts.flush_interval) => {}
                // The sender is dropped only with the processor, and then there is nothing left to export.
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
        this.queue.close();
        this.send_queued(&mut exports).await;
        while exports.join_next().await.is_some() {}
    }

    /// Returns when the queue is empty; some of its batches may still be on their way.
    async fn send_queued(self: &Arc<Self>, exports: &mut JoinSet<()>) {
        while let Some(batch) = self.queue.pop(self.batch_spans_max, BATCH_BYTES_MAX) {
            while exports.try_join_next().is_some() {}
            if exports.len() >= EXPORTS_IN_FLIGHT_MAX {
                exports.join_next().await;
            }
            exports.spawn(Arc::clone(self).export(batch));
        }
    }

    /// Sends one batch until it is settled. Dropping the batch on the way out counts its spans as dropped.
    async fn export(self: Arc<Self>, mut batch: Batch) {
        let request = self
            .client
            .prepare(Bytes::from(self.envelope.seal(&batch.take_spans())));
        let give_up = Instant::now() + self.timeouts.retry_max;
        let mut backoff = self.timeouts.backoff_first;
        loop {
            let Some(verdict) = self.attempt(request.clone(), give_up).await else {
                return;
            };
            self.trouble.note(&verdict);
            let wait = match verdict {
                Verdict::Accepted { rejected } => return batch.settle(rejected),
                Verdict::Refused { .. } => return batch.settle(u64::MAX),
                Verdict::Retry { after, .. } => after.unwrap_or_else(|| jitter(backoff)),
            };
            backoff = (backoff * 2).min(self.timeouts.backoff_max);
            if Instant::now() + wait >= give_up || !self.pause(wait).await {
                return;
            }
        }
    }

    /// Nothing when the time to stop comes before an answer.
    async fn attempt(&self, request: Bytes, give_up: Instant) -> Option<Verdict> {
        let until = give_up.min(Instant::now() + self.timeouts.request_timeout);
        tokio::select! {
            verdict = timeout_at(until.into(), self.client.send(request)) => {
                Some(verdict.unwrap_or_else(|_| Verdict::unanswered("no answer in time")))
            }
            () = self.stopped() => None,
        }
    }

    /// False when the time to stop comes first.
    async fn pause(&self, wait: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = self.stopped() => false,
        }
    }

    /// Returns at the time by which to have stopped: not before a stop is asked for.
    async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // The sender is dropped only with the processor, and then there is nothing left to export.
        let stop_at = stop.wait_for(Option::is_some).await.ok().and_then(|asked| *asked);
        if let Some(stop_at) = stop_at {
            tokio::time::sleep_until(stop_at.into()).await;
        }
    }
}

/// Between half and the whole of the time, so that replicas do not come back all at once.
fn jitter(backoff: Duration) -> Duration {
    backoff.mul_f64(0.5 + 0.5 * fastrand::f64())
}
