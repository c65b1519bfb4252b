//! A customer -> the actions that policies leave, with nothing scored or placed: by the index, or by the interpreter.
//!
//! For those who ask who may be offered what, and for measuring one beside the other.

use crate::{
    action_set::ActionSet,
    attributes, availability,
    bundle::Bundle,
    capsule::Capsule,
    eligibility::{self, Interpreter, Passed, Truth},
    features,
    id::{ActionId, ClauseId, Id},
    program::machine::Machine,
    request::{Moment, Request},
    stages::Stages,
    tables::Policies,
    treatment,
    value::Value,
};

/// A customer whose features are known.
#[derive(Debug)]
pub struct Screening<'a> {
    bundle: &'a Bundle,
    request: &'a Request,
    features: Vec<Value<'a>>,
    now_us: i64,
}

/// The actions that each stage leaves, from availability to treatments.
#[derive(Debug, PartialEq, Eq)]
pub struct Screened {
    stages: [ActionSet; 5],
    unknown: [u32; 3],
}

impl<'a> Screening<'a> {
    /// As for [`crate::decide`].
    #[must_use]
    pub fn new(
        bundle: &'a Bundle,
        request: &'a Request,
        capsule: Option<&'a Capsule>,
        moment: Moment,
    ) -> Self {
        let now_us = request.moment(moment).now_us;
        let attributes = attributes::assemble(bundle, request, capsule);
        let features = features::evaluate(bundle, &attributes, now_us, &mut Machine::new());
        Self {
            bundle,
            request,
            features,
            now_us,
        }
    }

    /// What a decision filters with.
    #[must_use]
    pub fn filter(&self) -> Screened {
        let mut search = self.bundle.index.search(&self.features, self.now_us);
        let available = availability::select(self.bundle, self.request, &mut search);
        let passed = eligibility::select(&mut search, &available);
        let treatable = treatment::select(self.request, &mut search, &passed.suitable);
        Stages {
            available,
            passed,
            treatable,
        }
        .into()
    }

    /// The same by looking at every clause of every action: slow, and what the index has to give.
    #[must_use]
    pub fn interpret(&self) -> Screened {
        let (bundle, request, interpreter) = (self.bundle, self.request, self.interpreter());
        let all = bundle.actions.ids();
        let available = all.filter(|id| availability::explain(bundle, request, self.now_us, *id).is_none());
        let available = self.set(available);
        let pass = |before: &ActionSet, clauses: fn(Policies<'_>) -> &[ClauseId]| {
            let mut unknown = 0;
            let passed = before.iter().filter(|id| {
                let truth = interpreter.conjunction(clauses(bundle.policies.of(*id)));
                unknown += u32::from(truth == Truth::Unknown);
                truth == Truth::True
            });
            (self.set(passed), unknown)
        };
        let (eligible, not_eligible) = pass(&available, |policies| policies.eligibility);
        let (applicable, not_applicable) = pass(&eligible, |policies| policies.applicability);
        let (suitable, not_suitable) = pass(&applicable, |policies| policies.suitability);
        let fits = |id: &ActionId| {
            let mut placements = request.placements.iter().map(|requested| requested.placement);
            placements.any(|it| treatment::fitting(bundle, interpreter, *id, request.channel, it).is_some())
        };
        let treatable = self.set(suitable.iter().filter(fits));
        Stages {
            available,
            passed: Passed {
                eligible,
                applicable,
                suitable,
                unknown: [not_eligible, not_applicable, not_suitable],
            },
            treatable,
        }
        .into()
    }

    /// How many of an action's clauses are not true; all of them are looked at. None for no action of the bundle.
    #[must_use]
    pub fn count_failing(&self, action: usize) -> Option<usize> {
        let action = self.bundle.actions.ids().nth(action)?;
        let interpreter = self.interpreter();
        let clauses = self.bundle.policies.of(action).stages().into_iter().flatten();
        Some(
            clauses
                .filter(|clause| interpreter.clause(**clause) != Truth::True)
                .count(),
        )
    }

    /// How many actions have a clause that is not true; of each, all up to the first are looked at.
    #[must_use]
    pub fn count_leaving(&self) -> usize {
        let truths = self.interpreter().truths();
        let interpreter = self.interpreter().knowing(&truths);
        let leaves = |action: &ActionId| {
            let stages = self.bundle.policies.of(*action).stages();
            stages
                .into_iter()
                .any(|clauses| interpreter.first_failing(clauses).is_some())
        };
        self.bundle.actions.ids().filter(leaves).count()
    }

    fn interpreter(&self) -> Interpreter<'_> {
        Interpreter::new(self.bundle, &self.features)
    }

    fn set(&self, actions: impl Iterator<Item = ActionId>) -> ActionSet {
        let mut set = ActionSet::empty(self.bundle.actions.len());
        actions.for_each(|action| set.insert(action));
        set
    }
}

impl From<Stages> for Screened {
    fn from(stages: Stages) -> Self {
        let Passed {
            eligible,
            applicable,
            suitable,
            unknown,
        } = stages.passed;
        Self {
            stages: [stages.available, eligible, applicable, suitable, stages.treatable],
            unknown,
        }
    }
}

impl Screened {
    /// The places of the actions whose policies all hold, ascending.
    pub fn suitable(&self) -> impl Iterator<Item = usize> + '_ {
        let [_, _, _, suitable, _] = &self.stages;
        suitable.iter().map(ActionId::index)
    }
}
