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
    /// From when a request was due to the end of its answer. Closed loop: from when it was sent.
    pub latency: Percentiles,
    /// From when a request left to the end of its answer: without what it waited here, for the thread that
    /// sends or for the server to allow another call on the connection.
    pub service: Percentiles,
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
    /// Answers with status OK a second.
    pub achieved_per_s: f64,
    /// For how long was measured: less than asked for when the run was stopped, more when answers came late.
    pub measured: Duration,
    /// Connections that were opened in the place of ended ones, over the whole run.
    pub reopened: u64,
}

/// Outcomes as they come in.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    ok: u64,
    errors: BTreeMap<&'static str, (u64, String)>,
    latencies: Latencies,
    service: Latencies,
    last_answer: Option<Instant>,
}

impl Tally {
    /// Counts an answer that has just come.
    pub(crate) fn answer(&mut self, outcome: Outcome, due: Instant) {
        let now = Instant::now();
        self.last_answer = Some(now);
        match outcome.result {
            Ok(()) => {
                self.ok += 1;
                self.latencies.record(now.saturating_duration_since(due));
                self.service
                    .record(now.saturating_duration_since(outcome.sent.unwrap_or(due)));
            }
            Err(failure) => self.error(failure),
        }
    }

    pub(crate) fn error(&mut self, failure: Failure) {
        let (count, message) = self.errors.entry(failure.status).or_default();
        *count += 1;
        if message.is_empty() {
            *message = failure.message;
        }
    }

    /// `from` to `until`: the time measured. Answers that came later stretch it.
    pub(crate) fn report(self, from: Instant, until: Instant, reopened: u64, hiccups: &Latencies) -> Report {
        let mut errors = BTreeMap::new();
        let mut messages = BTreeMap::new();
        for (status, (count, message)) in self.errors {
            errors.insert(status.to_owned(), count);
            if !message.is_empty() {
                messages.insert(status.to_owned(), message);
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
            latency: self.latencies.percentiles(),
            service: self.service.percentiles(),
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
