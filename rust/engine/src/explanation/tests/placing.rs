//! Candidates that were not placed, and what would have placed them.

use nextbest_proto::v1::{self, Outcome, Stage};
use proptest::prelude::*;

use super::{action, explain, explained};
use crate::{
    Bundle,
    testing::{AGE, BALANCE, HERO, SIDEBAR, TestBundle, at_least, attribute, int, program, read, request},
};

pub(super) fn cards() -> TestBundle {
    let mut bundle = TestBundle::new();
    for (name, value) in [("gold", 120.0), ("iron", 20.0), ("silver", 60.0), ("tin", 10.0)] {
        bundle.action(name, value);
    }
    bundle
}

#[test]
fn losers_are_told_what_would_have_won() {
    let answer = explained(&cards(), &["hero"], Vec::new());
    let silver = action(&answer, "silver");
    let placing = silver.placing.as_ref().unwrap();
    assert_eq!(
        (
            placing.outcome(),
            placing.lost_to.as_str(),
            placing.placement.as_str()
        ),
        (Outcome::Lost, "gold", "hero")
    );
    assert_eq!(
        (placing.factor_needed, placing.lever_needed_percent, silver.rank),
        (2.0, Some(100.1), 2)
    );
    assert_eq!(
        silver.changes,
        [
            "priority must be above 12 (is 6), that of `gold`: a lever of 100.1 percentage points more would place it in \
          `hero`"
        ]
    );
    let gold = action(&answer, "gold");
    assert_eq!(
        (gold.dropped_at(), gold.rank, gold.changes.len()),
        (Stage::Placed, 1, 0)
    );
    assert_eq!(
        action(&answer, "tin").changes,
        [
            "priority must be above 12 (is 1), that of `gold`: a lever of 1100.1 percentage points more would place it in \
          `hero`"
        ]
    );
}

#[test]
fn a_group_limit_and_a_threshold_are_told_apart() {
    let mut bundle = cards();
    bundle.message.groups[0].limit = 1;
    bundle.message.arbitration.as_mut().unwrap().priority_threshold = Some(1.5);
    let answer = explained(&bundle, &["hero", "sidebar"], Vec::new());
    let outcome = |name| action(&answer, name).placing.as_ref().unwrap().outcome();
    assert_eq!(outcome("silver"), Outcome::GroupLimit);
    assert_eq!(outcome("tin"), Outcome::BelowPriorityThreshold);
    assert_eq!(
        action(&answer, "silver").changes,
        [
            "priority must be above 12 (is 6), that of `gold`, as group `cards` has all the places that it may take: a \
          lever of 100.1 percentage points more would place it in `hero`"
        ]
    );
    bundle.message.groups[0].limit = 0;
    let answer = explained(&bundle, &["sidebar"], Vec::new());
    assert_eq!(
        action(&answer, "tin").changes,
        [
            "priority must be above 2 (is 1), that of `iron`: a lever of 100.1 percentage points more would place it in \
          `sidebar`"
        ]
    );
}

#[test]
fn thresholds_and_missing_values_say_what_they_need() {
    let mut bundle = cards();
    bundle.message.arbitration.as_mut().unwrap().propensity_threshold = Some(0.2);
    bundle.message.actions[0].value = Some(v1::action::Value::ValueProgram(program(vec![read(BALANCE)])));
    bundle.message.actions[2].mandatory = true;
    let answer = explained(&bundle, &["hero"], Vec::new());
    let gold = action(&answer, "gold");
    assert_eq!(
        (gold.dropped_at(), gold.placing.as_ref().unwrap().outcome()),
        (Stage::Propensity, Outcome::ValueMissing)
    );
    assert_eq!(
        gold.changes,
        ["`customer.balance` must be known: the action's value depends on it"]
    );
    let iron = action(&answer, "iron");
    assert_eq!(iron.dropped_at(), Stage::Propensity);
    assert_eq!(iron.changes, ["propensity must be at least 0.2 (is 0.1)"]);
    assert!(iron.score.is_some() && iron.rank == 0);
}

