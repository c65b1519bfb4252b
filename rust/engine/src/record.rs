//! Everything that is kept of a decision: the response and the trace are both made from it.
//!
//! Ids, not names: the bundle that decided resolves them (`Bundle::action_name`, ...).

use nextbest_proto::v1;

use crate::id::{ActionId, ChannelId, ModelId, PlacementId, TreatmentId};

/// The lines of the funnel: all actions, then what each stage left.
pub const FUNNEL_STAGES: [v1::Stage; 8] = [
    v1::Stage::Unspecified,
    v1::Stage::Availability,
    v1::Stage::Eligibility,
    v1::Stage::Applicability,
    v1::Stage::Suitability,
    v1::Stage::Treatment,
    v1::Stage::Propensity,
    v1::Stage::Arbitration,
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
    /// Whether fewer actions were placed by rank than the placements have room for.
    #[must_use]
    pub fn is_short(&self) -> bool {
        let room: u32 = self.placements.iter().map(|requested| requested.count).sum();
        let placed = self.funnel.last().copied().unwrap_or(0);
        placed < room
    }
}

/// A placement as requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestedPlacement {
    /// Which, among those of the channel.
    pub placement: PlacementId,
    /// How many actions at most; at least 1.
    pub count: u32,
}

/// An action that reached arbitration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Which.
    pub action: ActionId,
    /// What its priority is made of.
    pub factors: Factors,
}

/// What a priority is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// 0.0 to 1.0.
    pub propensity: f64,
    /// Where the propensity comes from.
    pub propensity_source: v1::PropensitySource,
    /// At least 0.0.
    pub context_weight: f64,
    /// In the workspace's currency; finite. 0.0 where it has no result.
    pub value: f64,
    /// At least 0.0.
    pub lever: f64,
    /// Finite. 0.0 for a mandatory action whose value or priority has no result.
    pub priority: f64,
}

/// An action in a placement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Place in `Record::placements`, from 0.
    pub requested: usize,
    /// Which action.
    pub action: ActionId,
    /// In which of its treatments.
    pub treatment: TreatmentId,
    /// From 1; 0 for a fallback.
    pub rank: u32,
    /// Why it stands there.
    pub reason: v1::Reason,
    /// Absent for a fallback.
    pub factors: Option<Factors>,
}

/// What the decision had to do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Degradation {
    /// What was missing.
    pub kind: v1::DegradationKind,
    /// The model concerned, where there is one.
    pub model: Option<ModelId>,
    /// The action concerned, where it is exactly one.
    pub action: Option<ActionId>,
    /// How many actions it touched.
    pub actions: u32,
}
