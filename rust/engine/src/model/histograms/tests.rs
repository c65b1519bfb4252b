//! Values and the bins they fall into, and decisions and the counters they add to.

use nextbest_proto::v1::{self, model_column};
use proptest::prelude::*;

use super::*;
use crate::{
    Batch, Bundle, ModelId, Moment, Request, ScoreError, Scorer, decide,
    id::narrow,
    testing::{
        AGE, BALANCE, PRODUCTS, SEGMENT, TestBundle, VIP, attribute, double, int, request, string, strings,
        value,
    },
    value::Text,
};

fn numbers(edges: &[f64]) -> v1::Histogram {
    v1::Histogram {
        edges: edges.to_vec(),
        counts: vec![1; edges.len() + 1],
        ..v1::Histogram::default()
    }
}

fn texts(categories: &[&str]) -> v1::Histogram {
    v1::Histogram {
        categories: categories.iter().map(|text| (*text).to_owned()).collect(),
        counts: vec![1; categories.len() + 1],
        ..v1::Histogram::default()
    }
}

fn of_feature(feature: u32, histogram: v1::Histogram) -> v1::FeatureReference {
    v1::FeatureReference {
        feature,
        histogram: Some(histogram),
    }
}

#[test]
fn numbers_fall_where_numpy_puts_them() {
    let bins = Bins::new(numbers(&[-1.5, 0.0, 0.1, 7.0])).unwrap();
    // numpy.searchsorted([-1.5, 0.0, 0.1, 7.0], ..., side="left")
    let expected = [
        (f64::NEG_INFINITY, 0),
        (-1.5, 0),
        (f64::from_bits((-1.5_f64).to_bits() - 1), 1),
        (-0.0, 1),
        (0.0, 1),
        (f64::MIN_POSITIVE, 2),
        (0.1, 2),
        (0.1_f64.next_up(), 3),
        (7.0, 3),
        (7.1, 4),
        (f64::INFINITY, 4),
    ];
    for (number, bin) in expected {
        assert_eq!(bins.of_number(number), bin, "{number}");
        assert_eq!(bins.of(&Value::Double(number)), Some(bin));
    }
    assert_eq!(bins.of(&Value::Double(f64::NAN)), None);
    assert_eq!(bins.of(&Value::Missing), None);
    assert_eq!(bins.of(&Value::Int(8)), Some(4));
    assert_eq!(bins.of(&Value::Bool(false)), Some(1));
    assert_eq!(bins.of(&Value::Bool(true)), Some(3));
    assert_eq!(bins.of(&Value::Duration(7_000_000)), Some(3), "in seconds");
    assert_eq!(bins.of(&Value::String(Text::Borrowed("7"))), None);
}

#[test]
fn texts_fall_into_the_bin_of_their_category_or_that_of_all_others() {
    let bins = Bins::new(texts(&["mass", "affluent", ""])).unwrap();
    let bin = |text| bins.of(&Value::String(Text::Borrowed(text)));
    assert_eq!(
        ["mass", "affluent", "", "private", "Mass"].map(bin),
        [Some(0), Some(1), Some(2), Some(3), Some(3)]
    );
    assert_eq!(bins.of(&Value::Missing), None);
    assert_eq!(
        bins.message(9, &[4, 3, 2, 1]).categories,
        ["mass", "affluent", ""]
    );
}

#[test]
fn scores_without_a_reference_have_bins_of_a_twentieth() {
    let histograms = Histograms::new(None, &[]).unwrap();
    assert_eq!(histograms.counter_count(), 21);
    assert_eq!(
        [0.0, 0.05, 0.051, 0.95, 1.0].map(|score| histograms.score(score)),
        [1, 1, 2, 19, 20]
    );
}

