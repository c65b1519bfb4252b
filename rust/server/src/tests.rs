//! A running server on free ports, asked by real clients over real sockets.

mod activation;
mod answers;
mod attacks;
mod caller;
mod compression;
mod customers;
mod decisions;
mod details;
mod draining;
mod fixture;
mod header_blocks;
mod health;
mod intruders;
mod many;
mod offline;
mod overload;
mod security;
mod starting;
mod tally;
mod tracing;
mod unix;
mod wire;
