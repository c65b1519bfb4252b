//! A candidate's standing -> where it was placed, or how far it was from it.

use nextbest_proto::v1::{self, Outcome, Reason};

use super::wording;
use crate::{
    arbitration::{Filled, Order, below_priority, fill},
    bundle::tables::{ActionValue, Formula},
    decision::Decision,
    id::ActionId,
    number::short,
    record::{Placed, Ranked},
};

/// Priorities that are supposed for one action before giving up.
const SUPPOSED_MAX: usize = 64;

/// What became of an action that reached the propensity stage; of fallbacks, without what they are in placements.
#[derive(Clone, Copy, Debug)]
pub(super) enum Standing<'a> {
    Placed {
        placed: &'a Placed,
        ranked: &'a Ranked,
    },
    /// Its place in the ranking, from 0.
    Ranked {
        ranked: &'a Ranked,
        place: usize,
    },
    BelowPropensity(&'a Ranked),
    Valueless,
}

impl<'a> Standing<'a> {
    pub(super) fn ranked(self) -> Option<&'a Ranked> {
        match self {
            Self::Placed { ranked, .. } | Self::Ranked { ranked, .. } | Self::BelowPropensity(ranked) => {
                Some(ranked)
            }
            Self::Valueless => None,
        }
    }
}

/// None for an action that left before.
pub(super) fn standing<'a>(
    decision: &'a Decision<'_>,
    place: Option<usize>,
    action: ActionId,
) -> Option<Standing<'a>> {
    let ranking = &decision.ranking;
    let ranked = place.and_then(|place| ranking.ranked.get(place));
    if let (Some(place), Some(ranked)) = (place, ranked) {
        return Some(match decision.filled.won_by(action) {
            Some(placed) => Standing::Placed { placed, ranked },
            None => Standing::Ranked { ranked, place },
        });
    }
    if let Ok(found) = ranking
        .below_propensity
        .binary_search_by_key(&action, |below| below.action)
    {
        return ranking.below_propensity.get(found).map(Standing::BelowPropensity);
    }
    ranking
        .valueless
        .binary_search(&action)
        .is_ok()
        .then_some(Standing::Valueless)
}

/// The placements in which an action is the fallback, in the order requested.
pub(super) fn fallback_placements(decision: &Decision<'_>, action: ActionId) -> Vec<String> {
    let (bundle, request) = (decision.bundle, decision.request);
    let name = |placed: &Placed| {
        let requested = request.placements.get(placed.requested)?;
        Some(
            bundle
                .placement_name(request.channel, requested.placement)
                .to_owned(),
        )
    };
    decision.filled.fallbacks_of(action).filter_map(name).collect()
}

/// The placing, and what would have to change.
pub(super) fn explain(
    decision: &Decision<'_>,
    action: ActionId,
    standing: Standing<'_>,
) -> (v1::Placing, Option<String>) {
    let outcome = |outcome: Outcome| v1::Placing {
        outcome: outcome.into(),
        ..v1::Placing::default()
    };
    match standing {
        Standing::Placed { placed, .. } => (stand(decision, Outcome::Placed, placed), None),
        Standing::Valueless => (
            outcome(Outcome::ValueMissing),
            Some(value_change(decision, action)),
        ),
        Standing::BelowPropensity(ranked) => {
            let least = decision
                .bundle
                .arbitration
                .propensity_threshold
                .unwrap_or_default();
            let change = format!(
                "propensity must be at least {} (is {})",
                short(least),
                short(ranked.factors.propensity)
            );
            (outcome(Outcome::BelowPropensityThreshold), Some(change))
        }
        Standing::Ranked { ranked, place } => {
            let (placing, change) = unplaced(decision, ranked, place);
            // A mandatory action is ranked without a priority, and no lever gives it one.
            if decision.ranking.valueless.binary_search(&action).is_ok() {
                let placing = v1::Placing {
                    lever_needed_percent: None,
                    ..placing
                };
                return (placing, Some(value_change(decision, action)));
            }
            (placing, change)
        }
    }
}

