//! How explanations word values, what expressions read, and why they have no result.

use nextbest_proto::v1::{self, Stage, comparison::Operator, literal};

use super::{action, asked, change, explained};
use crate::testing::{
    AGE, BALANCE, JOINED, NOW, NOW_US, RECENT, SEGMENT, TestBundle, VIP, VISITS, at_least, attribute,
    compare, constant, double, int, program, read, step, string, value,
};

#[test]
fn a_double_is_written_as_it_is() {
    let poor = vec![attribute("balance", double(-0.5))];
    assert_eq!(
        change(BALANCE, at_least(18), false, poor),
        "`customer.balance` must be at least 18 (is -0.5) / >= 18"
    );
}

#[test]
fn durations_are_written_as_people_say_them() {
    let mut bundle = TestBundle::new();
    let since = program(vec![read(NOW), read(JOINED), step(v1::Operation::Sub, &[0, 1])]);
    let since = bundle.derived("now - customer.joined", v1::Type::Duration, since);
    let month = value(v1::value::Kind::DurationUs(2_592_000_000_000));
    let recent = bundle.test(since, compare(Operator::Lt, month));
    bundle.action("gold", 1.0).eligibility = vec![recent];
    let joined = value(v1::value::Kind::TimestampUs(NOW_US - 13_064_400_000_000));
    let answer = explained(&bundle, &["hero"], vec![attribute("joined", joined)]);
    let gold = action(&answer, "gold");
    let literal = &gold.clauses[0].literals[0];
    assert_eq!(literal.required, "< 30 days (720h)");
    assert_eq!(
        literal.actual,
        Some(value(v1::value::Kind::DurationUs(13_064_400_000_000)))
    );
    assert_eq!(
        asked(gold),
        ["`now - customer.joined` must be less than 30 days \
          (is 151 days 5 hours: `customer.joined` is 2026-01-01T07:00:00Z)"]
    );
}

#[test]
fn a_huge_number_is_written_short() {
    assert_eq!(
        change(
            BALANCE,
            compare(Operator::Gt, double(f64::MAX)),
            false,
            vec![attribute("balance", double(1e300))]
        ),
        "`customer.balance` must be more than 1.7976931348623157e+308 (is 1e+300) / > 1.7976931348623157e+308"
    );
    let mut bundle = TestBundle::new();
    bundle.action("best", 1e300);
    let answer = explained(&bundle, &["hero"], Vec::new());
    assert_eq!(
        answer.placements[0].actions[0].reason_text,
        "priority 1e+299, the only candidate"
    );
}

#[test]
fn attributes_are_named_with_their_labels() {
    let mut bundle = TestBundle::new();
    bundle.message.attributes[AGE as usize].label = "age in years".to_owned();
    let adult = bundle.test(AGE, at_least(18));
    bundle.action("gold", 1.0).eligibility = vec![adult];
    let answer = explained(&bundle, &["hero"], vec![attribute("age", int(17))]);
    let gold = action(&answer, "gold");
    assert_eq!(
        asked(gold),
        ["`customer.age` (age in years) must be at least 18 (is 17)"]
    );
    let literal = &gold.clauses[0].literals[0];
    assert_eq!((literal.label.as_str(), literal.reads.len()), ("age in years", 0));
    assert_eq!(answer.currency, "EUR");
    bundle.message.attributes[AGE as usize].label = "Age".to_owned();
    let answer = explained(&bundle, &["hero"], vec![attribute("age", int(17))]);
    assert_eq!(
        asked(action(&answer, "gold")),
        ["`customer.age` must be at least 18 (is 17)"]
    );
}

#[test]
fn what_an_expression_reads_is_listed() {
    use v1::Operation::{Add, Lt};
    let mut bundle = TestBundle::new();
    bundle.message.attributes[BALANCE as usize].label = "total".to_owned();
    let sum = program(vec![read(AGE), read(BALANCE), step(Add, &[0, 1])]);
    let sum = bundle.derived("customer.age + customer.balance", v1::Type::Double, sum);
    let less = program(vec![read(BALANCE), read(sum), step(Lt, &[0, 1])]);
    let less = bundle.derived(
        "customer.balance < customer.age + customer.balance",
        v1::Type::Bool,
        less,
    );
    let enough = bundle.test(sum, at_least(100));
    let few = bundle.literal(less, literal::Test::IsTrue(v1::IsTrue {}), true);
    let few = bundle.clause(&[few]);
    bundle.action("gold", 1.0).eligibility = vec![enough, few];
    let customer = vec![attribute("age", int(7)), attribute("balance", double(3.5))];
    let answer = explained(&bundle, &["hero"], customer);
    let gold = action(&answer, "gold");
    assert_eq!(
        asked(gold),
        [
            "`customer.age + customer.balance` must be at least 100 \
             (is 10.5: `customer.age` is 7, `customer.balance` (total) is 3.5)",
            "`customer.balance < customer.age + customer.balance` must not hold: \
             `customer.balance` (total) is 3.5, `customer.age` is 7",
        ]
    );
    let reads: Vec<_> = gold.clauses[0].literals[0]
        .reads
        .iter()
        .map(|read| (read.name.as_str(), read.label.as_str(), read.value.clone()))
        .collect();
    assert_eq!(
        reads,
        [
            ("customer.age", "", Some(int(7))),
            ("customer.balance", "total", Some(double(3.5)))
        ]
    );
}

