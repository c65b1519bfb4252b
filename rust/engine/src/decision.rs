//! One decision, stage by stage.

mod identity;

#[cfg(test)]
mod tests;

use std::cell::OnceCell;

use nextbest_proto::v1::{self, DegradationKind, Reason, Stage};

use crate::{
    action_set::ActionSet,
    arbitration::{self, Filled, Order, Ranking, Weighing},
    availability,
    bundle::Bundle,
    capsule, eligibility,
    eligibility::{Interpreter, Passed, Truths},
    explanation::{self, Advised},
    features,
    id::{ActionId, FeatureId, Id, ModelId, narrow},
    leaving::{self, FrequentLeave},
    native::Method,
    program::machine::Machine,
    propensity::{self, Propensity, Scorer},
    record::{Degradation, FUNNEL_STAGES, Record},
    request::{Moment, Request},
    response,
    room::{AnswerPart, AnswerTooLarge, Room},
    treatment,
    value::Value,
};

/// Of the funnel: three numbers for each of its lines, and framing.
const FUNNEL_BYTES_MAX: usize = 24 * FUNNEL_STAGES.len();

/// A decision, and what it was made of.
#[derive(Debug)]
pub struct Decision<'a> {
    pub(crate) bundle: &'a Bundle,
    pub(crate) request: &'a Request,
    pub(crate) record: Record,
    pub(crate) features: Vec<Value<'a>>,
    /// Found when every action is to be explained.
    truths: OnceCell<Truths>,
    pub(crate) stages: Stages,
    propensities: Vec<Propensity>,
    pub(crate) ranking: Ranking,
    pub(crate) filled: Filled,
    /// Where actions are to be explained.
    pub(crate) advised: Vec<Advised>,
}

/// The actions that each stage left, up to the one before propensities.
#[derive(Debug)]
pub(crate) struct Stages {
    pub(crate) available: ActionSet,
    pub(crate) passed: Passed,
    pub(crate) treatable: ActionSet,
}

/// Decides.
///
/// `stored` is what is kept of the customer: absent when nothing is, or for an anonymous one. Attributes that the
/// bundle does not declare, or declares with another type, are ignored. `moment` holds where the request, a dry run,
/// brings no time or seed of its own.
pub fn decide<'a>(
    bundle: &'a Bundle,
    request: &'a Request,
    stored: Option<&'a [v1::Attribute]>,
    moment: Moment,
    scorer: &mut dyn Scorer,
) -> Decision<'a> {
    let moment = request.moment(moment);
    let mut machine = Machine::new();

    let capsule = capsule::assemble(bundle, request, stored);
    let features = features::evaluate(bundle, &capsule, moment.now_us, &mut machine);
    let mut search = bundle.index.search(&features, moment.now_us);
    let available = availability::select(bundle, request, &mut search);
    let passed = eligibility::select(&mut search, &available);
    let treatable = treatment::select(request, &mut search, &passed.suitable);
    let (propensities, model_faults) = propensity::assess(bundle, &features, &treatable, scorer);
    let mut weighing = Weighing::new(bundle, &features, &mut search, &mut machine);
    let ranking = arbitration::rank(bundle, &request.customer_id, &propensities, &mut weighing);
    let interpreter = Interpreter::new(bundle, &features);
    let mut filled = arbitration::fill(bundle, request, interpreter, Order::of(&ranking.ranked));
    filled.fall_back(bundle, request, interpreter, moment.now_us);

    let unknown = stored.is_none() && !request.customer_id.is_empty();
    let degradations = degradations(unknown, model_faults, &ranking, machine.exhausted());
    let stages = Stages {
        available,
        passed,
        treatable,
    };
    let record = record(bundle, request, moment, &stages, &ranking, &filled, degradations);
    let mut decision = Decision {
        bundle,
        request,
        record,
        features,
        truths: OnceCell::new(),
        stages,
        propensities,
        ranking,
        filled,
        advised: Vec::new(),
    };
    if request.explanation == v1::ExplanationLevel::Full {
        decision.advised = explanation::advise(&decision, stored, scorer);
    }
    decision
}

