//! A collector that is away, slow, full or picky, and what the counts say then.

use std::{
    io::Read as _,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    Counts, Emitter, Parent, ProcessorError, Sampler, Settings, SpanProcessor, Timeouts,
    tests::{
        receiver::{Answer, Receiver, eventually},
        sample::SAMPLE,
    },
};

const LONG: Duration = Duration::from_secs(20);

fn settings(endpoint: &str) -> Settings {
    let timeouts = Timeouts {
        flush_interval: Duration::from_millis(5),
        backoff_first: Duration::from_millis(2),
        backoff_max: Duration::from_millis(20),
        ..Timeouts::default()
    };
    Settings {
        timeouts,
        ..Settings::new(endpoint)
    }
}

fn emit_one(emitter: &Emitter) {
    let context = emitter.sample(None).unwrap();
    emitter.emit(&SAMPLE.span(), &context);
}

fn emit(processor: &SpanProcessor, count: usize) {
    let emitter = processor.emitter();
    for _ in 0..count {
        emit_one(&emitter);
    }
}

fn counts(emitted: u64, exported: u64, rejected: u64, dropped: u64) -> Counts {
    Counts {
        emitted,
        exported,
        rejected,
        dropped,
        pending: emitted - exported - rejected - dropped,
        sampled_out: 0,
    }
}

/// Emits ten spans to a receiver that answers so, waits for the end of it, and returns the counts.
fn outcome(answers: impl IntoIterator<Item = Answer>) -> (Counts, Receiver) {
    let receiver = Receiver::start(answers);
    let processor = SpanProcessor::start(settings(&receiver.endpoint)).unwrap();
    emit(&processor, 10);
    eventually(|| processor.counts().pending == 0);
    assert_eq!(processor.queue().bytes(), 0);
    (processor.counts(), receiver)
}

#[test]
fn every_span_arrives() {
    let receiver = Receiver::start([]);
    let authorization = ("Authorization".into(), "Bearer secret".into());
    let mut settings = settings(&receiver.endpoint);
    settings.destination.headers = vec![authorization];
    let processor = SpanProcessor::start(settings).unwrap();
    emit(&processor, 5_000);
    eventually(|| processor.counts().exported == 5_000);
    assert_eq!(processor.counts(), counts(5_000, 5_000, 0, 0));
    assert_eq!(receiver.spans(), 5_000);
    assert_eq!(receiver.authorization().as_deref(), Some("Bearer secret"));
    assert!(processor.shutdown(LONG));
}

#[test]
fn an_unavailable_collector_is_tried_again() {
    let away = || Answer::Refuse(Status::unavailable("away"));
    let (counted, receiver) = outcome([away(), away(), away()]);
    assert_eq!(counted, counts(10, 10, 0, 0));
    assert_eq!(receiver.spans(), 10);
    assert!(receiver.requests() >= 4);
}

#[test]
fn a_collector_that_comes_later_is_found() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap().to_string();
    drop(port);
    let processor = SpanProcessor::start(settings(&format!("http://{address}"))).unwrap();
    emit(&processor, 10);
    assert_eq!(processor.counts(), counts(10, 0, 0, 0));
    let receiver = Receiver::start_at(&address, []);
    eventually(|| processor.counts().exported == 10);
    assert_eq!(receiver.spans(), 10);
}

#[test]
fn a_collector_that_hangs_up_is_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let processor = SpanProcessor::start(settings(&format!("http://{address}"))).unwrap();
    emit(&processor, 10);
    let mut socket = listener.accept().unwrap().0;
    // Into the request, and no further.
    socket.read_exact(&mut [0; 256]).unwrap();
    drop((socket, listener));
    let receiver = Receiver::start_at(&address, []);
    eventually(|| processor.counts().pending == 0);
    assert_eq!(processor.counts(), counts(10, 10, 0, 0));
    assert_eq!(receiver.spans(), 10);
}

