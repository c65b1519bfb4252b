//! Decisions in, what a collector receives out.

mod encoding;
mod exporting;
mod posting;
mod receiver;
mod sample;
mod traceparent;

use crate::DecisionSpan;
