//! One worker's handler: a checked request turned into a decision, its response and its trace.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use std::time::Instant;

use arc_swap::Guard;
use nextbest_engine::{Decision, Moment, Request, RequestError, decide};
use nextbest_otlp::DecisionSpan;
use nextbest_proto::v1;
use tonic::{Code, Status};

use crate::{
    active::Active,
    call::{Call, Timed},
    clock::{now_ns, now_us},
    failures::Failures,
    limits::{ANSWER_BYTES_MAX, BUILT_FACTOR, EXPLAINED_FACTOR, PIECE_BYTES_MAX},
    load_shedding::{load_shedder::Backlog, memory_budget::Reservation},
    refusal::{Refusal, failure},
    settings::LateModels,
    shadow::Sample,
    shared::Shared,
};

/// Where one worker answers.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) shared: Arc<Shared>,
    pub(crate) worker: usize,
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) failures: Arc<Failures>,
}

impl Desk {
    /// The pipeline of a decision. `active` was read once: the request sees this bundle, whatever is activated
    /// meanwhile.
    pub(crate) fn answer(
        &self,
        call: &Call,
        active: Guard<Arc<Active>>,
        check: impl FnOnce(&Active) -> Result<Request, RequestError>,
    ) -> Result<v1::DecideResponse, Status> {
        let started = Instant::now();
        let request = check(&active).map_err(Refusal::Request)?;
        let stored = match request.customer_id() {
            "" => None,
            customer_id => self.shared.store.get(customer_id),
        };
        let moment = Moment {
            now_us: now_us(),
            seed: fastrand::u64(..),
        };
        let mut scorer = active.scorer(self.worker).ok_or(Refusal::Internal)?.lock();
        let mut timed = Timed {
            scorer: scorer.as_mut(),
            deadline: call.deadline,
            is_late: false,
        };
        let mut decision = decide(&active.bundle, &request, stored.as_deref(), moment, &mut timed);
        decision.advise(&mut timed);
        let is_late = timed.is_late;
        drop(scorer);
        call.deadline.check()?;
        if is_late && self.shared.late_models == LateModels::Refuse {
            return Err(Refusal::Late.into());
        }
        let response = self.build(&decision)?;
        active.tallies.count(self.worker, &decision);
        if let Some(emitter) = &self.shared.emitter
            && let Some(context) = emitter.sample(call.parent.as_ref())
        {
            let interval = (call.started_ns, now_ns());
            emitter.emit(&DecisionSpan::of(&decision, call.method, interval), &context);
        }
        if let Some(shadow) = &self.shared.shadow
            && shadow.wants(decision.record().seed)
        {
            let record = decision.into_record().into_owned();
            shadow.take(Sample {
                active: Guard::into_inner(active),
                record,
            });
        }
        self.backlog.decided(started.elapsed());
        Ok(response)
    }

    /// The answer to one question of a call that goes on.
    pub(crate) fn fail(&self, call: &Call, status: &Status) -> v1::Failure {
        self.failures.unanswered(call, status.code());
        failure(status)
    }

    /// Builds the answer, within the memory that is left for answers.
    fn build(&self, decision: &Decision<'_>) -> Result<v1::DecideResponse, Status> {
        let bytes = match decision.answer_bytes_max() {
            // What is short is encoded in this turn, and counted then.
            Some(bytes_max) if bytes_max <= PIECE_BYTES_MAX => 0,
            Some(bytes_max) => BUILT_FACTOR * bytes_max.min(ANSWER_BYTES_MAX),
            None => EXPLAINED_FACTOR * ANSWER_BYTES_MAX,
        };
        let mut reservation = Reservation::of(&self.shared.answers);
        if !reservation.hold(bytes) {
            return Err(Refusal::Overload.into());
        }
        Ok(decision
            .respond(ANSWER_BYTES_MAX)
            .map_err(Refusal::AnswerTooLarge)?)
    }

    /// Runs what a request asks for, and counts how it ends. A panic fails this request alone.
    pub(crate) fn guard<T>(&self, work: impl FnOnce() -> Result<T, Status>) -> Result<T, Status> {
        let stats = &self.shared.stats;
        // Nothing that a panic could leave half done is read again: a decision only reads what is shared, and
        // an upsert plans first. Locks are released, not poisoned.
        let answer = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            stats.panics.add();
            Err(Refusal::Internal.into())
        });
        if let Err(status) = &answer {
            match status.code() {
                Code::PermissionDenied => stats.roles_missing.add(),
                Code::DeadlineExceeded => stats.deadlines_exceeded.add(),
                Code::Internal => {}
                _ => stats.refused.add(),
            }
        }
        answer
    }
}