#[test]
fn a_mandatory_action_without_a_value_needs_the_value_and_no_lever() {
    let mut bundle = cards();
    for index in [0, 3] {
        bundle.message.actions[index].mandatory = true;
    }
    bundle.message.actions[0].value = Some(v1::action::Value::ValueProgram(program(vec![read(BALANCE)])));
    let answer = explained(&bundle, &["hero"], Vec::new());
    let gold = action(&answer, "gold");
    let placing = gold.placing.as_ref().unwrap();
    assert_eq!(
        (
            gold.dropped_at(),
            gold.rank,
            placing.outcome(),
            placing.lost_to.as_str()
        ),
        (Stage::Arbitration, 2, Outcome::Lost, "tin")
    );
    assert_eq!((placing.factor_needed, placing.lever_needed_percent), (0.0, None));
    assert_eq!(
        gold.changes,
        ["`customer.balance` must be known: the action's value depends on it"]
    );
}

#[test]
fn a_fallback_is_explained_by_where_it_left_and_what_it_stands_in_for() {
    let mut bundle = cards();
    let adult = bundle.test(AGE, at_least(18));
    for action in &mut bundle.message.actions {
        action.eligibility = vec![adult];
    }
    for placement in &mut bundle.message.channels[1].placements {
        placement.fallback = Some(1);
    }
    let age = |age| vec![attribute("age", int(age))];
    let answer = explained(&bundle, &["sidebar", "hero"], age(17));
    let iron = action(&answer, "iron");
    let placing = iron.placing.as_ref().unwrap();
    assert_eq!(
        (iron.dropped_at(), iron.rank, placing.outcome()),
        (Stage::Eligibility, 0, Outcome::Fallback)
    );
    assert_eq!(placing.fallback_placements, ["sidebar", "hero"]);
    assert_eq!(iron.changes[0], "`customer.age` must be at least 18 (is 17)");
    // Placed by rank, and the fallback of what nothing else fits.
    for index in [0, 2, 3] {
        bundle.message.actions[index].treatments[0].placement = Some(SIDEBAR);
    }
    bundle.message.channels[1].placements[0].fallback = Some(1);
    let answer = explained(&bundle, &["sidebar", "hero"], age(18));
    let iron = action(&answer, "iron");
    let placing = iron.placing.as_ref().unwrap();
    assert_eq!(
        (placing.outcome(), placing.placement.as_str(), iron.dropped_at()),
        (Outcome::Placed, "sidebar", Stage::Placed)
    );
    assert_eq!(placing.fallback_placements, ["hero"]);
}

#[test]
fn nothing_overtakes_what_is_mandatory() {
    let mut bundle = cards();
    bundle.message.actions[3].mandatory = true;
    let answer = explained(&bundle, &["hero"], Vec::new());
    let gold = action(&answer, "gold");
    let placing = gold.placing.as_ref().unwrap();
    assert_eq!(
        (placing.outcome(), placing.lost_to.as_str(), placing.factor_needed),
        (Outcome::Lost, "tin", 0.0)
    );
    assert_eq!(
        gold.changes,
        ["no priority would do: better placed actions cannot be overtaken"]
    );
}

#[test]
fn no_lever_is_asked_for_that_would_not_do() {
    let mut bundle = TestBundle::new();
    for (name, value) in [("cost", -3.0), ("gold", 120.0), ("mite", 1e-9), ("zero", 0.0)] {
        bundle.action(name, value);
    }
    let answer = explained(&bundle, &["hero"], Vec::new());
    for (name, is) in [("cost", "-0.3"), ("mite", "1e-10"), ("zero", "0")] {
        let action = action(&answer, name);
        let placing = action.placing.as_ref().unwrap();
        assert_eq!(placing.lever_needed_percent, None);
        let change = format!("priority must be above 12 (is {is}), that of `gold`: no higher lever would do");
        assert_eq!(action.changes, [change]);
    }
    // No factor grows a priority of 0 or less.
    let factor = |name| action(&answer, name).placing.as_ref().unwrap().factor_needed;
    assert_eq!((factor("cost"), factor("zero")), (0.0, 0.0));
    assert!(factor("mite") > 1e10);
    bundle.message.arbitration.as_mut().unwrap().lever_off = true;
    let answer = explained(&bundle, &["hero"], Vec::new());
    assert_eq!(
        action(&answer, "mite").changes,
        ["priority must be above 12 (is 1e-10), that of `gold`: it would be placed in `hero`"]
    );
}