#[test]
fn what_the_collector_refuses_is_not_sent_again() {
    let (counted, receiver) = outcome([Answer::Refuse(Status::invalid_argument("no"))]);
    assert_eq!(counted.rejected + counted.exported, 10);
    assert!(counted.rejected > 0);
    assert_eq!(receiver.spans() as u64, counted.exported);
}

#[test]
fn an_exhausted_collector_is_tried_again_only_when_it_says_when() {
    let (counted, _receiver) = outcome([Answer::Refuse(Status::resource_exhausted("full"))]);
    assert!(counted.rejected > 0);

    let details = ErrorDetails::with_retry_info(Some(Duration::from_millis(1)));
    let later = Status::with_error_details(Code::ResourceExhausted, "full", details);
    let (counted, receiver) = outcome([Answer::Refuse(later)]);
    assert_eq!(counted, counts(10, 10, 0, 0));
    assert_eq!(receiver.spans(), 10);
}

#[test]
fn a_partial_success_is_not_sent_again() {
    let (counted, receiver) = outcome([Answer::Partly(1)]);
    assert_eq!(counted, counts(10, 9, 1, 0));
    assert_eq!(receiver.spans(), 9);
}

#[test]
fn retries_end() {
    let receiver = Receiver::start((0..1_000).map(|_| Answer::Refuse(Status::unavailable("away"))));
    let mut impatient = settings(&receiver.endpoint);
    impatient.timeouts.retry_max = Duration::from_millis(30);
    let processor = SpanProcessor::start(impatient).unwrap();
    emit(&processor, 10);
    eventually(|| processor.counts().pending == 0);
    assert_eq!(processor.counts(), counts(10, 0, 0, 10));
}

#[test]
fn a_full_queue_drops_the_newest() {
    let receiver = Receiver::start((0..100).map(|_| Answer::Never));
    let bounded = Settings {
        queue_bytes_max: 50_000,
        ..settings(&receiver.endpoint)
    };
    let processor = SpanProcessor::start(bounded).unwrap();
    emit(&processor, 1_000);
    let counted = processor.counts();
    assert_eq!(counted.emitted, 1_000);
    assert!(counted.dropped > 900 && counted.pending > 10, "{counted:?}");
    assert!(processor.queue().bytes() <= 50_000);
    let started = Instant::now();
    assert!(!processor.shutdown(Duration::from_millis(50)));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_shutdown_sends_what_is_queued() {
    let receiver = Receiver::start([]);
    let mut slow = settings(&receiver.endpoint);
    slow.timeouts.flush_interval = Duration::from_hours(1);
    let processor = SpanProcessor::start(slow).unwrap();
    let late = processor.emitter();
    emit(&processor, 3_000);
    assert!(processor.shutdown(LONG));
    assert_eq!(receiver.spans(), 3_000);
    emit_one(&late);
    assert_eq!(late.counts(), counts(3_001, 3_000, 0, 1));
}

#[test]
fn a_shutdown_has_a_deadline() {
    let receiver = Receiver::start((0..100).map(|_| Answer::Never));
    let processor = SpanProcessor::start(settings(&receiver.endpoint)).unwrap();
    let emitter = processor.emitter();
    emit(&processor, 10);
    let started = Instant::now();
    assert!(!processor.shutdown(Duration::from_millis(100)));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(emitter.counts(), counts(10, 0, 0, 10));
}

#[test]
fn the_counts_add_up_at_any_moment() {
    let answers = (0..60).map(|number| match number % 3 {
        0 => Answer::Refuse(Status::unavailable("away")),
        1 => Answer::Partly(1),
        _ => Answer::Refuse(Status::internal("no")),
    });
    let receiver = Receiver::start(answers);
    let processor = SpanProcessor::start(Settings {
        queue_bytes_max: 2_000_000,
        ..settings(&receiver.endpoint)
    })
    .unwrap();
    let done = AtomicBool::new(false);
    let emitter = processor.emitter();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let Counts {
                    emitted,
                    exported,
                    rejected,
                    dropped,
                    pending,
                    ..
                } = emitter.counts();
                assert_eq!(emitted, exported + rejected + dropped + pending);
                // The exporter has the lowest priority: without a pause it gets no time on a machine that is busy.
                std::thread::sleep(Duration::from_micros(20));
            }
        });
        for _ in 0..2 {
            scope.spawn(|| (0..5_000).for_each(|_| emit_one(&emitter)));
        }
        eventually(|| processor.counts().emitted == 10_000 && processor.counts().pending == 0);
        done.store(true, Ordering::Relaxed);
    });
    let counted = processor.counts();
    assert_eq!(counted.exported, receiver.spans() as u64);
    assert_eq!(
        counted.emitted,
        counted.exported + counted.rejected + counted.dropped
    );
    assert_eq!(processor.queue().bytes(), 0);
}

