//! Truth of literals and clauses, and what follows from it.

use nextbest_proto::v1::{self, comparison::Operator, literal};
use proptest::prelude::*;

use super::*;
use crate::{
    Moment, NoModels, Request, decide,
    testing::{
        AGE, BALANCE, PAGE, PRODUCTS, SEGMENT, TestBundle, VIP, VISITS, at_least, attribute, compare, double,
        int, request, string, strings,
    },
};

fn one_of(values: Vec<v1::Value>) -> literal::Test {
    literal::Test::OneOf(v1::OneOf { values })
}

/// The truth of a test of one customer attribute, and of the same turned round.
fn truths(feature: u32, test: literal::Test, customer: Vec<v1::Attribute>) -> (Truth, Truth) {
    let mut bundle = TestBundle::new();
    let plain = bundle.literal(feature, test.clone(), false);
    let negated = bundle.literal(feature, test, true);
    bundle.clause(&[plain]);
    bundle.clause(&[negated]);
    let bundle = Bundle::open(&bundle.seal()).unwrap();
    let request = Request::check(&bundle, request(&["hero"], customer)).unwrap();
    let moment = Moment { now_us: 0, seed: 0 };
    let decision = decide(&bundle, &request, None, moment, &mut NoModels);
    let clause = |index| decision.interpreter().clause(ClauseId::from_index(index));
    (clause(0), clause(1))
}

#[test]
fn a_literal_is_true_false_or_unknown() {
    use Truth::{False, True, Unknown};
    let age = |number| vec![attribute("age", int(number))];
    let none = Vec::new;
    let products = |items: &[&str]| vec![attribute("products", strings(items))];
    let has_gold = || literal::Test::Contains(string("gold"));
    let cases = [
        (truths(AGE, at_least(18), age(18)), (True, False)),
        (truths(AGE, at_least(18), age(17)), (False, True)),
        (truths(AGE, at_least(18), none()), (Unknown, Unknown)),
        (
            truths(AGE, compare(Operator::Lt, double(17.5)), age(17)),
            (True, False),
        ),
        (
            truths(BALANCE, at_least(18), vec![attribute("balance", int(18))]),
            (True, False),
        ),
        (
            truths(AGE, compare(Operator::Eq, double(17.0)), age(17)),
            (True, False),
        ),
        (
            truths(AGE, one_of(vec![int(17), int(21)]), age(21)),
            (True, False),
        ),
        (truths(AGE, one_of(Vec::new()), age(21)), (False, True)),
        (
            truths(
                BALANCE,
                one_of(vec![int(17)]),
                vec![attribute("balance", double(17.0))],
            ),
            (True, False),
        ),
        (
            truths(
                SEGMENT,
                one_of(vec![string("mass"), string("private")]),
                vec![attribute("segment", string("mass"))],
            ),
            (True, False),
        ),
        (
            truths(PRODUCTS, has_gold(), products(&["silver", "gold"])),
            (True, False),
        ),
        (truths(PRODUCTS, has_gold(), products(&[])), (False, True)),
        (truths(PRODUCTS, has_gold(), none()), (Unknown, Unknown)),
        (
            truths(AGE, literal::Test::IsPresent(v1::IsPresent {}), age(1)),
            (True, False),
        ),
        (
            truths(AGE, literal::Test::IsPresent(v1::IsPresent {}), none()),
            (False, True),
        ),
        (
            truths(VIP, literal::Test::IsTrue(v1::IsTrue {}), none()),
            (Unknown, Unknown),
        ),
    ];
    for (index, (found, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found, expected, "case {index}");
    }
}

/// A literal: the feature `visits` or `page`, present or not, compared or asked for, turned round or not.
#[derive(Clone, Debug)]
struct AnyLiteral {
    visits: bool,
    least: i64,
    negated: bool,
}

