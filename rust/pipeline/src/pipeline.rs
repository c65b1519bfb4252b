//! The stages of one decision, in their order.

use std::{sync::Arc, time::Duration};

use nextbest_engine::{Bundle, Decision, Moment, Request, RequestError, decide};
use nextbest_proto::v1;

use crate::{
    active::Active,
    answer::{self, AnswerBounds},
    containment::contain,
    customers::Customers,
    deadline::Deadline,
    error::PipelineError,
    scorer::TimedScorer,
    shadow::{Sample, Shadow},
};

/// The handling of a request whose deadline leaves no time for models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LateModels {
    /// It is decided on priors, and the answer reports it.
    #[default]
    Degrade,
    /// It is refused.
    Refuse,
}

/// What one request is answered with.
pub struct Pipeline<'a, C> {
    /// Read once: the request sees this bundle, whatever is activated meanwhile.
    pub active: &'a Arc<Active>,
    /// Whose model sessions and counters are used.
    pub worker: usize,
    /// Where capsules are kept.
    pub customers: &'a C,
    /// What the engine takes for now, and its seed.
    pub moment: Moment,
    /// When the caller needs the answer.
    pub deadline: Deadline,
    /// The handling of a request that comes too late for models.
    pub late_models: LateModels,
    /// How large the answer may be.
    pub bounds: AnswerBounds<'a>,
    /// Scores some decisions once more. Absent: none.
    pub shadow: Option<&'a Shadow>,
}

/// The outcome of one request.
pub struct Answered {
    /// The answer, or why there is none.
    pub answer: Result<v1::DecideResponse, PipelineError>,
    /// How long this thread worked on it. Waiting is not counted.
    pub worked: Duration,
}

impl<C: Customers> Pipeline<'_, C> {
    /// Answers one request. `observe` sees the decision once its answer is built.
    ///
    /// A panic in any stage fails this request alone.
    pub async fn answer(
        &self,
        check: impl FnOnce(&Bundle) -> Result<Request, RequestError>,
        observe: impl FnOnce(&Decision<'_>),
    ) -> Answered {
        let (outcome, worked) = contain(self.stages(check, observe)).await;
        Answered {
            answer: outcome.unwrap_or(Err(PipelineError::Internal)),
            worked,
        }
    }

    async fn stages(
        &self,
        check: impl FnOnce(&Bundle) -> Result<Request, RequestError>,
        observe: impl FnOnce(&Decision<'_>),
    ) -> Result<v1::DecideResponse, PipelineError> {
        let request = check(&self.active.bundle)?;
        let capsule = self.customers.load(request.customer_id()).await;
        let (bundle, capsule) = (&self.active.bundle, capsule.as_deref());
        let mut decision = self.score(|scorer| decide(bundle, &request, capsule, self.moment, scorer))?;
        // Before advice is sought and the answer is built: what cannot be claimed is not offered.
        self.customers.claim(decision.record()).await;
        if decision.needs_advice() {
            self.score(|scorer| decision.advise(scorer))?;
        }
        let response = answer::build(&decision, self.bounds)?;
        self.active.counters.count(self.worker, &decision);
        observe(&decision);
        if let Some(shadow) = self.shadow
            && shadow.wants(decision.record().seed)
        {
            shadow.take(Sample {
                active: Arc::clone(self.active),
                record: decision.into_record().into_owned(),
            });
        }
        Ok(response)
    }

    /// Locks the worker's model sessions for some work: here and nowhere else, and never while something is awaited.
    fn score<T>(&self, work: impl FnOnce(&mut TimedScorer<'_>) -> T) -> Result<T, PipelineError> {
        let scorer = self.active.scorer(self.worker).ok_or(PipelineError::Internal)?;
        let mut scorer = scorer.lock();
        let mut timed = TimedScorer::new(scorer.as_mut(), self.deadline);
        let done = work(&mut timed);
        self.deadline.check()?;
        if timed.is_late() && self.late_models == LateModels::Refuse {
            return Err(PipelineError::Late);
        }
        Ok(done)
    }
}
