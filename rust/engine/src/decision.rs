//! One decision, stage by stage.

#[cfg(test)]
mod tests;

use std::cell::OnceCell;

use nextbest_proto::v1::DegradationKind;

use crate::{
    arbitration::{self, Order, Ranked, Ranking, Weighing},
    attributes, availability,
    bundle::Bundle,
    capsule::Capsule,
    degradation::Degradation,
    eligibility::{self, Interpreter, Truths},
    explanation::advised::Advised,
    features,
    id::{ActionId, FeatureId, Id, ModelId, narrow},
    program::machine::Machine,
    propensity::{self, Propensity, Scorer},
    record::{Found, Record},
    request::{Moment, Request},
    stages::Stages,
    treatment,
    value::Value,
};

/// A decision, and what it was made of.
#[derive(Debug)]
pub struct Decision<'a> {
    pub(crate) bundle: &'a Bundle,
    pub(crate) request: &'a Request,
    pub(crate) capsule: Option<&'a Capsule>,
    pub(crate) record: Record<'a>,
    pub(crate) features: Vec<Value<'a>>,
    /// Found when every action is to be explained.
    truths: OnceCell<Truths>,
    propensities: Vec<Propensity>,
    pub(crate) below_propensity: Vec<Ranked>,
    /// Without value or priority.
    pub(crate) valueless: Vec<ActionId>,
    /// See [`Decision::advise`].
    pub(crate) advised: Vec<Advised>,
}

/// Decides.
///
/// `capsule` is the customer's stored state: absent if there is none, or for an anonymous customer.
/// Attributes that the bundle does not declare, or declares with another type, are ignored. `moment` is used
/// if the request, a dry run, has no time or seed.
pub fn decide<'a>(
    bundle: &'a Bundle,
    request: &'a Request,
    capsule: Option<&'a Capsule>,
    moment: Moment,
    scorer: &mut dyn Scorer,
) -> Decision<'a> {
    let moment = request.moment(moment);
    let mut machine = Machine::new();

    let attributes = attributes::assemble(bundle, request, capsule);
    let features = features::evaluate(bundle, &attributes, moment.now_us, &mut machine);
    let mut search = bundle.index.search(&features, moment.now_us);
    let available = availability::select(bundle, request, &mut search);
    let passed = eligibility::select(&mut search, &available);
    let treatable = treatment::select(request, &mut search, &passed.suitable);
    let (propensities, model_faults) = propensity::assess(bundle, &features, &treatable, scorer);
    let mut weighing = Weighing::new(bundle, &features, &mut search, &mut machine);
    let ranking = arbitration::rank(bundle, &request.customer_id, &propensities, &mut weighing);
    let interpreter = Interpreter::new(bundle, &features);
    let order = Order::of(&ranking.ranked);
    let placed = arbitration::fill(bundle, request, interpreter, order, moment.now_us);

    let unknown = capsule.is_none() && !request.customer_id.is_empty();
    let degradations = degradations(unknown, model_faults, &ranking, machine.exhausted());
    let stages = Stages {
        available,
        passed,
        treatable,
    };
    let found = Found {
        inputs: attributes,
        stages,
        ranked: ranking.ranked,
        placed,
        degradations,
    };
    Decision {
        bundle,
        request,
        capsule,
        record: Record::of(bundle, request, moment, found),
        features,
        truths: OnceCell::new(),
        propensities,
        below_propensity: ranking.below_propensity,
        valueless: ranking.valueless,
        advised: Vec::new(),
    }
}

impl<'a> Decision<'a> {
    /// What is kept of it.
    #[must_use]
    pub fn record(&self) -> &Record<'a> {
        &self.record
    }

    /// The same, with nothing else.
    #[must_use]
    pub fn into_record(self) -> Record<'a> {
        self.record
    }

    /// The bundle that decided.
    #[must_use]
    pub fn bundle(&self) -> &'a Bundle {
        self.bundle
    }

    /// Fills the placements again without some actions, whose claims were refused. Nothing is filtered or scored again:
    /// the ranking and the ranks stay as they are, and the actions behind the refused ones move up. Refused actions are
    /// not used as fallbacks.
    pub fn refill(&mut self, refused: &[ActionId]) {
        self.record.refused.extend_from_slice(refused);
        let order = Order::of(&self.record.ranked).without(&self.record.refused);
        let now_us = self.record.now_us;
        let placed = arbitration::fill(self.bundle, self.request, self.interpreter(), order, now_us);
        self.record.refill(placed);
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
        self.features.get(feature.index()).unwrap_or(&Value::Missing)
    }

    /// Of an action that came as far.
    pub(crate) fn propensity(&self, action: ActionId) -> Option<f64> {
        let mut found = self.propensities.iter();
        found
            .find(|propensity| propensity.action == action)
            .map(|propensity| propensity.value)
    }
}

/// In the order of their kinds; those of models are already in the order of the models.
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