#[test]
fn a_bad_address_or_header_is_refused_at_once() {
    let error = |settings| SpanProcessor::start(settings).unwrap_err();
    for endpoint in ["", "localhost:4317", "ftp://collector:4317", "http://"] {
        assert_eq!(
            error(Settings::new(endpoint)),
            ProcessorError::Endpoint(endpoint.into())
        );
    }
    let header = |name: &str, value: &str| {
        let mut settings = Settings::new("http://localhost:4317");
        settings.destination.headers = vec![(name.into(), value.into())];
        settings
    };
    assert_eq!(
        error(header("sp ace", "x")),
        ProcessorError::Header("sp ace".into())
    );
    assert_eq!(
        error(header("name", "a\nb")),
        ProcessorError::Header("name".into())
    );
}

#[test]
fn what_the_sampler_leaves_out_is_counted_apart() {
    let receiver = Receiver::start([]);
    let processor = SpanProcessor::start(settings(&receiver.endpoint)).unwrap();
    let emitter = processor.emitter();
    let below = |flags: &str| {
        let header = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
        let parent = Parent::parse(header.as_bytes(), b"").unwrap();
        let context = emitter.sample(Some(&parent));
        context
            .map(|context| emitter.emit(&SAMPLE.span(), &context))
            .is_some()
    };
    assert!(below("01"));
    assert!(!below("00"));
    eventually(|| processor.counts().pending == 0);
    let expected = Counts {
        sampled_out: 1,
        ..counts(1, 1, 0, 0)
    };
    assert_eq!(processor.counts(), expected);

    let off = Settings {
        sampler: Sampler::named("always_off", 1.0).unwrap(),
        ..settings(&receiver.endpoint)
    };
    let processor = SpanProcessor::start(off).unwrap();
    assert!(processor.emitter().sample(None).is_none());
    assert_eq!(processor.counts().sampled_out, 1);
}

#[test]
fn requests_and_answers_are_compressed() {
    let receiver = Receiver::start([Answer::Partly(1)]);
    let mut settings = settings(&receiver.endpoint);
    settings.destination.is_compressed = true;
    let processor = SpanProcessor::start(settings).unwrap();
    emit(&processor, 10);
    eventually(|| processor.counts().pending == 0);
    assert_eq!(processor.counts(), counts(10, 9, 1, 0));
    assert_eq!(processor.emitter().trouble(), "");
    assert!(receiver.was_compressed());
}

#[test]
fn a_collector_that_does_not_answer_is_tried_again() {
    let receiver = Receiver::start([Answer::Never]);
    let mut impatient = settings(&receiver.endpoint);
    impatient.timeouts.request_timeout = Duration::from_millis(100);
    let processor = SpanProcessor::start(impatient).unwrap();
    emit(&processor, 1);
    eventually(|| processor.emitter().trouble() == "no answer in time" || processor.counts().exported == 1);
    eventually(|| processor.counts().exported == 1);
    assert!(receiver.requests() >= 2);
}
