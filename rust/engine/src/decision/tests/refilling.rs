//! Claims that are refused: the placements are filled without those actions, as if they had never been ranked.

use nextbest_proto::v1::Reason;
use proptest::prelude::*;

use crate::{
    ActionId, Bundle, Decision, Moment, NoModels, Request, decide,
    testing::{AGE, HERO, SIDEBAR, TestBundle, at_least, attribute, int, request, treatment},
};

const ACTIONS: usize = 12;

/// What an action of a drawn bundle is like.
#[derive(Clone, Debug)]
struct Drawn {
    value: f64,
    adult: bool,
    mandatory: bool,
    group: u32,
    /// In the first placement, the second or both.
    placements: u8,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    // Few values, so that priorities tie.
    let values = (1..5_i32).prop_map(f64::from);
    let chances = (
        values,
        any::<bool>(),
        prop::bool::weighted(0.1),
        0..2_u32,
        0..3_u8,
    );
    chances.prop_map(|(value, adult, mandatory, group, placements)| Drawn {
        value,
        adult,
        mandatory,
        group,
        placements,
    })
}

fn bundle(drawn: &[Drawn], limit: u32, threshold: bool, fallback: u32, disabled: &[bool]) -> Bundle {
    let mut bundle = TestBundle::new();
    let adult = bundle.test(AGE, at_least(18));
    for (number, one) in drawn.iter().enumerate() {
        let action = bundle.action(&format!("action-{number:02}"), one.value);
        action.group = one.group;
        action.mandatory = one.mandatory;
        action.enabled = !disabled.get(number).copied().unwrap_or(false);
        action.eligibility = if one.adult { vec![adult] } else { Vec::new() };
        action.treatments = [("hero", HERO, 1), ("sidebar", SIDEBAR, 0)]
            .into_iter()
            .filter(|(.., not_for)| one.placements != *not_for)
            .map(|(name, placement, _)| treatment(name, Some(placement)))
            .collect();
    }
    if let Some(group) = bundle.message.groups.first_mut() {
        group.limit = limit;
    }
    for placement in &mut bundle.message.channels[1].placements {
        placement.fallback = Some(fallback);
    }
    if threshold {
        bundle.message.arbitration.as_mut().unwrap().priority_threshold = Some(0.25);
    }
    Bundle::open(&bundle.seal()).unwrap()
}

/// Placement, action, reason and whether the action has a rank: ranks themselves differ where actions are not ranked.
fn placed(bundle: &Bundle, decision: &Decision<'_>) -> Vec<(usize, String, Reason, bool)> {
    let placed = decision.record().placed.iter();
    placed
        .map(|placed| {
            let name = bundle.action_name(placed.action).to_owned();
            (placed.requested, name, placed.reason, placed.rank > 0)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

    /// Refilling without some actions places what a decision places where these are switched off.
    #[test]
    fn refilling_places_what_a_decision_without_these_actions_does(
        actions in prop::collection::vec(drawn(), ACTIONS),
        refused in prop::collection::vec(prop::bool::weighted(0.3), ACTIONS),
        limit in 0..4_u32,
        threshold in any::<bool>(),
        fallback in 0..12_u32,
        age in 10..30_i64,
        counts in prop::array::uniform2(1..5_u32),
    ) {
        let asked = || {
            let mut message = request(&["sidebar", "hero"], vec![attribute("age", int(age))]);
            for (placement, count) in message.placements.iter_mut().zip(counts) {
                placement.count = count;
            }
            message
        };
        let moment = Moment { now_us: 0, seed: 7 };
        let whole = bundle(&actions, limit, threshold, fallback, &[]);
        let request = Request::check(&whole, asked()).unwrap();
        let mut decision = decide(&whole, &request, None, moment, &mut NoModels);
        let ranked = decision.record().ranked.clone();
        let ids: Vec<ActionId> = whole
            .actions
            .ids()
            .zip(&refused)
            .filter(|(_, refused)| **refused)
            .map(|(action, _)| action)
            .collect();
        // One after the other, as claims come back.
        for id in &ids {
            decision.refill(std::slice::from_ref(id));
        }

        let fewer = bundle(&actions, limit, threshold, fallback, &refused);
        let request = Request::check(&fewer, asked()).unwrap();
        let expected = decide(&fewer, &request, None, moment, &mut NoModels);
        prop_assert_eq!(placed(&whole, &decision), placed(&fewer, &expected));
        prop_assert_eq!(decision.record().funnel.last(), expected.record().funnel.last());
        // Nothing was ranked again.
        prop_assert_eq!(&decision.record().ranked, &ranked);
        for placed in &decision.record().placed {
            let rank = ranked.iter().position(|ranked| ranked.action == placed.action);
            prop_assert!(placed.rank == 0 || rank.map(|rank| rank + 1) == Some(placed.rank as usize));
        }
    }
}
