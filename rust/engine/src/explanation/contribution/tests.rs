//! Contributions for channels and people, compared with sums made by hand.

use nextbest_proto::v1::{NativeOperation as Code, model_column};

use super::*;
use crate::{
    Moment, NoModels, Request, RequestError, decide,
    testing::{AGE, BALANCE, TestBundle, attribute, double, int, request},
};

fn step(operation: Code, start: u32, out: u32) -> v1::NativeStep {
    v1::NativeStep {
        operation: operation.into(),
        operands: vec![v1::NativeOperand { start, single: false }],
        out,
        width: 1,
        ..v1::NativeStep::default()
    }
}

fn column(source: model_column::Source) -> v1::ModelColumn {
    v1::ModelColumn {
        source: Some(source),
        missing: Some(double(100.0)),
    }
}

/// Gold and silver on a linear model of age, balance and the rate of the action; iron on none.
fn bundle() -> Bundle {
    let mut bundle = TestBundle::new();
    bundle.message.attributes[0].label = "age in years".to_owned();
    let native = v1::NativeModel {
        cells: 5,
        float_inputs: 3,
        steps: vec![
            v1::NativeStep {
                group: 3,
                ..step(Code::NativeGemm, 0, 3)
            },
            step(Code::NativeLogistic, 3, 4),
        ],
        outputs: vec![v1::NativeOutput { column: 1, cell: 4 }],
        matrices: vec![v1::NativeMatrix {
            rows: 3,
            columns: 1,
            weights: vec![0.5, -0.25, 1.0],
            bias: vec![0.0],
        }],
        cell_means: vec![40.0, 104.0, 2.0, 0.0, 0.5],
        ..v1::NativeModel::default()
    };
    bundle.message.models = vec![v1::Model {
        name: "card".to_owned(),
        inputs: vec![v1::ModelInput {
            name: "X".to_owned(),
            element_type: v1::ElementType::Float32.into(),
            columns: vec![
                column(model_column::Source::Feature(AGE)),
                column(model_column::Source::Feature(BALANCE)),
                column(model_column::Source::ActionAttribute(0)),
            ],
        }],
        output: "probabilities".to_owned(),
        positive_column: 1,
        native: Some(native),
        ..v1::Model::default()
    }];
    for (name, rate) in [("gold", Some(2.0)), ("iron", None), ("silver", Some(3.5))] {
        let action = bundle.action(name, 1.0);
        action.model = rate.map(|_| 0);
        action.attributes = vec![rate.map_or_else(v1::Value::default, double)];
    }
    Bundle::open(&bundle.seal()).unwrap()
}

fn asked(level: v1::ContributionLevel, top: u32) -> v1::DecideRequest {
    v1::DecideRequest {
        contributions: level.into(),
        contributions_top: top,
        ..request(&["hero", "sidebar"], vec![attribute("age", int(42))])
    }
}

fn answer(bundle: &Bundle, request: &Request) -> v1::DecideResponse {
    let moment = Moment { now_us: 0, seed: 0 };
    let mut decision = decide(bundle, request, None, moment, &mut NoModels);
    decision.advise(&mut NoModels);
    decision.respond(usize::MAX).unwrap()
}

fn placed(answer: &v1::DecideResponse) -> Vec<(&str, &v1::Contributions)> {
    let actions = answer.placements.iter().flat_map(|placement| &placement.actions);
    actions
        .filter_map(|action| Some((action.action.as_str(), action.contributions.as_ref()?)))
        .collect()
}

#[test]
fn a_decision_tells_what_its_best_actions_are_made_of() {
    let bundle = bundle();
    for level in [v1::ContributionLevel::Fast, v1::ContributionLevel::Exact] {
        let request = Request::check(&bundle, asked(level, 0)).unwrap();
        let answer = answer(&bundle, &request);
        let placed = placed(&answer);
        let [(first, silver), (second, gold), (third, iron)] = placed.as_slice() else {
            panic!("{placed:?}");
        };
        assert_eq!((*first, *second, *third), ("silver", "gold", "iron"));
        assert_eq!(iron.refusal, "no model is bound to the action");
        assert_eq!(
            (silver.method(), silver.scale()),
            (level, v1::ContributionScale::LogOdds)
        );
        assert_eq!((silver.base, silver.margin), (-4.0, -0.5));
        let lines: Vec<&str> = silver
            .contributions
            .iter()
            .map(|line| line.text.as_str())
            .collect();
        let expected = [
            "apr 3.5 raises the odds by 348 %",
            "age in years 42 raises the odds by 172 %",
            "balance unknown raises the odds by 172 %",
        ];
        assert_eq!(lines, expected);
        let names: Vec<&str> = silver
            .contributions
            .iter()
            .map(|line| line.attribute.as_str())
            .collect();
        assert_eq!(names, ["action.apr", "customer.age", "customer.balance"]);
        assert_eq!(silver.contributions[2].value, None);
        // Its rate is the mean one: nothing to say of it.
        assert_eq!(gold.contributions.len(), 2);
        for placed in [silver, gold] {
            let sum: f64 = placed.contributions.iter().map(|line| line.contribution).sum();
            assert!((placed.base + sum + placed.others - placed.margin).abs() < 1e-9);
        }
    }
}

