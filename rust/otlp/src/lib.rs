//! Turns decisions into OTLP spans and hands them to a collector: one span for each decision that the sampler takes.
//!
//! ```text
//! sampler -> DecisionSpan (record, bundle) -> span (protobuf bytes) -> queue (bounded) -> batches -> OTLP, on a niced thread
//! ```
//!
//! Spans are encoded directly: an SDK's span of thirty attributes costs more than serving the decision, and
//! its batch processor loses spans at rates that a server reaches. Each request to the collector is a prefix,
//! encoded once, and the spans behind it.
//!
//! Raw customer ids and attribute values never enter a span: customers are named by a keyed hash.
//!
//! `emitted = exported + rejected + dropped + pending` holds at any moment: see [`Counts`].

mod traceparent;

mod decision;
mod error;
mod explanation;
mod failure;
mod protobuf;
mod pseudonym;
mod significant_digits;
mod span;
mod words;

mod sampler;

mod queue;

mod connector;
mod destination;
mod grpc;
mod post;
mod verdict;

mod export;
mod processor;

pub use decision::DecisionSpan;
pub use destination::{Destination, Protocol, system_authorities};
pub use error::ProcessorError;
pub use export::Timeouts;
pub use failure::{FailedCall, METHOD_OTHER};
pub use processor::{Emitter, Settings, SpanProcessor};
pub use queue::Counts;
pub use sampler::Sampler;
pub use span::{DEGRADATIONS_MAX, PLACED_MAX, RANKED_MAX, SpanContext};
pub use traceparent::Parent;

#[cfg(test)]
mod tests;
