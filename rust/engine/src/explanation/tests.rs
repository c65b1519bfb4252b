//! Explanations as people read them.

mod advice;
mod placing;
mod wording;

use nextbest_proto::v1::{self, Stage, Truth, Unavailable, comparison::Operator, literal};

use crate::{
    Bundle, Moment, NoModels, Request, decide,
    testing::{
        AGE, BALANCE, HERO, JOINED, NOW_US, PRODUCTS, SEGMENT, SIDEBAR, TestBundle, VIP, at_least, attribute,
        compare, constant, int, program, read, request, step, string, strings, treatment, value,
    },
};

fn explained(bundle: &TestBundle, placements: &[&str], customer: Vec<v1::Attribute>) -> v1::DecideResponse {
    let bundle = Bundle::open(&bundle.seal()).unwrap();
    let message = v1::ExplainRequest {
        decide: Some(request(placements, customer)),
        actions: Vec::new(),
    };
    explain(&bundle, message)
}

fn explain(bundle: &Bundle, message: v1::ExplainRequest) -> v1::DecideResponse {
    let request = Request::check_explain(bundle, message).unwrap();
    let moment = Moment { now_us: 0, seed: 0 };
    let mut decision = decide(bundle, &request, None, moment, &mut NoModels);
    decision.advise(&mut NoModels);
    decision.respond(usize::MAX).unwrap()
}

fn action<'a>(answer: &'a v1::DecideResponse, name: &str) -> &'a v1::ActionExplanation {
    let explanation = answer.explanation.as_ref().unwrap();
    explanation
        .actions
        .iter()
        .find(|action| action.action == name)
        .unwrap()
}

/// The changes that would be needed, without the outcome after them.
fn asked(action: &v1::ActionExplanation) -> &[String] {
    let (outcome, asked) = action.changes.split_last().unwrap();
    assert!(
        outcome.starts_with("with ") || outcome.starts_with("no values were found"),
        "{outcome}"
    );
    asked
}

/// What would have to change for an action with one clause of one test.
fn change(feature: u32, test: literal::Test, negated: bool, customer: Vec<v1::Attribute>) -> String {
    let mut bundle = TestBundle::new();
    let literal = bundle.literal(feature, test, negated);
    let clause = bundle.clause(&[literal]);
    bundle.action("gold", 1.0).eligibility = vec![clause];
    let answer = explained(&bundle, &["hero"], customer);
    let gold = action(&answer, "gold");
    assert_eq!(gold.dropped_at(), Stage::Eligibility);
    let [change] = asked(gold) else {
        panic!("{:?}", gold.changes)
    };
    format!("{change} / {}", gold.clauses[0].literals[0].required)
}

