//! Decisions without a server: encoded messages in, encoded messages out, on the thread that asks.
//!
//! What the command line and persona tests decide with. It is the engine behind the same checks as the
//! server's.

use std::path::Path;

use nextbest_engine::{
    Bundle, Capsule, CapsuleError, Change, Moment, NoModels, Request, RequestError, Scorer, check_customer,
    decide,
};
use nextbest_onnx::{Runtime, Sessions};
use nextbest_proto::v1;
use parking_lot::Mutex;
use prost::Message;

use crate::error::ServerError;

/// An opened bundle that decides when asked.
pub struct Offline {
    bundle: Bundle,
    // Runs of a model need exclusive access: callers on several threads take turns.
    scorer: Mutex<Box<dyn Scorer + Send>>,
}

/// Why a request is not decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineRefusal {
    /// A sentence.
    pub message: String,
    /// Path of the field that it is about; empty for the message as a whole.
    pub field: String,
}

impl From<RequestError> for OfflineRefusal {
    fn from(error: RequestError) -> Self {
        Self {
            message: error.to_string(),
            field: error.field().to_owned(),
        }
    }
}

impl From<CapsuleError> for OfflineRefusal {
    fn from(error: CapsuleError) -> Self {
        Self {
            message: error.to_string(),
            field: format!("customer.{}", error.field()),
        }
    }
}

impl Offline {
    /// Opens a bundle. Without `onnxruntime` no model runs: priors stand in, and answers say so.
    ///
    /// # Errors
    /// When the bundle, ONNX Runtime or a model cannot be opened.
    pub fn open(file: &[u8], onnxruntime: Option<&Path>) -> Result<Self, ServerError> {
        let bundle = Bundle::open(file).map_err(ServerError::Bundle)?;
        let scorer: Box<dyn Scorer + Send> = match onnxruntime {
            Some(path) if bundle.model_count() > 0 => {
                let runtime = Runtime::load(path).map_err(ServerError::Models)?;
                Box::new(Sessions::open(&runtime, &bundle).map_err(ServerError::Models)?)
            }
            _ => Box::new(NoModels),
        };
        Ok(Self {
            bundle,
            scorer: Mutex::new(scorer),
        })
    }

    /// The bundle.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
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
    ) -> Result<Vec<u8>, OfflineRefusal> {
        let request = Request::check(&self.bundle, decode(request, "request")?)?;
        Ok(self.answer(&request, customer, moment)?.encode_to_vec())
    }

    /// Answers an `ExplainRequest` likewise, with an `ExplainResponse`.
    ///
    /// # Errors
    /// The first thing that is wrong with either.
    pub fn explain(
        &self,
        request: &[u8],
        customer: Option<&[u8]>,
        moment: Moment,
    ) -> Result<Vec<u8>, OfflineRefusal> {
        let request = Request::check_explain(&self.bundle, decode(request, "request")?)?;
        let decision = Some(self.answer(&request, customer, moment)?);
        Ok(v1::ExplainResponse { decision }.encode_to_vec())
    }

    fn answer(
        &self,
        request: &Request,
        customer: Option<&[u8]>,
        moment: Moment,
    ) -> Result<v1::DecideResponse, OfflineRefusal> {
        let capsule = match customer {
            Some(customer) => Some(self.capsule(decode(customer, "customer")?)?),
            None => None,
        };
        let mut scorer = self.scorer.lock();
        let mut decision = decide(&self.bundle, request, capsule.as_ref(), moment, scorer.as_mut());
        decision.advise(scorer.as_mut());
        // Nothing is sent: an answer may take what this machine has.
        decision.respond(usize::MAX).map_err(|too_large| OfflineRefusal {
            message: too_large.to_string(),
            field: String::new(),
        })
    }

    /// The customer as a server would have stored it.
    fn capsule(&self, customer: v1::Customer) -> Result<Capsule, OfflineRefusal> {
        let checked = check_customer(&self.bundle, customer).map_err(|error| error.within("customer"))?;
        let change = Change::of_attributes(&checked.attributes)?;
        Ok(Capsule::default().apply(&change)?)
    }
}

fn decode<M: Message + Default>(bytes: &[u8], what: &str) -> Result<M, OfflineRefusal> {
    M::decode(bytes).map_err(|_| OfflineRefusal {
        message: format!("the {what} is no encoded message of its type"),
        field: String::new(),
    })
}
