//! All that is kept of a decision: the answer, its span and its explanation are made from it, and it can be decided again.
//!
//! Ids, not names: the bundle that decided resolves them (`Bundle::action_name`, ...). `record.proto` is its stored form.

mod identity;
mod stored;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use nextbest_proto::v1::{Reason, Stage};

use crate::{
    arbitration::{Placed, Ranked},
    attributes::Attributes,
    bundle::Bundle,
    degradation::Degradation,
    id::{ActionId, ChannelId, narrow},
    request::{Moment, Request, RequestedPlacement},
    stages::Stages,
};

/// The lines of the funnel: all actions, then what each stage left.
pub const FUNNEL_STAGES: [Stage; 8] = [
    Stage::Unspecified,
    Stage::Availability,
    Stage::Eligibility,
    Stage::Applicability,
    Stage::Suitability,
    Stage::Treatment,
    Stage::Propensity,
    Stage::Arbitration,
];

/// What is kept of one decision. It borrows from what was decided with until it is made to own what it holds.
#[derive(Debug)]
pub struct Record<'a> {
    /// A UUID (version 7) in its text form.
    pub decision_id: String,
    /// SHA-256 of the bundle that decided, in hexadecimal.
    pub bundle_digest: Cow<'a, str>,
    /// As given; empty for an anonymous customer.
    pub customer_id: Cow<'a, str>,
    /// Time decided at, in microseconds since 1970.
    pub now_us: i64,
    /// What a dry run repeats the decision with.
    pub seed: u64,
    /// Decided without leaving a trace in the customer's state.
    pub dry_run: bool,
    /// The requested channel.
    pub channel: ChannelId,
    /// In the order requested.
    pub placements: Vec<RequestedPlacement>,
    /// The attributes that were read, among others.
    pub(crate) inputs: Attributes<'a>,
    pub(crate) stages: Stages,
    /// Actions left after each of [`FUNNEL_STAGES`]; the last is the number of actions placed by rank.
    pub funnel: [u32; FUNNEL_STAGES.len()],
    /// Every action that reached arbitration, best first: the first has rank 1.
    pub ranked: Vec<Ranked>,
    /// Actions whose claims were refused: they are ranked, and have no place.
    pub refused: Vec<ActionId>,
    /// In the order of the placements, best first in each.
    pub placed: Vec<Placed>,
    /// In the order of their kinds, then of the models. Empty: nothing to do without.
    pub degradations: Vec<Degradation>,
}

/// What the stages of a decision found.
pub(crate) struct Found<'a> {
    pub(crate) inputs: Attributes<'a>,
    pub(crate) stages: Stages,
    pub(crate) ranked: Vec<Ranked>,
    pub(crate) placed: Vec<Placed>,
    pub(crate) degradations: Vec<Degradation>,
}

impl<'a> Record<'a> {
    pub(crate) fn of(bundle: &'a Bundle, request: &'a Request, moment: Moment, found: Found<'a>) -> Self {
        let Found {
            inputs,
            stages,
            ranked,
            placed,
            degradations,
        } = found;
        Self {
            decision_id: identity::decision_id(bundle.digest(), &request.customer_id, moment),
            bundle_digest: Cow::Borrowed(bundle.digest()),
            customer_id: Cow::Borrowed(&request.customer_id),
            now_us: moment.now_us,
            seed: moment.seed,
            dry_run: request.dry_run,
            channel: request.channel,
            placements: request.placements.clone(),
            funnel: funnel(bundle, &stages, &ranked, &placed),
            inputs,
            stages,
            ranked,
            refused: Vec::new(),
            placed,
            degradations,
        }
    }

    /// Places other actions, as claims were refused.
    pub(crate) fn refill(&mut self, placed: Vec<Placed>) {
        self.placed = placed;
        if let Some(last) = self.funnel.last_mut() {
            *last = placed_by_rank(&self.placed);
        }
    }

    /// Of those that left at each of [`FUNNEL_STAGES`], the actions that left only because something is missing.
    #[must_use]
    pub fn unknown(&self) -> [u32; FUNNEL_STAGES.len()] {
        let [eligibility, applicability, suitability] = self.stages.passed.unknown;
        FUNNEL_STAGES.map(|stage| match stage {
            Stage::Eligibility => eligibility,
            Stage::Applicability => applicability,
            Stage::Suitability => suitability,
            _ => 0,
        })
    }

    /// Whether fewer actions were placed by rank than the placements have room for.
    #[must_use]
    pub fn is_short(&self) -> bool {
        let room: u32 = self.placements.iter().map(|requested| requested.count).sum();
        let placed = self.funnel.last().copied().unwrap_or(0);
        placed < room
    }

    /// The same with owned contents, for a record that outlives its decision.
    #[must_use]
    pub fn into_owned(self) -> Record<'static> {
        Record {
            decision_id: self.decision_id,
            bundle_digest: Cow::Owned(self.bundle_digest.into_owned()),
            customer_id: Cow::Owned(self.customer_id.into_owned()),
            now_us: self.now_us,
            seed: self.seed,
            dry_run: self.dry_run,
            channel: self.channel,
            placements: self.placements,
            inputs: self.inputs.into_owned(),
            stages: self.stages,
            funnel: self.funnel,
            ranked: self.ranked,
            refused: self.refused,
            placed: self.placed,
            degradations: self.degradations,
        }
    }
}

fn funnel(
    bundle: &Bundle,
    stages: &Stages,
    ranked: &[Ranked],
    placed: &[Placed],
) -> [u32; FUNNEL_STAGES.len()] {
    FUNNEL_STAGES.map(|stage| match stage {
        Stage::Unspecified => narrow(bundle.actions.len()),
        Stage::Availability => stages.available.count(),
        Stage::Eligibility => stages.passed.eligible.count(),
        Stage::Applicability => stages.passed.applicable.count(),
        Stage::Suitability => stages.passed.suitable.count(),
        Stage::Treatment => stages.treatable.count(),
        Stage::Propensity => narrow(ranked.len()),
        Stage::Arbitration | Stage::Placed => placed_by_rank(placed),
    })
}

fn placed_by_rank(placed: &[Placed]) -> u32 {
    let by_rank = placed.iter().filter(|placed| placed.reason != Reason::Fallback);
    narrow(by_rank.count())
}
