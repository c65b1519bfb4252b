//! Why a server does not start, or does not take a bundle.

use std::io;

use nextbest_otlp::ProcessorError;
use nextbest_pipeline::OpenError;

use crate::transport::tls::TlsError;

/// Why a server does not start, or does not take a bundle.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address cannot be listened on.
    #[error("cannot listen on `{address}`: {cause}")]
    Bind {
        /// As the settings have it.
        address: String,
        /// The system's reason.
        cause: io::Error,
    },
    /// The bundle cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Certificates or keys cannot be used.
    #[error("TLS cannot be used: {0}")]
    Tls(TlsError),
    /// The processor's settings are wrong.
    #[error("decisions cannot be traced: {0}")]
    SpanProcessor(ProcessorError),
    /// The system gives no thread, event loop or port.
    #[error("no thread can be started: {0}")]
    Thread(io::Error),
}