#[test]
fn what_is_no_histogram_is_refused() {
    let twice = texts(&["a", "a"]);
    let both = v1::Histogram {
        categories: vec!["a".to_owned()],
        ..numbers(&[1.0])
    };
    let short = v1::Histogram {
        counts: vec![1],
        ..numbers(&[1.0])
    };
    for wrong in [
        numbers(&[1.0, 1.0]),
        numbers(&[2.0, 1.0]),
        numbers(&[f64::NAN]),
        numbers(&[f64::INFINITY]),
        twice,
        both,
        short,
        v1::Histogram::default(),
        numbers(&vec![0.0; BINS_MAX + 1]),
    ] {
        Bins::new(wrong).unwrap_err();
    }
    let open = |reference: v1::ModelReference| {
        let mut bundle = bundle();
        bundle.message.models[0].reference = Some(reference);
        Bundle::open(&bundle.seal()).map(drop)
    };
    let of_features = |features| v1::ModelReference {
        features,
        ..v1::ModelReference::default()
    };
    open(of_features(vec![of_feature(AGE, numbers(&[40.0]))])).unwrap();
    open(of_features(vec![of_feature(SEGMENT, texts(&[]))])).unwrap();
    for (feature, histogram) in [
        (99, numbers(&[40.0])),
        (AGE, texts(&["a"])),
        (SEGMENT, numbers(&[40.0])),
        (PRODUCTS, numbers(&[40.0])),
        (PRODUCTS, texts(&["a"])),
    ] {
        let error = open(of_features(vec![of_feature(feature, histogram)])).unwrap_err();
        assert!(
            error.to_string().contains("models[0].reference.features[0]"),
            "{error}"
        );
    }
    let scores = v1::ModelReference {
        scores: Some(texts(&["a"])),
        ..v1::ModelReference::default()
    };
    open(scores).unwrap_err();
}

/// Two actions on one model, one of them on another column of it, one on a second model, and one on none.
fn bundle() -> TestBundle {
    let mut bundle = TestBundle::new();
    let model = |name: &str| v1::Model {
        name: name.to_owned(),
        inputs: vec![v1::ModelInput {
            name: "numbers".to_owned(),
            element_type: v1::ElementType::Float32.into(),
            columns: vec![v1::ModelColumn {
                source: Some(model_column::Source::Feature(AGE)),
                missing: None,
            }],
        }],
        positive_column: 1,
        ..v1::Model::default()
    };
    bundle.message.models = vec![model("card"), model("loan")];
    bundle.message.models[0].reference = Some(v1::ModelReference {
        card_expires_us: Some(5),
        scores: Some(numbers(&[0.2, 0.4])),
        features: vec![
            of_feature(AGE, numbers(&[30.0, 50.0])),
            of_feature(SEGMENT, texts(&["mass", "affluent"])),
            of_feature(VIP, numbers(&[0.5])),
        ],
    });
    bundle.action("gold", 1.0).model = Some(0);
    bundle.action("iron", 1.0);
    bundle.action("loan", 1.0).model = Some(1);
    let other = bundle.action("other", 1.0);
    (other.model, other.model_column) = (Some(0), Some(2));
    bundle.action("silver", 1.0).model = Some(0);
    bundle
}

/// Answers with scores that grow by a tenth, or not at all.
struct Rising(Option<ScoreError>);

impl Scorer for Rising {
    fn score(&mut self, _: ModelId, batch: &Batch<'_>, scores: &mut Vec<f64>) -> Result<(), ScoreError> {
        if let Some(error) = self.0 {
            return Err(error);
        }
        scores.extend((0..batch.rows).map(|row| 0.1 + 0.2 * f64::from(narrow(row))));
        Ok(())
    }
}

/// What a decision adds to the counters of each model.
fn counted(bundle: &Bundle, customer: Vec<v1::Attribute>, scorer: &mut dyn Scorer) -> Vec<Vec<u64>> {
    let request = Request::check(bundle, request(&["sidebar"], customer)).unwrap();
    let decision = decide(bundle, &request, None, Moment { now_us: 0, seed: 0 }, scorer);
    let mut counters: Vec<Vec<u64>> = bundle
        .models()
        .map(|(_, model)| vec![0; model.histograms.counter_count()])
        .collect();
    decision.tally(|model, counter| counters[model.index()][counter] += 1);
    counters
}

