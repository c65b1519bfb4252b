//! Batches of spans turned into OTLP/gRPC requests, with the retries that the OTLP specification allows.

use std::{
    error::Error as _,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use prost::Message as _;
use tokio::{sync::watch, task::JoinSet, time::timeout_at};
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
    transport::Channel,
};
use tonic_types::StatusExt as _;

use crate::{
    queue::{Batch, Queue},
    span::Envelope,
};

/// A request may hold 4 MiB; smaller ones keep a retry cheap.
pub(crate) const BATCH_BYTES_MAX: usize = 1024 * 1024;
const BATCH_SPANS_MAX: usize = 2048;
/// Throughput is this many batches a round trip.
const EXPORTS_IN_FLIGHT_MAX: usize = 4;
const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// How long the exporter waits for what.
#[derive(Debug, Clone)]
pub struct Patience {
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

impl Default for Patience {
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

/// Sends what is in the queue until it is told to stop, and then until the queue is empty or time is up.
pub(crate) struct Exporter {
    pub(crate) queue: Arc<Queue>,
    pub(crate) channel: Channel,
    pub(crate) headers: MetadataMap,
    pub(crate) envelope: Envelope,
    pub(crate) patience: Patience,
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
                () = tokio::time::sleep(this.patience.flush_interval) => {}
                // The sender is gone only with the journal, and then nobody is left to export for.
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
        this.queue.close();
        this.send_queued(&mut exports).await;
        while exports.join_next().await.is_some() {}
    }

    /// Returns when the queue is empty; some of its batches may still be on their way.
    async fn send_queued(self: &Arc<Self>, exports: &mut JoinSet<()>) {
        while let Some(batch) = self.queue.pop(BATCH_SPANS_MAX, BATCH_BYTES_MAX) {
            while exports.try_join_next().is_some() {}
            if exports.len() >= EXPORTS_IN_FLIGHT_MAX {
                exports.join_next().await;
            }
            exports.spawn(Arc::clone(self).export(batch));
        }
    }

    /// Sends one batch until it is settled. Dropping the batch on the way out counts its spans as dropped.
    async fn export(self: Arc<Self>, mut batch: Batch) {
        let request = Bytes::from(self.envelope.seal(&batch.take_spans()));
        let give_up = Instant::now() + self.patience.retry_max;
        let mut backoff = self.patience.backoff_first;
        loop {
            let Some(answer) = self.attempt(request.clone(), give_up).await else {
                return;
            };
            let wait = match Verdict::of(answer) {
                Verdict::Accepted { rejected } => return batch.settle(rejected),
                Verdict::Refused => return batch.settle(u64::MAX),
                Verdict::Retry { after } => after.unwrap_or_else(|| jitter(backoff)),
            };
            backoff = (backoff * 2).min(self.patience.backoff_max);
            if Instant::now() + wait >= give_up || !self.pause(wait).await {
                return;
            }
        }
    }

    /// Nothing when the time to stop comes before an answer.
    async fn attempt(&self, request: Bytes, give_up: Instant) -> Option<Result<ExportResponse, Status>> {
        let until = give_up.min(Instant::now() + self.patience.request_timeout);
        tokio::select! {
            answer = timeout_at(until.into(), self.call(request)) => {
                Some(answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer"))))
            }
            () = self.stopped() => None,
        }
    }

    async fn call(&self, request: Bytes) -> Result<ExportResponse, Status> {
        let mut client = Grpc::new(self.channel.clone());
        client
            .ready()
            .await
            .map_err(|_| Status::unavailable("not connected"))?;
        let mut request = Request::new(request);
        *request.metadata_mut() = self.headers.clone();
        let answer = client
            .unary(request, PathAndQuery::from_static(METHOD), RawCodec)
            .await?;
        Ok(answer.into_inner())
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
        // The sender is gone only with the journal, and then nobody is left to export for.
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

/// What an answer means for the batch.
enum Verdict {
    Accepted { rejected: u64 },
    Refused,
    Retry { after: Option<Duration> },
}

impl Verdict {
    fn of(answer: Result<ExportResponse, Status>) -> Self {
        let status = match answer {
            // A partial success is never retried: the collector has what it wants.
            Ok(response) => {
                let rejected = response
                    .partial_success
                    .map_or(0, |partial| partial.rejected_spans);
                return Self::Accepted {
                    rejected: rejected.try_into().unwrap_or(0),
                };
            }
            Err(status) => status,
        };
        // No answer but a broken connection, whatever code that was given here: the collector may not have
        // seen it.
        if status.source().is_some() {
            return Self::Retry { after: None };
        }
        let after = status.get_details_retry_info().and_then(|info| info.retry_delay);
        match status.code() {
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss => Self::Retry { after },
            Code::ResourceExhausted if after.is_some() => Self::Retry { after },
            _ => Self::Refused,
        }
    }
}

/// `ExportTraceServiceResponse`.
#[derive(Clone, PartialEq, prost::Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

/// `ExportTracePartialSuccess`.
#[derive(Clone, PartialEq, prost::Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_spans: i64,
}

/// Requests are encoded already; only the answer is a message.
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = ExportResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = ExportResponse;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<ExportResponse>, Status> {
        // An answer that is no protobuf says nothing about the spans; the status behind it says OK.
        let answer = buffer.copy_to_bytes(buffer.remaining());
        Ok(Some(ExportResponse::decode(answer).unwrap_or_default()))
    }
}
