//! The same in, the same out.

mod refilling;

use nextbest_proto::v1::{self, DegradationKind};
use proptest::prelude::*;
use prost::Message as _;

use crate::{
    Bundle, Capsule, Change, Moment, NoModels, Request, decide,
    testing::{
        AGE, NOW_US, TestBundle, at_least, attribute, constant, double, int, program, read, request, step,
        string, strings,
    },
};

fn bundle() -> Bundle {
    let mut bundle = TestBundle::new();
    let adult = bundle.test(AGE, at_least(18));
    for (index, name) in ["bronze", "gold", "iron", "silver", "tin"]
        .into_iter()
        .enumerate()
    {
        let action = bundle.action(name, 10.0);
        action.eligibility = if index % 2 == 0 { vec![adult] } else { Vec::new() };
        action.treatments[0].content = format!("{{\"title\":\"{name}\"}}");
    }
    Bundle::open(&bundle.seal()).unwrap()
}

fn capsule(attributes: &[v1::Attribute]) -> Capsule {
    let change = Change::of_attributes(attributes).unwrap();
    Capsule::default().apply(&change).unwrap()
}

fn answer(
    bundle: &Bundle,
    message: v1::DecideRequest,
    stored: Option<&[v1::Attribute]>,
) -> v1::DecideResponse {
    let request = Request::check(bundle, message).unwrap();
    let moment = Moment { now_us: 1, seed: 2 };
    let capsule = stored.map(capsule);
    let mut decision = decide(bundle, &request, capsule.as_ref(), moment, &mut NoModels);
    decision.advise(&mut NoModels);
    decision.respond(usize::MAX).unwrap()
}

#[test]
fn a_dry_run_repeats_a_decision() {
    let bundle = bundle();
    let mut message = request(&["hero"], Vec::new());
    message.dry_run = false;
    (message.now_us, message.seed) = (None, None);
    let first = answer(&bundle, message.clone(), None);
    assert_eq!((first.now_us, first.seed), (1, 2));
    message.dry_run = true;
    (message.now_us, message.seed) = (Some(first.now_us), Some(first.seed));
    assert_eq!(answer(&bundle, message, None), first);
}

#[test]
fn what_was_sent_takes_precedence_over_what_is_stored() {
    let bundle = bundle();
    let candidates = |stored: &[v1::Attribute], sent: Vec<v1::Attribute>| {
        let request = Request::check(&bundle, request(&["hero"], sent)).unwrap();
        let moment = Moment { now_us: 0, seed: 0 };
        decide(&bundle, &request, Some(&capsule(stored)), moment, &mut NoModels)
            .record()
            .ranked
            .len()
    };
    let age = |number| vec![attribute("age", int(number))];
    let unknown = vec![v1::Attribute {
        name: "age".to_owned(),
        value: None,
    }];
    assert_eq!(candidates(&age(30), Vec::new()), 5);
    assert_eq!(candidates(&age(30), age(3)), 2);
    assert_eq!(candidates(&age(30), unknown), 2);
    // Of another type than the bundle's, or unknown to it.
    assert_eq!(
        candidates(
            &[attribute("age", string("30")), attribute("shoe_size", int(30))],
            Vec::new()
        ),
        2
    );
}

#[test]
fn a_customer_of_whom_nothing_is_stored_is_a_degradation() {
    let bundle = bundle();
    let kinds = |customer_id: &str, stored: Option<&[v1::Attribute]>| {
        let mut message = request(&["hero"], Vec::new());
        message.customer_id = customer_id.to_owned();
        let answer = answer(&bundle, message, stored);
        answer
            .degradations
            .iter()
            .map(v1::Degradation::kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds("anna", None), [DegradationKind::CustomerUnknown]);
    assert_eq!(kinds("anna", Some(&[])), []);
    assert_eq!(kinds("", None), []);
}

#[test]
fn expressions_that_cost_too_much_are_a_degradation() {
    let mut test = TestBundle::new();
    let exists = |body, list: u32| v1::Instruction {
        body,
        ..step(v1::Operation::Exists, &[list])
    };
    let element = || step(v1::Operation::Element, &[]);
    let differs = step(v1::Operation::Ne, &[6, 6]);
    let loops = vec![
        read(3),
        exists(6, 0),
        element(),
        exists(4, 0),
        element(),
        exists(2, 0),
        element(),
        differs,
    ];
    let slow = test.derived(
        "slow",
        v1::Type::Bool,
        v1::Program {
            instructions: loops,
            result: 1,
        },
    );
    let after = vec![read(3), constant(string("x")), step(v1::Operation::In, &[1, 0])];
    test.derived("after", v1::Type::Bool, program(after));
    let clause = test.test(slow, v1::literal::Test::IsTrue(v1::IsTrue {}));
    test.action("gold", 1.0).eligibility = vec![clause];
    let bundle = Bundle::open(&test.seal()).unwrap();
    let message = request(&["hero"], vec![attribute("products", strings(&vec!["x"; 1_000]))]);
    let answer = answer(&bundle, message, None);
    assert_eq!(answer.degradations[0].kind(), DegradationKind::WorkExhausted);
    assert!(answer.placements[0].actions.is_empty());
}

#[test]
fn an_answer_says_why_in_a_sentence() {
    let answer = answer(
        &bundle(),
        request(&["hero"], vec![attribute("age", int(30))]),
        None,
    );
    let action = &answer.placements[0].actions[0];
    assert_eq!(
        (action.rank, action.reason_text.as_str()),
        (1, "priority 1, first of 5 candidates")
    );
    assert_eq!((action.issue.as_str(), action.group.as_str()), ("sales", "cards"));
    assert_eq!(answer.now_us, NOW_US);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// The same bundle, request, customer, time and seed: the same bytes, however attributes are ordered.
    #[test]
    fn the_same_in_gives_the_same_bytes_out(
        age in 0..130_i64,
        balance in -1e9..1e9_f64,
        customer_id in "[a-z]{0,8}",
        order in Just(vec![0_usize, 1, 2, 3]).prop_shuffle(),
        stored in any::<bool>(),
    ) {
        let bundle = bundle();
        let attributes = [
            attribute("age", int(age)),
            attribute("balance", double(balance)),
            attribute("products", strings(&["gold"])),
            attribute("segment", string("mass")),
        ];
        let shuffled: Vec<v1::Attribute> = order.iter().map(|index| attributes[*index].clone()).collect();
        let decided = |attributes: &[v1::Attribute]| {
            let mut message = request(&["hero", "sidebar"], if stored { Vec::new() } else { attributes.to_vec() });
            message.customer_id.clone_from(&customer_id);
            message.explanation = v1::ExplanationLevel::Full.into();
            answer(&bundle, message, stored.then_some(attributes)).encode_to_vec()
        };
        let first = decided(&attributes);
        prop_assert_eq!(&first, &decided(&attributes));
        prop_assert_eq!(&first, &decided(&shuffled));
    }
}
