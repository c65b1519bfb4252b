//! Ranks and places.

use nextbest_proto::v1::{self, DegradationKind, Operation, Reason};

use crate::{
    Bundle, Capsule, Moment, NoModels, Record, Request, decide,
    testing::{
        AGE, HERO, SIDEBAR, TestBundle, at_least, attribute, int, program, read, request, step, treatment,
    },
};

fn decided(bundle: &TestBundle, placements: &[&str], age: Option<i64>) -> (Bundle, Record<'static>) {
    let bundle = Bundle::open(&bundle.seal()).unwrap();
    let customer = age.map(|age| attribute("age", int(age))).into_iter().collect();
    let request = Request::check(&bundle, request(placements, customer)).unwrap();
    let moment = Moment { now_us: 0, seed: 0 };
    let record = decide(&bundle, &request, None, moment, &mut NoModels)
        .into_record()
        .into_owned();
    (bundle, record)
}

/// The placements with their actions, as `hero: gold | sidebar: iron silver`.
fn placed(bundle: &TestBundle, placements: &[&str], age: Option<i64>) -> String {
    let (bundle, record) = decided(bundle, placements, age);
    let placement = |(index, requested): (usize, &crate::RequestedPlacement)| {
        let names = record.placed.iter().filter(|placed| placed.requested == index);
        let names: Vec<&str> = names.map(|placed| bundle.action_name(placed.action)).collect();
        format!(
            "{}: {}",
            bundle.placement_name(record.channel, requested.placement),
            names.join(" ")
        )
    };
    record
        .placements
        .iter()
        .enumerate()
        .map(placement)
        .collect::<Vec<_>>()
        .join(" | ")
}

fn cards() -> TestBundle {
    let mut bundle = TestBundle::new();
    for (name, value) in [("gold", 120.0), ("iron", 20.0), ("silver", 60.0), ("tin", 10.0)] {
        bundle.action(name, value);
    }
    bundle
}

fn change(bundle: &mut TestBundle, name: &str, change: impl FnOnce(&mut v1::Action)) {
    change(
        bundle
            .message
            .actions
            .iter_mut()
            .find(|action| action.name == name)
            .unwrap(),
    );
}

#[test]
fn placements_fill_in_the_order_requested_without_repeats() {
    let bundle = cards();
    assert_eq!(
        placed(&bundle, &["hero", "sidebar"], None),
        "hero: gold | sidebar: silver iron tin"
    );
    assert_eq!(
        placed(&bundle, &["sidebar", "hero"], None),
        "sidebar: gold silver iron | hero: tin"
    );
}

#[test]
fn a_treatment_for_a_placement_stands_there_only() {
    let mut bundle = cards();
    change(&mut bundle, "gold", |gold| {
        gold.treatments = vec![treatment("side", Some(SIDEBAR))];
    });
    change(&mut bundle, "tin", |tin| {
        tin.treatments = vec![treatment("top", Some(HERO))];
    });
    assert_eq!(
        placed(&bundle, &["hero", "sidebar"], None),
        "hero: silver | sidebar: gold iron"
    );
}

#[test]
fn the_first_treatment_whose_conditions_hold_is_taken() {
    let mut bundle = cards();
    let adult = bundle.test(AGE, at_least(18));
    change(&mut bundle, "gold", |gold| {
        gold.treatments = vec![treatment("adults", None), treatment("all", None)];
        gold.treatments[0].eligibility = vec![adult];
    });
    let treatment = |age| {
        let (bundle, record) = decided(&bundle, &["hero"], age);
        let gold = record.placed[0];
        bundle.treatment_name(gold.action, gold.treatment).to_owned()
    };
    assert_eq!(
        [treatment(Some(30)), treatment(Some(3)), treatment(None)],
        ["adults", "all", "all"]
    );
}

