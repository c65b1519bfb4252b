//! What of a decision reaches its span.

use std::time::Duration;

use nextbest_engine::{Bundle, Moment, NoModels, Request, decide};
use nextbest_otlp::{PlacedAction, RankedAction, StageCount};

use crate::{
    Settings,
    tests::fixture::{Client, age, bundle, request, settings, start},
    trace::trace,
};

#[test]
fn a_record_becomes_names_and_numbers() {
    let bundle = Bundle::open(&bundle("gold-card")).unwrap();
    let request = Request::check(&bundle, request("c", vec![age(30)])).unwrap();
    let moment = Moment {
        now_us: 1_780_315_200_000_000,
        seed: 7,
    };
    let decision = decide(&bundle, &request, None, moment, &mut NoModels);
    let traced = trace(&bundle, &decision, request.customer_id(), (1, 2));
    assert_eq!((traced.started_ns, traced.ended_ns), (1, 2));
    assert_eq!(
        (traced.bundle_digest, traced.channel, traced.customer_id),
        (bundle.digest(), "web", "c")
    );
    assert_eq!(
        traced.decision_id,
        decision.respond(usize::MAX).unwrap().decision_id
    );
    assert_eq!(traced.action_count, 1);
    assert_eq!(traced.funnel.len(), 7);
    assert!(traced.funnel.contains(&StageCount {
        stage: "eligibility",
        remaining: 1,
        unknown: 0
    }));
    assert_eq!(traced.placements, ["hero"]);
    let placed = PlacedAction {
        placement: "hero",
        action: "gold-card",
        treatment: "hero",
        rank: 1,
        reason: "priority",
    };
    assert_eq!(traced.placed, [placed]);
    let ranked = RankedAction {
        action: "gold-card",
        propensity: 0.5,
        propensity_source: "prior",
        context_weight: 1.0,
        value: 120.0,
        lever: 1.0,
        priority: 60.0,
        model: "",
    };
    assert_eq!((traced.ranked, traced.ranked_count), (vec![ranked], 1));
    assert_eq!(traced.degradations[0].kind, "customer_unknown");
}

#[test]
fn every_decision_and_every_failure_is_emitted() {
    // Nobody listens there: what is emitted stays pending, and is dropped in the end.
    let mut processor = nextbest_otlp::Settings::new("http://127.0.0.1:1");
    processor.patience.backoff_first = Duration::from_millis(1);
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
    let traces = server.status().traces;
    assert_eq!((traces.emitted, traces.pending), (11, 11));
    let ended = server.shutdown(Duration::from_millis(600));
    assert_eq!((ended.calls_cut_off, ended.spans_lost), (0, 11));
    let traces = server.status().traces;
    assert_eq!((traces.emitted, traces.dropped, traces.pending), (11, 11, 0));
}