#[test]
fn as_many_are_told_as_are_asked_for() {
    let bundle = bundle();
    let names = |level, top| {
        let request = Request::check(&bundle, asked(level, top)).unwrap();
        let answer = answer(&bundle, &request);
        placed(&answer)
            .into_iter()
            .map(|(name, _)| name.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(v1::ContributionLevel::Exact, 1), ["silver"]);
    assert_eq!(names(v1::ContributionLevel::Exact, 2), ["silver", "gold"]);
    assert!(names(v1::ContributionLevel::None, 2).is_empty());
    assert!(names(v1::ContributionLevel::Unspecified, 2).is_empty());
}

#[test]
fn what_asks_for_too_much_is_refused() {
    let bundle = bundle();
    let refusal = |found: Result<Request, RequestError>| {
        let error = found.unwrap_err();
        (error.field().to_owned(), error.to_string())
    };
    let found = refusal(Request::check(&bundle, asked(v1::ContributionLevel::Exact, 11)));
    assert_eq!(
        found,
        ("contributions_top".to_owned(), "11: at most 10".to_owned())
    );
    let unknown = v1::DecideRequest {
        contributions: 9,
        ..asked(v1::ContributionLevel::Exact, 1)
    };
    let found = refusal(Request::check(&bundle, unknown));
    assert_eq!(found, ("contributions".to_owned(), "no level 9".to_owned()));
    let explain = |count| v1::ExplainRequest {
        decide: Some(asked(v1::ContributionLevel::Exact, 1)),
        actions: vec!["gold".to_owned(); count],
    };
    assert!(Request::check_explain(&bundle, explain(100)).is_ok());
    let found = refusal(Request::check_explain(&bundle, explain(101)));
    assert_eq!(
        found,
        (
            "actions".to_owned(),
            "101 entries: at most 100 with contributions".to_owned()
        )
    );
}

#[test]
fn an_explanation_tells_every_action_that_is_explained() {
    let bundle = bundle();
    let explained = |actions: &[&str], level| {
        let message = v1::ExplainRequest {
            decide: Some(asked(level, 1)),
            actions: actions.iter().map(|name| (*name).to_owned()).collect(),
        };
        let request = Request::check_explain(&bundle, message).unwrap();
        let explanation = answer(&bundle, &request).explanation.unwrap();
        let actions = explanation.actions.into_iter();
        actions
            .map(|action| action.contributions.map(|placed| placed.contributions.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        explained(&[], v1::ContributionLevel::Exact),
        [Some(2), Some(0), Some(3)]
    );
    assert_eq!(explained(&["silver"], v1::ContributionLevel::Fast), [Some(3)]);
    assert_eq!(explained(&[], v1::ContributionLevel::None), [None, None, None]);
}

#[test]
fn numbers_are_grouped() {
    let cases = [
        ("7", "7"),
        ("123", "123"),
        ("72000", "72,000"),
        ("-1234567.25", "-1,234,567.25"),
        ("0.5", "0.5"),
    ];
    for (number, text) in cases {
        assert_eq!(grouped(number), text);
    }
}

#[test]
fn effects_are_told_in_percent_points_or_scores() {
    let cases = [
        (0.27, ContributionScale::LogOdds, "raises the odds by 31 %"),
        (-0.27, ContributionScale::LogOdds, "lowers the odds by 24 %"),
        (0.012, ContributionScale::LogOdds, "raises the odds by 1.2 %"),
        (0.0001, ContributionScale::LogOdds, "hardly changes the odds"),
        (3.0, ContributionScale::LogOdds, "raises the odds by 1,909 %"),
        (
            900.0,
            ContributionScale::LogOdds,
            "raises the odds by more than 1,000,000 %",
        ),
        (-900.0, ContributionScale::LogOdds, "lowers the odds by 100 %"),
        (
            0.031,
            ContributionScale::Propensity,
            "raises the propensity by 3.1 points",
        ),
        (
            -0.000_01,
            ContributionScale::Propensity,
            "hardly changes the propensity",
        ),
        (-0.25, ContributionScale::ClassScore, "lowers the score by 0.25"),
    ];
    for (contribution, scale, text) in cases {
        assert_eq!(told_effect(contribution, scale), text);
    }
}

#[test]
fn numbers_are_told_as_people_write_them() {
    let cases = [
        (Value::Missing, Some("unknown")),
        (Value::Int(72_000), Some("72,000")),
        (Value::Double(1_234.5), Some("1,234.5")),
        (Value::Bool(true), None),
    ];
    for (value, text) in cases {
        assert_eq!(told_value(&value).as_deref(), text);
    }
}
