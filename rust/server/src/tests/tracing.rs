//! What of a decision reaches its span.

use std::time::Duration;

use crate::{
    Settings,
    tests::fixture::{Client, age, request, settings, start},
};

#[test]
fn every_decision_and_every_failure_is_emitted() {
    // There is no listener: emitted spans stay pending, and are dropped in the end.
    let mut processor = nextbest_otlp::Settings::new("http://127.0.0.1:1");
    processor.timeouts.backoff_first = Duration::from_millis(1);
    let server = start(Settings {
        processor: Some(processor),
        ..settings()
    });
    let client = Client::connect(&server);
    for _ in 0..10 {
        client.decide(request("c", vec![age(30)])).unwrap();
    }
    client
        .decide(nextbest_proto::v1::DecideRequest::default())
        .unwrap_err();
    let traces = server.status().traces.unwrap();
    assert_eq!((traces.emitted, traces.pending), (11, 11));
    let ended = server.shutdown(Duration::from_millis(600));
    assert_eq!((ended.calls_cut_off, ended.spans_lost), (0, 11));
    let traces = server.status().traces.unwrap();
    assert_eq!((traces.emitted, traces.dropped, traces.pending), (11, 11, 0));
}
