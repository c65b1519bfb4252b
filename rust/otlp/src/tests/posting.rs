//! A receiver over HTTP/1.1 that answers as the test configures it, and the resulting counts.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use crate::{
    Destination, Emitter, Protocol, Settings, SpanProcessor, Timeouts,
    tests::{receiver::eventually, sample::SAMPLE},
};

/// Of `ExportTraceServiceResponse`, one span rejected.
const PARTLY: &str = "\n\u{2}\u{8}\u{1}";

#[derive(Default)]
struct State {
    // Status lines and further headers to come, and a body; then everything is taken.
    answers: Vec<(&'static str, &'static str)>,
    // First lines, headers and bodies.
    requests: Vec<(String, Vec<u8>)>,
}

fn receive(answers: &[(&'static str, &'static str)]) -> (String, Arc<Mutex<State>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(Mutex::new(State {
        answers: answers.iter().rev().copied().collect(),
        requests: Vec::new(),
    }));
    let shared = Arc::clone(&state);
    // It ends with the process: no test waits for it.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let state = Arc::clone(&shared);
            std::thread::spawn(move || answer(stream.unwrap(), &state));
        }
    });
    (format!("http://{address}/v1/traces"), state)
}

/// One connection's requests, until it is closed.
fn answer(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap()];
        reader.read_exact(&mut body).unwrap();
        let answered = {
            let mut state = state.lock().unwrap();
            state.requests.push((head, body));
            state.answers.pop()
        };
        let (status, body) = answered.unwrap_or(("200 OK", ""));
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
    }
}

fn settings(url: &str) -> Settings {
    let mut settings = Settings::new("");
    settings.destination = Destination {
        protocol: Protocol::Http,
        headers: vec![("api-key".into(), "k-1".into())],
        ..Destination::new(url)
    };
    settings.timeouts = Timeouts {
        flush_interval: Duration::from_millis(5),
        backoff_first: Duration::from_millis(2),
        backoff_max: Duration::from_millis(20),
        ..Timeouts::default()
    };
    settings
}

fn emit(emitter: &Emitter) {
    let context = emitter.sample(None).unwrap();
    emitter.emit(&SAMPLE.span(), &context);
}

/// Emits one span to a receiver that answers so; returns how many were exported and rejected, and the requests.
fn outcome(answers: &[(&'static str, &'static str)]) -> (u64, u64, usize) {
    let (url, state) = receive(answers);
    let processor = SpanProcessor::start(settings(&url)).unwrap();
    emit(&processor.emitter());
    eventually(|| processor.counts().pending == 0);
    let counts = processor.counts();
    let requests = state.lock().unwrap().requests.len();
    (counts.exported, counts.rejected, requests)
}

#[test]
fn answers_mean_what_the_specification_says() {
    assert_eq!(outcome(&[]), (1, 0, 1));
    assert_eq!(outcome(&[("200 OK", PARTLY)]), (0, 1, 1));
    assert_eq!(outcome(&[("503 Service Unavailable", "")]), (1, 0, 2));
    assert_eq!(
        outcome(&[("429 Too Many Requests\r\nretry-after: 0", "")]),
        (1, 0, 2)
    );
    assert_eq!(outcome(&[("400 Bad Request", "no")]), (0, 1, 1));
    assert_eq!(
        outcome(&[("301 Moved Permanently\r\nlocation: /", "")]),
        (0, 1, 1)
    );
    // An invalid answer is retried.
    assert_eq!(outcome(&[("200 OK\r\ncontent-length: 9\r\nx: y", "")]), (1, 0, 2));
}

#[test]
fn a_request_is_a_protobuf_message_at_the_path() {
    let (url, state) = receive(&[]);
    let processor = SpanProcessor::start(settings(&url)).unwrap();
    emit(&processor.emitter());
    eventually(|| processor.counts().exported == 1);
    let (head, body) = state.lock().unwrap().requests.remove(0);
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    for header in [
        "content-type: application/x-protobuf\r\n",
        "api-key: k-1\r\n",
        "user-agent: nextbest/",
        "host: 127.0.0.1:",
    ] {
        assert!(head.contains(header), "{head}");
    }
    let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
    assert_eq!(
        request.resource_spans[0].scope_spans[0].spans[0].name,
        "nextbest.decide"
    );
}

#[test]
fn what_keeps_spans_from_the_collector_is_told() {
    let (url, _state) = receive(&[("400 Bad Request", "no")]);
    let processor = SpanProcessor::start(settings(&url)).unwrap();
    let emitter = processor.emitter();
    assert_eq!(emitter.trouble(), "");
    emit(&emitter);
    eventually(|| processor.counts().rejected == 1);
    assert_eq!(emitter.trouble(), "HTTP status 400 Bad Request");
    emit(&emitter);
    eventually(|| processor.counts().exported == 1);
    assert_eq!(emitter.trouble(), "");
}
