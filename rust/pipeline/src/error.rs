//! Why a request has no answer, and why a bundle cannot be opened.

use std::io;

use nextbest_engine::{AnswerTooLarge, BundleError, RequestError};
use nextbest_onnx::OnnxError;

/// Why a request has no answer. The server makes a gRPC status of it.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The request is wrong; only a change of it helps.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The deadline has passed.
    #[error("the deadline of the call has passed")]
    Deadline,
    /// The deadline leaves no time for the models, and the settings want no priors instead.
    #[error("the deadline leaves no time to run models, and this server does not decide on priors instead")]
    Late,
    /// The answer would be larger than it may be.
    #[error(transparent)]
    AnswerTooLarge(AnswerTooLarge),
    /// There is no memory left for the answer.
    #[error("there is no memory left for the answer: try again later")]
    Memory,
    /// A stage panicked, or an invariant does not hold: this request fails, and others go on.
    #[error("the request failed with an internal error; other requests are not affected")]
    Internal,
}

/// Why a bundle cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The bundle itself.
    #[error("the bundle cannot be opened: {0}")]
    Bundle(BundleError),
    /// ONNX Runtime or a model does not load.
    #[error("the bundle's models cannot be loaded: {0}")]
    Models(OnnxError),
    /// The bundle has models, and the settings name no library to run them.
    #[error("the bundle has models: set `onnxruntime_path` to the library that runs them")]
    ModelsWithoutRuntime,
    /// The system gives no thread to open it on.
    #[error("no thread can be started: {0}")]
    Thread(io::Error),
}
