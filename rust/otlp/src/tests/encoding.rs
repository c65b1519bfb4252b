//! What is encoded here, decoded with OpenTelemetry's own messages.

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;

use nextbest_engine::{Moment, NoModels, Request, decide};
use nextbest_proto::v1::{self, Reason, record};

use crate::{
    DecisionSpan, FailedCall, METHOD_OTHER, PLACED_MAX, Parent, RANKED_MAX,
    explanation::explain,
    failure,
    pseudonym::Pseudonyms,
    span::{Buffers, Envelope, SpanContext, encode},
    tests::sample::{self, GOLD_CARD, NEWSLETTER, SAMPLE, SILVER_CARD, Sample, placed},
};

fn request(spans: &[u8]) -> ExportTraceServiceRequest {
    let envelope = Envelope::new(&[("service.name".into(), "nextbest".into())], "1.2.3");
    ExportTraceServiceRequest::decode(envelope.seal(spans).as_slice()).unwrap()
}

fn span_bytes(decision: &DecisionSpan<'_>, parent: Option<&Parent>) -> Vec<u8> {
    let mut buffers = Buffers::default();
    let pseudonyms = Pseudonyms::new(b"key").unwrap();
    // What an earlier span left behind must not show.
    let context = SpanContext::below(parent);
    encode(&SAMPLE.span(), &context, &pseudonyms, &mut buffers);
    encode(decision, &context, &pseudonyms, &mut buffers).to_vec()
}

fn span(decision: &DecisionSpan<'_>, parent: Option<&Parent>) -> Span {
    decode(&span_bytes(decision, parent))
}

fn decode(span: &[u8]) -> Span {
    request(span)
        .resource_spans
        .remove(0)
        .scope_spans
        .remove(0)
        .spans
        .remove(0)
}

/// Values as text: lists in brackets.
fn render(value: &AnyValue) -> String {
    match value.value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::BoolValue(truth) => truth.to_string(),
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        Value::ArrayValue(list) => {
            format!(
                "[{}]",
                list.values.iter().map(render).collect::<Vec<_>>().join(", ")
            )
        }
        other => panic!("{other:?}"),
    }
}

fn attributes(span: &Span) -> Vec<(String, String)> {
    let pair = |(key, value): (&String, &Option<AnyValue>)| (key.clone(), render(value.as_ref().unwrap()));
    span.attributes
        .iter()
        .map(|attribute| pair((&attribute.key, &attribute.value)))
        .collect()
}

#[test]
fn every_attribute_decodes() {
    let expected = "\
rpc.system.name = grpc
rpc.response.status_code = OK
rpc.method = nextbest.v1.DecisionService/Decide
nextbest.decision_id = 018bcfe5-6800-7000-8000-000000000000
nextbest.bundle_digest = DIGEST
nextbest.channel = web
nextbest.dry_run = true
nextbest.customer_hash = 013157b0dacc72305477d0b5aa07a8ca400855c72665c68ec387eff9755f023f
nextbest.actions_total = 120
nextbest.stage.availability.remaining = 84
nextbest.stage.eligibility.remaining = 41
nextbest.stage.eligibility.unknown = 7
nextbest.stage.applicability.remaining = 30
nextbest.stage.suitability.remaining = 20
nextbest.stage.treatment.remaining = 10
nextbest.stage.propensity.remaining = 2
nextbest.stage.arbitration.remaining = 1
nextbest.explanation = 120 actions: 84 available, 41 eligible, 30 applicable, 20 suitable, 10 with a treatment, 2 with \
propensity and value, 1 placed; hero: gold-card (priority 2.28 from propensity \
0.0181, context weight 1, value 120, lever 1.05), ahead of silver-card by 12 %; sidebar: empty; most frequent \
reason to drop off: a credit card needs an adult holder (17 actions, at eligibility); without: customer_unknown.
nextbest.top_drop_off.reason = a credit card needs an adult holder
nextbest.top_drop_off.stage = eligibility
nextbest.top_drop_off.actions = 17
nextbest.placements = [hero, sidebar]
nextbest.placed.placements = [hero]
nextbest.placed.actions = [gold-card]
nextbest.placed.treatments = [hero-gold-card]
nextbest.placed.reasons = [priority]
nextbest.ranked = 2
nextbest.actions = [gold-card, silver-card]
nextbest.propensities = [0.0181, 0.02]
nextbest.context_weights = [1, 1]
nextbest.values = [120, 97]
nextbest.levers = [1.05, 1.05]
nextbest.priorities = [2.2806, 2.037]
nextbest.models = [card-propensity, ]
nextbest.propensity_sources = [model, prior]
nextbest.degradations = [customer_unknown]
nextbest.degradation.names = []";
    let rendered: Vec<_> = attributes(&span(&SAMPLE.span(), None))
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    let expected = expected.replace("DIGEST", SAMPLE.bundle.digest());
    assert_eq!(rendered.join("\n"), expected);
}

