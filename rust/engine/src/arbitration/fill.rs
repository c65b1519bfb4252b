//! Ranked actions -> placements, in the order requested; then fallbacks for those that stayed empty.

use nextbest_proto::v1::Reason;

use crate::{
    action_set::ActionSet,
    arbitration::{Placed, Ranked},
    availability::unavailable_now,
    bundle::Bundle,
    eligibility::Interpreter,
    id::{ActionId, GroupId, Id},
    request::Request,
    treatment::fitting,
};

/// The order in which actions ask for places. Explanations ask what another order would have given, and so it may
/// differ from the ranking.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'r> {
    ranked: &'r [Ranked],
    supposed: Option<Supposed>,
    /// An action that passes its group's limit.
    limitless: Option<ActionId>,
    /// Actions that get no place.
    refused: &'r [ActionId],
}

/// One action in another place than its own, whatever its priority.
#[derive(Clone, Copy, Debug)]
struct Supposed {
    action: Ranked,
    /// The number of ranked actions before it.
    before: usize,
}

impl<'r> Order<'r> {
    /// As ranked.
    pub(crate) fn of(ranked: &'r [Ranked]) -> Self {
        Self {
            ranked,
            supposed: None,
            limitless: None,
            refused: &[],
        }
    }

    /// With an action moved behind the first `before` of the ranking.
    pub(crate) fn supposing(ranked: &'r [Ranked], action: Ranked, before: usize) -> Self {
        Self {
            ranked,
            supposed: Some(Supposed { action, before }),
            limitless: None,
            refused: &[],
        }
    }

    /// With one action exempt from its group's limit.
    pub(crate) fn without_limit(ranked: &'r [Ranked], action: ActionId) -> Self {
        Self {
            ranked,
            supposed: None,
            limitless: Some(action),
            refused: &[],
        }
    }

    /// Without some actions: those behind them get their places, and keep their ranks.
    pub(crate) fn without(self, refused: &'r [ActionId]) -> Self {
        Self { refused, ..self }
    }

    /// Ranks and actions; an action that is moved comes once, in its new place.
    fn iter(self) -> impl Iterator<Item = (u32, Ranked)> {
        let before = self
            .supposed
            .map_or(self.ranked.len(), |supposed| supposed.before);
        let (head, tail) = self.ranked.split_at_checked(before).unwrap_or((self.ranked, &[]));
        let moved = self.supposed.map(|supposed| supposed.action);
        let stays = move |ranked: &Ranked| moved.is_none_or(|moved| moved.action != ranked.action);
        let order = head
            .iter()
            .copied()
            .filter(stays)
            .chain(moved)
            .chain(tail.iter().copied().filter(stays));
        (1..)
            .zip(order)
            .filter(move |(_, ranked)| !self.refused.contains(&ranked.action))
    }

    fn passes_threshold(self, bundle: &Bundle, ranked: &Ranked) -> bool {
        self.supposed
            .is_some_and(|supposed| supposed.action.action == ranked.action)
            || !below_priority(bundle, ranked)
    }
}

/// The filled placements.
#[derive(Debug)]
pub(crate) struct Filled {
    /// In the order of the placements, best first in each; fallbacks among them.
    pub(crate) placed: Vec<Placed>,
    /// Those placed by rank: in one placement only.
    taken: ActionSet,
    /// Actions of each group that won a place.
    of_group: Vec<u32>,
}

/// Fills the placements by rank, and with fallbacks where nothing fits: in the order of the placements, best first in
/// each.
pub(crate) fn fill(
    bundle: &Bundle,
    request: &Request,
    interpreter: Interpreter<'_>,
    order: Order<'_>,
    now_us: i64,
) -> Vec<Placed> {
    let mut filled = fill_by_rank(bundle, request, interpreter, order);
    filled.fall_back(bundle, request, interpreter, order.refused, now_us);
    filled.placed
}