#[test]
fn levers_and_context_weights_add_up_in_percent() {
    let mut bundle = cards();
    bundle.message.issues[0].lever_percent = 10.0;
    bundle.message.groups[0].lever_percent = 5.0;
    change(&mut bundle, "tin", |tin| tin.lever_percent = -200.0);
    let adult = bundle.test(AGE, at_least(18));
    let weight = |percent, scope| v1::ContextWeight {
        clauses: vec![adult],
        percent,
        scope,
        text: String::new(),
    };
    bundle.message.context_weights = vec![
        weight(20.0, None),
        weight(30.0, Some(v1::context_weight::Scope::Group(0))),
        weight(-300.0, Some(v1::context_weight::Scope::Action(1))),
        weight(50.0, Some(v1::context_weight::Scope::Issue(1))),
    ];
    let factors = |age| {
        let (_, mut record) = decided(&bundle, &["hero"], age);
        record.ranked.sort_by_key(|ranked| ranked.action);
        let factors = |ranked: &crate::Ranked| {
            (
                ranked.factors.context_weight,
                ranked.factors.lever,
                ranked.factors.priority,
            )
        };
        record.ranked.iter().map(factors).collect::<Vec<_>>()
    };
    assert_eq!(
        factors(Some(30)),
        [
            (1.5, 1.15, 0.1 * 1.5 * 120.0 * 1.15),
            (0.0, 1.15, 0.0),
            (1.5, 1.15, 0.1 * 1.5 * 60.0 * 1.15),
            (1.5, 0.0, 0.0)
        ]
    );
    // An unknown condition does not match.
    assert_eq!(factors(None)[0], (1.0, 1.15, 0.1 * 120.0 * 1.15));
}

#[test]
fn mandatory_actions_come_first_and_pass_thresholds() {
    let mut bundle = cards();
    change(&mut bundle, "tin", |tin| tin.mandatory = true);
    let arbitration = bundle.message.arbitration.as_mut().unwrap();
    arbitration.priority_threshold = Some(3.0);
    assert_eq!(
        placed(&bundle, &["hero", "sidebar"], None),
        "hero: tin | sidebar: gold silver"
    );
    let (_, record) = decided(&bundle, &["hero"], None);
    assert_eq!(
        (record.placed[0].rank, record.placed[0].reason),
        (1, Reason::Mandatory)
    );
    bundle.message.arbitration.as_mut().unwrap().propensity_threshold = Some(0.2);
    assert_eq!(
        placed(&bundle, &["hero", "sidebar"], None),
        "hero: tin | sidebar: "
    );
}

#[test]
fn groups_have_limits_over_all_placements() {
    let mut bundle = cards();
    bundle.message.groups[0].limit = 2;
    change(&mut bundle, "iron", |iron| iron.group = 1);
    assert_eq!(
        placed(&bundle, &["hero", "sidebar"], None),
        "hero: gold | sidebar: silver iron"
    );
}

#[test]
fn a_fallback_fills_a_placement_that_stays_empty() {
    let mut bundle = cards();
    let adult = bundle.test(AGE, at_least(18));
    for name in ["gold", "iron", "silver", "tin"] {
        change(&mut bundle, name, |action| action.eligibility = vec![adult]);
    }
    bundle.message.channels[1].placements[0].fallback = Some(3);
    bundle.message.channels[1].placements[1].fallback = Some(3);
    assert_eq!(
        placed(&bundle, &["hero", "sidebar"], Some(3)),
        "hero: tin | sidebar: tin"
    );
    assert_eq!(placed(&bundle, &["hero"], Some(30)), "hero: gold");
    let (_, record) = decided(&bundle, &["hero"], Some(3));
    let tin = record.placed[0];
    assert_eq!((tin.rank, tin.reason, tin.factors), (0, Reason::Fallback, None));
    assert_eq!(record.funnel.last(), Some(&0));
    change(&mut bundle, "tin", |tin| tin.enabled = false);
    assert_eq!(placed(&bundle, &["hero"], Some(3)), "hero: ");
}

#[test]
fn a_fallback_may_be_placed_by_rank_elsewhere() {
    let mut bundle = cards();
    let adult = bundle.test(AGE, at_least(18));
    for name in ["gold", "iron", "silver"] {
        change(&mut bundle, name, |action| action.eligibility = vec![adult]);
    }
    bundle.message.channels[1].placements[1].fallback = Some(3);
    assert_eq!(
        placed(&bundle, &["hero", "sidebar"], Some(3)),
        "hero: tin | sidebar: tin"
    );
    let (_, record) = decided(&bundle, &["hero", "sidebar"], Some(3));
    let reasons: Vec<Reason> = record.placed.iter().map(|placed| placed.reason).collect();
    assert_eq!(reasons, [Reason::Priority, Reason::Fallback]);
    assert_eq!(record.funnel.last(), Some(&1));
}