#[test]
fn the_span_names_its_place_and_time() {
    let encoded = span(&SAMPLE.span(), None);
    assert_eq!(encoded.name, "nextbest.decide");
    assert_eq!(encoded.kind, 2);
    assert_eq!(encoded.start_time_unix_nano, 1_700_000_000_000_000_000);
    assert_eq!(encoded.end_time_unix_nano, 1_700_000_000_000_123_000);
    assert_eq!((encoded.trace_id.len(), encoded.span_id.len()), (16, 8));
    assert_eq!(encoded.parent_span_id, b"");
    assert_eq!(encoded.flags, 0x101);
    assert_ne!(encoded.span_id, span(&SAMPLE.span(), None).span_id);
}

#[test]
fn the_caller_is_the_parent() {
    let header = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let parent = Parent::parse(header, b"congo=t61").unwrap();
    let encoded = span(&SAMPLE.span(), Some(&parent));
    assert_eq!(encoded.trace_id, parent.trace_id);
    assert_eq!(encoded.parent_span_id, parent.span_id);
    assert_eq!(encoded.trace_state, "congo=t61");
    assert_eq!(encoded.flags, 0x301);
}

#[test]
fn customers_are_named_by_a_keyed_hash_only() {
    let bytes = span_bytes(&SAMPLE.span(), None);
    let id = SAMPLE.record.customer_id.as_bytes();
    assert!(!bytes.windows(id.len()).any(|window| window == id));
    let under = |key: &[u8]| Pseudonyms::new(key).unwrap().of("customer-4711");
    assert_eq!(under(b"key"), under(b"key"));
    assert_ne!(under(b"key"), under(b"another"));

    let anonymous = Sample::with(|record| record.customer_id.clear());
    assert!(
        !attributes(&span(&anonymous.span(), None))
            .iter()
            .any(|(key, _)| key == "nextbest.customer_hash")
    );
}

#[test]
fn spans_of_any_length_stand_behind_one_envelope() {
    let text = "x".repeat(70_000);
    let long = Sample::with(|record| record.decision_id.clone_from(&text));
    let spans = [
        span_bytes(&SAMPLE.span(), None),
        span_bytes(&long.span(), None),
        span_bytes(&SAMPLE.span(), None),
    ]
    .concat();
    let decoded = request(&spans);
    let resource = &decoded.resource_spans[0];
    let scope = &resource.scope_spans[0];
    assert_eq!(
        resource.resource.as_ref().unwrap().attributes[0].key,
        "service.name"
    );
    assert_eq!(scope.scope.as_ref().unwrap().version, "1.2.3");
    assert_eq!(scope.spans.len(), 3);
    let id = attributes(&scope.spans[1])
        .into_iter()
        .find(|(key, _)| key == "nextbest.decision_id");
    assert_eq!(id.unwrap().1, text);
}

