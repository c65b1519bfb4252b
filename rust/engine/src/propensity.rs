//! Candidates -> propensities: lowered models here, others by a scorer, one run of each over all of its candidates; else
//! the prior.

pub(crate) mod batch;
mod tally;

#[cfg(test)]
mod tests;

use nextbest_proto::v1::{DegradationKind, PropensitySource};

pub use batch::{Batch, Tensor};
pub(crate) use tally::tally;

use crate::{
    action_set::ActionSet,
    bundle::Bundle,
    degradation::Degradation,
    id::{ActionId, ModelId},
    limits::BATCH_ROWS_MAX,
    model::{Lowered, Score},
    value::Value,
};

/// How far beyond 0 and 1 an answer is taken for these: sums of many leaves' shares round to a little more than 1.
const ROUNDING: f64 = 1e-5;

/// Runs the models of a bundle. One for each worker, and for one bundle only.
pub trait Scorer {
    /// Whether there is time for a lowered model, which the engine runs by itself.
    ///
    /// # Errors
    /// When there is none: the actions' priors are used then.
    fn admit(&mut self, model: ModelId) -> Result<(), ScoreError> {
        let _ = model;
        Ok(())
    }

    /// Appends the probability of the positive class for each row of `batch`, in the order of the rows.
    ///
    /// # Errors
    /// When the model did not run; the actions' priors are used then and the decision reports it.
    fn score(
        &mut self,
        model: ModelId,
        batch: &Batch<'_>,
        propensities: &mut Vec<f64>,
    ) -> Result<(), ScoreError>;
}

/// Why a model gave no propensities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreError {
    /// The run failed, or there is no session for the model.
    Failed,
    /// The deadline leaves no time for a run.
    Deadline,
}

/// A scorer where no model can run: every model has failed.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoModels;

impl Scorer for NoModels {
    fn score(&mut self, _: ModelId, _: &Batch<'_>, _: &mut Vec<f64>) -> Result<(), ScoreError> {
        Err(ScoreError::Failed)
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
    for (index, action) in candidates.iter().enumerate() {
        let row = &bundle.actions[action];
        propensities.push(Propensity {
            action,
            value: row.prior,
            source: PropensitySource::Prior,
        });
        bound.extend(row.model.map(|model| (model, index)));
    }
    bound.sort_unstable();
    let mut degradations = Vec::new();
    for of_model in bound.chunk_by(|(left, _), (right, _)| left == right) {
        let Some((model, _)) = of_model.first() else {
            continue;
        };
        let mut faults = Faults::default();
        if let Some(lowered) = &bundle.models[*model].lowered {
            if scorer.admit(*model).is_err() {
                for (_, index) in of_model {
                    if let Some(propensity) = propensities.get_mut(*index) {
                        propensity.degrade(&mut faults.late);
                    }
                }
                faults.report(*model, &mut degradations);
                continue;
            }
            run_lowered(
                bundle,
                features,
                lowered,
                of_model,
                &mut propensities,
                &mut faults,
            );
            faults.report(*model, &mut degradations);
            continue;
        }
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

/// Actions of one model for which the prior is used, and why.
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

/// The same by a model of the bundle itself.
fn run_lowered(
    bundle: &Bundle,
    features: &[Value<'_>],
    lowered: &Lowered,
    run: &[(ModelId, usize)],
    propensities: &mut [Propensity],
    faults: &mut Faults,
) {
    let mut scores = Vec::with_capacity(run.len());
    let actions = run.iter().filter_map(|(_, position)| propensities.get(*position));
    let actions = actions.map(|propensity| propensity.action);
    lowered.score(bundle.index.report().kernel, features, actions, &mut scores);
    for ((_, position), score) in run.iter().zip(scores) {
        if let Some(propensity) = propensities.get_mut(*position) {
            match score {
                Score::Propensity(value) => propensity.take(Some(value), faults),
                Score::Failed => propensity.degrade(&mut faults.failed),
                Score::Incomplete => propensity.degrade(&mut faults.input_missing),
            }
        }
    }
}

impl Propensity {
    /// The model's answer, where it is a propensity.
    fn take(&mut self, answer: Option<f64>, faults: &mut Faults) {
        match answer {
            Some(answer) if (-ROUNDING..=1.0 + ROUNDING).contains(&answer) => {
                self.value = answer.clamp(0.0, 1.0);
                self.source = PropensitySource::Model;
            }
            _ => self.degrade(&mut faults.invalid),
        }
    }

    /// The prior stays.
    fn degrade(&mut self, fault: &mut u32) {
        self.source = PropensitySource::Degraded;
        *fault += 1;
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
    let indices = run.iter().map(|(_, index)| *index);
    let actions = indices
        .clone()
        .filter_map(|index| propensities.get(index))
        .map(|propensity| propensity.action);
    let (batch, complete) = batch::assemble(bundle, features, &bundle.models[model], actions);
    let mut answers = Vec::with_capacity(batch.rows);
    let ran = if batch.rows == 0 {
        Ok(())
    } else {
        scorer.score(model, &batch, &mut answers)
    };
    let ran = if ran.is_ok() && answers.len() != batch.rows {
        Err(ScoreError::Failed)
    } else {
        ran
    };
    let mut answers = answers.into_iter();
    for (index, complete) in indices.zip(complete) {
        let Some(propensity) = propensities.get_mut(index) else {
            continue;
        };
        match ran {
            _ if !complete => propensity.degrade(&mut faults.input_missing),
            Err(ScoreError::Failed) => propensity.degrade(&mut faults.failed),
            Err(ScoreError::Deadline) => propensity.degrade(&mut faults.late),
            Ok(()) => propensity.take(answers.next(), faults),
        }
    }
}
