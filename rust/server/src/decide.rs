//! `Decide` and `Explain`: a request message turned into a decision, its response and its trace.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arc_swap::{ArcSwap, Guard};
use nextbest_engine::{Moment, Reject, Request, decide};
use nextbest_journal::Emitter;
use nextbest_proto::v1::{self, decision_service_server::DecisionService};
use nextbest_store::Store;
use tonic::{Code, Response, Status};

use crate::{
    active::{Active, now_us},
    call::{Call, Timed, now_ns},
    refusal::Refusal,
    shadow::{Sample, Shadow},
    stats::Stats,
    trace::trace,
};

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) active: ArcSwap<Active>,
    pub(crate) store: Store,
    pub(crate) emitter: Option<Emitter>,
    pub(crate) stats: Stats,
    pub(crate) shadow: Option<Shadow>,
}

/// Where one worker answers.
pub(crate) struct Desk {
    pub(crate) shared: Arc<Shared>,
    pub(crate) worker: usize,
}

#[tonic::async_trait]
impl DecisionService for Desk {
    async fn decide(
        &self,
        request: tonic::Request<v1::DecideRequest>,
    ) -> Result<Response<v1::DecideResponse>, Status> {
        let decided = self.guard(|| {
            let call = Call::of(&request)?;
            self.answer(&call, |active| {
                Request::check(&active.bundle, request.into_inner())
            })
        })?;
        self.shared.stats.decisions.add();
        Ok(Response::new(decided))
    }

    async fn explain(
        &self,
        request: tonic::Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::ExplainResponse>, Status> {
        let decided = self.guard(|| {
            let call = Call::of(&request)?;
            self.answer(&call, |active| {
                Request::check_explain(&active.bundle, request.into_inner())
            })
        })?;
        self.shared.stats.explanations.add();
        Ok(Response::new(v1::ExplainResponse {
            decision: Some(decided),
        }))
    }
}

impl Desk {
    /// The pipeline of a decision.
    fn answer(
        &self,
        call: &Call,
        check: impl FnOnce(&Active) -> Result<Request, Reject>,
    ) -> Result<v1::DecideResponse, Status> {
        // Read once: from here on the request sees this bundle, whatever is activated meanwhile.
        let active = self.shared.active.load();
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
        };
        let attributes = stored.as_ref().map(|capsule| capsule.attributes());
        let decision = decide(&active.bundle, &request, attributes, moment, &mut timed);
        drop(scorer);
        call.deadline.check()?;
        let response = decision.respond();
        active.tallies.count(self.worker, &decision);
        if let Some(emitter) = &self.shared.emitter {
            let interval = (call.started_ns, now_ns());
            let span = trace(&active.bundle, &decision, request.customer_id(), interval);
            emitter.emit(&span, call.parent.as_ref());
        }
        if let Some(shadow) = &self.shared.shadow
            && shadow.wants(decision.record().seed)
        {
            let record = decision.record().clone();
            drop(decision);
            shadow.take(Sample {
                active: Guard::into_inner(active),
                request,
                stored,
                record,
            });
        }
        Ok(response)
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
                Code::DeadlineExceeded => stats.deadlines_exceeded.add(),
                Code::Internal => {}
                _ => stats.refused.add(),
            }
        }
        answer
    }
}
