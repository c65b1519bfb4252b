//! Decide and Explain: answers, refusals, deadlines.

use std::{sync::Arc, time::Duration};

use nextbest_load::{Pace, Settings as LoadSettings};
use nextbest_pipeline::Counter;
use nextbest_proto::v1::{self, decision_service_server::DecisionService};
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use crate::{
    limits::DECIDE_BYTES_MAX,
    tests::fixture::{Client, age, handler, load_of_decisions, placed, request, settings, start},
};

#[test]
fn a_decision_comes_over_a_socket() {
    let server = start(settings());
    let client = Client::connect(&server);
    let answer = client.decide(request("", vec![age(30)])).unwrap();
    assert_eq!(placed(&answer), ["gold-card"]);
    assert_eq!(answer.bundle_digest, server.status().bundle_digest);
    assert_eq!(
        placed(&client.decide(request("", vec![age(17)])).unwrap()),
        [""; 0]
    );
    assert_eq!(server.status().decisions, 2);
}

#[test]
fn what_is_sent_comes_before_what_is_stored() {
    let server = start(settings());
    let client = Client::connect(&server);
    let stored = v1::Customer {
        customer_id: "c".into(),
        attributes: vec![age(30)],
    };
    assert_eq!(client.upsert(vec![stored]).unwrap(), 1);
    assert_eq!(
        placed(&client.decide(request("c", vec![])).unwrap()),
        ["gold-card"]
    );
    assert_eq!(
        placed(&client.decide(request("c", vec![age(3)])).unwrap()),
        [""; 0]
    );
}

#[test]
fn an_unknown_customer_is_no_error() {
    let server = start(settings());
    let answer = Client::connect(&server)
        .decide(request("never seen", vec![age(30)]))
        .unwrap();
    assert_eq!(placed(&answer), ["gold-card"]);
    assert_eq!(
        answer.degradations[0].kind(),
        v1::DegradationKind::CustomerUnknown
    );
}

#[test]
fn a_dry_run_repeats_itself() {
    let server = start(settings());
    let client = Client::connect(&server);
    let first = client.decide(request("", vec![age(30)])).unwrap();
    let again = v1::DecideRequest {
        dry_run: true,
        now_us: Some(first.now_us),
        seed: Some(first.seed),
        ..request("", vec![age(30)])
    };
    assert_eq!(client.decide(again).unwrap(), first);
}

#[test]
fn an_explanation_says_why_not() {
    let server = start(settings());
    let client = Client::connect(&server);
    let question = v1::ExplainRequest {
        decide: Some(request("", vec![age(17)])),
        actions: vec![],
    };
    let answer = client
        .run(client.decisions.clone().explain(question))
        .unwrap()
        .into_inner();
    let explanation = answer.decision.unwrap().explanation.unwrap();
    assert_eq!(explanation.actions[0].dropped_at(), v1::Stage::Eligibility);
    assert_eq!(
        explanation.actions[0].clauses[0].reason,
        "a credit card needs an adult holder"
    );
    assert_eq!(server.status().explanations, 1);
}

#[test]
fn a_refusal_names_the_field() {
    let server = start(settings());
    let client = Client::connect(&server);
    let unknown = v1::DecideRequest {
        channel: "fax".into(),
        ..request("", vec![])
    };
    let status = client.decide(unknown).unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().starts_with("channel: "), "{status}");
    assert_eq!(
        status.get_details_bad_request().unwrap().field_violations[0].field,
        "channel"
    );
    assert_eq!(server.status().refused, 1);
    client.decide(request("", vec![])).unwrap();
}

#[test]
fn an_oversized_request_is_refused_alone() {
    let server = start(settings());
    let client = Client::connect(&server);
    let large = v1::DecideRequest {
        channel: "x".repeat(DECIDE_BYTES_MAX),
        ..request("", vec![])
    };
    assert_eq!(client.decide(large).unwrap_err().code(), Code::ResourceExhausted);
    client.decide(request("", vec![])).unwrap();
}

#[test]
fn a_deadline_that_has_passed_is_said_so() {
    // Asked without a socket: a client that knows its deadline gives up by itself, and hears no answer.
    let handler = handler();
    let with_timeout = |timeout: &'static str| {
        let mut request = Request::new(request("", vec![]));
        request
            .metadata_mut()
            .insert("grpc-timeout", timeout.parse().unwrap());
        let event_loop = tokio::runtime::Builder::new_current_thread().build().unwrap();
        event_loop.block_on(DecisionService::decide(&handler, request))
    };
    assert_eq!(with_timeout("1n").unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!(with_timeout("soon").unwrap_err().code(), Code::InvalidArgument);
    with_timeout("10S").unwrap();
    let stats = &handler.shared.stats;
    let counted = [&stats.deadlines_exceeded, &stats.refused, &stats.decisions].map(Counter::get);
    assert_eq!(counted, [1, 1, 1]);
}

#[test]
fn other_paths_are_unimplemented() {
    let server = start(settings());
    let client = Client::connect(&server);
    let mut health = tonic_health::pb::health_client::HealthClient::new(client.channel.clone());
    let question = tonic_health::pb::HealthCheckRequest::default();
    assert_eq!(
        client.run(health.check(question)).unwrap_err().code(),
        Code::Unimplemented
    );
}

#[test]
fn a_load_is_answered_in_full() {
    let server = start(settings());
    let report = nextbest_load::run(
        &LoadSettings {
            timeout: None,
            pace: Pace::Open { rate_per_s: 400.0 },
            duration: Duration::from_millis(500),
            connections: 4,
            ..load_of_decisions(&server)
        },
        &Arc::default(),
    )
    .unwrap();
    assert_eq!((report.sent, report.ok), (200, 200), "{report:?}");
    let status = server.status();
    assert_eq!(
        (status.decisions, status.connections_accepted, status.panics),
        (200, 4, 0)
    );
}
