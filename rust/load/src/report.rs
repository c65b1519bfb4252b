//! Latencies and outcomes turned into what a run reports.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{
    connection::Outcome,
    latencies::{Latencies, Percentiles, Point},
    status::Failure,
};

/// What a run has found. Latencies are of answers with status OK.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Requests that were due while measuring.
    pub sent: u64,
    /// Of these, answered with status OK.
    pub ok: u64,
    /// The others, by gRPC status (`INVALID_ARGUMENT`); `UNANSWERED` when no answer came in time, `NOT_SENT`
    /// when too many were unanswered to send more.
    pub errors: BTreeMap<String, u64>,
    /// The first message of each status that came with one.
    pub messages: BTreeMap<String, String>,
    /// From when requests were due to answers of each status other than OK: a refusal that takes as long as an answer is
    /// worth little. Without those of `UNANSWERED` and `NOT_SENT`, which had no answer.
    pub error_latencies: BTreeMap<String, Percentiles>,
    /// From when a request was due to the end of its answer. Closed loop: from when it was sent.
    pub latency: Percentiles,
    /// From when a request left to the end of its answer: without what it waited here, for the thread that
    /// sends or for the server to allow another call on the connection.
    pub service: Percentiles,
    /// From when a request was due to this thread's turn to send it. Late ones make `latency` that of the generator: it
    /// wants more CPU, or a lower rate. 0 in a closed loop.
    pub lag: Percentiles,
    /// How late the machine woke a sleeping thread.
    pub hiccup: Percentiles,
    /// Of `latency`.
    pub distribution: Vec<Point>,
    /// Of `service`.
    pub service_distribution: Vec<Point>,
    /// Of `hiccup`.
    pub hiccup_distribution: Vec<Point>,
    /// The distribution of `latency` in `HdrHistogram`'s form, in milliseconds.
    pub hgrm: String,
    /// Answers with status OK a second: goodput.
    pub achieved_per_s: f64,
    /// For how long was measured: less than asked for when the run was stopped, more when answers with
    /// status OK came late.
    pub measured: Duration,
    /// Connections that were opened in the place of ended ones, over the whole run.
    pub reopened: u64,
}

/// Outcomes as they come in.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) lag: Latencies,
    ok: u64,
    errors: BTreeMap<&'static str, Failures>,
    latencies: Latencies,
    service: Latencies,
    /// With status OK: calls that fail after the end take nothing from what was answered before it.
    last_answer: Option<Instant>,
}

/// Of one status.
#[derive(Default)]
struct Failures {
    count: u64,
    message: String,
    latencies: Latencies,
}

impl Counts {
    /// Counts an answer that has just come.
    pub(crate) fn answer(&mut self, outcome: Outcome, due: Instant) {
        let now = Instant::now();
        let latency = now.saturating_duration_since(due);
        match outcome.result {
            Ok(()) => {
                self.last_answer = Some(now);
                self.ok += 1;
                self.latencies.record(latency);
                self.service
                    .record(now.saturating_duration_since(outcome.sent.unwrap_or(due)));
            }
            Err(failure) => self.failures(failure).latencies.record(latency),
        }
    }

    /// Counts a request that could not leave.
    pub(crate) fn not_sent(&mut self, failure: Failure) {
        self.failures(failure);
    }

    fn failures(&mut self, failure: Failure) -> &mut Failures {
        let failures = self.errors.entry(failure.status).or_default();
        failures.count += 1;
        if failures.message.is_empty() {
            failures.message = failure.message;
        }
        failures
    }

    /// `from` to `until`: the time measured. Answers that came later stretch it.
    pub(crate) fn report(self, from: Instant, until: Instant, reopened: u64, hiccups: &Latencies) -> Report {
        let mut errors = BTreeMap::new();
        let mut messages = BTreeMap::new();
        let mut error_latencies = BTreeMap::new();
        for (status, failures) in self.errors {
            errors.insert(status.to_owned(), failures.count);
            if !failures.message.is_empty() {
                messages.insert(status.to_owned(), failures.message);
            }
            if !failures.latencies.is_empty() {
                error_latencies.insert(status.to_owned(), failures.latencies.percentiles());
            }
        }
        let failed: u64 = errors.values().sum();
        let unanswered = self.sent.saturating_sub(self.ok + failed);
        if unanswered > 0 {
            errors.insert("UNANSWERED".into(), unanswered);
        }
        let until = self.last_answer.map_or(until, |last| last.max(until));
        let measured = until.saturating_duration_since(from);
        #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 answers")]
        let achieved_per_s = if measured.is_zero() {
            0.0
        } else {
            self.ok as f64 / measured.as_secs_f64()
        };
        Report {
            sent: self.sent,
            ok: self.ok,
            errors,
            messages,
            error_latencies,
            latency: self.latencies.percentiles(),
            service: self.service.percentiles(),
            lag: self.lag.percentiles(),
            hiccup: hiccups.percentiles(),
            distribution: self.latencies.distribution(),
            service_distribution: self.service.distribution(),
            hiccup_distribution: hiccups.distribution(),
            hgrm: self.latencies.hgrm(),
            achieved_per_s,
            measured,
            reopened,
        }
    }
}
