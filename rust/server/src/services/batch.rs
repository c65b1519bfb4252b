//! `DecideBatch`: one question for many customers, in turns that let other calls of the worker go first.

use std::{sync::Arc, time::Instant};

use nextbest_engine::{Bundle, Request};
use nextbest_pipeline::{Active, BUILT_FACTOR, Reservation};
use nextbest_proto::v1::{self, batched_decision::Result as Answer};
use nextbest_store::memory_bytes;
use prost::{Message as _, bytes::Bytes};
use tonic::Status;

use crate::{
    call::Call,
    call_error::CallError,
    detail::Detail,
    handler::Handler,
    limits::{ANSWER_BYTES_MAX, BATCH_CUSTOMERS_MAX, BATCH_TURN},
};

/// Tag and length of a decision within the answer.
const BATCHED_FRAMING_BYTES: usize = 6;
/// Memory is reserved for some answers at a time.
const RESERVED_AHEAD_BYTES: usize = 64 * 1024;

/// Decides for each customer, by the bundle that is active now, whatever is activated meanwhile.
///
/// # Errors
/// When the question is not valid, or the deadline passes before the last decision. The error for one
/// customer is in that customer's place.
pub(crate) async fn decide_batch(
    handler: &Handler,
    call: &Call,
    batch: v1::DecideBatchRequest,
) -> Result<v1::DecideBatchResponse, Status> {
    let question = handler.guard(|| check(batch.question, batch.customers.len()))?;
    let active = handler.shared.active.load_full();
    let customers = batch.customers.len();
    let mut answers = BatchAnswers::new(handler, &batch.customers)?;
    let mut turn = Instant::now();
    for customer in batch.customers {
        if turn.elapsed() >= BATCH_TURN {
            tokio::task::yield_now().await;
            turn = Instant::now();
        }
        handler.guard(|| Ok(call.deadline.check().map_err(CallError::from)?))?;
        let asked = v1::DecideRequest {
            customer_id: customer.customer_id,
            customer: customer.customer,
            ..question.clone()
        };
        let result = answer(handler, call, &active, asked).await;
        handler.guard(|| Ok(answers.push(&v1::BatchedDecision { result: Some(result) }, customers)?))?;
    }
    Ok(v1::DecideBatchResponse {
        decisions: answers.encoded,
    })
}

/// The answers of a batch so far: encoded one by one, for as messages they would take several times as much.
struct BatchAnswers {
    encoded: Vec<Bytes>,
    bytes: usize,
    // Of the customers asked about.
    asked_bytes: usize,
    reservation: Reservation,
}

impl BatchAnswers {
    /// # Errors
    /// When no memory is left for the customers of the call, who stay until the last of them has an answer.
    fn new(handler: &Handler, customers: &[v1::BatchedCustomer]) -> Result<Self, CallError> {
        let of_customer =
            |customer: &v1::BatchedCustomer| memory_bytes(&customer.customer_id, &customer.customer);
        let mut answers = Self {
            encoded: Vec::with_capacity(customers.len()),
            bytes: 0,
            asked_bytes: customers.iter().map(of_customer).sum(),
            reservation: Reservation::of(&handler.shared.answers),
        };
        answers.reserve()?;
        Ok(answers)
    }

    /// # Errors
    /// When the answers are too large for one message, or no memory is left for them.
    fn push(&mut self, decision: &v1::BatchedDecision, customers: usize) -> Result<(), CallError> {
        let bytes = self.bytes + decision.encoded_len() + BATCHED_FRAMING_BYTES;
        if bytes > ANSWER_BYTES_MAX {
            return Err(CallError::BatchTooLarge {
                bytes,
                decided: self.encoded.len() + 1,
                customers,
            });
        }
        self.bytes = bytes;
        self.encoded.push(decision.encode_to_vec().into());
        self.reserve()
    }

    fn reserve(&mut self) -> Result<(), CallError> {
        let bytes = self.asked_bytes + BUILT_FACTOR * self.bytes;
        let is_held =
            bytes <= self.reservation.bytes() || self.reservation.hold(bytes + RESERVED_AHEAD_BYTES);
        is_held.then_some(()).ok_or(CallError::Overload)
    }
}

async fn answer(handler: &Handler, call: &Call, active: &Arc<Active>, asked: v1::DecideRequest) -> Answer {
    let check = |bundle: &Bundle| Request::check(bundle, asked);
    match handler.answer(&call.again(), active, check).await {
        Ok(decided) => {
            handler.shared.stats.decisions.add();
            Answer::Decided(decided)
        }
        Err(status) => Answer::Failure(handler.fail(call, &status)),
    }
}

fn check(question: Option<v1::DecideRequest>, customers: usize) -> Result<v1::DecideRequest, Status> {
    let question = question.ok_or_else(|| Status::invalid_argument("question: missing"))?;
    if !question.customer_id.is_empty() || !question.customer.is_empty() {
        return Err(Status::invalid_argument(
            "question: `customer_id` and `customer` go into `customers`, once for each of them",
        ));
    }
    Detail::check_many(&question).map_err(CallError::DetailOfMany)?;
    if !(1..=BATCH_CUSTOMERS_MAX).contains(&customers) {
        return Err(Status::invalid_argument(format!(
            "customers: {customers} in one call: send 1 to {BATCH_CUSTOMERS_MAX}"
        )));
    }
    Ok(question)
}
