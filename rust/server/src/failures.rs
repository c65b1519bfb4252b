//! Calls that end with an error, as spans: what was called, how it ended, and below which span of the caller.
//!
//! A call's status is read where its response leaves, from the headers or, of a stream, from the trailers, so
//! that no failure is missed, whichever part of the server decided it. An attack must not become a flood of
//! spans: each worker has a bucket of them, and beyond it a failure is only counted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use http::{HeaderMap, Request};
use nextbest_otlp::{Emitter, FailedCall, METHOD_OTHER, Parent};
use nextbest_pipeline::now_ns;
use tonic::{Code, Status};

use crate::{
    call::{Call, TraceHeaders},
    limits::{FAILURE_SPANS_BURST, FAILURE_SPANS_PER_SECOND},
    shared::Shared,
};

/// Every method of the decision port, with its service.
const METHODS: [&str; 7] = [
    "nextbest.v1.DecisionService/Decide",
    "nextbest.v1.DecisionService/DecideStream",
    "nextbest.v1.DecisionService/DecideBatch",
    "nextbest.v1.DecisionService/Explain",
    "nextbest.v1.CustomerService/Upsert",
    "nextbest.v1.CustomerService/Get",
    "nextbest.v1.CustomerService/Delete",
];

/// The method that a path names, for spans: a fixed text, never the caller's.
pub(crate) fn method(path: &str) -> &'static str {
    let called = path.strip_prefix('/').unwrap_or_default();
    METHODS
        .into_iter()
        .find(|method| *method == called)
        .unwrap_or(METHOD_OTHER)
}

/// The failures of one worker's calls.
pub(crate) struct Failures {
    shared: Arc<Shared>,
    bucket: Bucket,
}

impl Failures {
    pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shared,
            bucket: Bucket::full(Instant::now()),
        })
    }

    /// Notes a call that was refused before it began.
    pub(crate) fn refused<B>(&self, request: &Request<B>, code: Code) {
        let Some(emitter) = self.allow() else { return };
        let parent = TraceHeaders::of(request.headers()).and_then(|headers| headers.parent());
        let now_ns = now_ns();
        let failed = FailedCall {
            started_ns: now_ns,
            ended_ns: now_ns,
            method: method(request.uri().path()),
            is_question: false,
            status: status_name(code),
        };
        self.emit(emitter, &failed, parent.as_ref());
    }

    /// Notes one question of a call that goes on.
    pub(crate) fn unanswered(&self, call: &Call, code: Code) {
        let Some(emitter) = self.allow() else { return };
        let ended_ns = now_ns();
        let failed = FailedCall {
            // The time of waiting for the question is not counted.
            started_ns: ended_ns,
            ended_ns,
            method: call.method,
            is_question: true,
            status: status_name(code),
        };
        self.emit(emitter, &failed, call.parent.as_ref());
    }

    /// Follows a call, where its failure would be a span.
    pub(crate) fn follow<B>(
        self: &Arc<Self>,
        request: &Request<B>,
        method: &'static str,
    ) -> Option<Followed> {
        self.shared.emitter.is_some().then(|| Followed {
            failures: Arc::clone(self),
            method,
            started: Instant::now(),
            headers: TraceHeaders::of(request.headers()),
        })
    }

    /// Nothing where there is no span to make; that the bucket is empty is counted.
    fn allow(&self) -> Option<&Emitter> {
        let emitter = self.shared.emitter.as_ref()?;
        let is_allowed = self.bucket.has(Instant::now());
        if !is_allowed {
            self.shared.stats.failure_spans_suppressed.add();
        }
        is_allowed.then_some(emitter)
    }

    fn emit(&self, emitter: &Emitter, failed: &FailedCall, parent: Option<&Parent>) {
        if let Some(context) = emitter.sample(parent) {
            self.bucket.take(Instant::now());
            emitter.emit_failure(failed, &context);
        }
    }
}

/// A call under way.
pub(crate) struct Followed {
    failures: Arc<Failures>,
    method: &'static str,
    started: Instant,
    headers: Option<TraceHeaders>,
}

