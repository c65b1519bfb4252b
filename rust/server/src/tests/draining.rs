//! Shutdowns: with nothing open, with sockets that say nothing, with requests that end and that do not.

use std::{
    cell::Cell,
    io::Write,
    net::TcpStream,
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use crate::{
    Address, Ended, Settings, Timeouts,
    tests::{
        fixture::{Client, age, eventually, request, settings, start},
        wire::{DATA, DECIDE, END_STREAM, HEADERS, PREFACE, Peer, SETTINGS, frame},
    },
    transport::address::{Incoming, Listener},
};

const LONG: Duration = Duration::from_secs(20);

#[test]
fn an_idle_server_ends_at_once() {
    let server = start(settings());
    let client = Client::connect(&server);
    client.decide(request("", vec![age(30)])).unwrap();
    let started = Instant::now();
    assert_eq!(server.shutdown(LONG), Ended::default());
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        client.decide(request("", vec![])).unwrap_err().code(),
        tonic::Code::Unavailable
    );
    assert_eq!(server.shutdown(LONG), Ended::default());
    assert!(server.status().draining);
}

#[test]
fn sockets_that_say_nothing_do_not_hold_it_up() {
    let server = start(settings());
    let silent = Peer::connect(&server);
    let mut half = Peer::connect(&server);
    half.send(&PREFACE[..10]);
    let mut greeted = Peer::connect(&server);
    greeted.send(PREFACE);
    let health = TcpStream::connect(server.health_address()).unwrap();
    eventually(|| server.status().connections == 3);
    let started = Instant::now();
    assert_eq!(server.shutdown(LONG), Ended::default());
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    drop((silent, half, greeted, health));
}

#[test]
fn a_connection_that_was_made_before_is_served() {
    let server = start(settings());
    let mut early = Peer::connect(&server);
    std::thread::scope(|scope| {
        let ending = scope.spawn(|| server.shutdown(LONG));
        eventually(|| TcpStream::connect(server.decision_address()).is_err());
        early.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat());
        let stream = early.call(DECIDE, 0);
        early.send(&frame(DATA, END_STREAM, stream, &[0; 5]));
        let mut answered = false;
        while let Some(found) = early.receive() {
            answered |= found.kind == HEADERS && found.stream == stream;
        }
        assert!(answered);
        assert_eq!(ending.join().unwrap(), Ended::default());
    });
}

#[test]
fn connections_that_nobody_has_accepted_outlive_their_port() {
    let file = format!("nextbest-{}-closing.sock", std::process::id());
    let path = format!("unix:{}", std::env::temp_dir().join(file).display());
    for address in ["127.0.0.1:0", &path] {
        let listener = Listener::bind(address).unwrap();
        listener.listen().unwrap();
        let peers: Vec<Box<dyn Write>> = (0..3)
            .map(|_| match listener.address().unwrap() {
                Address::Tcp(address) => Box::new(TcpStream::connect(address).unwrap()) as Box<dyn Write>,
                Address::Unix(path) => Box::new(UnixStream::connect(path).unwrap()),
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        assert_eq!(Incoming::of(listener).unwrap().close().len(), peers.len());
    }
}

#[test]
fn a_request_that_does_not_end_is_cut_off_at_the_deadline() {
    let server = start(settings());
    // The call's message never comes.
    let mut peer = Peer::greet(&server, &[]);
    peer.call(DECIDE, 0);
    // The server's own settings: the call comes after them.
    peer.receive().unwrap();
    eventually(|| server.status().connections == 1);
    std::thread::sleep(Duration::from_millis(100));
    let started = Instant::now();
    let ended = server.shutdown(Duration::from_millis(300));
    assert_eq!(ended.calls_cut_off, 1);
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
                tokio::task::block_in_place(|| assert_eq!(server.shutdown(LONG), Ended::default()));
            }
        }
        answers
    });
    let refused = answers.iter().filter(|answer| answer.is_err()).count();
    let decided = usize::try_from(server.status().decisions).unwrap() - 1;
    // A call without an answer was not decided either.
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
        assert_eq!(ending.join().unwrap(), Ended::default());
    });
}

#[test]
fn the_grace_is_kept_whatever_else_there_is_to_do() {
    let server = start(Settings {
        drain_grace: Duration::from_millis(900),
        ..settings()
    });
    let started = Instant::now();
    assert_eq!(server.drain(Duration::from_secs(1)), 0);
    assert!(started.elapsed() >= Duration::from_millis(900));
    // What is left to end afterwards is not drained again.
    assert_eq!(server.shutdown(LONG), Ended::default());
}

#[test]
fn a_connection_leaves_at_its_age() {
    let server = start(Settings {
        timeouts: Timeouts {
            age: Some(Duration::from_millis(50)),
            ..Timeouts::default()
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
