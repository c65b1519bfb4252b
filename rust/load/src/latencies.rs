//! Durations turned into percentiles, and into the text of `HdrHistogram`.

use std::{fmt::Write as _, time::Duration};

use hdrhistogram::Histogram;

/// Longer ones count as this.
const LONGEST_NS: u64 = 60_000_000_000;
const DIGITS: u8 = 3;
/// Linear steps of the histogram's first stretch, which follows from the digits.
const SUB_BUCKETS: u32 = 2_048;
/// Points for each halving of the share that took longer, as `HdrHistogram`'s own tools have it.
const POINTS_PER_HALVING: u32 = 5;
const NS_PER_MS: f64 = 1e6;

/// Durations in a histogram: nanoseconds up to a minute, three significant digits.
pub(crate) struct Latencies(Option<Histogram<u64>>);

/// What most durations do not exceed, in microseconds; all 0 when there were none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Percentiles {
    /// Half of them took no longer.
    pub p50_us: f64,
    /// Nine of ten.
    pub p90_us: f64,
    /// 99 of a hundred.
    pub p99_us: f64,
    /// 999 of a thousand.
    pub p999_us: f64,
    /// The longest.
    pub max_us: f64,
}

/// A point of a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The share of all durations that took no longer, 0.0 to 1.0.
    pub quantile: f64,
    /// In microseconds.
    pub latency_us: f64,
    /// How many took no longer.
    pub count: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        // These bounds are valid; if they were not, nothing would be recorded.
        Self(Histogram::new_with_bounds(1, LONGEST_NS, DIGITS).ok())
    }
}

impl Latencies {
    pub(crate) fn record(&mut self, latency: Duration) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(Histogram::is_empty)
    }

    pub(crate) fn percentiles(&self) -> Percentiles {
        let at = |quantile| {
            self.0
                .as_ref()
                .map_or(0.0, |histogram| us(histogram.value_at_quantile(quantile)))
        };
        Percentiles {
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: at(1.0),
        }
    }

    /// Points that come closer together towards the longest; none when nothing was recorded.
    pub(crate) fn distribution(&self) -> Vec<Point> {
        let mut count = 0;
        self.0
            .iter()
            .filter(|histogram| !histogram.is_empty())
            .flat_map(|histogram| histogram.iter_quantiles(POINTS_PER_HALVING))
            .map(|step| {
                count += step.count_since_last_iteration();
                Point {
                    quantile: step.quantile_iterated_to(),
                    latency_us: us(step.value_iterated_to()),
                    count,
                }
            })
            .collect()
    }

    /// The distribution as `HdrHistogram`'s tools write and plot it, in milliseconds.
    pub(crate) fn hgrm(&self) -> String {
        let mut text = format!(
            "{:>12} {:>14} {:>10} {:>14}\n\n",
            "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
        );
        for point in self.distribution() {
            let (latency_ms, left) = (point.latency_us / 1e3, 1.0 - point.quantile);
            // Writing to a text cannot fail.
            let _ = write!(
                text,
                "{latency_ms:12.3} {:2.12} {:10}",
                point.quantile, point.count
            );
            if left > 0.0 {
                let _ = write!(text, " {:14.2}", 1.0 / left);
            }
            text.push('\n');
        }
        if let Some(histogram) = &self.0 {
            let _ = write!(
                text,
                "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]\n\
                 #[Max     = {:12.3}, Total count    = {:12}]\n\
                 #[Buckets = {:12}, SubBuckets     = {SUB_BUCKETS:12}]\n",
                histogram.mean() / NS_PER_MS,
                histogram.stdev() / NS_PER_MS,
                us(histogram.max()) / 1e3,
                histogram.len(),
                histogram.buckets(),
            );
        }
        text
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a minute has fewer than 2^52 nanoseconds"
)]
fn us(ns: u64) -> f64 {
    ns as f64 / 1e3
}
