//! Shutdowns: with nothing open, with sockets that say nothing, with requests that end and that do not.

use std::{
    cell::Cell,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{
    Patience, Settings,
    tests::fixture::{Client, age, eventually, request, settings, start},
};

const LONG: Duration = Duration::from_secs(20);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// HEADERS of a Decide call without `END_STREAM`, its literals not indexed: the call's message never comes.
fn open_call() -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/nextbest.v1.DecisionService/Decide"),
        (":authority", "test"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    let length = u8::try_from(block.len()).unwrap();
    [&[0, 0, length, 1, 4, 0, 0, 0, 1], block.as_slice()].concat()
}

#[test]
fn an_idle_server_ends_at_once() {
    let server = start(settings());
    let client = Client::connect(&server);
    client.decide(request("", vec![age(30)])).unwrap();
    let started = Instant::now();
    assert!(server.shutdown(LONG));
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        client.decide(request("", vec![])).unwrap_err().code(),
        tonic::Code::Unavailable
    );
    assert!(server.shutdown(LONG));
    assert!(server.status().draining);
}

#[test]
fn sockets_that_say_nothing_do_not_hold_it_up() {
    let server = start(settings());
    let silent = TcpStream::connect(server.decision_address()).unwrap();
    let mut half = TcpStream::connect(server.decision_address()).unwrap();
    half.write_all(&PREFACE[..10]).unwrap();
    let mut greeted = TcpStream::connect(server.decision_address()).unwrap();
    greeted.write_all(PREFACE).unwrap();
    let health = TcpStream::connect(server.health_address()).unwrap();
    eventually(|| server.status().connections == 3);
    let started = Instant::now();
    assert!(server.shutdown(LONG));
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    drop((silent, half, greeted, health));
}

#[test]
fn a_request_that_does_not_end_is_cut_off_at_the_deadline() {
    let server = start(settings());
    let mut socket = TcpStream::connect(server.decision_address()).unwrap();
    socket
        .write_all(&[PREFACE, SETTINGS, &open_call()].concat())
        .unwrap();
    // The server's own settings and its acknowledgement: the call stands behind them.
    let mut answer = [0; 9];
    socket.read_exact(&mut answer).unwrap();
    eventually(|| server.status().connections == 1);
    std::thread::sleep(Duration::from_millis(100));
    let started = Instant::now();
    assert!(!server.shutdown(Duration::from_millis(300)));
    assert!((Duration::from_millis(250)..Duration::from_secs(5)).contains(&started.elapsed()));
}

#[test]
fn requests_under_way_get_their_answers() {
    let server = start(settings());
    let client = Client::connect(&server);
    client.decide(request("", vec![age(30)])).unwrap();
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let mut decisions = client.decisions.clone();
            async move { decisions.decide(request("", vec![age(30)])).await }
        })
        .collect();
    let answers = client.run(async {
        let tasks: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
        // All are on their way once the first has its answer.
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
            if answers.len() == 1 {
                let server = &server;
                tokio::task::block_in_place(|| assert!(server.shutdown(LONG)));
            }
        }
        answers
    });
    let refused = answers.iter().filter(|answer| answer.is_err()).count();
    let decided = usize::try_from(server.status().decisions).unwrap() - 1;
    // Whoever was not answered was not decided either.
    assert_eq!(answers.len() - refused, decided);
    assert!(decided > 0);
}

#[test]
fn the_grace_keeps_accepting() {
    let grace = Duration::from_millis(500);
    let server = start(Settings {
        drain_grace: grace,
        ..settings()
    });
    std::thread::scope(|scope| {
        let ending = scope.spawn(|| server.shutdown(LONG));
        eventually(|| server.status().draining);
        Client::connect(&server)
            .decide(request("", vec![age(30)]))
            .unwrap();
        assert!(ending.join().unwrap());
    });
}

#[test]
fn a_connection_leaves_at_its_age() {
    let server = start(Settings {
        patience: Patience {
            age: Some(Duration::from_millis(50)),
            ..Patience::default()
        },
        ..settings()
    });
    let client = Client::connect(&server);
    let answered = Cell::new(0);
    eventually(|| {
        // A call that meets the farewell on its way was not decided, and this client does not send it again
        // by itself as others do.
        match client.decide(request("", vec![age(30)])) {
            Ok(_) => answered.set(answered.get() + 1),
            Err(status) => assert!(format!("{status:?}").contains("GoAway"), "{status}"),
        }
        server.status().connections_accepted >= 3
    });
    assert_eq!(server.status().decisions, answered.get());
}
