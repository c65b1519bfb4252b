//! The position of a candidate -> its placement, or its distance from one.

use nextbest_proto::v1::{self, Outcome};

use super::{
    cause,
    lever::{self, Need, need, suppose},
};
use crate::{
    arbitration::{Order, Placed, Ranked, below_priority, fallbacks_of, in_placement, won_by},
    decision::Decision,
    id::ActionId,
    number::short,
};

/// The outcome for an action that reached the propensity stage; for fallbacks, without the placements that
/// they fill.
#[derive(Clone, Copy, Debug)]
pub(super) enum Standing<'a> {
    Placed {
        placed: &'a Placed,
        ranked: &'a Ranked,
    },
    /// Its place in the ranking, from 0.
    Ranked {
        ranked: &'a Ranked,
        index: usize,
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
    index: Option<usize>,
    action: ActionId,
) -> Option<Standing<'a>> {
    let ranked = index.and_then(|index| decision.record.ranked.get(index));
    if let (Some(index), Some(ranked)) = (index, ranked) {
        return Some(match won_by(&decision.record.placed, action) {
            Some(placed) => Standing::Placed { placed, ranked },
            None => Standing::Ranked { ranked, index },
        });
    }
    if let Ok(found) = decision
        .below_propensity
        .binary_search_by_key(&action, |below| below.action)
    {
        return decision
            .below_propensity
            .get(found)
            .map(Standing::BelowPropensity);
    }
    decision
        .valueless
        .binary_search(&action)
        .is_ok()
        .then_some(Standing::Valueless)
}

/// The placements in which an action is the fallback, in the order requested.
pub(super) fn fallback_placements(decision: &Decision<'_>, action: ActionId) -> Vec<String> {
    let placed = fallbacks_of(&decision.record.placed, action);
    placed
        .map(|placed| placement_name(decision, placed).to_owned())
        .collect()
}

fn placement_name<'a>(decision: &'a Decision<'_>, placed: &Placed) -> &'a str {
    let request = decision.request;
    let requested = request.placements.get(placed.requested);
    requested.map_or("", |requested| {
        decision
            .bundle
            .placement_name(request.channel, requested.placement)
    })
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
            Some(cause::value_change(decision, action)),
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
        Standing::Ranked { ranked, index } => {
            let (placing, change) = unplaced(decision, ranked, index);
            // A mandatory action is ranked without a priority, and no lever gives it one.
            if decision.valueless.binary_search(&action).is_ok() {
                let placing = v1::Placing {
                    lever_needed_percent: None,
                    ..placing
                };
                return (placing, Some(cause::value_change(decision, action)));
            }
            (placing, change)
        }
    }
}

fn stand(decision: &Decision<'_>, outcome: Outcome, placed: &Placed) -> v1::Placing {
    let bundle = decision.bundle;
    v1::Placing {
        outcome: outcome.into(),
        placement: placement_name(decision, placed).to_owned(),
        treatment: bundle.treatment_name(placed.action, placed.treatment).to_owned(),
        ..v1::Placing::default()
    }
}

fn unplaced(decision: &Decision<'_>, ranked: &Ranked, index: usize) -> (v1::Placing, Option<String>) {
    let bundle = decision.bundle;
    let outcome = if below_priority(bundle, ranked) {
        Outcome::BelowPriorityThreshold
    } else if suppose(
        decision,
        Order::without_limit(&decision.record.ranked, ranked.action),
        ranked,
    )
    .is_some()
    {
        Outcome::GroupLimit
    } else {
        Outcome::Lost
    };
    let Some(need) = need(decision, ranked, index) else {
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
            Some(format!(
                "no priority would do: {}",
                match (outcome, bundle.groups[bundle.actions[ranked.action].group].limit) {
                    (Outcome::GroupLimit, Some(limit)) => format!(
                        "the limit of group `{}`, {limit} in an answer, is taken by actions that cannot be overtaken",
                        bundle.group_name(ranked.action)
                    ),
                    _ => "better placed actions cannot be overtaken".to_owned(),
                }
            )),
        );
    };
    let factor = growth(ranked.factors.priority, need.priority);
    let lever = lever::points_needed(decision, ranked, &need);
    let placing = v1::Placing {
        lost_to: need
            .rival
            .map(|rival| bundle.action_name(rival.action).to_owned())
            .unwrap_or_default(),
        factor_needed: factor.unwrap_or_default(),
        lever_needed_percent: lever.map(|(points, _)| points),
        ..stand(
            decision,
            outcome,
            lever.as_ref().map_or(&need.would, |(_, would)| would),
        )
    };
    let change = priority_change(decision, ranked, outcome, &need, lever);
    (placing, Some(change))
}

/// The last of the first placement that the action could have taken.
fn first_rival<'a>(decision: &'a Decision<'_>, ranked: &Ranked) -> Option<&'a Placed> {
    let (request, bundle) = (decision.request, decision.bundle);
    let index = request.placements.iter().position(|requested| {
        crate::treatment::fitting(
            bundle,
            decision.interpreter(),
            ranked.action,
            request.channel,
            requested.placement,
        )
        .is_some()
    })?;
    in_placement(&decision.record.placed, index).last()
}

/// The factor by which a priority has to grow to draw level; none where no factor helps.
fn growth(priority: f64, needed: f64) -> Option<f64> {
    let factor = needed / priority;
    (priority > 0.0 && factor.is_finite()).then_some(factor)
}

/// "priority must be above 12 (is 6), that of `gold`: a lever of 100.1 percentage points more would place it in `hero`".
fn priority_change(
    decision: &Decision<'_>,
    ranked: &Ranked,
    outcome: Outcome,
    need: &Need<'_>,
    lever: Option<(f64, Placed)>,
) -> String {
    let bundle = decision.bundle;
    let is = short(ranked.factors.priority);
    let needed = short(need.priority);
    let priority = match need.rival {
        None => format!("priority must be at least {needed} (is {is}), the threshold"),
        Some(rival) => {
            let rival = bundle.action_name(rival.action);
            format!("priority must be above {needed} (is {is}), that of `{rival}`")
        }
    };
    let why = if outcome == Outcome::GroupLimit {
        let group = bundle.group_name(ranked.action);
        format!(", as group `{group}` has all the places that it may take")
    } else {
        String::new()
    };
    let lever = match lever {
        Some((points, would)) => format!(
            ": a lever of {} percentage points more would place it in `{}`",
            short(points),
            placement_name(decision, &would)
        ),
        None if lever::are_factors(decision) => ": no higher lever would do".to_owned(),
        None => format!(
            ": it would be placed in `{}`",
            placement_name(decision, &need.would)
        ),
    };
    format!("{priority}{why}{lever}")
}
