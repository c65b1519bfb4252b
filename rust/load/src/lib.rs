//! Turns encoded requests and a pace into latencies.
//!
//! Latency is reported from an **open loop**: requests leave on a fixed schedule, whatever has been answered,
//! and each is timed from the moment at which it was *due*, not from when it left. A server that stalls then
//! shows the stall in every request that it held up; a closed loop would wait with it and hide all but one of
//! them. The **closed loop** with a fixed number in flight is for capacity only.
//!
//! Beside the latencies stands what the machine itself did: how much later than asked a sleeping thread woke
//! ([`Report::hiccup_p99_us`]). A run on a machine that hiccups says little about the server.
//!
//! One thread sends and receives; it spins between requests, because a timer's millisecond is longer than a
//! decision.

mod connection;
mod hiccup;
mod pace;
mod report;

use std::{fmt, time::Duration};

use bytes::Bytes;

pub use pace::run;
pub use report::Report;

/// A run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `host:port` of the server, in plain text.
    pub address: String,
    /// Path of the method: `/nextbest.v1.DecisionService/Decide`.
    pub method: String,
    /// Encoded messages, sent in turn; at least one.
    pub requests: Vec<Bytes>,
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
    /// So many a second, evenly spaced, whatever has been answered. Above 0.
    Open {
        /// Requests a second.
        rate_per_s: f64,
    },
    /// As soon as an answer has come, with so many in flight. At least 1.
    Closed {
        /// Over all connections.
        in_flight: usize,
    },
}

/// Why a run did not begin.
#[derive(Debug)]
pub enum LoadFault {
    /// A setting that makes no run; the text names it.
    Setting(&'static str),
    /// The server cannot be reached.
    Connect {
        /// As the settings have it.
        address: String,
        /// The system's reason, or HTTP/2's.
        cause: String,
    },
    /// The system gives no thread or event loop.
    Thread(std::io::Error),
}

impl fmt::Display for LoadFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(text) => formatter.write_str(text),
            Self::Connect { address, cause } => write!(formatter, "cannot connect to `{address}`: {cause}"),
            Self::Thread(cause) => write!(formatter, "the system gives no thread: {cause}"),
        }
    }
}

impl std::error::Error for LoadFault {}

#[cfg(test)]
mod tests;
