//! Runs against a small h2 server that answers as it is told.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{LoadFault, Pace, Report, Settings, run};

/// How the server answers its n-th request.
type Behaviour = fn(u64) -> Answer;

enum Answer {
    Status(&'static str),
    /// Trailers only: the status stands among the headers.
    AtOnce(&'static str),
    After(Duration),
    Never,
}

struct Server {
    address: String,
    _runtime: Runtime,
}

impl Server {
    fn start(behaviour: Behaviour) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let count = Arc::new(AtomicU64::new(0));
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).unwrap();
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let mut connection = h2::server::handshake(socket).await.unwrap();
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        assert_eq!(request.headers()["te"], "trailers");
                        let number = count.fetch_add(1, Ordering::Relaxed);
                        tokio::spawn(answer(respond, behaviour(number)));
                    }
                });
            }
        });
        Self {
            address,
            _runtime: runtime,
        }
    }
}

async fn answer(mut respond: h2::server::SendResponse<Bytes>, answer: Answer) {
    let status = match answer {
        Answer::Never => return std::future::pending().await,
        Answer::AtOnce(status) => {
            let response = Response::builder()
                .header("grpc-status", status)
                .body(())
                .unwrap();
            let _ = respond.send_response(response, true);
            return;
        }
        Answer::After(wait) => {
            tokio::time::sleep(wait).await;
            "0"
        }
        Answer::Status(status) => status,
    };
    let Ok(mut body) = respond.send_response(Response::new(()), false) else {
        return;
    };
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static(status),
    )]);
    let _ = body.send_data(Bytes::from_static(b"\0\0\0\0\0"), false);
    let _ = body.send_trailers(trailers);
}

fn settings(server: &Server, pace: Pace) -> Settings {
    Settings {
        address: server.address.clone(),
        method: "/test.Test/Test".into(),
        requests: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")],
        pace,
        warmup: Duration::from_millis(20),
        duration: Duration::from_millis(200),
        connections: 2,
    }
}

fn open(behaviour: Behaviour, rate_per_s: f64) -> Report {
    let server = Server::start(behaviour);
    run(&settings(&server, Pace::Open { rate_per_s })).unwrap()
}

#[test]
fn the_open_loop_sends_what_is_due() {
    let report = open(|_| Answer::Status("0"), 500.0);
    assert_eq!((report.sent, report.ok), (100, 100), "{report:?}");
    assert!(report.errors.is_empty());
    assert!(report.p50_us > 0.0 && report.p50_us <= report.p99_us && report.p999_us <= report.max_us);
    assert!(
        report.achieved_per_s > 100.0 && report.achieved_per_s <= 500.0,
        "{report:?}"
    );
    assert!(report.hiccup_p99_us <= report.hiccup_max_us && report.hiccup_max_us > 0.0);
}

#[test]
fn statuses_are_counted_by_name() {
    let report = open(
        |number| match number % 4 {
            0 => Answer::Status("0"),
            1 => Answer::Status("3"),
            2 => Answer::AtOnce("14"),
            _ => Answer::Status("99"),
        },
        400.0,
    );
    let counted: u64 = report.errors.values().sum();
    assert_eq!(report.ok + counted, report.sent);
    let names: Vec<_> = report.errors.keys().map(String::as_str).collect();
    assert_eq!(names, ["INVALID_ARGUMENT", "UNAVAILABLE", "UNKNOWN"]);
}

#[test]
fn a_slow_answer_counts_from_when_it_was_due() {
    let report = open(|_| Answer::After(Duration::from_millis(30)), 100.0);
    assert!(report.p50_us >= 30_000.0, "{report:?}");
}

#[test]
fn what_is_never_answered_is_counted() {
    let report = open(
        |number| {
            if number < 10 {
                Answer::Status("0")
            } else {
                Answer::Never
            }
        },
        100.0,
    );
    assert_eq!(report.ok + report.errors["UNANSWERED"], report.sent);
}

#[test]
fn the_closed_loop_keeps_so_many_in_flight() {
    let server = Server::start(|_| Answer::After(Duration::from_millis(10)));
    let report = run(&settings(&server, Pace::Closed { in_flight: 4 })).unwrap();
    assert_eq!(report.errors, BTreeMap::new());
    assert_eq!(report.ok, report.sent);
    // Four at a time, at most one in ten milliseconds each.
    assert!(
        report.achieved_per_s > 40.0 && report.achieved_per_s <= 400.0,
        "{report:?}"
    );
}

#[test]
fn a_run_that_cannot_begin_says_why() {
    let server = Server::start(|_| Answer::Status("0"));
    let good = settings(&server, Pace::Open { rate_per_s: 1.0 });
    let cases = [
        (
            Settings {
                requests: vec![],
                ..good.clone()
            },
            "`requests` is empty",
        ),
        (
            Settings {
                connections: 0,
                ..good.clone()
            },
            "`connections` is 0",
        ),
        (
            Settings {
                pace: Pace::Open { rate_per_s: f64::NAN },
                ..good.clone()
            },
            "the rate or the number in flight is not above 0",
        ),
        (
            Settings {
                pace: Pace::Closed { in_flight: 0 },
                ..good.clone()
            },
            "the rate or the number in flight is not above 0",
        ),
        (
            Settings {
                method: "no path\n".into(),
                ..good.clone()
            },
            "`method` is not the path of a method",
        ),
    ];
    for (settings, message) in cases {
        assert_eq!(run(&settings).unwrap_err().to_string(), message);
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let fault = run(&Settings {
        address: closed,
        ..good
    })
    .unwrap_err();
    assert!(matches!(fault, LoadFault::Connect { .. }), "{fault}");
}
