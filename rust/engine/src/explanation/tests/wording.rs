//! How explanations word values, what expressions read, and why they have no result.

use nextbest_proto::v1::{self, comparison::Operator};

use super::{action, change, explained};
use crate::testing::{
    BALANCE, JOINED, NOW, NOW_US, TestBundle, at_least, attribute, compare, double, program, read, step,
    value,
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
        gold.changes,
        ["`now - customer.joined` must be less than 30 days (is 151 days 5 hours)"]
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
