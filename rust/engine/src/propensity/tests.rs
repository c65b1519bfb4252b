//! The inputs of a scorer, and the replacement when it does not answer.

use nextbest_proto::v1::{self, DegradationKind, PropensitySource, model_column};

use super::*;
use crate::{
    Moment, Record, Request, decide,
    testing::{AGE, BALANCE, SEGMENT, TestBundle, attribute, double, int, request, string},
};

fn input(name: &str, element_type: v1::ElementType, columns: Vec<v1::ModelColumn>) -> v1::ModelInput {
    v1::ModelInput {
        name: name.to_owned(),
        element_type: element_type.into(),
        columns,
    }
}

fn feature(feature: u32, missing: Option<v1::Value>) -> v1::ModelColumn {
    v1::ModelColumn {
        source: Some(model_column::Source::Feature(feature)),
        missing,
    }
}

/// Two actions on one model of floats and texts, and one on none.
fn message() -> TestBundle {
    let mut bundle = TestBundle::new();
    let apr = v1::ModelColumn {
        source: Some(model_column::Source::ActionAttribute(0)),
        missing: Some(double(9.0)),
    };
    bundle.message.models = vec![v1::Model {
        name: "card".to_owned(),
        onnx: Vec::new(),
        inputs: vec![
            input(
                "numbers",
                v1::ElementType::Float32,
                vec![feature(AGE, None), feature(BALANCE, Some(int(5))), apr],
            ),
            input("segment", v1::ElementType::String, vec![feature(SEGMENT, None)]),
        ],
        output: "probabilities".to_owned(),
        positive_column: 1,
        ..v1::Model::default()
    }];
    let gold = bundle.action("gold", 1.0);
    gold.model = Some(0);
    gold.attributes = vec![double(12.9)];
    bundle.action("iron", 1.0);
    bundle.action("silver", 1.0).model = Some(0);
    bundle
}

fn bundle() -> Bundle {
    Bundle::open(&message().seal()).unwrap()
}

/// Answers as the test configures it, and keeps its inputs.
struct Told {
    answer: Result<Vec<f64>, ScoreError>,
    asked: Vec<String>,
}

impl Scorer for Told {
    fn score(
        &mut self,
        model: ModelId,
        batch: &Batch<'_>,
        propensities: &mut Vec<f64>,
    ) -> Result<(), ScoreError> {
        self.asked
            .push(format!("{} {} {:?}", model.index(), batch.rows, batch.inputs));
        propensities.extend(self.answer.clone()?);
        Ok(())
    }
}

fn scored(
    customer: Vec<v1::Attribute>,
    answer: Result<Vec<f64>, ScoreError>,
) -> (Record<'static>, Vec<String>) {
    let bundle = bundle();
    let request = Request::check(&bundle, request(&["sidebar"], customer)).unwrap();
    let mut told = Told {
        answer,
        asked: Vec::new(),
    };
    let moment = Moment { now_us: 0, seed: 0 };
    let record = decide(&bundle, &request, None, moment, &mut told)
        .into_record()
        .into_owned();
    (record, told.asked)
}

fn mass() -> Vec<v1::Attribute> {
    vec![attribute("segment", string("mass"))]
}

/// Propensities of gold, iron and silver, and where they come from.
fn propensities(record: &Record<'_>) -> Vec<(f64, PropensitySource)> {
    let mut ranked = record.ranked.clone();
    ranked.sort_by_key(|ranked| ranked.action);
    ranked
        .iter()
        .map(|ranked| (ranked.factors.propensity, ranked.factors.propensity_source))
        .collect()
}