#[test]
fn lists_have_a_bound() {
    let many = Sample::with(|record| {
        record.ranked = vec![record.ranked[0]; RANKED_MAX + 1];
        record.placed = vec![record.placed[0]; PLACED_MAX + 1];
    });
    let encoded = span(&many.span(), None);
    let length = |key: &str| {
        let attribute = encoded
            .attributes
            .iter()
            .find(|attribute| attribute.key == key)
            .unwrap();
        match attribute.value.as_ref().unwrap().value.as_ref().unwrap() {
            Value::ArrayValue(list) => list.values.len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(length("nextbest.priorities"), RANKED_MAX);
    assert_eq!(length("nextbest.placed.actions"), PLACED_MAX);
}

#[test]
fn the_explanation_names_what_there_is() {
    let hero = |placed: Vec<record::Placed>| {
        let sample = Sample::with(|record| {
            record.placements.truncate(1);
            record.degradations.clear();
            record.placed = placed;
        });
        let mut text = String::new();
        let decision = DecisionSpan {
            top_drop_off: None,
            ..sample.span()
        };
        explain(&decision, &mut text);
        text.split_once("; ").unwrap().1.to_owned()
    };
    let fallback = placed(0, NEWSLETTER, 0, Reason::Fallback);
    assert_eq!(hero(Vec::new()), "hero: empty.");
    assert_eq!(hero(vec![fallback]), "hero: newsletter as its fallback.");
    assert_eq!(
        hero(vec![
            placed(0, SILVER_CARD, 2, Reason::Mandatory),
            placed(0, GOLD_CARD, 1, Reason::Priority)
        ]),
        "hero: silver-card (priority 2.04 from propensity 0.02, context weight 1, value 97, lever 1.05), mandatory, and \
         1 more."
    );
}

#[test]
fn a_failed_call_is_an_error_without_its_contents() {
    let parent = Parent::parse(
        b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        b"congo=t61",
    );
    let encoded = |method, is_question| {
        let call = FailedCall {
            started_ns: 1_700_000_000_000_000_000,
            ended_ns: 1_700_000_000_000_005_000,
            method,
            is_question,
            status: "INVALID_ARGUMENT",
        };
        let mut buffers = Buffers::default();
        decode(failure::encode(
            &call,
            &SpanContext::below(parent.as_ref()),
            &mut buffers,
        ))
    };
    let failed = encoded("nextbest.v1.DecisionService/Decide", false);
    assert_eq!(failed.name, "nextbest.v1.DecisionService/Decide");
    assert_eq!((failed.kind, failed.flags), (2, 0x301));
    assert_eq!(failed.parent_span_id, parent.as_ref().unwrap().span_id);
    assert_eq!(failed.end_time_unix_nano - failed.start_time_unix_nano, 5_000);
    let status = failed.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, ""));
    let expected = [
        ("rpc.system.name", "grpc"),
        ("rpc.response.status_code", "INVALID_ARGUMENT"),
        ("rpc.method", "nextbest.v1.DecisionService/Decide"),
        ("error.type", "INVALID_ARGUMENT"),
    ];
    assert_eq!(
        attributes(&failed),
        expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
    );
    assert_eq!(encoded(METHOD_OTHER, false).name, "grpc");
    assert_eq!(
        encoded("nextbest.v1.DecisionService/DecideBatch", true).name,
        "nextbest.decide"
    );
    assert_eq!(span(&SAMPLE.span(), None).status, None);
}

#[test]
fn a_short_answer_has_its_top_drop_off() {
    let bundle = sample::adults_only();
    let placement = v1::PlacementRequest {
        name: "hero".to_owned(),
        count: 0,
    };
    let traced = |age: i64| {
        let age = v1::Attribute {
            name: "age".to_owned(),
            value: Some(v1::Value {
                kind: Some(v1::value::Kind::Int(age)),
            }),
        };
        let message = v1::DecideRequest {
            customer: vec![age],
            channel: "web".to_owned(),
            placements: vec![placement.clone()],
            ..v1::DecideRequest::default()
        };
        let request = Request::check(&bundle, message).unwrap();
        let moment = Moment { now_us: 1, seed: 2 };
        let decision = decide(&bundle, &request, None, moment, &mut NoModels);
        let span = span(&DecisionSpan::of(&decision, "method", (3, 4)), None);
        assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (3, 4));
        attributes(&span)
            .into_iter()
            .find(|(key, _)| key == "nextbest.top_drop_off.reason")
            .map(|(_, value)| value)
    };
    assert_eq!(traced(17).as_deref(), Some("reason 0"));
    assert_eq!(traced(18), None);
}