#[test]
fn the_last_of_many_rivals_is_found() {
    let mut bundle = TestBundle::new();
    let mut names: Vec<String> = (0..90).map(|index| format!("action-{index:02}")).collect();
    names.push("best".to_owned());
    for name in &names {
        bundle.action(name, 10.0).treatments[0].placement = Some(SIDEBAR);
    }
    // Of the group of the best only one may be placed, and 90 others are below that one.
    bundle.message.groups[1].limit = 1;
    bundle.action("wish", 5.0).group = 1;
    let best = &mut bundle.message.actions[90];
    (best.group, best.value) = (1, Some(v1::action::Value::ValueConstant(20.0)));
    let bundle = Bundle::open(&bundle.seal()).unwrap();
    let mut asked = request(&["sidebar"], Vec::new());
    asked.placements[0].count = 100;
    let message = v1::ExplainRequest {
        decide: Some(asked),
        actions: vec!["wish".to_owned()],
    };
    let answer = explain(&bundle, message);
    assert_eq!(
        action(&answer, "wish").changes,
        [
            "priority must be above 2 (is 0.5), that of `best`, as group `care` has all the places that it may take: a lever of \
          300.1 percentage points more would place it in `sidebar`"
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    /// A lever of as many points as an explanation asks for gets the action its place, with numbers as people write
    /// them, which are likely to draw; where none would do, the highest one does not.
    #[test]
    fn the_lever_that_is_asked_for_wins(
        drawn in prop::collection::vec((0..6_usize, 0..3_usize, 0..4_usize, 0..2_u32, 0..3_usize, 0..12_u32), 2..9),
        limit in 0..3_u32,
        inherited in 0..3_usize,
        threshold in prop::option::of(prop::sample::select(vec![0.5, 1.0, 2.0])),
    ) {
        let build = |levered: Option<(&str, f64)>| {
            let mut bundle = TestBundle::new();
            bundle.message.groups[0].limit = limit;
            bundle.message.groups[0].lever_percent = [0.0, 5.0, -10.0][inherited];
            bundle.message.arbitration.as_mut().unwrap().priority_threshold = threshold;
            for (index, (value, prior, lever, group, top, mandatory)) in drawn.iter().enumerate() {
                let name = format!("action-{index}");
                let more = levered.filter(|(levered, _)| *levered == name).map_or(0.0, |(_, percent)| percent);
                let action = bundle.action(&name, [0.0, 10.0, 15.0, 20.0, 30.0, 60.0][*value]);
                action.prior = [0.01, 0.05, 0.1][*prior];
                action.group = *group;
                action.mandatory = *mandatory == 0;
                action.lever_percent = [0.0, 5.0, 10.0, 25.0][*lever] + more;
                action.treatments[0].placement = [None, Some(HERO), Some(SIDEBAR)][*top];
            }
            bundle
        };
        let answer = explained(&build(None), &["hero", "sidebar"], Vec::new());
        for lost in &answer.explanation.as_ref().unwrap().actions {
            if lost.dropped_at() != Stage::Arbitration {
                continue;
            }
            let name = lost.action.as_str();
            let points = lost.placing.as_ref().unwrap().lever_needed_percent;
            let again = explained(&build(Some((name, points.unwrap_or(9_900.0)))), &["hero", "sidebar"], Vec::new());
            let then = action(&again, name);
            prop_assert_eq!(then.dropped_at() == Stage::Placed, points.is_some(), "{} {:?}", name, lost);
            if points.is_some() {
                prop_assert_eq!(&then.placing.as_ref().unwrap().placement, &lost.placing.as_ref().unwrap().placement);
            }
        }
    }
}
