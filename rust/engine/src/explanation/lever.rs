//! A ranked action that was not placed -> the priority that would have placed it, and the smallest lever that gives it one.
//!
//! No lever changes what other actions get before this one, so trying it is cheap: the placements are filled once more
//! with the action where its new priority ranks it.

use nextbest_proto::v1::Reason;

use crate::{
    arbitration::{Order, below_priority, fill_by_rank, won_by},
    arbitration::{Placed, Ranked},
    decision::Decision,
    tables::Formula,
};

/// In percentage points: what the control plane accepts as the lever of an action.
const LEVER_PERCENT_MAX: f64 = 10_000.0;
/// Tried levers have this number of steps per point.
const STEPS_PER_POINT: f64 = 10.0;
/// Steps that are tried beyond the one that arithmetic gives: to pass a draw, and what rounding took.
const STEPS_MAX: usize = 4;
/// By how much a priority has to be above another one, as a share of it: more than any order of rounding makes up for.
const MARGIN: f64 = 1e-9;

/// What an action would have needed to be placed.
pub(super) struct Need<'a> {
    /// The priority to pass, or to reach where it is the threshold's.
    pub(super) priority: f64,
    /// The placed action with that priority; none for the threshold.
    pub(super) rival: Option<&'a Placed>,
    /// Where it would be.
    pub(super) would: Placed,
}

impl Need<'_> {
    fn is_met_by(&self, priority: f64) -> bool {
        let margin = MARGIN * self.priority.abs();
        match self.rival {
            Some(_) => priority > self.priority + margin,
            None => priority >= self.priority + margin,
        }
    }
}

/// Where the action would be in another order.
pub(super) fn suppose(decision: &Decision<'_>, order: Order<'_>, ranked: &Ranked) -> Option<Placed> {
    let order = order.without(&decision.record.refused);
    let filled = fill_by_rank(decision.bundle, decision.request, decision.interpreter(), order);
    won_by(&filled.placed, ranked.action).copied()
}

/// The lowest priority that would have placed the action: the threshold's, or anything above that of an action that was
/// placed. None where no priority would: an action that is not mandatory passes none that is.
///
/// The earlier an action is asked, the more places are left: what is asked before it does not depend on it. So the
/// rivals that it has to pass are the best ones, and are found by halving.
pub(super) fn need<'a>(decision: &'a Decision<'_>, ranked: &Ranked, index: usize) -> Option<Need<'a>> {
    let (bundle, ranking) = (decision.bundle, &decision.record.ranked);
    let mandatory = bundle.actions[ranked.action].mandatory;
    let behind = |before: usize| suppose(decision, Order::supposing(ranking, *ranked, before), ranked);
    if below_priority(bundle, ranked)
        && let Some(least) = bundle.arbitration.priority_threshold
        && let Some(would) = behind(before(decision, mandatory, |other| other >= least))
    {
        return Some(Need {
            priority: least,
            rival: None,
            would,
        });
    }
    let is_rival = |rival: &&Placed| {
        rival.reason != Reason::Fallback
            && bundle.actions[rival.action].mandatory == mandatory
            && (rival.rank as usize) <= index
    };
    let mut rivals: Vec<&Placed> = decision.record.placed.iter().filter(is_rival).collect();
    rivals.sort_by_key(|rival| rival.rank);
    // What draws with a rival is passed with it.
    let past = |rival: &Placed| {
        let priority = rival.factors?.priority;
        behind(before(decision, mandatory, |other| other > priority))
    };
    let enough = rivals.partition_point(|rival| past(rival).is_some());
    let rival = *rivals.get(enough.checked_sub(1)?)?;
    Some(Need {
        priority: rival.factors?.priority,
        rival: Some(rival),
        would: past(rival)?,
    })
}

/// The number of ranked actions before an action: those of its kind with a higher priority, and all mandatory
/// ones if it is not mandatory.
fn before(decision: &Decision<'_>, mandatory: bool, is_before: impl Fn(f64) -> bool) -> usize {
    decision.record.ranked.partition_point(|other| {
        match (decision.bundle.actions[other.action].mandatory, mandatory) {
            (true, false) => true,
            (false, true) => false,
            _ => is_before(other.factors.priority),
        }
    })
}

/// Percentage points of lever on top of the current ones with which the action would be placed, in tenths of
/// a point, and the placement: tried, not only computed. None if no higher lever is enough, or levers are not
/// a factor.
pub(super) fn points_needed(
    decision: &Decision<'_>,
    ranked: &Ranked,
    need: &Need<'_>,
) -> Option<(f64, Placed)> {
    let rest = rest(decision, ranked)?;
    let row = &decision.bundle.actions[ranked.action];
    let group = &decision.bundle.groups[row.group];
    let inherited = group.lever_percent + decision.bundle.issues[group.issue].lever_percent;
    let own = row.lever_percent - inherited;
    let exact = (need.priority / rest - 1.0) * 100.0 - row.lever_percent;
    let first = (exact * STEPS_PER_POINT).floor().max(1.0);
    let steps = std::iter::successors(Some(first), |steps| Some(steps + 1.0)).take(STEPS_MAX);
    let mut points = steps
        .filter(|steps| steps.is_finite())
        .map(|steps| steps / STEPS_PER_POINT);
    points.find_map(|points| {
        let priority = rest * (1.0 + (row.lever_percent + points) / 100.0).max(0.0);
        let is_enough =
            own + points <= LEVER_PERCENT_MAX + MARGIN && priority.is_finite() && need.is_met_by(priority);
        let placed = is_enough
            .then(|| placed_with(decision, ranked, priority))
            .flatten();
        placed.map(|placed| (points, placed))
    })
}

/// Whether levers are a factor of priorities.
pub(super) fn are_factors(decision: &Decision<'_>) -> bool {
    matches!(
        decision.bundle.arbitration.formula,
        Formula::Product { lever: true, .. }
    )
}

/// The product of the other factors; none where a higher lever does not raise the priority.
fn rest(decision: &Decision<'_>, ranked: &Ranked) -> Option<f64> {
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
    (rest > 0.0 && rest.is_finite()).then_some(rest)
}

/// Fills the placements with the action behind all that have its new priority or a higher one.
fn placed_with(decision: &Decision<'_>, ranked: &Ranked, priority: f64) -> Option<Placed> {
    let mandatory = decision.bundle.actions[ranked.action].mandatory;
    let before = before(decision, mandatory, |other| other >= priority);
    suppose(
        decision,
        Order::supposing(&decision.record.ranked, *ranked, before),
        ranked,
    )
}
