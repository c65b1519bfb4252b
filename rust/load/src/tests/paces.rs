//! When requests are sent, what they are timed from, and how outcomes are counted.

use std::{collections::BTreeMap, sync::Arc, thread, time::Duration};

use super::server::{Answer, Server, open, ran, refused, settings};
use crate::{Pace, Percentiles, Settings, Watch, run};

/// Spoils good settings.
type Change = fn(&mut Settings);

#[test]
fn the_open_loop_sends_what_is_due() {
    let report = open(&Server::start(|_| Answer::Status("0")), 500.0);
    assert_eq!((report.sent, report.ok), (100, 100), "{report:?}");
    assert!(report.errors.is_empty() && report.messages.is_empty());
    let latency = report.latency;
    assert!(latency.p50_us > 0.0 && latency.p50_us <= latency.p99_us && latency.p999_us <= latency.max_us);
    assert!(
        report.achieved_per_s > 100.0 && report.achieved_per_s <= 500.0,
        "{report:?}"
    );
    assert!(report.measured >= Duration::from_millis(200));
    // Every request was sent before it was answered.
    assert!(
        report.lag.p50_us > 0.0 && report.lag.max_us <= latency.max_us,
        "{report:?}"
    );
    assert!(report.hiccup.p99_us <= report.hiccup.max_us && report.hiccup.max_us > 0.0);
    assert_eq!(report.distribution.last().map(|point| point.count), Some(100));
    assert_eq!(report.reopened, 0);
}

#[test]
fn statuses_are_counted_by_name_and_keep_a_message() {
    let server = Server::start(|number| match number % 5 {
        0 => Answer::Status("0"),
        1 => Answer::Status("3"),
        2 => Answer::AtOnce("14", "gone f%C3%BCr%20now, 100%"),
        3 => Answer::Http(403),
        _ => Answer::Status("99"),
    });
    let report = open(&server, 400.0);
    let counted: u64 = report.errors.values().sum();
    assert_eq!(report.ok + counted, report.sent);
    let names: Vec<_> = report.errors.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["INVALID_ARGUMENT", "PERMISSION_DENIED", "UNAVAILABLE", "UNKNOWN"]
    );
    let messages: Vec<_> = report
        .messages
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    assert_eq!(
        messages,
        [
            ("PERMISSION_DENIED", "an answer without gRPC status: HTTP 403"),
            ("UNAVAILABLE", "gone für now, 100%")
        ]
    );
}

#[test]
fn a_slow_answer_counts_from_when_it_was_due() {
    let report = open(
        &Server::start(|_| Answer::After(Duration::from_millis(30))),
        100.0,
    );
    assert!(report.latency.p50_us >= 30_000.0, "{report:?}");
}

#[test]
fn what_a_request_waits_here_is_no_time_of_the_service() {
    // One call at a time on the one connection, each of 20 ms, and one due every 10 ms: they queue here.
    let server = Server::one_at_a_time(|_| Answer::After(Duration::from_millis(20)));
    let report = ran(&Settings {
        connections: 1,
        warmup: Duration::ZERO,
        ..settings(&server, Pace::Open { rate_per_s: 100.0 })
    });
    assert_eq!((report.sent, report.ok), (20, 20), "{report:?}");
    assert!(report.service.p50_us >= 20_000.0, "{report:?}");
    // The last was due after 190 ms and answered after 400 ms at the earliest.
    assert!(report.latency.max_us >= 200_000.0, "{report:?}");
    assert!(
        report.latency.p50_us >= report.service.p50_us + 50_000.0,
        "{report:?}"
    );
}

#[test]
fn what_is_never_answered_is_counted() {
    let server = Server::start(|number| {
        if number < 10 {
            Answer::Status("0")
        } else {
            Answer::Never
        }
    });
    let report = open(&server, 100.0);
    assert_eq!(report.ok + report.errors["UNANSWERED"], report.sent);
}

#[test]
fn refusals_have_latencies_of_their_own() {
    let server = Server::start(|number| {
        if number % 2 == 0 {
            Answer::After(Duration::from_millis(40))
        } else {
            Answer::AtOnce("8", "too busy")
        }
    });
    let report = open(&server, 100.0);
    assert_eq!(report.errors["RESOURCE_EXHAUSTED"], report.sent - report.ok);
    let refused = report.error_latencies["RESOURCE_EXHAUSTED"];
    assert!(refused.p50_us > 0.0 && refused.p50_us < 40_000.0, "{report:?}");
    assert!(report.latency.p50_us >= 40_000.0, "{report:?}");
    assert_eq!(
        report.distribution.last().map(|point| point.count),
        Some(report.ok)
    );
}

