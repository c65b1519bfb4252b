//! What explanations advise is followed, and becomes what they say.

use nextbest_proto::v1::{self, Outcome, Stage, comparison::Operator, literal};
use proptest::prelude::*;

use super::{action, explained};
use crate::testing::{
    AGE, BALANCE, HERO, JOINED, NOW, NOW_US, PRODUCTS, SEGMENT, SIDEBAR, TestBundle, VIP, at_least,
    attribute, compare, double, int, program, read, step, string, strings, value,
};

fn is_true() -> literal::Test {
    literal::Test::IsTrue(v1::IsTrue {})
}

#[test]
fn conditions_that_hold_now_are_kept() {
    let mut bundle = TestBundle::new();
    let adult = bundle.test(AGE, at_least(18));
    let minor = bundle.literal(AGE, at_least(18), true);
    let vip = bundle.literal(VIP, is_true(), false);
    let guarded = bundle.clause(&[minor, vip]);
    let gold = bundle.action("gold", 1.0);
    (gold.eligibility, gold.suitability) = (vec![adult], vec![guarded]);
    let answer = explained(&bundle, &["hero"], vec![attribute("age", int(17))]);
    let gold = action(&answer, "gold");
    assert_eq!(
        gold.changes,
        [
            "`customer.age` must be at least 18 (is 17)",
            "`customer.age` must still be less than 18, or `customer.vip` must be known and true",
            "with `customer.age` 18 and `customer.vip` true, it would be ranked first and placed in `hero`",
        ]
    );
    let advice = gold.advice.as_ref().unwrap();
    let vip = value(v1::value::Kind::Bool(true));
    assert_eq!(
        advice.customer,
        [attribute("age", int(18)), attribute("vip", vip)]
    );
    assert_eq!((advice.dropped_at(), advice.rank), (Stage::Placed, 1));
}

#[test]
fn an_action_that_would_lose_is_told_to_what_and_by_how_much() {
    let mut bundle = TestBundle::new();
    let adult = bundle.test(AGE, at_least(18));
    bundle.action("gold", 1.0).eligibility = vec![adult];
    bundle.action("rival", 500.0);
    bundle.action("tin", 100.0).eligibility = vec![adult];
    let answer = explained(&bundle, &["hero"], vec![attribute("age", int(17))]);
    assert_eq!(
        action(&answer, "gold").changes,
        [
            "`customer.age` must be at least 18 (is 17)",
            "with `customer.age` 18, it would still lose `hero` to `rival` (priority 0.1 against 50); no higher lever would do",
        ]
    );
    assert_eq!(
        action(&answer, "tin").changes[1],
        "with `customer.age` 18, it would still lose `hero` to `rival` (priority 10 against 50); a lever of 400.1 \
         percentage points more would then place it"
    );
    let advice = action(&answer, "gold").advice.as_ref().unwrap();
    assert_eq!(advice.placing.as_ref().unwrap().outcome(), Outcome::Lost);
}

#[test]
fn what_cannot_be_met_says_so() {
    let mut bundle = TestBundle::new();
    let (adult, minor) = (
        bundle.test(AGE, at_least(18)),
        bundle.literal(AGE, at_least(18), true),
    );
    let minor = bundle.clause(&[minor]);
    bundle.action("gold", 1.0).eligibility = vec![adult, minor];
    let answer = explained(&bundle, &["hero"], Vec::new());
    let gold = action(&answer, "gold");
    assert_eq!(
        gold.changes.last().unwrap(),
        "no values were found that meet all of this: whether it would be placed is not known"
    );
    assert_eq!(gold.advice, None);
}

