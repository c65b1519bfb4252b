//! Decisions without a server: encoded messages in, encoded messages out, on the thread that asks.
//!
//! What the command line and persona tests decide with: the pipeline of a server, without its store and limits.

use std::{
    future::Future,
    path::Path,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};

use nextbest_engine::{
    Bundle, Capsule, CapsuleError, Change, Moment, NoModels, Record, Request, RequestError, Scorer,
    check_customer,
};
use nextbest_onnx::{Runtime, Sessions};
use nextbest_proto::v1;
use prost::Message;

use crate::{
    active::Active,
    answer::AnswerBounds,
    customers::Customers,
    deadline::Deadline,
    error::{OpenError, PipelineError},
    pipeline::{LateModels, Pipeline},
};

/// An opened bundle that decides when asked.
pub struct Offline {
    // Runs of a model need exclusive access: callers on several threads take turns.
    active: Arc<Active>,
}

/// Why a request is not decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineError {
    /// A sentence.
    pub message: String,
    /// Path of the field that it is about; empty for the message as a whole.
    pub field: String,
}

impl From<PipelineError> for OfflineError {
    fn from(error: PipelineError) -> Self {
        let field = match &error {
            PipelineError::Request(reject) => reject.field().to_owned(),
            _ => String::new(),
        };
        Self {
            message: error.to_string(),
            field,
        }
    }
}

impl From<CapsuleError> for OfflineError {
    fn from(error: CapsuleError) -> Self {
        Self {
            message: error.to_string(),
            field: format!("customer.{}", error.field()),
        }
    }
}

impl Offline {
    /// Opens a bundle. Without `onnxruntime` no model runs: priors are used, and answers report it.
    ///
    /// # Errors
    /// When the bundle, ONNX Runtime or a model cannot be opened.
    pub fn open(file: &[u8], onnxruntime: Option<&Path>) -> Result<Self, OpenError> {
        let bundle = Bundle::open(file).map_err(OpenError::Bundle)?;
        let scorer: Box<dyn Scorer + Send> = match onnxruntime {
            Some(path) if bundle.model_count() > 0 => {
                let runtime = Runtime::load(path).map_err(OpenError::Models)?;
                Box::new(Sessions::open(&runtime, &bundle).map_err(OpenError::Models)?)
            }
            _ => Box::new(NoModels),
        };
        Ok(Self {
            active: Arc::new(Active::for_one(bundle, scorer)),
        })
    }

    /// The bundle.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.active.bundle
    }

    /// Decides a `DecideRequest` about a stored `Customer`; the answer is a `DecideResponse`.
    ///
    /// # Errors
    /// The first thing that is wrong with either.
    pub fn decide(
        &self,
        request: &[u8],
        customer: Option<&[u8]>,
        moment: Moment,
    ) -> Result<Vec<u8>, OfflineError> {
        let request = decode(request, "request")?;
        let check = |bundle: &Bundle| Request::check(bundle, request);
        Ok(self.answer(check, customer, moment)?.encode_to_vec())
    }

    /// Answers an `ExplainRequest` with an `ExplainResponse`.
    ///
    /// # Errors
    /// The first thing that is wrong with either.
    pub fn explain(
        &self,
        request: &[u8],
        customer: Option<&[u8]>,
        moment: Moment,
    ) -> Result<Vec<u8>, OfflineError> {
        let request = decode(request, "request")?;
        let check = |bundle: &Bundle| Request::check_explain(bundle, request);
        let decision = Some(self.answer(check, customer, moment)?);
        Ok(v1::ExplainResponse { decision }.encode_to_vec())
    }

    fn answer(
        &self,
        check: impl FnOnce(&Bundle) -> Result<Request, RequestError>,
        customer: Option<&[u8]>,
        moment: Moment,
    ) -> Result<v1::DecideResponse, OfflineError> {
        let customer = customer
            .map(|customer| self.keep(decode(customer, "customer")?))
            .transpose()?;
        let sent = Sent { capsule: customer };
        let pipeline = Pipeline {
            active: &self.active,
            worker: 0,
            customers: &sent,
            moment,
            deadline: Deadline::NONE,
            late_models: LateModels::Degrade,
            bounds: AnswerBounds::NONE,
            shadow: None,
        };
        Ok(block_on(pipeline.answer(check, |_| {})).answer?)
    }

    /// The customer as a server would have stored it.
    fn keep(&self, customer: v1::Customer) -> Result<Arc<Capsule>, OfflineError> {
        let checked = check_customer(self.bundle(), customer)
            .map_err(|error| PipelineError::Request(error.within("customer")))?;
        let change = Change::of_attributes(&checked.attributes)?;
        Ok(Arc::new(Capsule::default().apply(&change)?))
    }
}

/// The customer that came with a request, if one did.
struct Sent {
    capsule: Option<Arc<Capsule>>,
}

impl Customers for Sent {
    async fn load(&self, _: &str) -> Option<Arc<Capsule>> {
        self.capsule.clone()
    }

    /// Decisions made here are not offered to customers.
    async fn claim(&self, _: &Record<'_>) {}
}

/// Runs a future on this thread, which sleeps while the future waits.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn decode<M: Message + Default>(bytes: &[u8], what: &str) -> Result<M, OfflineError> {
    M::decode(bytes).map_err(|_| OfflineError {
        message: format!("the {what} is not an encoded message of its type"),
        field: String::new(),
    })
}