fn stand(decision: &Decision<'_>, outcome: Outcome, placed: &Placed) -> v1::Placing {
    let (bundle, channel) = (decision.bundle, decision.request.channel);
    let requested = decision.request.placements.get(placed.requested);
    v1::Placing {
        outcome: outcome.into(),
        placement: requested
            .map(|requested| bundle.placement_name(channel, requested.placement).to_owned())
            .unwrap_or_default(),
        treatment: bundle.treatment_name(placed.action, placed.treatment).to_owned(),
        ..v1::Placing::default()
    }
}

fn value_change(decision: &Decision<'_>, action: ActionId) -> String {
    let missing = match &decision.bundle.actions[action].value {
        ActionValue::Constant(_) => Vec::new(),
        ActionValue::Derived(program) => wording::missing_attributes(decision, program),
    };
    if missing.is_empty() {
        return "value and priority must be finite numbers".to_owned();
    }
    format!(
        "{} must be known: the action's value depends on it",
        wording::join(&missing, "and")
    )
}

/// What a ranked action would have needed to be placed.
struct Need<'a> {
    /// Priority to draw level with, or the threshold.
    priority: f64,
    /// The placed action with that priority; none for the threshold.
    rival: Option<&'a Placed>,
    /// Where it would stand.
    would: Placed,
}

fn unplaced(decision: &Decision<'_>, ranked: &Ranked, place: usize) -> (v1::Placing, Option<String>) {
    let bundle = decision.bundle;
    let outcome = if below_priority(bundle, ranked) {
        Outcome::BelowPriorityThreshold
    } else if suppose(
        decision,
        Order::without_limit(&decision.ranking.ranked, ranked.action),
        ranked,
    )
    .is_some()
    {
        Outcome::GroupLimit
    } else {
        Outcome::Lost
    };
    let Some(need) = need(decision, ranked, place) else {
        let best = first_rival(decision, ranked);
        let placing = v1::Placing {
            lost_to: best
                .map(|rival| bundle.action_name(rival.action).to_owned())
                .unwrap_or_default(),
            ..best.map_or_else(Default::default, |rival| stand(decision, outcome, rival))
        };
        let placing = v1::Placing {
            outcome: outcome.into(),
            treatment: String::new(),
            ..placing
        };
        return (
            placing,
            Some("no priority would do: better placed actions cannot be overtaken".to_owned()),
        );
    };
    let factor = growth(ranked.factors.priority, need.priority);
    let lever = lever_needed_percent(decision, ranked, need.priority);
    let placing = v1::Placing {
        lost_to: need
            .rival
            .map(|rival| bundle.action_name(rival.action).to_owned())
            .unwrap_or_default(),
        factor_needed: factor.unwrap_or_default(),
        lever_needed_percent: lever,
        ..stand(decision, outcome, &need.would)
    };
    let change = priority_change(decision, ranked, outcome, &need, lever);
    (placing, Some(change))
}

/// Where the action would stand in another order.
fn suppose(decision: &Decision<'_>, order: Order<'_>, ranked: &Ranked) -> Option<Placed> {
    let filled: Filled = fill(decision.bundle, decision.request, decision.interpreter(), order);
    filled.won_by(ranked.action).copied()
}

/// The lowest priority with which the action would have been placed: the threshold's, or that of an action that was.
/// No priority lets an action that is not mandatory pass one that is.
fn need<'a>(decision: &'a Decision<'_>, ranked: &Ranked, place: usize) -> Option<Need<'a>> {
    let (bundle, ranking) = (decision.bundle, &decision.ranking.ranked);
    let mandatory = bundle.actions[ranked.action].mandatory;
    if below_priority(bundle, ranked)
        && let Some(least) = bundle.arbitration.priority_threshold
    {
        let passes =
            |other: &Ranked| bundle.actions[other.action].mandatory || other.factors.priority >= least;
        let before = ranking.partition_point(passes);
        if let Some(would) = suppose(decision, Order::supposing(ranking, *ranked, before), ranked) {
            return Some(Need {
                priority: least,
                rival: None,
                would,
            });
        }
    }
    let mut rivals: Vec<&Placed> = decision
        .filled
        .placed
        .iter()
        .filter(|rival| {
            rival.reason != Reason::Fallback && bundle.actions[rival.action].mandatory == mandatory
        })
        .filter(|rival| (rival.rank as usize) <= place)
        .collect();
    rivals.sort_by_key(|rival| std::cmp::Reverse(rival.rank));
    rivals.into_iter().take(SUPPOSED_MAX).find_map(|rival| {
        let before = (rival.rank as usize).saturating_sub(1);
        let would = suppose(decision, Order::supposing(ranking, *ranked, before), ranked)?;
        Some(Need {
            priority: rival.factors?.priority,
            rival: Some(rival),
            would,
        })
    })
}