impl Followed {
    /// Notes how the call has ended, where these headers or trailers say so; returns whether they do.
    pub(crate) fn ends(&self, headers: &HeaderMap) -> bool {
        let Some(status) = headers.get(Status::GRPC_STATUS) else {
            return false;
        };
        let code = Code::from_bytes(status.as_bytes());
        if code != Code::Ok
            && let Some(emitter) = self.failures.allow()
        {
            let parent = self.headers.as_ref().and_then(TraceHeaders::parent);
            let ended_ns = now_ns();
            let lasted_ns = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(0);
            let failed = FailedCall {
                started_ns: ended_ns.saturating_sub(lasted_ns),
                ended_ns,
                method: self.method,
                is_question: false,
                status: status_name(code),
            };
            self.failures.emit(emitter, &failed, parent.as_ref());
        }
        true
    }
}

/// How many spans may be made: a maximum at once, and a rate per second. Of one thread, which takes what it
/// has found.
struct Bucket {
    start: Instant,
    // Nanoseconds since the start up to which the spans so far have used up the time.
    spent_ns: AtomicU64,
}

impl Bucket {
    const INTERVAL_NS: u64 = 1_000_000_000 / FAILURE_SPANS_PER_SECOND;
    const BURST_NS: u64 = Self::INTERVAL_NS * FAILURE_SPANS_BURST;

    fn full(start: Instant) -> Self {
        Self {
            start,
            spent_ns: AtomicU64::new(0),
        }
    }

    fn has(&self, now: Instant) -> bool {
        let now_ns = self.now_ns(now);
        self.spent(now_ns) + Self::INTERVAL_NS <= now_ns
    }

    fn take(&self, now: Instant) {
        let spent_ns = self.spent(self.now_ns(now));
        self.spent_ns.store(spent_ns + Self::INTERVAL_NS, Relaxed);
    }

    /// What was not used for longer than a burst is lost.
    fn spent(&self, now_ns: u64) -> u64 {
        self.spent_ns.load(Relaxed).max(now_ns - Self::BURST_NS)
    }

    /// The clock begins with a burst.
    fn now_ns(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.start).as_nanos();
        Self::BURST_NS + u64::try_from(since).unwrap_or(0)
    }
}

/// As gRPC's documents write it.
fn status_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_followed_by_a_rate() {
        let start = Instant::now();
        let bucket = Bucket::full(start);
        let taken = |after: Duration, tries: usize| {
            let now = start + after;
            (0..tries)
                .filter(|_| bucket.has(now).then(|| bucket.take(now)).is_some())
                .count() as u64
        };
        assert_eq!(taken(Duration::ZERO, 1_000), FAILURE_SPANS_BURST);
        assert_eq!(taken(Duration::from_secs(1), 1_000), FAILURE_SPANS_PER_SECOND);
        assert_eq!(taken(Duration::from_millis(1_050), 1_000), 0);
        assert_eq!(taken(Duration::from_hours(1), 1_000), FAILURE_SPANS_BURST);
    }

    #[test]
    fn every_method_is_known() {
        let services = [
            (
                "DecisionService",
                include_str!("../../../proto/nextbest/v1/decision.proto"),
            ),
            (
                "CustomerService",
                include_str!("../../../proto/nextbest/v1/customer.proto"),
            ),
        ];
        let declared: Vec<_> = services
            .iter()
            .flat_map(|(service, text)| {
                let calls = text.lines().filter_map(|line| line.trim().strip_prefix("rpc "));
                calls.map(move |call| format!("nextbest.v1.{service}/{}", call.split('(').next().unwrap()))
            })
            .collect();
        assert_eq!(declared, METHODS);
    }

    #[test]
    fn methods_are_text_of_our_own() {
        assert_eq!(
            method("/nextbest.v1.DecisionService/Decide"),
            "nextbest.v1.DecisionService/Decide"
        );
        for path in [
            "",
            "/",
            "/nextbest.v1.DecisionService/Secret",
            "nextbest.v1.DecisionService/Decide",
            "/a/b/c",
        ] {
            assert_eq!(method(path), METHOD_OTHER, "{path}");
        }
    }
}
