//! Everything that is kept of a decision: the response and the trace are both made from it.
//!
//! Ids, not names: the bundle that decided resolves them (`Bundle::action_name`, ...).

mod identity;

use nextbest_proto::v1::{Reason, Stage};

use crate::{
    arbitration::{Filled, Placed, Ranked, Ranking},
    bundle::Bundle,
    degradation::Degradation,
    eligibility::Passed,
    id::{ChannelId, narrow},
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

/// What is kept of one decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// A UUID (version 7) in its text form.
    pub decision_id: String,
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
    /// Actions left after each of [`FUNNEL_STAGES`]; the last is the number of actions placed by rank.
    pub funnel: [u32; FUNNEL_STAGES.len()],
    /// Of those that left at each of [`FUNNEL_STAGES`], the actions that left only because something is missing.
    pub unknown: [u32; FUNNEL_STAGES.len()],
    /// Every action that reached arbitration, best first: the first has rank 1.
    pub ranked: Vec<Ranked>,
    /// In the order of the placements, best first in each.
    pub placed: Vec<Placed>,
    /// In the order of their kinds, then of the models. Empty: nothing to do without.
    pub degradations: Vec<Degradation>,
}

impl Record {
    pub(crate) fn of(
        bundle: &Bundle,
        request: &Request,
        moment: Moment,
        stages: &Stages,
        ranking: &Ranking,
        filled: &Filled,
        degradations: Vec<Degradation>,
    ) -> Self {
        let count = |stage| match stage {
            Stage::Unspecified => narrow(bundle.actions.len()),
            Stage::Availability => stages.available.count(),
            Stage::Eligibility => stages.passed.eligible.count(),
            Stage::Applicability => stages.passed.applicable.count(),
            Stage::Suitability => stages.passed.suitable.count(),
            Stage::Treatment => stages.treatable.count(),
            Stage::Propensity => narrow(ranking.ranked.len()),
            Stage::Arbitration | Stage::Placed => placed_by_rank(&filled.placed),
        };
        Self {
            decision_id: identity::decision_id(bundle.digest(), &request.customer_id, moment),
            now_us: moment.now_us,
            seed: moment.seed,
            dry_run: request.dry_run,
            channel: request.channel,
            placements: request.placements.clone(),
            funnel: FUNNEL_STAGES.map(count),
            unknown: FUNNEL_STAGES.map(|stage| unknown(&stages.passed, stage)),
            ranked: ranking.ranked.clone(),
            placed: filled.placed.clone(),
            degradations,
        }
    }

    /// Replaces the actions placed.
    pub(crate) fn place(&mut self, filled: &Filled) {
        self.placed.clone_from(&filled.placed);
        if let Some(last) = self.funnel.last_mut() {
            *last = placed_by_rank(&self.placed);
        }
    }

    /// Whether fewer actions were placed by rank than the placements have room for.
    #[must_use]
    pub fn is_short(&self) -> bool {
        let room: u32 = self.placements.iter().map(|requested| requested.count).sum();
        let placed = self.funnel.last().copied().unwrap_or(0);
        placed < room
    }
}

fn placed_by_rank(placed: &[Placed]) -> u32 {
    let by_rank = placed.iter().filter(|placed| placed.reason != Reason::Fallback);
    narrow(by_rank.count())
}

fn unknown(passed: &Passed, stage: Stage) -> u32 {
    let [eligibility, applicability, suitability] = passed.unknown;
    match stage {
        Stage::Eligibility => eligibility,
        Stage::Applicability => applicability,
        Stage::Suitability => suitability,
        _ => 0,
    }
}