fn any_literal() -> impl Strategy<Value = AnyLiteral> {
    (any::<bool>(), 0..4_i64, any::<bool>()).prop_map(|(visits, least, negated)| AnyLiteral {
        visits,
        least,
        negated,
    })
}

/// The value of a literal, computed without the engine.
fn meaning(literal: &AnyLiteral, visits: Option<i64>, page: Option<i64>) -> Truth {
    let value = if literal.visits { visits } else { page };
    match value {
        None => Truth::Unknown,
        Some(value) if (value >= literal.least) != literal.negated => Truth::True,
        Some(_) => Truth::False,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A clause is the greatest of its literals, and an action stays when the least of its clauses is true.
    #[test]
    fn conjunctive_normal_form_means_what_it_says(
        clauses in prop::collection::vec(prop::collection::vec(any_literal(), 1..4), 0..5),
        visits in prop::option::of(0..4_i64),
        page in prop::option::of(0..4_i64),
    ) {
        let mut bundle = TestBundle::new();
        let mut indices = Vec::new();
        for clause in &clauses {
            let literals: Vec<u32> = clause.iter().map(|literal| {
                let (feature, test) = if literal.visits {
                    (VISITS, at_least(literal.least))
                } else {
                    (PAGE, compare(Operator::Ge, string(&literal.least.to_string())))
                };
                bundle.literal(feature, test, literal.negated)
            }).collect();
            indices.push(bundle.clause(&literals));
        }
        bundle.action("gold", 1.0).eligibility = indices;
        let bundle = Bundle::open(&bundle.seal()).unwrap();
        let mut message = request(&["hero"], Vec::new());
        message.context.extend(visits.map(|visits| attribute("visits", int(visits))));
        message.context.extend(page.map(|page| attribute("page", string(&page.to_string()))));
        let request = Request::check(&bundle, message).unwrap();
        let moment = Moment { now_us: 0, seed: 0 };
        let decision = decide(&bundle, &request, None, moment, &mut NoModels);

        let meanings: Vec<Truth> = clauses.iter()
            .map(|clause| clause.iter().map(|literal| meaning(literal, visits, page)).max().unwrap())
            .collect();
        for (position, meaning) in (0..).zip(&meanings) {
            prop_assert_eq!(decision.interpreter().clause(ClauseId::from_index(position)), *meaning);
        }
        let stays = meanings.iter().min().is_none_or(|least| *least == Truth::True);
        prop_assert_eq!(decision.record.placed.len(), usize::from(stays));
    }

    /// The first law of policies: another clause never lets anybody in.
    #[test]
    fn an_added_clause_never_adds_an_action(
        actions in prop::collection::vec(prop::collection::vec(0..8_u32, 0..3), 1..8),
        added in prop::collection::vec(0..8_u32, 8),
        age in prop::option::of(0..100_i64),
        visits in prop::option::of(0..4_i64),
    ) {
        let passing = |extra: &[u32]| {
            let mut bundle = TestBundle::new();
            for least in 0..4 {
                bundle.test(AGE, at_least(least * 25));
                bundle.test(VISITS, at_least(least));
            }
            for (index, clauses) in actions.iter().enumerate() {
                let clauses = clauses.iter().copied().chain(extra.get(index).copied()).collect();
                bundle.action(&format!("action-{index}"), 1.0).eligibility = clauses;
            }
            let bundle = Bundle::open(&bundle.seal()).unwrap();
            let mut message = request(&["hero"], Vec::new());
            message.customer.extend(age.map(|age| attribute("age", int(age))));
            message.context.extend(visits.map(|visits| attribute("visits", int(visits))));
            let request = Request::check(&bundle, message).unwrap();
            let moment = Moment { now_us: 0, seed: 0 };
            let decision = decide(&bundle, &request, None, moment, &mut NoModels);
            decision.record.stages.passed.eligible.clone()
        };
        let before = passing(&[]);
        prop_assert!(passing(&added).iter().all(|action| before.contains(action)));
    }
}