#[test]
fn one_run_scores_all_candidates_of_a_model() {
    let (record, asked) = scored(mass(), Ok(vec![0.25, 0.5]));
    assert_eq!(
        asked,
        [r#"0 2 [Float32([NaN, 5.0, 12.9, NaN, 5.0, 9.0]), String(["mass", "mass"])]"#]
    );
    let model = PropensitySource::Model;
    assert_eq!(
        propensities(&record),
        [(0.25, model), (0.1, PropensitySource::Prior), (0.5, model)]
    );
    assert_eq!(record.degradations, []);
}

#[test]
fn what_rounds_just_beyond_a_propensity_is_one() {
    let (record, _) = scored(mass(), Ok(vec![1.000_001_3, -1e-7]));
    let model = PropensitySource::Model;
    assert_eq!(
        propensities(&record),
        [(1.0, model), (0.1, PropensitySource::Prior), (0.0, model)]
    );
}

#[test]
fn the_prior_stands_in_for_what_a_model_does_not_give() {
    use DegradationKind::{Deadline, ModelFailed, ModelInputMissing, PropensityInvalid};
    let cases = [
        (mass(), Err(ScoreError::Failed), ModelFailed, 2),
        (mass(), Err(ScoreError::Deadline), Deadline, 2),
        (mass(), Ok(vec![0.5]), ModelFailed, 2),
        (mass(), Ok(vec![0.5, 1.5]), PropensityInvalid, 1),
        (mass(), Ok(vec![f64::NAN, f64::INFINITY]), PropensityInvalid, 2),
        (Vec::new(), Ok(Vec::new()), ModelInputMissing, 2),
    ];
    for (customer, answer, kind, actions) in cases {
        let (record, _) = scored(customer, answer);
        let found: Vec<_> = record
            .degradations
            .iter()
            .map(|found| (found.kind, found.actions))
            .collect();
        assert_eq!(found, [(kind, actions)]);
        assert_eq!(propensities(&record)[2], (0.1, PropensitySource::Degraded));
    }
}

#[test]
fn a_model_without_a_row_is_not_run() {
    let (_, asked) = scored(Vec::new(), Ok(Vec::new()));
    assert_eq!(asked, Vec::<String>::new());
}

/// The segment's rate, plus a hundredth of the action's interest.
fn lowered() -> v1::NativeModel {
    let step = |operation: v1::NativeOperation, operands: &[u32], out| v1::NativeStep {
        operation: operation.into(),
        operands: operands
            .iter()
            .map(|start| v1::NativeOperand {
                start: *start,
                single: false,
            })
            .collect(),
        out,
        width: 1,
        ..v1::NativeStep::default()
    };
    v1::NativeModel {
        cells: 7,
        float_inputs: 3,
        text_inputs: 1,
        constants: vec![0.01],
        steps: vec![
            step(v1::NativeOperation::NativeLookUp, &[0], 4),
            step(v1::NativeOperation::NativeMultiply, &[2, 3], 5),
            step(v1::NativeOperation::NativeAdd, &[4, 5], 6),
        ],
        outputs: vec![
            v1::NativeOutput { column: 0, cell: 4 },
            v1::NativeOutput { column: 1, cell: 6 },
        ],
        dictionaries: vec![v1::NativeDictionary {
            texts: vec!["mass".to_owned(), "private".to_owned()],
            width: 1,
            values: vec![0.25, 0.95],
            ..v1::NativeDictionary::default()
        }],
        ..v1::NativeModel::default()
    }
}

#[test]
fn a_lowered_model_scores_without_a_scorer() {
    use DegradationKind::{ModelFailed, ModelInputMissing, PropensityInvalid};
    let mut message = message();
    message.message.models[0].native = Some(lowered());
    // Silver wants another column of the same run.
    message.message.actions[2].model_column = Some(0);
    let bundle = Bundle::open(&message.seal()).unwrap();
    let decided = |customer| {
        let request = Request::check(&bundle, request(&["sidebar"], customer)).unwrap();
        let moment = Moment { now_us: 0, seed: 0 };
        decide(&bundle, &request, None, moment, &mut NoModels)
            .into_record()
            .into_owned()
    };
    let record = decided(mass());
    let model = PropensitySource::Model;
    let gold = f64::from(0.25_f32 + 12.9_f32 * 0.01);
    assert_eq!(
        propensities(&record),
        [(gold, model), (0.1, PropensitySource::Prior), (0.25, model)]
    );
    assert_eq!(record.degradations, []);
    let segment = |name: &str| vec![attribute("segment", string(name))];
    for (customer, kind, actions) in [
        (segment("affluent"), ModelFailed, 2),
        (Vec::new(), ModelInputMissing, 2),
        (segment("private"), PropensityInvalid, 1),
    ] {
        let record = decided(customer);
        let found: Vec<_> = record
            .degradations
            .iter()
            .map(|found| (found.kind, found.actions))
            .collect();
        assert_eq!(found, [(kind, actions)]);
        assert_eq!(propensities(&record)[0], (0.1, PropensitySource::Degraded));
    }
}

#[test]
fn a_lowered_model_of_other_inputs_is_refused() {
    let mut message = message();
    message.message.models[0].native = Some(v1::NativeModel {
        float_inputs: 4,
        ..lowered()
    });
    assert!(Bundle::open(&message.seal()).is_err());
}

/// Has no time.
struct Late;

impl Scorer for Late {
    fn admit(&mut self, _: ModelId) -> Result<(), ScoreError> {
        Err(ScoreError::Deadline)
    }

    fn score(&mut self, _: ModelId, _: &Batch<'_>, _: &mut Vec<f64>) -> Result<(), ScoreError> {
        Err(ScoreError::Failed)
    }
}

#[test]
fn a_lowered_model_is_not_run_when_it_is_too_late() {
    let mut message = message();
    message.message.models[0].native = Some(lowered());
    let bundle = Bundle::open(&message.seal()).unwrap();
    let request = Request::check(&bundle, request(&["sidebar"], mass())).unwrap();
    let moment = Moment { now_us: 0, seed: 0 };
    let record = decide(&bundle, &request, None, moment, &mut Late)
        .into_record()
        .into_owned();
    let found: Vec<_> = record
        .degradations
        .iter()
        .map(|found| (found.kind, found.actions))
        .collect();
    assert_eq!(found, [(DegradationKind::Deadline, 2)]);
    assert_eq!(propensities(&record)[0], (0.1, PropensitySource::Degraded));
}
