//! Why a request has no answer, and why a bundle cannot be opened.

use std::{fmt, io};

use nextbest_engine::{AnswerTooLarge, BundleError, RequestError};
use nextbest_onnx::OnnxError;

/// Why a request has no answer. The server makes a gRPC status of it.
#[derive(Debug)]
pub enum PipelineError {
    /// The request is wrong; only a change of it helps.
    Request(RequestError),
    /// The deadline has passed.
    Deadline,
    /// The deadline leaves no time for the models, and the settings want no priors instead.
    Late,
    /// The answer would be larger than it may be.
    AnswerTooLarge(AnswerTooLarge),
    /// There is no memory left for the answer.
    Memory,
    /// A stage panicked, or an invariant does not hold: this request fails, and others go on.
    Internal,
}

impl From<RequestError> for PipelineError {
    fn from(reject: RequestError) -> Self {
        Self::Request(reject)
    }
}

impl fmt::Display for PipelineError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(reject) => reject.fmt(formatter),
            Self::Deadline => formatter.write_str("the deadline of the call has passed"),
            Self::Late => formatter.write_str(
                "the deadline leaves no time to run models, and this server does not decide on priors instead",
            ),
            Self::AnswerTooLarge(too_large) => too_large.fmt(formatter),
            Self::Memory => formatter.write_str("there is no memory left for the answer: try again later"),
            Self::Internal => formatter.write_str("the request failed with an internal error; others are not affected"),
        }
    }
}

impl std::error::Error for PipelineError {}

/// Why a bundle cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The bundle itself.
    Bundle(BundleError),
    /// ONNX Runtime or a model does not load.
    Models(OnnxError),
    /// The bundle has models, and the settings name no library to run them.
    ModelsWithoutRuntime,
    /// The system gives no thread to open it on.
    Thread(io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(fault) => write!(formatter, "the bundle cannot be opened: {fault}"),
            Self::Models(fault) => write!(formatter, "the bundle's models cannot be loaded: {fault}"),
            Self::ModelsWithoutRuntime => formatter
                .write_str("the bundle has models: set `onnxruntime_path` to the library that runs them"),
            Self::Thread(cause) => write!(formatter, "the system gives no thread: {cause}"),
        }
    }
}

impl std::error::Error for OpenError {}
