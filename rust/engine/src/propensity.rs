//! Candidates -> propensities: one run of each model over all of its candidates, else the prior.

mod batch;

#[cfg(test)]
mod tests;

use nextbest_proto::v1::{DegradationKind, PropensitySource};

pub use batch::{Batch, Tensor};

use crate::{
    action_set::ActionSet,
    bundle::Bundle,
    id::{ActionId, ModelId},
    record::Degradation,
    value::Value,
};

/// Rows of one run: a runtime's memory grows with the largest batch and never shrinks.
pub const BATCH_ROWS_MAX: usize = 1_024;

/// Runs the models of a bundle. One for each worker, and for one bundle only.
pub trait Scorer {
    /// Appends the probability of the positive class for each row of `batch`, in the order of the rows.
    ///
    /// # Errors
    /// When the model did not run; the actions' priors then stand in and the decision says so.
    fn score(
        &mut self,
        model: ModelId,
        batch: &Batch<'_>,
        propensities: &mut Vec<f64>,
    ) -> Result<(), ScoreFault>;
}

/// Why a model gave no propensities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreFault {
    /// The run failed, or there is no session for the model.
    Failed,
    /// The deadline leaves no time for a run.
    Deadline,
}

/// A scorer where no model can run: every model has failed.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoModels;

impl Scorer for NoModels {
    fn score(&mut self, _: ModelId, _: &Batch<'_>, _: &mut Vec<f64>) -> Result<(), ScoreFault> {
        Err(ScoreFault::Failed)
    }
}

/// How likely a candidate is to accept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Propensity {
    pub(crate) action: ActionId,
    /// 0.0 to 1.0.
    pub(crate) value: f64,
    pub(crate) source: PropensitySource,
}

/// The propensities of all candidates, in their order, and what had to be done without, in the order of the models.
pub(crate) fn assess(
    bundle: &Bundle,
    features: &[Value<'_>],
    candidates: &ActionSet,
    scorer: &mut dyn Scorer,
) -> (Vec<Propensity>, Vec<Degradation>) {
    let mut propensities = Vec::with_capacity(candidates.count() as usize);
    let mut bound: Vec<(ModelId, usize)> = Vec::new();
    for (place, action) in candidates.iter().enumerate() {
        let row = &bundle.actions[action];
        propensities.push(Propensity {
            action,
            value: row.prior,
            source: PropensitySource::Prior,
        });
        bound.extend(row.model.map(|model| (model, place)));
    }
    bound.sort_unstable();
    let mut degradations = Vec::new();
    for of_model in bound.chunk_by(|(left, _), (right, _)| left == right) {
        let Some((model, _)) = of_model.first() else {
            continue;
        };
        let mut faults = Faults::default();
        for run in of_model.chunks(BATCH_ROWS_MAX) {
            run_model(
                bundle,
                features,
                *model,
                run,
                &mut propensities,
                &mut faults,
                scorer,
            );
        }
        faults.report(*model, &mut degradations);
    }
    (propensities, degradations)
}

/// Actions of one model that the prior stands in for, and why.
#[derive(Default)]
struct Faults {
    failed: u32,
    late: u32,
    invalid: u32,
    input_missing: u32,
}

impl Faults {
    fn report(&self, model: ModelId, degradations: &mut Vec<Degradation>) {
        let kinds = [
            (DegradationKind::ModelFailed, self.failed),
            (DegradationKind::PropensityInvalid, self.invalid),
            (DegradationKind::ModelInputMissing, self.input_missing),
            (DegradationKind::Deadline, self.late),
        ];
        for (kind, actions) in kinds {
            if actions > 0 {
                degradations.push(Degradation {
                    kind,
                    model: Some(model),
                    action: None,
                    actions,
                });
            }
        }
    }
}

/// One run: writes the propensities that it gives; of those that it does not give the prior stays.
fn run_model(
    bundle: &Bundle,
    features: &[Value<'_>],
    model: ModelId,
    run: &[(ModelId, usize)],
    propensities: &mut [Propensity],
    faults: &mut Faults,
    scorer: &mut dyn Scorer,
) {
    let places = run.iter().map(|(_, place)| *place);
    let actions = places
        .clone()
        .filter_map(|place| propensities.get(place))
        .map(|propensity| propensity.action);
    let (batch, complete) = batch::assemble(bundle, features, &bundle.models[model], actions);
    let mut answers = Vec::with_capacity(batch.rows);
    let ran = if batch.rows == 0 {
        Ok(())
    } else {
        scorer.score(model, &batch, &mut answers)
    };
    let ran = if ran.is_ok() && answers.len() != batch.rows {
        Err(ScoreFault::Failed)
    } else {
        ran
    };
    let mut answers = answers.into_iter();
    for (place, complete) in places.zip(complete) {
        let Some(propensity) = propensities.get_mut(place) else {
            continue;
        };
        propensity.source = PropensitySource::Degraded;
        match ran {
            _ if !complete => faults.input_missing += 1,
            Err(ScoreFault::Failed) => faults.failed += 1,
            Err(ScoreFault::Deadline) => faults.late += 1,
            Ok(()) => match answers.next() {
                Some(answer) if (0.0..=1.0).contains(&answer) => {
                    propensity.value = answer;
                    propensity.source = PropensitySource::Model;
                }
                _ => faults.invalid += 1,
            },
        }
    }
}
