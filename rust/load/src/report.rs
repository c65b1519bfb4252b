//! Latencies and outcomes turned into what a run reports.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

/// Durations in a histogram: nanoseconds up to a minute, three significant digits.
pub(crate) struct Latencies(Option<Histogram<u64>>);

impl Default for Latencies {
    fn default() -> Self {
        // These bounds are valid; if they were not, nothing would be recorded.
        Self(Histogram::new_with_bounds(1, 60_000_000_000, 3).ok())
    }
}

impl Latencies {
    pub(crate) fn record(&mut self, latency: Duration) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// In microseconds; 0 when nothing was recorded. The quantile is 0.0 to 1.0.
    pub(crate) fn at_us(&self, quantile: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a minute has fewer than 2^52 nanoseconds"
        )]
        self.0.as_ref().map_or(0.0, |histogram| {
            histogram.value_at_quantile(quantile) as f64 / 1e3
        })
    }
}

/// What a run has found. Times are in microseconds, from when a request was due to the end of its answer
/// (closed loop: from when it was sent), of answers with status OK.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Requests that were due while measuring.
    pub sent: u64,
    /// Of these, answered with status OK.
    pub ok: u64,
    /// The others, by gRPC status (`INVALID_ARGUMENT`); `UNANSWERED` when no answer came in time, `NOT_SENT`
    /// when too many were unanswered to send more.
    pub errors: BTreeMap<String, u64>,
    /// Half of the answers took no longer.
    pub p50_us: f64,
    /// Nine of ten.
    pub p90_us: f64,
    /// 99 of a hundred.
    pub p99_us: f64,
    /// 999 of a thousand.
    pub p999_us: f64,
    /// The longest.
    pub max_us: f64,
    /// Answers with status OK a second.
    pub achieved_per_s: f64,
    /// How late the machine woke a sleeping thread, 99 times of a hundred.
    pub hiccup_p99_us: f64,
    /// And at worst.
    pub hiccup_max_us: f64,
}

/// Outcomes as they come in.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    ok: u64,
    errors: BTreeMap<String, u64>,
    latencies: Latencies,
    last_answer: Option<Instant>,
}

impl Tally {
    pub(crate) fn answer(&mut self, outcome: Result<(), String>, due: Instant) {
        let now = Instant::now();
        self.last_answer = Some(now);
        match outcome {
            Ok(()) => {
                self.ok += 1;
                self.latencies.record(now.saturating_duration_since(due));
            }
            Err(status) => self.error(status),
        }
    }

    pub(crate) fn error(&mut self, status: String) {
        *self.errors.entry(status).or_default() += 1;
    }

    /// `from` to `until`: the time measured. Answers that came later stretch it.
    pub(crate) fn report(mut self, from: Instant, until: Instant, hiccups: &Latencies) -> Report {
        let failed: u64 = self.errors.values().sum();
        let unanswered = self.sent.saturating_sub(self.ok + failed);
        if unanswered > 0 {
            *self.errors.entry("UNANSWERED".into()).or_default() += unanswered;
        }
        let seconds = (until.max(self.last_answer.unwrap_or(until)) - from).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 answers")]
        let achieved_per_s = if seconds > 0.0 {
            self.ok as f64 / seconds
        } else {
            0.0
        };
        Report {
            sent: self.sent,
            ok: self.ok,
            errors: self.errors,
            p50_us: self.latencies.at_us(0.5),
            p90_us: self.latencies.at_us(0.9),
            p99_us: self.latencies.at_us(0.99),
            p999_us: self.latencies.at_us(0.999),
            max_us: self.latencies.at_us(1.0),
            achieved_per_s,
            hiccup_p99_us: hiccups.at_us(0.99),
            hiccup_max_us: hiccups.at_us(1.0),
        }
    }
}
