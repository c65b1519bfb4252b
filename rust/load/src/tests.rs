//! Runs against a small h2 server that answers as it is told.

mod latencies;
mod paces;
mod server;
mod transports;
