//! Why a server does not start, or does not take a bundle.

use std::{fmt, io};

use nextbest_otlp::ProcessorError;
use nextbest_pipeline::OpenError;

use crate::transport::tls::TlsError;

/// Why a server does not start, or does not take a bundle.
#[derive(Debug)]
pub enum ServerError {
    /// An address cannot be listened on.
    Bind {
        /// As the settings have it.
        address: String,
        /// The system's reason.
        cause: io::Error,
    },
    /// The bundle cannot be opened.
    Open(OpenError),
    /// Certificates or keys cannot be used.
    Tls(TlsError),
    /// The processor's settings are wrong.
    SpanProcessor(ProcessorError),
    /// The system gives no thread, event loop or port.
    Thread(io::Error),
}

impl From<OpenError> for ServerError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { address, cause } => write!(formatter, "cannot listen on `{address}`: {cause}"),
            Self::Open(error) => error.fmt(formatter),
            Self::Tls(fault) => write!(formatter, "TLS cannot be spoken: {fault}"),
            Self::SpanProcessor(fault) => write!(formatter, "decisions cannot be traced: {fault}"),
            Self::Thread(cause) => write!(formatter, "the system gives no thread: {cause}"),
        }
    }
}

impl std::error::Error for ServerError {}
