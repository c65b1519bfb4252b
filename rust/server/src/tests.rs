//! A running server on free ports, asked by real clients over real sockets.

mod caller;
mod fixture;
mod wire;

mod activation;
mod draining;
mod load_shedding;
mod security;
mod services;
mod starting;
mod tracing;
mod transport;
