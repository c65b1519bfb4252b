//! Runs against a small h2 server that answers as the test configures it.

mod latencies;
mod paces;
mod server;
mod transports;
