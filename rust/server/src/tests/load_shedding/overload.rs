//! Overload: excess requests are refused at once, with a message, and counted; the rest is decided.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use nextbest_load::{Pace, Settings as LoadSettings};
use nextbest_otlp::METHOD_OTHER;
use nextbest_pipeline::{LateModels, MODEL_TIME_MIN};
use nextbest_proto::v1::{self, decision_service_server::DecisionService};
use prost::Message as _;
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use crate::{
    Settings,
    access::Roles,
    call::Arrival,
    limits::RETRY_AFTER,
    tests::fixture::{
        Client, age, eventually, handler_of, load_of_decisions, message, placed, request, seal, settings,
        start,
    },
};

#[test]
fn requests_beyond_the_bound_are_told_when_to_come_again() {
    let server = start(Settings {
        in_flight_max: 0,
        ..settings()
    });
    let client = Client::connect(&server);
    for _ in 0..3 {
        let status = client.decide(request("", vec![age(30)])).unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        let retry = status.get_details_retry_info().unwrap();
        assert_eq!(retry.retry_delay, Some(RETRY_AFTER));
    }
    let status = server.status();
    assert_eq!((status.shed, status.decisions, status.refused), (3, 0, 0));
    assert_eq!(status.in_flight, 0);
}

#[test]
fn what_is_not_refused_is_decided() {
    let server = start(Settings {
        workers: 1,
        ..settings()
    });
    // Far more at a time than one worker may keep waiting.
    let report = nextbest_load::run(
        &LoadSettings {
            timeout: None,
            pace: Pace::Closed { in_flight: 1_000 },
            duration: Duration::from_millis(500),
            connections: 8,
            ..load_of_decisions(&server)
        },
        &Arc::default(),
    )
    .unwrap();
    let status = server.status();
    assert!(report.ok > 0);
    assert!(status.shed > 0, "{report:?}");
    assert_eq!(
        (status.refused, status.deadlines_exceeded, status.panics),
        (0, 0, 0)
    );
    // Those that the generator gave up at its end are in neither count.
    assert!(report.ok <= status.decisions);
    // And once it is over, everything is as before.
    eventually(|| server.status().in_flight == 0);
    let answer = Client::connect(&server)
        .decide(request("", vec![age(30)]))
        .unwrap();
    assert_eq!(placed(&answer), ["gold-card"]);
}

#[test]
fn late_models_are_priors_or_refused() {
    let decide = |late_models| {
        let mut message = message("gold-card");
        message.models = vec![v1::Model {
            name: "constant".into(),
            inputs: vec![v1::ModelInput {
                name: "age".into(),
                element_type: v1::ElementType::Float32.into(),
                columns: vec![v1::ModelColumn {
                    source: Some(v1::model_column::Source::Feature(0)),
                    missing: None,
                }],
            }],
            output: "probability".into(),
            native: Some(v1::NativeModel {
                cells: 2,
                float_inputs: 1,
                constants: vec![0.25],
                outputs: vec![v1::NativeOutput { column: 0, cell: 1 }],
                ..v1::NativeModel::default()
            }),
            ..v1::Model::default()
        }];
        message.actions[0].model = Some(0);
        let handler = handler_of(&seal(&message.encode_to_vec()), late_models);
        // Enough to begin with, and too little for a model; asked without a socket, as a client gives up by itself.
        let mut asked = Request::new(request("", vec![age(30)]));
        asked
            .metadata_mut()
            .insert("grpc-timeout", "10S".parse().unwrap());
        let arrival = Instant::now().checked_sub(Duration::from_secs(10)).unwrap() + MODEL_TIME_MIN / 2;
        asked.extensions_mut().insert(Arrival {
            at: arrival,
            method: METHOD_OTHER,
            roles: Roles::ALL,
        });
        let event_loop = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = event_loop.block_on(DecisionService::decide(&handler, asked));
        (answer.map(tonic::Response::into_inner), handler)
    };
    // A machine that is busy may take all of the time before anything is decided.
    let attempt = |late_models| {
        (0..100)
            .map(|_| decide(late_models))
            .find(|(answer, _)| !matches!(answer, Err(status) if status.message().contains("has passed")))
            .unwrap()
    };
    let degraded = attempt(LateModels::Degrade).0.unwrap();
    assert_eq!(placed(&degraded), ["gold-card"]);
    assert_eq!(
        degraded.degradations.last().unwrap().kind(),
        v1::DegradationKind::Deadline
    );
    let (refused, handler) = attempt(LateModels::Refuse);
    let status = refused.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("no time to run models"), "{status}");
    assert_eq!(handler.shared.stats.deadlines_exceeded.get(), 1);
}