impl Decision<'_> {
    /// What is kept of it.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The condition at which most actions left; nothing where every available action met its policies.
    #[must_use]
    pub fn frequent_leave(&self) -> Option<FrequentLeave<'_>> {
        leaving::most_frequent(self.bundle, self.interpreter(), &self.stages)
    }

    /// Names the counters of each model's [`crate::Histograms`] that it adds to.
    pub fn tally(&self, count: impl FnMut(ModelId, usize)) {
        propensity::tally(self.bundle, &self.features, &self.propensities, count);
    }

    /// Tells the truth of any clause.
    pub(crate) fn interpreter(&self) -> Interpreter<'_> {
        let interpreter = Interpreter::new(self.bundle, &self.features);
        match self.truths.get() {
            Some(truths) => interpreter.knowing(truths),
            None => interpreter,
        }
    }

    /// Tests every literal once, rather than once for each action that has it.
    pub(crate) fn prepare_interpreter(&self) {
        self.truths
            .get_or_init(|| Interpreter::new(self.bundle, &self.features).truths());
    }

    pub(crate) fn feature(&self, feature: FeatureId) -> &Value<'_> {
        self.features.get(feature.place()).unwrap_or(&Value::Missing)
    }

    /// Of an action that came as far.
    pub(crate) fn propensity(&self, action: ActionId) -> Option<f64> {
        let mut found = self.propensities.iter();
        found
            .find(|propensity| propensity.action == action)
            .map(|propensity| propensity.value)
    }

    /// The most bytes that the answer can take when encoded. None where it has contributions or explanations of actions:
    /// they are measured while they are built, and [`Decision::respond`] stops where they become too large.
    #[must_use]
    pub fn answer_bytes_max(&self) -> Option<usize> {
        let is_plain = self.request.explanation != v1::ExplanationLevel::Full
            && self.request.contributions.method.is_none();
        is_plain.then(|| self.plain_bytes_max())
    }

    fn plain_bytes_max(&self) -> usize {
        let funnel = match self.request.explanation {
            v1::ExplanationLevel::Funnel | v1::ExplanationLevel::Full => FUNNEL_BYTES_MAX,
            v1::ExplanationLevel::None | v1::ExplanationLevel::Unspecified => 0,
        };
        response::bytes_max(self.bundle, &self.record) + funnel
    }

    /// The answer, with as much explanation as the request asks for.
    ///
    /// # Errors
    /// When it would take more than `bytes_max` when encoded. It is built no further than that.
    pub fn respond(&self, bytes_max: usize) -> Result<v1::DecideResponse, AnswerTooLarge> {
        let mut room = Room::new(bytes_max);
        room.take(self.plain_bytes_max(), AnswerPart::Placements)?;
        let mut answer = response::render(self.bundle, &self.record);
        if let Some(method) = self.request.contributions.method {
            self.tell_contributions(method, &mut answer, &mut room)?;
        }
        answer.explanation = match self.request.explanation {
            v1::ExplanationLevel::Funnel => Some(explanation::funnel(&self.record)),
            v1::ExplanationLevel::Full => Some(explanation::explain(self, &mut room)?),
            v1::ExplanationLevel::None | v1::ExplanationLevel::Unspecified => None,
        };
        Ok(answer)
    }

    /// Adds what makes up the propensities of the best actions placed.
    fn tell_contributions(
        &self,
        method: Method,
        answer: &mut v1::DecideResponse,
        room: &mut Room,
    ) -> Result<(), AnswerTooLarge> {
        // Fallbacks have no rank.
        let mut best: Vec<_> = self
            .record
            .placed
            .iter()
            .filter(|placed| placed.rank > 0)
            .collect();
        best.sort_by_key(|placed| placed.rank);
        for placed in best.into_iter().take(self.request.contributions.top as usize) {
            let name = self.bundle.action_name(placed.action);
            let placement = answer.placements.get_mut(placed.requested);
            let actions = placement.into_iter().flat_map(|placement| &mut placement.actions);
            for action in actions.filter(|action| action.action == name) {
                let contributions = explanation::contributions(self, placed.action, method);
                room.take_message(&contributions, AnswerPart::Contributions)?;
                action.contributions = Some(contributions);
            }
        }
        Ok(())
    }
}

/// In the order of their kinds; those of models already stand in the order of the models.
fn degradations(
    unknown: bool,
    of_models: Vec<Degradation>,
    ranking: &Ranking,
    exhausted: bool,
) -> Vec<Degradation> {
    let mut degradations = of_models;
    let plain = |kind| Degradation {
        kind,
        model: None,
        action: None,
        actions: 0,
    };
    if unknown {
        degradations.push(plain(DegradationKind::CustomerUnknown));
    }
    if let [first, rest @ ..] = ranking.valueless.as_slice() {
        degradations.push(Degradation {
            kind: DegradationKind::ValueMissing,
            model: None,
            action: rest.is_empty().then_some(*first),
            actions: narrow(ranking.valueless.len()),
        });
    }
    if exhausted {
        degradations.push(plain(DegradationKind::WorkExhausted));
    }
    degradations.sort_by_key(|degradation| degradation.kind);
    degradations
}

fn record(
    bundle: &Bundle,
    request: &Request,
    moment: Moment,
    stages: &Stages,
    ranking: &Ranking,
    filled: &Filled,
    degradations: Vec<Degradation>,
) -> Record {
    let count = |stage| match stage {
        Stage::Unspecified => narrow(bundle.actions.len()),
        Stage::Availability => stages.available.count(),
        Stage::Eligibility => stages.passed.eligible.count(),
        Stage::Applicability => stages.passed.applicable.count(),
        Stage::Suitability => stages.passed.suitable.count(),
        Stage::Treatment => stages.treatable.count(),
        Stage::Propensity => narrow(ranking.ranked.len()),
        Stage::Arbitration | Stage::Placed => narrow(
            filled
                .placed
                .iter()
                .filter(|placed| placed.reason != Reason::Fallback)
                .count(),
        ),
    };
    Record {
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

fn unknown(passed: &Passed, stage: Stage) -> u32 {
    let [eligibility, applicability, suitability] = passed.unknown;
    match stage {
        Stage::Eligibility => eligibility,
        Stage::Applicability => applicability,
        Stage::Suitability => suitability,
        _ => 0,
    }
}