#[test]
fn a_decision_counts_features_once_and_every_score() {
    let bundle = Bundle::open(&bundle().seal()).unwrap();
    let customer = vec![
        attribute("age", int(50)),
        attribute("segment", string("private")),
        attribute("balance", double(3.0)),
        attribute("products", strings(&["a"])),
    ];
    let [card, loan] = counted(&bundle, customer, &mut Rising(None)).try_into().unwrap();
    // Decisions; gold 0.1 and silver 0.5, but not the other column's 0.3; age; segment; vip, missing.
    assert_eq!(card, [1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0]);
    assert_eq!((loan[0], loan[2], loan.iter().sum()), (1, 1, 2));

    let (_, model) = bundle.models().next().unwrap();
    let mut health = v1::ModelHealth::default();
    model.histograms.report(&card, &mut health);
    assert_eq!((health.decisions, health.card_expires_us), (1, Some(5)));
    let scores = health.scores.unwrap();
    assert_eq!(scores.current.unwrap().counts, [1, 0, 1]);
    assert_eq!(scores.reference.unwrap(), numbers(&[0.2, 0.4]));
    let features: Vec<_> = health
        .features
        .iter()
        .map(|feature| {
            let current = feature.histogram.as_ref().unwrap().current.as_ref().unwrap();
            (feature.name.as_str(), current.missing, current.counts.clone())
        })
        .collect();
    assert_eq!(
        features,
        [
            ("customer.age", 0, vec![0, 1, 0]),
            ("customer.segment", 0, vec![0, 0, 1]),
            ("customer.vip", 1, vec![0, 0]),
        ]
    );
}

#[test]
fn a_model_that_fails_has_features_and_no_scores() {
    let bundle = Bundle::open(&bundle().seal()).unwrap();
    let card = &counted(
        &bundle,
        vec![attribute("vip", value(v1::value::Kind::Bool(true)))],
        &mut Rising(Some(ScoreError::Failed)),
    )[0];
    assert_eq!(card[..], [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn a_model_without_candidates_is_not_counted() {
    let mut message = bundle();
    message.message.actions[2].enabled = false;
    let bundle = Bundle::open(&message.seal()).unwrap();
    let counters = counted(&bundle, Vec::new(), &mut Rising(None));
    assert_eq!((counters[0][0], counters[1].iter().sum::<u64>()), (1, 0));
}

#[test]
fn counters_serve_the_same_bins_of_the_same_features_only() {
    let histograms = |change: &dyn Fn(&mut v1::ModelReference)| {
        let mut message = bundle().message.models.remove(0).reference.unwrap();
        change(&mut message);
        let features: Vec<Feature> = Bundle::open(&bundle().seal())
            .unwrap()
            .features
            .rows()
            .iter()
            .map(|row| Feature {
                name: row.name.clone(),
                kind: row.kind,
                source: crate::tables::Source::Now,
            })
            .collect();
        Histograms::new(Some(message), &features).unwrap()
    };
    let known = histograms(&|_| {});
    assert!(known.counts_like(&histograms(&|reference| reference.card_expires_us = None)));
    assert!(!known.counts_like(&histograms(&|reference| reference.scores = None)));
    assert!(!known.counts_like(&histograms(&|reference| reference.features[0].feature = BALANCE)));
    assert!(!known.counts_like(&histograms(&|reference| {
        reference.features.pop();
    })));
}

proptest! {
    /// Counting the edges below a number is what numpy's `searchsorted` does.
    #[test]
    fn a_bin_is_the_number_of_edges_below(mut edges in proptest::collection::vec(-1e3..1e3_f64, 0..40), number in -1e3..1e3_f64) {
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        for number in edges.iter().copied().chain([number]) {
            let below = edges.iter().filter(|edge| **edge < number).count();
            prop_assert_eq!(Bins::new(numbers(&edges)).unwrap().of_number(number), below);
        }
    }
}