/// What an action with this value needs to have one.
fn value_change(instructions: Vec<v1::Instruction>, customer: Vec<v1::Attribute>) -> String {
    let mut bundle = TestBundle::new();
    bundle.action("gold", 1.0).value = Some(v1::action::Value::ValueProgram(program(instructions)));
    let answer = explained(&bundle, &["hero"], customer);
    let gold = action(&answer, "gold");
    assert_eq!(gold.dropped_at(), Stage::Propensity);
    gold.changes.join("; ")
}

#[test]
fn a_value_without_a_result_says_what_it_needs() {
    use v1::Operation::{Add, Div, If, Index, Mul, Sub, ToInt};
    let age = |number| vec![attribute("age", int(number))];
    let hundred = || constant(double(100.0));
    let cases = [
        (
            value_change(vec![hundred(), read(AGE), step(Div, &[0, 1])], age(0)),
            "`customer.age` must not be 0",
        ),
        (
            value_change(vec![hundred(), read(AGE), step(Div, &[0, 1])], Vec::new()),
            "`customer.age` must be known",
        ),
        (
            value_change(
                vec![
                    read(BALANCE),
                    read(AGE),
                    constant(int(7)),
                    step(Sub, &[1, 2]),
                    step(Div, &[0, 3]),
                ],
                age(7),
            ),
            "`customer.balance` must be known",
        ),
        (
            value_change(
                vec![
                    hundred(),
                    read(AGE),
                    constant(int(7)),
                    step(Sub, &[1, 2]),
                    step(Div, &[0, 3]),
                ],
                age(7),
            ),
            "`customer.age - 7` must not be 0",
        ),
        (
            value_change(
                vec![read(AGE), constant(int(i64::MAX)), step(Mul, &[0, 1])],
                age(2),
            ),
            "`customer.age * 9223372036854775807` must not overflow (a whole number is at most 9223372036854775807)",
        ),
        (
            value_change(
                vec![read(BALANCE), constant(double(10.0)), step(Mul, &[0, 1])],
                vec![attribute("balance", double(1e308))],
            ),
            "`customer.balance * 10` must not overflow (a number is at most 1.8e+308)",
        ),
        (
            value_change(
                vec![read(SEGMENT), step(ToInt, &[0])],
                vec![attribute("segment", string("mass"))],
            ),
            "`customer.segment` must be a whole number (is \"mass\")",
        ),
        (
            value_change(
                vec![read(RECENT), constant(int(2)), step(Index, &[0, 1])],
                Vec::new(),
            ),
            "`context.recent` must be known",
        ),
        (
            // Only the branch that was taken counts.
            value_change(
                vec![
                    read(VIP),
                    read(BALANCE),
                    read(AGE),
                    step(If, &[0, 1, 2]),
                    hundred(),
                    step(Add, &[3, 4]),
                ],
                vec![attribute("vip", value(v1::value::Kind::Bool(false)))],
            ),
            "`customer.age` must be known",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, format!("{expected}: the action's value depends on it"));
    }
}

#[test]
fn a_priority_without_a_result_says_what_it_needs() {
    use v1::Operation::{Div, Input};
    let input = |index| v1::Instruction {
        index,
        ..step(Input, &[])
    };
    let mut bundle = TestBundle::new();
    bundle.action("gold", 0.0);
    let formula = program(vec![input(0), input(2), step(Div, &[0, 1])]);
    bundle.message.arbitration.as_mut().unwrap().formula = Some(formula);
    let answer = explained(&bundle, &["hero"], Vec::new());
    assert_eq!(
        action(&answer, "gold").changes,
        ["`value` must not be 0: the priority depends on it"]
    );

    let mut bundle = TestBundle::new();
    let gold = bundle.action("gold", f64::MAX);
    (gold.prior, gold.lever_percent) = (1.0, 1_000.0);
    let answer = explained(&bundle, &["hero"], Vec::new());
    assert_eq!(
        action(&answer, "gold").changes,
        [
            "the priority must not overflow (a number is at most 1.8e+308): propensity, context weight, value and lever \
          are multiplied"
        ]
    );
}

#[test]
fn a_condition_without_a_result_names_the_divisor() {
    use v1::Operation::{Add, Div};
    let mut bundle = TestBundle::new();
    bundle.message.attributes[BALANCE as usize].label = "total".to_owned();
    let share = program(vec![read(AGE), read(BALANCE), step(Div, &[0, 1])]);
    let share = bundle.derived("customer.age / customer.balance", v1::Type::Double, share);
    let sum = program(vec![read(share), read(VISITS), step(Add, &[0, 1])]);
    let sum = bundle.derived(
        "customer.age / customer.balance + context.visits",
        v1::Type::Double,
        sum,
    );
    let enough = bundle.test(sum, at_least(3));
    bundle.action("gold", 1.0).eligibility = vec![enough];
    let customer = vec![attribute("age", int(7)), attribute("balance", double(0.0))];
    let answer = explained(&bundle, &["hero"], customer);
    let gold = action(&answer, "gold");
    assert_eq!(
        gold.clauses[0].literals[0].no_result,
        "`context.visits` is missing and it divides by `customer.balance` (total), which is 0"
    );
    assert_eq!(
        asked(gold),
        [
            "`context.visits` must be known and `customer.balance` (total) must not be 0, and \
             `customer.age / customer.balance + context.visits` must be at least 3"
        ]
    );
}
