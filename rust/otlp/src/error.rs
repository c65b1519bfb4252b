//! Why a span processor cannot be started, for operators.

/// Why a span processor cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessorError {
    /// Not an `http://` or `https://` address.
    #[error("`{0}` is not a collector's address: write http://host:port or https://host:port")]
    Endpoint(String),
    /// Certificates or keys cannot be used.
    #[error("no TLS connection to the collector is possible: {0}")]
    Tls(String),
    /// Not a name or value that HTTP can carry.
    #[error("header `{0}` cannot be sent over HTTP")]
    Header(String),
    /// The system gave no random key for pseudonyms.
    #[error("the system gave no random key for the pseudonyms of customers")]
    Key,
    /// The system gave no thread or event loop.
    #[error("no thread can be started for the exporter: {0}")]
    Thread(String),
}