/// The last of the first placement that the action could have taken.
fn first_rival<'a>(decision: &'a Decision<'_>, ranked: &Ranked) -> Option<&'a Placed> {
    let (request, bundle) = (decision.request, decision.bundle);
    let place = request.placements.iter().position(|requested| {
        crate::treatment::fitting(
            bundle,
            decision.interpreter(),
            ranked.action,
            request.channel,
            requested.placement,
        )
        .is_some()
    })?;
    decision.filled.in_placement(place).last()
}

/// The factor by which a priority has to grow; none where no factor helps.
fn growth(priority: f64, needed: f64) -> Option<f64> {
    let factor = needed / priority;
    (priority > 0.0 && factor.is_finite()).then_some(factor)
}

/// Percentage points of lever on top of today's. None where the lever is no factor, or cannot help.
fn lever_needed_percent(decision: &Decision<'_>, ranked: &Ranked, needed: f64) -> Option<f64> {
    let Formula::Product {
        propensity,
        context_weight,
        value,
        lever: true,
    } = &decision.bundle.arbitration.formula
    else {
        return None;
    };
    let factors = &ranked.factors;
    let factor = |on: &bool, factor: f64| if *on { factor } else { 1.0 };
    let rest = factor(propensity, factors.propensity)
        * factor(context_weight, factors.context_weight)
        * factor(value, factors.value);
    let percent = (needed / rest - 1.0) * 100.0 - decision.bundle.actions[ranked.action].lever_percent;
    (rest > 0.0 && percent.is_finite()).then_some(percent.max(0.0))
}

/// "priority must grow by 12.3 % to draw level with `gold-card`: a lever of 18 percentage points more would do".
fn priority_change(
    decision: &Decision<'_>,
    ranked: &Ranked,
    outcome: Outcome,
    need: &Need<'_>,
    lever: Option<f64>,
) -> String {
    let bundle = decision.bundle;
    let group = bundle.group_name(ranked.action);
    let purpose = match need.rival {
        None => " to reach the threshold".to_owned(),
        Some(rival) if outcome == Outcome::GroupLimit => {
            let rival = bundle.action_name(rival.action);
            format!(" to draw level with `{rival}`, for group `{group}` has all the places that it may take")
        }
        Some(rival) => format!(" to draw level with `{}`", bundle.action_name(rival.action)),
    };
    let priority = ranked.factors.priority;
    let growth = match growth(priority, need.priority) {
        Some(factor) if factor <= 1.0 => format!("priority must grow at all{purpose}"),
        Some(factor) if factor < 10.0 => format!(
            "priority must grow by {} %{purpose}",
            ceiling((factor - 1.0) * 100.0)
        ),
        Some(factor) => format!("priority must be {} times as high{purpose}", ceiling(factor)),
        None => format!(
            "priority must be {} (is {}){purpose}",
            short(need.priority),
            short(priority)
        ),
    };
    match lever {
        Some(percent) if percent > 0.0 => {
            format!(
                "{growth}: a lever of {} percentage points more would do",
                ceiling(percent)
            )
        }
        _ => growth,
    }
}

/// With one decimal, rounded up: a little less would not do.
fn ceiling(number: f64) -> String {
    let text = format!("{:.1}", (number * 10.0 - 1e-9).ceil() / 10.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