/// A bundle with clauses over attributes of every type, and expressions over them.
fn drawn(clauses: &[(u8, u8, u8)], actions: &[(u8, u8, u8, u8)], limit: u32) -> TestBundle {
    let mut bundle = TestBundle::new();
    let sum = program(vec![read(AGE), read(BALANCE), step(v1::Operation::Add, &[0, 1])]);
    let sum = bundle.derived("customer.age + customer.balance", v1::Type::Double, sum);
    let since = program(vec![read(NOW), read(JOINED), step(v1::Operation::Sub, &[0, 1])]);
    let since = bundle.derived("now - customer.joined", v1::Type::Duration, since);
    let literals: Vec<u32> = (0..30_u8)
        .map(|kind| {
            let day = i64::from(kind) * 86_400_000_000;
            let (feature, test) = match kind % 6 {
                0 => (AGE, at_least(i64::from(kind))),
                1 => (BALANCE, compare(Operator::Gt, double(f64::from(kind) * 10.0))),
                2 => (
                    SEGMENT,
                    compare(
                        Operator::Eq,
                        string(["mass", "private"][usize::from(kind / 6 % 2)]),
                    ),
                ),
                3 => (
                    PRODUCTS,
                    literal::Test::Contains(string(["gold", "iron"][usize::from(kind / 6 % 2)])),
                ),
                4 => (sum, at_least(i64::from(kind))),
                _ if kind % 12 == 5 => (VIP, is_true()),
                _ => (
                    since,
                    compare(Operator::Lt, value(v1::value::Kind::DurationUs(day))),
                ),
            };
            bundle.literal(feature, test, kind % 4 == 3)
        })
        .collect();
    let pick = |index: u8| literals[usize::from(index) % literals.len()];
    let clauses: Vec<u32> = clauses
        .iter()
        .map(|(one, other, wide)| {
            if wide % 3 == 0 {
                bundle.clause(&[pick(*one), pick(*other)])
            } else {
                bundle.clause(&[pick(*one)])
            }
        })
        .collect();
    bundle.message.groups[0].limit = limit;
    for (position, (value, first, count, top)) in actions.iter().enumerate() {
        let own = (0..count % 4).map(|more| clauses[usize::from(first.wrapping_add(more)) % clauses.len()]);
        let own: std::collections::BTreeSet<u32> = own.collect();
        let action = bundle.action(
            &format!("action-{position}"),
            [10.0, 15.0, 20.0, 30.0][usize::from(value % 4)],
        );
        action.eligibility = own.into_iter().collect();
        action.group = u32::from(top / 3 % 2);
        action.treatments[0].placement = [None, Some(HERO), Some(SIDEBAR)][usize::from(top % 3)];
    }
    bundle
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

    /// The advised values meet all conditions, and the predicted outcome with them is right.
    #[test]
    fn values_that_are_advised_do_what_is_told(
        clauses in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>()), 1..6),
        actions in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>()), 1..7),
        limit in 0..3_u32,
        known in any::<u8>(),
    ) {
        let bundle = drawn(&clauses, &actions, limit);
        let mut customer = vec![
            attribute("age", int(17)),
            attribute("balance", double(50.0)),
            attribute("joined", value(v1::value::Kind::TimestampUs(NOW_US - 1_000_000_000_000))),
            attribute("products", strings(&["gold"])),
            attribute("segment", string("affluent")),
        ];
        let mut index = 0;
        customer.retain(|_| { index += 1; known >> index & 1 == 0 });
        let answer = explained(&bundle, &["hero", "sidebar"], customer.clone());
        for left in &answer.explanation.as_ref().unwrap().actions {
            let Some(advice) = &left.advice else { continue };
            let mut followed: Vec<v1::Attribute> = customer.clone();
            followed.retain(|one| advice.customer.iter().all(|changed| changed.name != one.name));
            followed.extend(advice.customer.iter().cloned());
            let again = explained(&bundle, &["hero", "sidebar"], followed);
            let then = action(&again, &left.action);
            prop_assert!(then.clauses.is_empty(), "{:?}", left);
            prop_assert_eq!((then.dropped_at(), then.rank), (advice.dropped_at(), advice.rank), "{:?}", left);
            prop_assert_eq!(&then.placing, &advice.placing);
            prop_assert_eq!(&then.score, &advice.score);
        }
    }
}