/// Fills the placements: each takes actions in their order that fit it, are not placed elsewhere, and whose
/// group is below its limit.
pub(crate) fn fill_by_rank(
    bundle: &Bundle,
    request: &Request,
    interpreter: Interpreter<'_>,
    order: Order<'_>,
) -> Filled {
    let mut filled = Filled {
        placed: Vec::new(),
        taken: ActionSet::empty(bundle.actions.len()),
        of_group: vec![0; bundle.groups.len()],
    };
    for (index, requested) in request.placements.iter().enumerate() {
        let mut left = requested.count;
        for (rank, ranked) in order.iter() {
            if left == 0 {
                break;
            }
            let action = ranked.action;
            let limited =
                filled.group_is_full(bundle, bundle.actions[action].group) && order.limitless != Some(action);
            if limited || filled.is_taken(action) || !order.passes_threshold(bundle, &ranked) {
                continue;
            }
            let Some(treatment) = fitting(bundle, interpreter, action, request.channel, requested.placement)
            else {
                continue;
            };
            let reason = if bundle.actions[action].mandatory {
                Reason::Mandatory
            } else {
                Reason::Priority
            };
            filled.win(action, bundle.actions[action].group);
            filled.placed.push(Placed {
                requested: index,
                action,
                treatment,
                rank,
                reason,
                factors: Some(ranked.factors),
            });
            left -= 1;
        }
    }
    filled
}

/// Whether an action leaves for its priority.
pub(crate) fn below_priority(bundle: &Bundle, ranked: &Ranked) -> bool {
    let threshold = bundle.arbitration.priority_threshold;
    !bundle.actions[ranked.action].mandatory && threshold.is_some_and(|least| ranked.factors.priority < least)
}

impl Filled {
    /// Puts fallbacks into placements that stayed empty. A fallback is subject to no policy, threshold or group
    /// limit, but it must be enabled and inside its window, and have a treatment that fits. It may be in other placements
    /// too, by rank or as their fallback: default content that is shown twice is better than an empty placement.
    fn fall_back(
        &mut self,
        bundle: &Bundle,
        request: &Request,
        interpreter: Interpreter<'_>,
        refused: &[ActionId],
        now_us: i64,
    ) {
        let channel = &bundle.channels[request.channel];
        for (index, requested) in request.placements.iter().enumerate() {
            let Some(action) = channel.placements[requested.placement].fallback else {
                continue;
            };
            if in_placement(&self.placed, index).next().is_some()
                || refused.contains(&action)
                || unavailable_now(&bundle.actions[action], now_us).is_some()
            {
                continue;
            }
            let Some(treatment) = fitting(bundle, interpreter, action, request.channel, requested.placement)
            else {
                continue;
            };
            let reason = Reason::Fallback;
            self.placed.push(Placed {
                requested: index,
                action,
                treatment,
                rank: 0,
                reason,
                factors: None,
            });
        }
        self.placed.sort_by_key(|placed| placed.requested);
    }

    fn is_taken(&self, action: ActionId) -> bool {
        self.taken.contains(action)
    }

    fn win(&mut self, action: ActionId, group: GroupId) {
        self.taken.insert(action);
        if let Some(count) = self.of_group.get_mut(group.index()) {
            *count += 1;
        }
    }

    fn group_is_full(&self, bundle: &Bundle, group: GroupId) -> bool {
        let count = self.of_group.get(group.index()).copied().unwrap_or_default();
        bundle.groups[group].limit.is_some_and(|limit| count >= limit)
    }
}

/// The actions of one of the requested placements, best first.
pub(crate) fn in_placement(placed: &[Placed], requested: usize) -> impl Iterator<Item = &Placed> {
    placed.iter().filter(move |placed| placed.requested == requested)
}

/// Where an action was placed by rank.
pub(crate) fn won_by(placed: &[Placed], action: ActionId) -> Option<&Placed> {
    let mut of_action = placed.iter().filter(|placed| placed.action == action);
    of_action.find(|placed| placed.reason != Reason::Fallback)
}

/// Where an action is the fallback, in the order of the placements.
pub(crate) fn fallbacks_of(placed: &[Placed], action: ActionId) -> impl Iterator<Item = &Placed> {
    let of_action = placed.iter().filter(move |placed| placed.action == action);
    of_action.filter(|placed| placed.reason == Reason::Fallback)
}
