//! Percentiles, and the text of `HdrHistogram`.

use std::time::Duration;

use crate::latencies::{Latencies, Percentiles};

fn of(milliseconds: impl IntoIterator<Item = u64>) -> Latencies {
    let mut latencies = Latencies::default();
    for latency in milliseconds {
        latencies.record(Duration::from_millis(latency));
    }
    latencies
}

#[test]
fn percentiles_are_right_to_three_digits() {
    let found = of(1..=1_000).percentiles();
    let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-3;
    assert!(near(found.p50_us, 500_000.0), "{found:?}");
    assert!(near(found.p90_us, 900_000.0), "{found:?}");
    assert!(near(found.p99_us, 990_000.0), "{found:?}");
    assert!(near(found.p999_us, 999_000.0), "{found:?}");
    assert!(near(found.max_us, 1_000_000.0), "{found:?}");
}

#[test]
fn nothing_recorded_is_nought() {
    let none = of([]);
    assert_eq!(none.percentiles(), Percentiles::default());
    assert_eq!(none.distribution(), []);
}

#[test]
fn what_is_too_long_counts_as_a_minute() {
    let found = of([3_600_000]).percentiles();
    assert!((found.max_us / 60e6 - 1.0).abs() < 1e-3, "{found:?}");
}

#[test]
fn a_distribution_rises_to_all_there_are() {
    let points = of(1..=1_000).distribution();
    assert!(points.len() > 20);
    for pair in points.windows(2) {
        assert!(pair[0].quantile <= pair[1].quantile && pair[0].count <= pair[1].count);
        assert!(pair[0].latency_us <= pair[1].latency_us);
    }
    let last = points.last().unwrap();
    assert_eq!((last.quantile.to_bits(), last.count), (1.0_f64.to_bits(), 1_000));
}

#[test]
fn the_text_is_that_of_hdrhistogram() {
    let expected = r"
       Value     Percentile TotalCount 1/(1-Percentile)

       1.000 0.000000000000          1           1.00
       1.000 0.100000000000          1           1.11
       1.000 0.200000000000          1           1.25
       2.001 0.300000000000          2           1.43
       2.001 0.400000000000          2           1.67
       2.001 0.500000000000          2           2.00
       4.002 0.550000000000          4           2.22
       4.002 1.000000000000          4
#[Mean    =        2.751, StdDeviation   =        1.299]
#[Max     =        4.002, Total count    =            4]
#[Buckets =           26, SubBuckets     =         2048]
";
    assert_eq!(of([1, 2, 4, 4]).hgrm(), expected.trim_start_matches('\n'));
}
