//! Peers that keep to the protocol just enough to do harm: slow, endless, greedy. Each is dealt with alone, and an
//! honest client beside it gets its answers.

use std::{sync::Arc, thread, time::Duration};

use hyper::body::Bytes;
use nextbest_load::{Pace, Settings as LoadSettings};
use nextbest_proto::v1;
use prost::Message as _;
use tonic::Code;

use crate::{
    Server, Settings, Timeouts,
    limits::{HEADER_LIST_BYTES_MAX, STREAMS_MAX},
    tests::{
        caller::{Caller, enframe},
        fixture::{age, eventually, load_of_decisions, request, settings, start},
        wire::{
            CONTINUATION, DECIDE, End, HEADERS, PING, PREFACE, Peer, RST_STREAM, SETTINGS, WINDOW_UPDATE,
            block, call_headers, frame,
        },
    },
};

const NO_ERROR: u32 = 0;
const FLOW_CONTROL_ERROR: u32 = 3;
const ENHANCE_YOUR_CALM: u32 = 11;
const STREAM: &str = "/nextbest.v1.DecisionService/DecideStream";
const WINDOW: u32 = 65_535;
const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_mins(10);

/// Waits briefly where a test has no time to wait long.
fn impatient() -> Timeouts {
    Timeouts {
        handshake: SHORT,
        message: SHORT,
        ..Timeouts::default()
    }
}

fn server(timeouts: Timeouts) -> Server {
    start(Settings {
        workers: 1,
        timeouts,
        ..settings()
    })
}

/// Asks at a steady rate during an attack, and requires answers.
fn beside(server: &Server, attack: impl FnOnce() + Send) {
    let asked = LoadSettings {
        pace: Pace::Open { rate_per_s: 500.0 },
        duration: Duration::from_millis(800),
        connections: 2,
        ..load_of_decisions(server)
    };
    let report = thread::scope(|scope| {
        let honest = scope.spawn(|| nextbest_load::run(&asked, &Arc::default()).unwrap());
        attack();
        honest.join().unwrap()
    });
    // A worker that is kept busy may refuse a few, without optimisation and beside other tests.
    let told_to_wait = report.errors.get("RESOURCE_EXHAUSTED").copied().unwrap_or(0);
    assert_eq!(report.ok + told_to_wait, report.sent, "{:?}", report.errors);
    assert!(
        report.ok * 100 >= report.sent * 90,
        "{} of {}",
        report.ok,
        report.sent
    );
    assert_eq!(server.status().panics, 0);
}

fn is(status: Result<u16, h2::Error>, code: Code) -> bool {
    status.is_ok_and(|status| i32::from(status) == code as i32)
}

#[test]
fn whoever_does_not_greet_in_time_is_left() {
    let server = server(impatient());
    let mut peers = vec![Peer::connect(&server), Peer::connect(&server)];
    peers[1].send(b"PRI * HTTP/2.0\r\n");
    beside(&server, || {
        for peer in &mut peers {
            assert_eq!(peer.end(), End::Closed);
        }
    });
    eventually(|| server.status().connections == 0);
}

#[test]
fn a_peer_that_is_gone_is_noticed() {
    let server = server(Timeouts {
        keepalive_interval: SHORT,
        keepalive_timeout: SHORT,
        ..Timeouts::default()
    });
    // The preface and nothing else; settings, half a header block, and nothing else.
    let mut silent = Peer::connect(&server);
    silent.send(PREFACE);
    let mut half = Peer::greet(&server, &[]);
    half.send(&frame(HEADERS, 0, 1, &block(&call_headers(DECIDE))[..20]));
    beside(&server, || {
        for peer in [&mut silent, &mut half] {
            while peer.receive().is_some() {}
        }
    });
    eventually(|| server.status().connections == 0);
}

#[test]
fn a_message_that_does_not_come_ends_its_call() {
    let server = server(impatient());
    let mut caller = Caller::connect(&server, WINDOW);
    let nothing = caller.open(DECIDE);
    let mut begun = caller.open(DECIDE);
    begun.send(enframe(&[0; 100]).slice(..50));
    let mut endless = caller.open(DECIDE);
    endless.send(enframe(&request("", vec![age(30)]).encode_to_vec()));
    beside(&server, || {
        for opened in [nothing, begun, endless] {
            let status = caller.status(opened);
            assert!(is(status, Code::DeadlineExceeded));
        }
    });
    eventually(|| server.status().in_flight == 0);
    // The connection is as good as before.
    let asked = caller.decide(&request("", vec![age(30)]));
    assert!(is(caller.status(asked), Code::Ok));
}