#[test]
fn what_takes_longer_than_the_timeout_is_cancelled() {
    let mut server = Server::start(|number| {
        if number % 2 == 0 {
            Answer::Never
        } else {
            Answer::Status("0")
        }
    });
    for pace in [Pace::Open { rate_per_s: 100.0 }, Pace::Closed { in_flight: 2 }] {
        let report = ran(&Settings {
            timeout: Some(Duration::from_millis(60)),
            ..settings(&server, pace)
        });
        assert!(report.ok > 0, "{report:?}");
        let errors = BTreeMap::from([("DEADLINE_EXCEEDED".to_owned(), report.sent - report.ok)]);
        assert_eq!(report.errors, errors, "{report:?}");
        let late = report.error_latencies["DEADLINE_EXCEEDED"];
        assert!(late.p50_us >= 60_000.0, "{report:?}");
        assert_eq!(
            report.messages["DEADLINE_EXCEEDED"],
            "no answer in time; the call was cancelled here"
        );
        let header = server.seen().head.headers["grpc-timeout"].clone();
        let us: u32 = header
            .to_str()
            .unwrap()
            .strip_suffix('u')
            .unwrap()
            .parse()
            .unwrap();
        assert!(us > 0 && us <= 60_000, "{header:?}");
    }
}

#[test]
fn a_cancelled_call_lets_the_next_one_go() {
    // One at a time on the one connection, and the first is never answered.
    let server = Server::one_at_a_time(|number| {
        if number == 0 {
            Answer::Never
        } else {
            Answer::Status("0")
        }
    });
    let report = ran(&Settings {
        connections: 1,
        warmup: Duration::ZERO,
        timeout: Some(Duration::from_millis(50)),
        ..settings(&server, Pace::Closed { in_flight: 1 })
    });
    assert_eq!(report.errors, BTreeMap::from([("DEADLINE_EXCEEDED".into(), 1)]));
    assert!(report.ok > 0, "{report:?}");
}

#[test]
fn the_closed_loop_keeps_so_many_in_flight() {
    let server = Server::start(|_| Answer::After(Duration::from_millis(10)));
    let report = ran(&settings(&server, Pace::Closed { in_flight: 4 }));
    assert_eq!(report.errors, BTreeMap::new());
    assert_eq!(report.ok, report.sent);
    assert_eq!(report.lag, Percentiles::default());
    // Four at a time, at most one in ten milliseconds each.
    assert!(
        report.achieved_per_s > 40.0 && report.achieved_per_s <= 400.0,
        "{report:?}"
    );
}

#[test]
fn a_run_can_be_followed_and_stopped() {
    let server = Server::start(|_| Answer::Status("0"));
    for pace in [Pace::Open { rate_per_s: 200.0 }, Pace::Closed { in_flight: 1 }] {
        let settings = Settings {
            duration: Duration::from_mins(10),
            ..settings(&server, pace)
        };
        let watch = Arc::new(Watch::default());
        let report = thread::scope(|scope| {
            let running = scope.spawn(|| run(&settings, &watch).unwrap());
            while watch.ok() < 20 {
                thread::yield_now();
            }
            watch.stop();
            running.join().unwrap()
        });
        assert_eq!(watch.failed(), 0);
        assert_eq!(watch.sent(), watch.ok());
        assert!(report.ok <= watch.ok() && report.ok == report.sent, "{report:?}");
        assert!(report.measured < Duration::from_mins(10));
    }
}

#[test]
fn a_run_that_cannot_begin_says_why() {
    let server = Server::start(|_| Answer::Status("0"));
    let good = settings(&server, Pace::Open { rate_per_s: 1.0 });
    let is_paced = "the rate or the number in flight is not above 0";
    let is_in_time = "the timeout is not above 0, or longer than 60 s";
    let cases: [(Change, &str); 11] = [
        (|bad| bad.timeout = Some(Duration::ZERO), is_in_time),
        (|bad| bad.timeout = Some(Duration::from_secs(61)), is_in_time),
        (|bad| bad.requests.clear(), "`requests` is empty"),
        (|bad| bad.connections = 0, "`connections` is 0"),
        (|bad| bad.pace = Pace::Open { rate_per_s: f64::NAN }, is_paced),
        (|bad| bad.pace = Pace::Closed { in_flight: 0 }, is_paced),
        (
            |bad| bad.method = "no path\n".into(),
            "`method` is not the path of a method",
        ),
        (
            |bad| bad.api_key = Some("two\nlines".into()),
            "`api_key` holds what no header can",
        ),
        (
            |bad| bad.address = "localhost".into(),
            "`address` is `localhost`: write host:port, or unix:/path/of/socket",
        ),
        (
            |bad| bad.address = "a b:1".into(),
            "`address` is `a b:1`: write host:port, or unix:/path/of/socket",
        ),
        (
            |bad| bad.address = "unix:".into(),
            "`address` names no file: write unix:/path/of/socket",
        ),
    ];
    for (change, message) in cases {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(refused(&bad), message);
    }
}
