//! Suitable actions -> those with a treatment to show: for the channel, a requested placement, and with its own
//! conditions true.

use crate::{
    action_set::ActionSet,
    bundle::Bundle,
    eligibility::Interpreter,
    id::{ActionId, ChannelId, PlacementId, TreatmentId},
    index::Search,
    request::Request,
    tables::Treatment,
};

/// The actions with at least one treatment that fits a requested placement.
pub(crate) fn select(request: &Request, search: &mut Search<'_>, suitable: &ActionSet) -> ActionSet {
    let placements = request.placements.iter().map(|requested| requested.placement);
    search
        .treatable(request.channel, &placements)
        .intersection(suitable)
}

/// The first of the action's treatments for the placement whose conditions are true.
pub(crate) fn fitting(
    bundle: &Bundle,
    interpreter: Interpreter<'_>,
    action: ActionId,
    channel: ChannelId,
    placement: PlacementId,
) -> Option<TreatmentId> {
    bundle.actions[action]
        .treatments
        .iter()
        .find(|(_, treatment)| {
            stands_in(treatment, channel, placement) && interpreter.all(&treatment.eligibility)
        })
        .map(|(treatment, _)| treatment)
}

/// Whether a treatment is made for the placement, whatever its conditions say.
pub(crate) fn stands_in(treatment: &Treatment, channel: ChannelId, placement: PlacementId) -> bool {
    treatment.channel == channel && treatment.placement.is_none_or(|only| only == placement)
}

/// Those of the action's treatments that are for one of the requested placements, whatever their conditions say.
pub(crate) fn requested<'a>(
    bundle: &'a Bundle,
    request: &Request,
    action: ActionId,
) -> impl Iterator<Item = &'a Treatment> {
    bundle.actions[action]
        .treatments
        .rows()
        .iter()
        .filter(move |treatment| {
            request
                .placements
                .iter()
                .any(|requested| stands_in(treatment, request.channel, requested.placement))
        })
}
