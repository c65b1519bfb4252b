//! One worker's handler: what a call asks for goes through the pipeline, and is counted and traced.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use nextbest_engine::{Bundle, Decision, Moment, Request, RequestError};
use nextbest_otlp::DecisionSpan;
use nextbest_pipeline::{Active, AnswerBounds, Answered, Pipeline, now_ns, now_us};
use nextbest_proto::v1;
use tonic::{Code, Status};

use crate::{
    call::Call,
    call_error::{CallError, failure},
    failures::Failures,
    limits::{ANSWER_BYTES_MAX, PIECE_BYTES_MAX},
    load_shedding::load_shedder::LoadShedder,
    shared::Shared,
};

/// Where one worker answers.
#[derive(Clone)]
pub(crate) struct Handler {
    pub(crate) shared: Arc<Shared>,
    pub(crate) worker: usize,
    pub(crate) load_shedder: Arc<LoadShedder>,
    pub(crate) failures: Arc<Failures>,
}

impl Handler {
    /// Answers one request. `active` was read once: the request sees this bundle, whatever is activated meanwhile.
    pub(crate) async fn answer(
        &self,
        call: &Call,
        active: &Arc<Active>,
        check: impl FnOnce(&Bundle) -> Result<Request, RequestError>,
    ) -> Result<v1::DecideResponse, Status> {
        let shared = &self.shared;
        let pipeline = Pipeline {
            active,
            worker: self.worker,
            customers: &shared.store,
            moment: Moment {
                now_us: now_us(),
                seed: fastrand::u64(..),
            },
            deadline: call.deadline,
            late_models: shared.late_models,
            bounds: AnswerBounds {
                bytes_max: ANSWER_BYTES_MAX,
                // What is short is encoded in this turn, and counted then.
                uncounted_bytes_max: PIECE_BYTES_MAX,
                memory: Some(&shared.answers),
            },
            shadow: shared.shadow.as_ref(),
        };
        let observe = |decision: &Decision<'_>| self.emit(call, decision);
        let Answered { answer, worked } = pipeline.answer(check, observe).await;
        if answer.is_ok() {
            self.load_shedder.decided(worked);
        }
        self.count(answer.map_err(|error| {
            let refusal = CallError::from(error);
            if matches!(refusal, CallError::Internal) {
                shared.stats.panics.add();
            }
            refusal.into()
        }))
    }

    /// Makes a span of a decision, where its caller or the sampler wants one.
    fn emit(&self, call: &Call, decision: &Decision<'_>) {
        if let Some(emitter) = &self.shared.emitter
            && let Some(context) = emitter.sample(call.parent.as_ref())
        {
            let interval = (call.started_ns, now_ns());
            emitter.emit(&DecisionSpan::of(decision, call.method, interval), &context);
        }
    }

    /// The answer to one question of a call that goes on.
    pub(crate) fn fail(&self, call: &Call, status: &Status) -> v1::Failure {
        self.failures.unanswered(call, status.code());
        failure(status)
    }

    /// Runs what a call needs beside its decisions, and counts how it ends. A panic fails this call alone.
    pub(crate) fn guard<T>(&self, work: impl FnOnce() -> Result<T, Status>) -> Result<T, Status> {
        // Nothing that a panic could leave half done is read again: an upsert plans first. Locks are released, not
        // poisoned.
        let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            self.shared.stats.panics.add();
            Err(CallError::Internal.into())
        });
        self.count(outcome)
    }

    fn count<T>(&self, outcome: Result<T, Status>) -> Result<T, Status> {
        let stats = &self.shared.stats;
        if let Err(status) = &outcome {
            match status.code() {
                Code::PermissionDenied => stats.permission_denied.add(),
                Code::DeadlineExceeded => stats.deadlines_exceeded.add(),
                Code::Internal => {}
                _ => stats.refused.add(),
            }
        }
        outcome
    }
}
