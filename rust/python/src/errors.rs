//! Errors of Rust turned into exceptions of Python: the one place where that is decided.

use std::ffi::CStr;

use nextbest_engine::BundleError;
use nextbest_load::LoadError;
use nextbest_pipeline::{OfflineError, OpenError};
use nextbest_server::ServerError;
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    sync::PyOnceLock,
    types::{PyModule, PyType},
};

const CLASSES: &CStr = match CStr::from_bytes_with_nul(concat!(include_str!("errors.py"), "\0").as_bytes()) {
    Ok(source) => source,
    Err(_) => c"",
};

/// What a call of this module can fail with.
#[derive(Debug)]
pub(crate) enum Error {
    Server(ServerError),
    Open(OpenError),
    /// A lowered model that is not valid.
    Bundle(BundleError),
    Request(OfflineError),
    Load(LoadError),
    /// A setting that is unknown or out of range.
    Setting(String),
    /// The server has been shut down.
    Closed,
}

impl From<ServerError> for Error {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Open(error) => Self::Open(error),
            error => Self::Server(error),
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<OfflineError> for Error {
    fn from(refusal: OfflineError) -> Self {
        Self::Request(refusal)
    }
}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

struct Classes {
    bundle: Py<PyType>,
    request: Py<PyType>,
    server: Py<PyType>,
}

/// Adds the exceptions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let classes = classes(module.py())?;
    for class in [&classes.bundle, &classes.request, &classes.server] {
        let class = class.bind(module.py());
        module.add(class.name()?, class)?;
    }
    Ok(())
}

fn classes(py: Python<'_>) -> PyResult<&Classes> {
    static CELL: PyOnceLock<Classes> = PyOnceLock::new();
    CELL.get_or_try_init(py, || {
        let source = PyModule::from_code(py, CLASSES, c"errors.py", c"nextbest._core")?;
        let class = |name: &str| -> PyResult<Py<PyType>> {
            Ok(source.getattr(name)?.cast_into::<PyType>()?.unbind())
        };
        Ok(Classes {
            bundle: class("BundleError")?,
            request: class("RequestError")?,
            server: class("ServerError")?,
        })
    })
}

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        Python::attach(|py| match classes(py) {
            Ok(classes) => classes.raise(py, error),
            Err(error) => error,
        })
    }
}

impl Classes {
    fn raise(&self, py: Python<'_>, error: Error) -> PyErr {
        let bundle = |code: &str, message: String| {
            PyErr::from_type(self.bundle.bind(py).clone(), (code.to_owned(), message))
        };
        let server = |message: String| PyErr::from_type(self.server.bind(py).clone(), (message,));
        match error {
            Error::Bundle(error) | Error::Open(OpenError::Bundle(error)) => {
                bundle(error.code(), error.to_string())
            }
            Error::Open(OpenError::Models(error)) => bundle("models", error.to_string()),
            Error::Open(error @ OpenError::ModelsWithoutRuntime) => {
                bundle("models-without-runtime", error.to_string())
            }
            Error::Open(error @ OpenError::Thread(_)) => server(error.to_string()),
            Error::Server(
                error @ (ServerError::Open(_)
                | ServerError::Bind { .. }
                | ServerError::SpanProcessor(_)
                | ServerError::Tls(_)
                | ServerError::Thread(_)),
            ) => server(error.to_string()),
            Error::Request(OfflineError { message, field }) => {
                PyErr::from_type(self.request.bind(py).clone(), (message, field))
            }
            Error::Load(error @ LoadError::Setting(_)) => PyValueError::new_err(error.to_string()),
            Error::Load(error @ (LoadError::Connect { .. } | LoadError::Thread(_))) => {
                server(error.to_string())
            }
            Error::Setting(message) => PyValueError::new_err(message),
            Error::Closed => server("the server has been shut down".into()),
        }
    }
}
