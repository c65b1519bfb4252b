//! Decisions about a small bundle: with and without a wait, with panics, and without a server.

mod model_counters;
mod offline;
mod waiting;
