//! A worker's model sessions, as one decision with a deadline uses them.

use nextbest_engine::{Batch, ModelId, ScoreError, Scorer};

use crate::deadline::{Deadline, MODEL_TIME_MIN};

/// A scorer that runs no model which the deadline leaves no time for.
pub(crate) struct TimedScorer<'a> {
    scorer: &'a mut dyn Scorer,
    deadline: Deadline,
    is_late: bool,
}

impl<'a> TimedScorer<'a> {
    pub(crate) fn new(scorer: &'a mut dyn Scorer, deadline: Deadline) -> Self {
        Self {
            scorer,
            deadline,
            is_late: false,
        }
    }

    /// Whether a model was not run for want of time.
    pub(crate) fn is_late(&self) -> bool {
        self.is_late
    }
}

impl Scorer for TimedScorer<'_> {
    fn admit(&mut self, _: ModelId) -> Result<(), ScoreError> {
        if self.deadline.leaves(MODEL_TIME_MIN) {
            Ok(())
        } else {
            self.is_late = true;
            Err(ScoreError::Deadline)
        }
    }

    fn score(
        &mut self,
        model: ModelId,
        batch: &Batch<'_>,
        propensities: &mut Vec<f64>,
    ) -> Result<(), ScoreError> {
        self.admit(model)?;
        self.scorer.score(model, batch, propensities)
    }
}