#[test]
fn a_message_that_comes_byte_by_byte_ends_its_call() {
    let server = server(impatient());
    let mut caller = Caller::connect(&server, WINDOW);
    let mut unary = caller.open(DECIDE);
    let mut stream = caller.open(STREAM);
    beside(&server, || {
        for byte in enframe(&[0; 30]) {
            unary.send(Bytes::from(vec![byte]));
            stream.send(Bytes::from(vec![byte]));
            thread::sleep(SHORT / 10);
        }
        assert!(is(caller.status(unary), Code::DeadlineExceeded));
        assert!(is(caller.status(stream), Code::DeadlineExceeded));
    });
    eventually(|| server.status().in_flight == 0);
}

#[test]
fn streams_and_connections_on_which_nothing_happens_are_ended() {
    let server = server(Timeouts {
        idle: SHORT,
        ..Timeouts::default()
    });
    let mut idle = Peer::greet(&server, &[]);
    let mut caller = Caller::connect(&server, WINDOW);
    let stream = caller.open(STREAM);
    beside(&server, || {
        assert_eq!(idle.end(), End::GoAway(NO_ERROR));
        assert!(is(caller.status(stream), Code::Unavailable));
    });
    eventually(|| server.status().connections == 0);
}

#[test]
fn frames_without_content_end_their_call() {
    let server = server(Timeouts::default());
    let mut caller = Caller::connect(&server, WINDOW);
    let mut opened = caller.open(DECIDE);
    beside(&server, || {
        for _ in 0..10_000 {
            opened.send(Bytes::new());
        }
        // Refused as a call by us, or as a connection by the transport.
        let status = caller.status(opened);
        assert!(status.is_err() || is(status, Code::InvalidArgument));
    });
    eventually(|| server.status().in_flight == 0);
}

#[test]
fn a_peer_that_resets_all_it_asks_is_told_to_go() {
    let server = server(Timeouts::default());
    let mut peer = Peer::greet(&server, &[]);
    beside(&server, || {
        for _ in 0..50_000 {
            let stream = peer.call(DECIDE, 0);
            if !peer.send(&frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())) {
                break;
            }
        }
        // What it has sent beyond its end may reset the socket before the reason can be read.
        let end = peer.end();
        assert!(
            matches!(end, End::GoAway(ENHANCE_YOUR_CALM) | End::Closed),
            "{end:?}"
        );
    });
    eventually(|| server.status().in_flight == 0);
}

#[test]
fn a_peer_whose_streams_have_to_be_reset_is_told_to_go() {
    let server = server(Timeouts::default());
    let mut peer = Peer::greet(&server, &[]);
    beside(&server, || {
        for _ in 0..50_000 {
            // No window may grow beyond what a number of 31 bits can say.
            let stream = peer.call(DECIDE, 0);
            let much = frame(WINDOW_UPDATE, 0, stream, &0x7fff_ffff_u32.to_be_bytes());
            if !peer.send(&much) {
                break;
            }
        }
        let end = peer.end();
        assert!(
            matches!(
                end,
                End::GoAway(ENHANCE_YOUR_CALM | FLOW_CONTROL_ERROR) | End::Closed
            ),
            "{end:?}"
        );
    });
    eventually(|| server.status().in_flight == 0);
}

#[test]
fn floods_of_frames_that_want_an_answer_harm_nobody() {
    let server = server(Timeouts::default());
    for kind in [PING, SETTINGS] {
        let mut peer = Peer::greet(&server, &[]);
        let payload = if kind == PING { vec![0; 8] } else { vec![] };
        let flood = frame(kind, 0, 0, &payload).repeat(1_000);
        beside(&server, || {
            // Nothing of the answers is read: the server stops reading once it cannot write.
            let _ = (0..200).all(|_| peer.send(&flood));
        });
    }
    eventually(|| server.status().connections == 0);
}

#[test]
fn headers_without_end_close_their_connection() {
    let server = server(Timeouts::default());
    let mut peer = Peer::greet(&server, &[]);
    let part = block(&[("x", &"y".repeat(1_000))]);
    beside(&server, || {
        peer.send(&frame(HEADERS, 0, 1, &block(&call_headers(DECIDE))));
        for _ in 0..1_000 {
            if !peer.send(&frame(CONTINUATION, 0, 1, &part)) {
                break;
            }
        }
        assert_ne!(peer.end(), End::GoAway(NO_ERROR));
    });
}

