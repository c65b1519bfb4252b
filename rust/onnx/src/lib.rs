//! Batches of features -> propensities, by ONNX Runtime. The only crate that knows it.
//!
//! ```text
//! path of libonnxruntime.so -> Runtime::load -> Sessions::open(bundle) -> engine's Scorer
//! ```
//!
//! The library is the one inside the `onnxruntime` wheel, loaded once a process. Each worker has its own
//! [`Sessions`]: a run needs `&mut`, and shared sessions are slower than separate ones. A session computes on the
//! thread that calls it; with more threads, tree ensembles add up in another order and give other last bits.

mod runtime;
mod session;
mod tensor;

use std::fmt;

pub use runtime::Runtime;
pub use session::Sessions;

/// Why models cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnnxError {
    /// The path to the library is not absolute, and would be resolved against the executable.
    RelativePath,
    /// `ORT_DISABLE_TELEMETRY` is not set to 1. Later libraries report to their vendor unless it is set before they
    /// are loaded.
    TelemetryOn,
    /// The library cannot be loaded, is not ONNX Runtime, or too old.
    Library(String),
    /// A model cannot be loaded, or does not match the bundle.
    Model {
        /// The model's name.
        name: String,
        /// The reason.
        problem: String,
    },
}

impl fmt::Display for OnnxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RelativePath => formatter.write_str("the path to ONNX Runtime is not absolute"),
            Self::TelemetryOn => formatter
                .write_str("`ORT_DISABLE_TELEMETRY` is not set: set it to 1 before the process starts"),
            Self::Library(problem) => write!(formatter, "ONNX Runtime cannot be loaded: {problem}"),
            Self::Model { name, problem } => write!(formatter, "model `{name}`: {problem}"),
        }
    }
}

impl std::error::Error for OnnxError {}