#[test]
fn changes_say_what_a_test_asks_for() {
    let age = |number| vec![attribute("age", int(number))];
    let segments = || {
        literal::Test::OneOf(v1::OneOf {
            values: vec![string("mass"), string("private")],
        })
    };
    let affluent = || vec![attribute("segment", string("affluent"))];
    let has = || literal::Test::Contains(string("gold"));
    let joined = vec![attribute("joined", value(v1::value::Kind::TimestampUs(NOW_US)))];
    let later = compare(Operator::Gt, value(v1::value::Kind::TimestampUs(NOW_US)));
    let vip = |truth| vec![attribute("vip", value(v1::value::Kind::Bool(truth)))];
    let cases = [
        (
            change(AGE, at_least(18), false, age(17)),
            "`customer.age` must be at least 18 (is 17) / >= 18",
        ),
        (
            change(AGE, at_least(18), true, age(18)),
            "`customer.age` must be less than 18 (is 18) / < 18",
        ),
        (
            change(AGE, at_least(18), false, Vec::new()),
            "`customer.age` must be known and at least 18 / >= 18",
        ),
        (
            change(AGE, compare(Operator::Eq, int(3)), true, age(3)),
            "`customer.age` must not be 3 (is 3) / != 3",
        ),
        (
            change(AGE, literal::Test::IsPresent(v1::IsPresent {}), false, Vec::new()),
            "`customer.age` must be known / present",
        ),
        (
            change(AGE, literal::Test::IsPresent(v1::IsPresent {}), true, age(3)),
            "`customer.age` must be absent (is 3) / absent",
        ),
        (
            change(SEGMENT, segments(), false, affluent()),
            "`customer.segment` must be one of \"mass\", \"private\" (is \"affluent\") / one of \"mass\", \"private\"",
        ),
        (
            change(
                PRODUCTS,
                has(),
                true,
                vec![attribute("products", strings(&["gold"]))],
            ),
            "`customer.products` must not contain \"gold\" (is [\"gold\"]) / does not contain \"gold\"",
        ),
        (
            change(JOINED, later, false, joined),
            "`customer.joined` must be after 2026-06-01T12:00:00Z (is 2026-06-01T12:00:00Z) / > 2026-06-01T12:00:00Z",
        ),
        (
            change(VIP, literal::Test::IsTrue(v1::IsTrue {}), false, vip(false)),
            "`customer.vip` must be true (is false) / true",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_derived_test_names_the_attributes_that_it_misses() {
    let mut bundle = TestBundle::new();
    let sum = program(vec![read(AGE), read(BALANCE), step(v1::Operation::Add, &[0, 1])]);
    let sum = bundle.derived("customer.age + customer.balance", v1::Type::Double, sum);
    let never = bundle.derived(
        "1 == 2",
        v1::Type::Bool,
        program(vec![constant(value(v1::value::Kind::Bool(false)))]),
    );
    let enough = bundle.test(sum, at_least(100));
    let never = bundle.test(never, literal::Test::IsTrue(v1::IsTrue {}));
    bundle.action("gold", 1.0).eligibility = vec![enough];
    bundle.action("iron", 1.0).suitability = vec![never];
    let answer = explained(&bundle, &["hero"], vec![attribute("age", int(17))]);
    assert_eq!(
        asked(action(&answer, "gold")),
        ["`customer.balance` must be known, and `customer.age + customer.balance` must be at least 100"]
    );
    let iron = action(&answer, "iron");
    assert_eq!(
        (iron.dropped_at(), asked(iron)),
        (
            Stage::Suitability,
            ["`condition 1` can never hold".to_owned()].as_slice()
        )
    );
}

#[test]
fn every_clause_that_is_not_true_is_listed_with_its_source() {
    let mut bundle = TestBundle::new();
    let adult = bundle.literal(AGE, at_least(18), false);
    let rich = bundle.literal(BALANCE, at_least(1_000), false);
    let either = bundle.clause(&[adult, rich]);
    let senior = bundle.test(AGE, at_least(65));
    let gold = bundle.action("gold", 1.0);
    (gold.eligibility, gold.suitability) = (vec![either], vec![senior]);
    gold.treatments = vec![treatment("side", Some(SIDEBAR)), treatment("top", Some(HERO))];
    gold.treatments[1].eligibility = vec![senior];
    let answer = explained(&bundle, &["hero"], vec![attribute("age", int(17))]);
    let gold = action(&answer, "gold");
    assert_eq!(gold.dropped_at(), Stage::Eligibility);
    let clauses: Vec<_> = gold
        .clauses
        .iter()
        .map(|clause| (clause.stage(), clause.truth(), clause.treatment.as_str()))
        .collect();
    assert_eq!(
        clauses,
        [
            (Stage::Eligibility, Truth::Unknown, ""),
            (Stage::Suitability, Truth::False, ""),
            (Stage::Treatment, Truth::False, "top"),
        ]
    );
    let clause = &gold.clauses[0];
    let position = clause.position.as_ref().unwrap();
    assert_eq!(
        (position.file.as_str(), position.line, position.column),
        ("actions/cards.yaml", 4, 11)
    );
    assert_eq!(
        (clause.reason.as_str(), clause.condition.as_str()),
        ("reason 0", "condition 0")
    );
    let literals: Vec<_> = clause
        .literals
        .iter()
        .map(|literal| (literal.truth(), literal.actual.clone()))
        .collect();
    assert_eq!(literals, [(Truth::False, Some(int(17))), (Truth::Unknown, None)]);
    assert_eq!(
        asked(gold),
        [
            "`customer.age` must be at least 18 (is 17), or `customer.balance` must be known and at least 1000",
            "`customer.age` must be at least 65 (is 17)",
            "for treatment `top`, `customer.age` must be at least 65 (is 17)",
        ]
    );
}

#[test]
fn times_are_told_in_the_zone_of_the_workspace() {
    let zones = [
        ("", "2026-06-01T12:00:01Z"),
        ("UTC", "2026-06-01T12:00:01Z"),
        ("Europe/Berlin", "2026-06-01T14:00:01+02:00"),
        ("-03:30", "2026-06-01T08:30:01-03:30"),
    ];
    for (zone, written) in zones {
        let mut bundle = TestBundle::new();
        bundle.message.time_zone = zone.to_owned();
        bundle.action("early", 1.0).active_from_us = Some(NOW_US + 1_000_000);
        let answer = explained(&bundle, &["hero"], Vec::new());
        let change = format!("the action must be active: it will be from {written}");
        assert_eq!(action(&answer, "early").changes, [change]);
    }
    let mut bundle = TestBundle::new();
    bundle.message.time_zone = "Europe/Nowhere".to_owned();
    assert!(Bundle::open(&bundle.seal()).is_err());
}

#[test]
fn what_is_not_available_says_why() {
    let mut bundle = TestBundle::new();
    bundle.action("disabled", 1.0).enabled = false;
    bundle.action("early", 1.0).active_from_us = Some(NOW_US + 1_000_000);
    bundle.action("elsewhere", 1.0).treatments[0].channel = 0;
    bundle.action("late", 1.0).active_until_us = Some(NOW_US);
    bundle.action("side", 1.0).treatments[0].placement = Some(SIDEBAR);
    let answer = explained(&bundle, &["hero"], Vec::new());
    let expected = [
        ("disabled", Unavailable::Disabled, "the action must be enabled"),
        (
            "early",
            Unavailable::NotYet,
            "the action must be active: it will be from 2026-06-01T12:00:01Z",
        ),
        (
            "elsewhere",
            Unavailable::NoTreatmentForChannel,
            "the action must have a treatment for channel `web`",
        ),
        (
            "late",
            Unavailable::Expired,
            "the action must be active: it was until 2026-06-01T12:00:00Z",
        ),
        (
            "side",
            Unavailable::NoTreatmentForPlacements,
            "the action must have a treatment for `hero`",
        ),
    ];
    for (name, why, change) in expected {
        let action = action(&answer, name);
        assert_eq!(
            (action.dropped_at(), action.unavailable()),
            (Stage::Availability, why)
        );
        assert_eq!(action.changes, [change]);
    }
    let counts: Vec<u32> = answer
        .explanation
        .unwrap()
        .funnel
        .iter()
        .map(|line| line.remaining)
        .collect();
    assert_eq!(counts, [5, 0, 0, 0, 0, 0, 0, 0]);
}
