//! The path of a library -> ONNX Runtime in this process.

use std::{
    env,
    path::Path,
    sync::{Mutex, OnceLock, PoisonError},
};

use ort::environment::Environment;

use crate::OnnxError;

/// Whether the library may not report to its vendor; read by the library itself when it is loaded.
const TELEMETRY_OFF: &str = "ORT_DISABLE_TELEMETRY";

/// Never released: a process has one environment, and cannot make a second.
static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());

/// ONNX Runtime, loaded into this process.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) environment: &'static Environment,
}

impl Runtime {
    /// Loads the library. Only the first call does: later ones give the same runtime, whatever their path.
    ///
    /// The environment variable `ORT_DISABLE_TELEMETRY` must be 1 already. It is not set here, for the environment
    /// of a process with threads cannot be changed safely.
    ///
    /// # Errors
    /// When the path is relative, telemetry is on, or the library is not ONNX Runtime, or older than 1.24.
    pub fn load(library: &Path) -> Result<Self, OnnxError> {
        let _loading = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(environment) = ENVIRONMENT.get() {
            return Ok(Self { environment });
        }
        if !library.is_absolute() {
            return Err(OnnxError::RelativePath);
        }
        if env::var_os(TELEMETRY_OFF).is_none_or(|value| value != "1") {
            return Err(OnnxError::TelemetryOn);
        }
        let error = |problem: String| OnnxError::Library(format!("{}: {problem}", library.display()));
        let environment = ort::init_from(library)
            .map_err(|cause| error(cause.to_string()))?
            .with_name("nextbest")
            .with_telemetry(false)
            .build()
            .map_err(|cause| error(cause.to_string()))?;
        environment.set_log_level(ort::logging::LogLevel::Error);
        Ok(Self {
            environment: ENVIRONMENT.get_or_init(|| environment),
        })
    }
}