#[test]
fn an_action_without_value_is_not_ranked_where_its_priority_needs_one() {
    let mut bundle = cards();
    change(&mut bundle, "gold", |gold| {
        gold.value = Some(v1::action::Value::ValueProgram(program(vec![read(AGE)])));
    });
    assert_eq!(placed(&bundle, &["hero"], Some(70)), "hero: gold");
    let (bundle_without, record) = decided(&bundle, &["hero"], None);
    assert_eq!(bundle_without.action_name(record.placed[0].action), "silver");
    let degradation = record.degradations[0];
    assert_eq!(
        (degradation.kind, degradation.actions),
        (DegradationKind::ValueMissing, 1)
    );
    assert_eq!(bundle_without.action_name(degradation.action.unwrap()), "gold");
    assert_eq!(record.funnel, [4, 4, 4, 4, 4, 4, 3, 1]);
    bundle.message.arbitration.as_mut().unwrap().value_off = true;
    let (_, record) = decided(&bundle, &["hero"], None);
    assert_eq!((record.ranked.len(), record.degradations.len()), (4, 0));
}

#[test]
fn a_mandatory_action_is_placed_without_a_value() {
    let mut bundle = cards();
    for name in ["iron", "tin"] {
        change(&mut bundle, name, |action| action.mandatory = true);
    }
    change(&mut bundle, "iron", |iron| {
        iron.value = Some(v1::action::Value::ValueProgram(program(vec![read(AGE)])));
    });
    assert_eq!(placed(&bundle, &["sidebar"], Some(70)), "sidebar: iron tin gold");
    assert_eq!(placed(&bundle, &["sidebar"], None), "sidebar: tin iron gold");
    let (opened, record) = decided(&bundle, &["sidebar"], None);
    let iron = record.ranked[1];
    assert_eq!(opened.action_name(iron.action), "iron");
    assert_eq!(
        (iron.factors.propensity, iron.factors.value, iron.factors.priority),
        (0.1, 0.0, 0.0)
    );
    let degradation = record.degradations[0];
    assert_eq!(
        (degradation.kind, degradation.action, degradation.actions),
        (DegradationKind::ValueMissing, Some(iron.action), 1)
    );
    // A formula without a result does not exclude a mandatory action either.
    let formula = program(vec![
        v1::Instruction {
            index: 2,
            ..step(Operation::Input, &[])
        },
        v1::Instruction {
            index: 0,
            ..step(Operation::Input, &[])
        },
        step(Operation::Div, &[0, 1]),
    ]);
    bundle.message.arbitration.as_mut().unwrap().formula = Some(formula);
    change(&mut bundle, "iron", |iron| iron.prior = 0.0);
    assert_eq!(
        placed(&bundle, &["hero", "sidebar"], None),
        "hero: tin | sidebar: iron gold silver"
    );
}

#[test]
fn a_formula_takes_the_place_of_the_product() {
    let mut bundle = cards();
    let input = |index| v1::Instruction {
        index,
        ..step(Operation::Input, &[])
    };
    // propensity - value: the least valuable comes first.
    let formula = program(vec![input(0), input(2), step(Operation::Sub, &[0, 1])]);
    bundle.message.arbitration.as_mut().unwrap().formula = Some(formula);
    assert_eq!(placed(&bundle, &["sidebar"], None), "sidebar: tin iron silver");
}

#[test]
fn ties_break_by_customer_and_not_by_name() {
    let mut test = TestBundle::new();
    for index in 0..20 {
        test.action(&format!("action-{index:02}"), 10.0);
    }
    let bundle = Bundle::open(&test.seal()).unwrap();
    let capsule = Capsule::default();
    let order = |customer_id: &str| {
        let mut message = request(&["hero"], Vec::new());
        message.customer_id = customer_id.to_owned();
        let request = Request::check(&bundle, message).unwrap();
        let moment = Moment { now_us: 0, seed: 0 };
        let decision = decide(&bundle, &request, Some(&capsule), moment, &mut NoModels);
        decision
            .record()
            .ranked
            .iter()
            .map(|ranked| ranked.action)
            .collect::<Vec<_>>()
    };
    assert_eq!(order("anna"), order("anna"));
    assert_ne!(order("anna"), order("bert"));
}
