//! Decisions counted for the health of their models. The model is lowered, so that no runtime is needed.

use nextbest_engine::{Bundle, Moment, NoModels, Request, decide};
use nextbest_proto::v1;
use prost::Message as _;

use crate::{
    model_counters::BundleCounters,
    testing::{age, message, request, seal},
};

/// A hundredth of the age; of a version with some bytes, and with some edges of the scores.
fn bundle(onnx: &[u8], edges: &[f64]) -> Bundle {
    let operand = |start| v1::NativeOperand { start, single: false };
    let native = v1::NativeModel {
        cells: 3,
        float_inputs: 1,
        constants: vec![0.01],
        steps: vec![v1::NativeStep {
            operation: v1::NativeOperation::NativeMultiply.into(),
            operands: vec![operand(0), operand(1)],
            out: 2,
            width: 1,
            ..v1::NativeStep::default()
        }],
        outputs: vec![v1::NativeOutput { column: 0, cell: 2 }],
        ..v1::NativeModel::default()
    };
    let histogram = |edges: &[f64]| v1::Histogram {
        edges: edges.to_vec(),
        counts: vec![1; edges.len() + 1],
        ..v1::Histogram::default()
    };
    let mut message = message("gold-card");
    message.models = vec![v1::Model {
        name: "card".into(),
        onnx: onnx.to_vec(),
        inputs: vec![v1::ModelInput {
            name: "x".into(),
            element_type: v1::ElementType::Float32.into(),
            columns: vec![v1::ModelColumn {
                source: Some(v1::model_column::Source::Feature(0)),
                missing: None,
            }],
        }],
        native: Some(native),
        reference: Some(v1::ModelReference {
            card_expires_us: None,
            scores: Some(histogram(edges)),
            features: vec![v1::FeatureReference {
                feature: 0,
                histogram: Some(histogram(&[40.0])),
            }],
        }),
        ..v1::Model::default()
    }];
    message.actions[0].model = Some(0);
    // Eligible at any age, and without one.
    message.actions[0].eligibility.clear();
    Bundle::open(&seal(&message.encode_to_vec())).unwrap()
}

fn count(counters: &BundleCounters, bundle: &Bundle, worker: usize, request: v1::DecideRequest, seed: u64) {
    let request = Request::check(bundle, request).unwrap();
    let decision = decide(bundle, &request, None, Moment { now_us: 0, seed }, &mut NoModels);
    counters.count(worker, &decision);
}

/// Decisions, scores, and ages: missing, then by bin.
fn counted(counters: &BundleCounters, bundle: &Bundle) -> (u64, Vec<u64>, Vec<u64>) {
    let health = counters.report(bundle).models.remove(0);
    let scores = health.scores.unwrap().current.unwrap().counts;
    let age = health.features[0].histogram.clone().unwrap().current.unwrap();
    (health.decisions, scores, [vec![age.missing], age.counts].concat())
}

#[test]
fn what_all_workers_counted_adds_up() {
    let bundle = bundle(b"1", &[0.5]);
    let counters = BundleCounters::new(&bundle, 3, 1);
    for (seed, years) in (0..90).enumerate() {
        count(
            &counters,
            &bundle,
            seed % 3,
            request("", vec![age(years)]),
            seed as u64,
        );
    }
    assert_eq!(counted(&counters, &bundle), (90, vec![51, 39], vec![0, 41, 49]));
    let report = counters.report(&bundle);
    assert_eq!((report.sample, &report.bundle_digest[..]), (1, bundle.digest()));
    assert_eq!(report.models[0].engine, "native");
    assert_eq!(report.models[0].version.len(), 64);
    // A worker that there is not counts nothing, and stops nothing.
    count(&counters, &bundle, 3, request("", vec![age(20)]), 0);
    assert_eq!(counted(&counters, &bundle).0, 90);
}

#[test]
fn priors_that_stand_in_are_counted_by_reason_in_every_decision() {
    let bundle = bundle(b"1", &[0.5]);
    let counters = BundleCounters::new(&bundle, 1, 0);
    // More than 1.0, and NaN.
    count(&counters, &bundle, 0, request("", vec![age(120)]), 1);
    count(&counters, &bundle, 0, request("", vec![]), 2);
    count(&counters, &bundle, 0, request("unknown", vec![age(50)]), 3);
    let health = counters.report(&bundle).models.remove(0);
    let kinds: Vec<_> = health
        .degradations
        .iter()
        .map(|found| (found.kind(), found.decisions))
        .collect();
    assert_eq!(
        kinds,
        [
            (v1::DegradationKind::ModelFailed, 0),
            (v1::DegradationKind::PropensityInvalid, 2),
            (v1::DegradationKind::ModelInputMissing, 0),
            (v1::DegradationKind::Deadline, 0),
        ]
    );
    assert_eq!(counted(&counters, &bundle).0, 0, "a sample of none");
}

#[test]
fn dry_runs_and_explanations_do_not_count() {
    let bundle = bundle(b"1", &[0.5]);
    let counters = BundleCounters::new(&bundle, 1, 1);
    let dry = v1::DecideRequest {
        dry_run: true,
        ..request("", vec![age(120)])
    };
    count(&counters, &bundle, 0, dry, 1);
    let explain = v1::ExplainRequest {
        decide: Some(request("", vec![age(120)])),
        actions: vec![],
    };
    let explained = Request::check_explain(&bundle, explain).unwrap();
    let moment = Moment { now_us: 0, seed: 1 };
    counters.count(0, &decide(&bundle, &explained, None, moment, &mut NoModels));
    assert_eq!(counted(&counters, &bundle), (0, vec![0, 0], vec![0, 0, 0]));
    let health = counters.report(&bundle).models.remove(0);
    assert!(health.degradations.iter().all(|found| found.decisions == 0));
}

#[test]
fn one_decision_in_so_many_is_looked_at_whoever_asks() {
    let bundle = bundle(b"1", &[0.5]);
    let [first, again] = [0, 1].map(|_| {
        let counters = BundleCounters::new(&bundle, 1, 8);
        for seed in 0..4_000 {
            count(&counters, &bundle, 0, request("", vec![age(30)]), seed);
        }
        counted(&counters, &bundle).0
    });
    assert_eq!(first, again);
    assert!((400..600).contains(&first), "{first}");
}

#[test]
fn the_same_version_goes_on_counting_in_another_bundle() {
    let before = bundle(b"1", &[0.5]);
    let counted_before = BundleCounters::new(&before, 1, 1);
    count(&counted_before, &before, 0, request("", vec![age(30)]), 1);
    let decisions_in = |onnx: &[u8], edges: &[f64]| {
        let after = bundle(onnx, edges);
        let mut counters = BundleCounters::new(&after, 1, 1);
        counters.carry_on(&after, &before, &counted_before);
        // What the bundle before still answers counts in both.
        count(&counted_before, &before, 0, request("", vec![age(30)]), 1);
        counted(&counters, &after).0
    };
    assert_eq!(decisions_in(b"1", &[0.5]), 2);
    assert_eq!(decisions_in(b"2", &[0.5]), 0, "another version");
    assert_eq!(decisions_in(b"1", &[0.6]), 0, "other bins");
}
