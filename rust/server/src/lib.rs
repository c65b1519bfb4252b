//! The data plane: takes gRPC requests on sockets and answers them with decisions.
//!
//! ```text
//! listener -> accept (one thread) -> worker (a thread a core, with its own event loop and model sessions)
//! socket -> TLS -> connection -> routes: caller, overload -> services -> response
//!                               services: call, deadline -> handler: the pipeline, counters, a span
//! ```
//!
//! A socket goes to the worker with the fewest connections, so that a few of them load all workers alike. The active bundle
//! is behind one pointer: a request reads it once and sees exactly one bundle; an activation opens, loads and warms the
//! next one on a thread of the lowest priority and then swaps.
//!
//! No request can stop the server: what it contains is refused, its size, time and number are bounded
//! ([`limits`]), and a panic answers one request with INTERNAL and is counted.

pub mod limits;
mod settings;

mod error;

mod access;
mod detail;
mod identity;

mod call;
mod call_error;

mod load_shedding;

mod shared;

mod failures;

mod handler;

mod services;

mod transport;

mod worker;

mod status;

mod server;

pub use access::{Access, Caller, Role};
pub use error::ServerError;
pub use server::{Ended, Server};
pub use settings::{Settings, Timeouts};
pub use transport::{
    address::Address,
    tls::{CallerCertificates, Tls, TlsError},
};

#[cfg(test)]
mod tests;
