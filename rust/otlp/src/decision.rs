//! A decision that was answered -> what its span is made of: its record, and the bundle that has the names.

use nextbest_engine::{
    Bundle, Decision, Degradation, FUNNEL_STAGES, Placed, Ranked, Record, RequestedPlacement, TopDropOff,
};
use nextbest_proto::v1::Stage;

/// One decision, ready to be traced. It borrows all that it has.
#[derive(Debug, Clone, Copy)]
pub struct DecisionSpan<'a> {
    /// The bundle that decided.
    pub bundle: &'a Bundle,
    /// What is kept of the decision.
    pub record: &'a Record<'a>,
    /// The condition at which most actions dropped off, where it is known.
    pub top_drop_off: Option<TopDropOff<'a>>,
    /// The call that asked for it, with its service: `nextbest.v1.DecisionService/Decide`.
    pub method: &'a str,
    /// Nanoseconds since 1970.
    pub started_ns: u64,
    /// Nanoseconds since 1970.
    pub ended_ns: u64,
}

impl<'a> DecisionSpan<'a> {
    /// `times`: the call's start and end, in nanoseconds since 1970.
    ///
    /// The top drop-off is computed only if the answer is shorter than possible: it takes longer than the
    /// rest of the span, and a full answer needs no such reason.
    #[must_use]
    pub fn of(decision: &'a Decision<'a>, method: &'a str, (started_ns, ended_ns): (u64, u64)) -> Self {
        let record = decision.record();
        Self {
            bundle: decision.bundle(),
            record,
            top_drop_off: record.is_short().then(|| decision.top_drop_off()).flatten(),
            method,
            started_ns,
            ended_ns,
        }
    }

    pub(crate) fn action_count(&self) -> u32 {
        let [actions, ..] = self.record.funnel;
        actions
    }

    /// For each stage, the actions that remained, and those that dropped off only because something is missing.
    pub(crate) fn funnel(&self) -> impl Iterator<Item = (Stage, u32, u32)> + use<'a> {
        let counts = self.record.funnel.into_iter().zip(self.record.unknown());
        let lines = FUNNEL_STAGES.into_iter().zip(counts).skip(1);
        lines.map(|(stage, (remaining, unknown))| (stage, remaining, unknown))
    }

    pub(crate) fn placement_name(&self, requested: RequestedPlacement) -> &'a str {
        self.bundle
            .placement_name(self.record.channel, requested.placement)
    }

    pub(crate) fn placement_of(&self, placed: &Placed) -> &'a str {
        let requested = self.record.placements.get(placed.requested);
        requested.map_or("", |requested| self.placement_name(*requested))
    }

    /// Empty for an action without a model.
    pub(crate) fn model_of(&self, ranked: &Ranked) -> &'a str {
        let model = self.bundle.action_model(ranked.action);
        model.map_or("", |model| self.bundle.model_name(model))
    }

    /// Of the model or action that a degradation is about; empty where it is about neither.
    pub(crate) fn name_of(&self, degradation: &Degradation) -> &'a str {
        match (degradation.model, degradation.action) {
            (Some(model), _) => self.bundle.model_name(model),
            (None, Some(action)) => self.bundle.action_name(action),
            (None, None) => "",
        }
    }
}