#[test]
fn headers_that_are_too_long_fail_their_call() {
    let server = server(Timeouts::default());
    let mut caller = Caller::connect(&server, WINDOW);
    let long = "y".repeat(HEADER_LIST_BYTES_MAX as usize / 2);
    let opened = caller.open_with(DECIDE, &[("a", &long), ("b", &long)]);
    assert_eq!(caller.status(opened).unwrap(), 431);
    let asked = caller.decide(&request("", vec![age(30)]));
    assert!(is(caller.status(asked), Code::Ok));
}

#[test]
fn streams_beyond_the_bound_are_refused() {
    let server = server(Timeouts::default());
    let mut peer = Peer::greet(&server, &[]);
    for opened in 0..=STREAMS_MAX {
        peer.call(DECIDE, 0);
        // A burst would be refused for being one.
        eventually(|| server.status().in_flight >= u64::from(opened.min(STREAMS_MAX - 1)));
    }
    let refused = loop {
        let found = peer.receive().unwrap();
        if found.kind == RST_STREAM {
            break found;
        }
    };
    assert_eq!(refused.stream, 2 * STREAMS_MAX + 1);
    // REFUSED_STREAM: may be asked again.
    assert_eq!(refused.payload, 7_u32.to_be_bytes());
}

#[test]
fn responses_that_nobody_reads_close_their_connection() {
    let server = server(Timeouts {
        reading: SHORT,
        ..Timeouts::default()
    });
    // A window of nothing, and as many answers as there may be.
    let mut caller = Caller::connect(&server, 0);
    beside(&server, || {
        let asked: Vec<_> = (0..20)
            .map(|_| caller.decide(&request("", vec![age(30)])))
            .collect();
        // The refusal of one that is too many has no content, and comes through.
        for opened in asked {
            let status = caller.status(opened);
            assert!(status.is_err() || is(status, Code::ResourceExhausted));
        }
    });
    eventually(|| server.status().connections == 0);
}

#[test]
fn memory_of_messages_that_do_not_end_is_bounded() {
    let server = start(Settings {
        workers: 1,
        intake_bytes_max: 100_000,
        timeouts: Timeouts {
            message: LONG,
            ..Timeouts::default()
        },
        ..settings()
    });
    let mut caller = Caller::connect(&server, WINDOW);
    let part = enframe(&vec![0; 50_000]).slice(..6_000);
    // One after the other: a burst would be refused for being one.
    let mut opened = vec![];
    for count in 1..=16 {
        let mut call = caller.open(DECIDE);
        call.send(part.clone());
        opened.push(call);
        eventually(|| server.status().intake_bytes == (count * part.len()) as u64);
    }
    beside(&server, || {
        let mut last = caller.open(DECIDE);
        last.send(part);
        assert!(is(caller.status(last), Code::ResourceExhausted));
    });
    drop((opened, caller));
    eventually(|| server.status().in_flight == 0);
    assert_eq!(server.status().intake_bytes, 0);
}

#[test]
fn connections_of_one_peer_are_bounded() {
    let server = start(Settings {
        peer_connections_max: 2,
        ..settings()
    });
    let (first, second) = (Peer::greet(&server, &[]), Peer::greet(&server, &[]));
    eventually(|| server.status().connections == 2);
    assert_eq!(Peer::greet(&server, &[]).end(), End::Closed);
    drop(first);
    eventually(|| server.status().connections == 1);
    let mut third = Peer::greet(&server, &[]);
    assert!(third.receive().is_some());
    assert_eq!(server.status().connections_refused, 1);
    drop(second);
}

#[test]
fn messages_that_unfold_when_decoded_are_refused() {
    let server = server(Timeouts::default());
    let mut caller = Caller::connect(&server, WINDOW);
    let bomb = v1::DecideRequest {
        placements: vec![v1::PlacementRequest::default(); 120_000],
        ..v1::DecideRequest::default()
    };
    let customers = v1::UpsertRequest {
        customers: vec![v1::Customer::default(); 500_000],
    };
    beside(&server, || {
        let decide = caller.decide(&bomb);
        assert!(is(caller.status(decide), Code::InvalidArgument));
        let upsert = caller.ask("/nextbest.v1.CustomerService/Upsert", &customers);
        assert_eq!(caller.status(upsert).unwrap(), Code::InvalidArgument as u16);
    });
}
