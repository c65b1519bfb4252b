//! `DecideBatch`: one question for many customers, in turns that let other calls of the worker go first.

use std::{sync::Arc, time::Instant};

use arc_swap::Guard;
use nextbest_engine::Request;
use nextbest_proto::v1::{self, batched_decision::Result as Answer};
use tonic::Status;

use crate::{
    active::Active,
    call::Call,
    decide::Desk,
    detail::Detail,
    limits::{BATCH_CUSTOMERS_MAX, BATCH_TURN},
};

/// Decides for each customer, by the bundle that is active now, whatever is activated meanwhile.
///
/// # Errors
/// When the question is none, or the deadline passes before the last decision. What is wrong with one customer is
/// said in that customer's place.
pub(crate) async fn decide_batch(
    desk: &Desk,
    call: &Call,
    batch: v1::DecideBatchRequest,
) -> Result<v1::DecideBatchResponse, Status> {
    let question = desk.guard(|| check(batch.question, batch.customers.len()))?;
    let active = desk.shared.active.load_full();
    let mut decisions = Vec::with_capacity(batch.customers.len());
    let mut turn = Instant::now();
    for customer in batch.customers {
        if turn.elapsed() >= BATCH_TURN {
            tokio::task::yield_now().await;
            turn = Instant::now();
        }
        desk.guard(|| call.deadline.check())?;
        let asked = v1::DecideRequest {
            customer_id: customer.customer_id,
            customer: customer.customer,
            ..question.clone()
        };
        let result = answer(desk, call, &active, asked);
        decisions.push(v1::BatchedDecision { result: Some(result) });
    }
    Ok(v1::DecideBatchResponse { decisions })
}

fn answer(desk: &Desk, call: &Call, active: &Arc<Active>, asked: v1::DecideRequest) -> Answer {
    let decided = desk.guard(|| {
        let active = Guard::from_inner(Arc::clone(active));
        desk.answer(&call.again(), active, |active| {
            Request::check(&active.bundle, asked)
        })
    });
    match decided {
        Ok(decided) => {
            desk.shared.stats.decisions.add();
            Answer::Decided(decided)
        }
        Err(status) => Answer::Failure(desk.fail(call, &status)),
    }
}

fn check(question: Option<v1::DecideRequest>, customers: usize) -> Result<v1::DecideRequest, Status> {
    let question = question
        .ok_or_else(|| Status::invalid_argument("question: missing: what is asked for each customer"))?;
    if !question.customer_id.is_empty() || !question.customer.is_empty() {
        return Err(Status::invalid_argument(
            "question: `customer_id` and `customer` go into `customers`, once for each of them",
        ));
    }
    Detail::check_many(&question)?;
    if !(1..=BATCH_CUSTOMERS_MAX).contains(&customers) {
        return Err(Status::invalid_argument(format!(
            "customers: {customers} of them: 1 to {BATCH_CUSTOMERS_MAX}; send more in several calls"
        )));
    }
    Ok(question)
}
