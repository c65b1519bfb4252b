//! Request + time -> the actions that are there at all: enabled, inside their window, with a treatment for the
//! channel and a requested placement.

use nextbest_proto::v1::Unavailable;

use crate::{
    action_set::ActionSet,
    bundle::Bundle,
    id::ActionId,
    index::Search,
    request::{Request, RequestedPlacement},
    tables::Action,
};

/// The available actions.
pub(crate) fn select(bundle: &Bundle, request: &Request, search: &mut Search<'_>) -> ActionSet {
    let channel = &bundle.channels[request.channel];
    let mut treatable = ActionSet::empty(bundle.actions.len());
    for requested in &request.placements {
        treatable.extend(&channel.placements[requested.placement].treatable);
    }
    treatable.intersection(&search.available())
}

/// Why an action is not available; `None` when it is.
pub(crate) fn explain(
    bundle: &Bundle,
    request: &Request,
    now_us: i64,
    action: ActionId,
) -> Option<Unavailable> {
    let channel = &bundle.channels[request.channel];
    let reachable =
        |requested: &RequestedPlacement| channel.placements[requested.placement].treatable.contains(action);
    unavailable_now(&bundle.actions[action], now_us).or_else(|| {
        if !channel.treatable.contains(action) {
            Some(Unavailable::NoTreatmentForChannel)
        } else if !request.placements.iter().any(reachable) {
            Some(Unavailable::NoTreatmentForPlacements)
        } else {
            None
        }
    })
}

/// Whether an action is switched off, or outside its window, which holds its start and not its end.
pub(crate) fn unavailable_now(action: &Action, now_us: i64) -> Option<Unavailable> {
    if !action.enabled {
        Some(Unavailable::Disabled)
    } else if action.active_from_us.is_some_and(|from_us| now_us < from_us) {
        Some(Unavailable::NotYet)
    } else if action.active_until_us.is_some_and(|until_us| now_us >= until_us) {
        Some(Unavailable::Expired)
    } else {
        None
    }
}
