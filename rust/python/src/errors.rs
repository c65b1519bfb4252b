//! Errors of Rust turned into exceptions of Python: the one place where that is decided.

use std::ffi::CStr;

use nextbest_engine::BundleError;
use nextbest_load::LoadFault;
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
pub(crate) enum Fault {
    Server(ServerError),
    Open(OpenError),
    /// A lowered model that is none.
    Bundle(BundleError),
    Request(OfflineError),
    Load(LoadFault),
    /// A setting that is unknown or out of range.
    Setting(String),
    /// The server has been shut down.
    Closed,
}

impl From<ServerError> for Fault {
    fn from(fault: ServerError) -> Self {
        match fault {
            ServerError::Open(fault) => Self::Open(fault),
            fault => Self::Server(fault),
        }
    }
}

impl From<OpenError> for Fault {
    fn from(fault: OpenError) -> Self {
        Self::Open(fault)
    }
}

impl From<OfflineError> for Fault {
    fn from(refusal: OfflineError) -> Self {
        Self::Request(refusal)
    }
}

impl From<LoadFault> for Fault {
    fn from(fault: LoadFault) -> Self {
        Self::Load(fault)
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

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> Self {
        Python::attach(|py| match classes(py) {
            Ok(classes) => classes.raise(py, fault),
            Err(error) => error,
        })
    }
}

impl Classes {
    fn raise(&self, py: Python<'_>, fault: Fault) -> PyErr {
        let bundle = |code: &str, message: String| {
            PyErr::from_type(self.bundle.bind(py).clone(), (code.to_owned(), message))
        };
        let server = |message: String| PyErr::from_type(self.server.bind(py).clone(), (message,));
        match fault {
            Fault::Bundle(fault) | Fault::Open(OpenError::Bundle(fault)) => {
                bundle(fault.code(), fault.to_string())
            }
            Fault::Open(OpenError::Models(fault)) => bundle("models", fault.to_string()),
            Fault::Open(fault @ OpenError::ModelsWithoutRuntime) => {
                bundle("models-without-runtime", fault.to_string())
            }
            Fault::Open(fault @ OpenError::Thread(_)) => server(fault.to_string()),
            Fault::Server(
                fault @ (ServerError::Open(_)
                | ServerError::Bind { .. }
                | ServerError::SpanProcessor(_)
                | ServerError::Tls(_)
                | ServerError::Thread(_)),
            ) => server(fault.to_string()),
            Fault::Request(OfflineError { message, field }) => {
                PyErr::from_type(self.request.bind(py).clone(), (message, field))
            }
            Fault::Load(fault @ LoadFault::Setting(_)) => PyValueError::new_err(fault.to_string()),
            Fault::Load(fault @ (LoadFault::Connect { .. } | LoadFault::Thread(_))) => {
                server(fault.to_string())
            }
            Fault::Setting(message) => PyValueError::new_err(message),
            Fault::Closed => server("the server has been shut down".into()),
        }
    }
}
