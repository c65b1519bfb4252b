//! Turns encoded requests and a pace into latencies.
//!
//! Latency is reported from an **open loop**: requests leave on a fixed schedule, whatever has been answered,
//! and each is timed from the moment at which it was *due*, not from when it left. A server that stalls then
//! shows the stall in every request that it held up; a closed loop would wait with it and hide all but one of
//! them. The **closed loop** with a fixed number in flight is for capacity only.
//!
//! The report also shows the hiccups of the machine: how late a sleeping thread woke ([`Report::hiccup`]). If
//! these are large, the run shows little about the server.
//!
//! A request is also timed from when it left: what the two differ by is what it waited here.
//!
//! One thread sends and receives; it spins between requests, because a timer's millisecond is longer than a
//! decision.

mod pace;

mod message;
mod target;
mod tls;

mod connection;
mod status;

mod hiccup;
mod latencies;
mod report;
mod watch;

use std::{borrow::Cow, fmt, time::Duration};

use bytes::Bytes;

pub use latencies::{Percentiles, Point};
pub use pace::run;
pub use report::Report;
pub use tls::{Identity, Tls};
pub use watch::Watch;

/// A run. Holds secrets: it has no `Debug`.
#[derive(Clone)]
pub struct Settings {
    /// `host:port` of the server, or `unix:/path` of its socket.
    pub address: String,
    /// None: in plain text.
    pub tls: Option<Tls>,
    /// Sent as `authorization: Bearer KEY`.
    pub api_key: Option<String>,
    /// Path of a unary method: `/nextbest.v1.DecisionService/Decide`, `/grpc.health.v1.Health/Check`.
    pub method: String,
    /// Encoded messages, sent in turn; at least one.
    pub requests: Vec<Bytes>,
    /// For each answer, from when its request was due (closed loop: sent); sent along as `grpc-timeout`. Calls that
    /// take longer are cancelled, and count as `DEADLINE_EXCEEDED`. None: they are waited for.
    pub timeout: Option<Duration>,
    /// When to send.
    pub pace: Pace,
    /// Before measuring: the same pace, not counted.
    pub warmup: Duration,
    /// For measuring.
    pub duration: Duration,
    /// Connections used in turn; at least 1. A server that hands connections to its threads needs a few of
    /// each.
    pub connections: usize,
}

/// When requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// This number per second, evenly spaced, regardless of the answers. Above 0.
    Open {
        /// Requests a second.
        rate_per_s: f64,
    },
    /// As soon as an answer has come, with this number in flight. At least 1.
    Closed {
        /// Over all connections.
        in_flight: usize,
    },
}

/// Why a run did not begin.
#[derive(Debug)]
pub enum LoadError {
    /// A setting that makes no run; the text names it.
    Setting(Cow<'static, str>),
    /// The server cannot be reached.
    Connect {
        /// As the settings have it.
        address: String,
        /// The system's reason, or that of TLS or HTTP/2.
        cause: String,
    },
    /// The system gives no thread or event loop.
    Thread(std::io::Error),
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(text) => formatter.write_str(text),
            Self::Connect { address, cause } => write!(formatter, "cannot connect to `{address}`: {cause}"),
            Self::Thread(cause) => write!(formatter, "no thread can be started: {cause}"),
        }
    }
}

impl std::error::Error for LoadError {}

#[cfg(test)]
mod tests;
