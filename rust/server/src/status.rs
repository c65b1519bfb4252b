//! What the server has done so far, counted.

use nextbest_otlp::Counts;
use nextbest_pipeline::{Counter, ShadowCounts};

/// Counted while serving; each number for itself.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) decisions: Counter,
    pub(crate) explanations: Counter,
    pub(crate) refused: Counter,
    pub(crate) deadlines_exceeded: Counter,
    pub(crate) shed: Counter,
    pub(crate) unauthenticated: Counter,
    pub(crate) permission_denied: Counter,
    pub(crate) panics: Counter,
    pub(crate) failure_spans_suppressed: Counter,
    pub(crate) not_calls: Counter,
}

/// What the server is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// SHA-256 of the active bundle, in hexadecimal.
    pub bundle_digest: String,
    /// Its workspace.
    pub workspace: String,
    /// Its actions.
    pub actions: usize,
    /// Its models.
    pub models: usize,
    /// Memory that the index of its policies takes.
    pub index_bytes: usize,
    /// The instructions that filter.
    pub kernel: &'static str,
    /// Since when it decides, in microseconds since 1970.
    pub activated_at_us: i64,
    /// Customers in memory.
    pub customers: usize,
    /// Memory that they take.
    pub customers_bytes: usize,
    /// Decisions answered, dry runs included.
    pub decisions: u64,
    /// Explanations answered.
    pub explanations: u64,
    /// Calls refused for what was in them.
    pub refused: u64,
    /// Calls whose deadline had passed.
    pub deadlines_exceeded: u64,
    /// Calls refused because there was too much to do.
    pub shed: u64,
    /// Calls refused because nobody knew who called.
    pub unauthenticated: u64,
    /// Calls refused because the caller lacked the role.
    pub permission_denied: u64,
    /// Connections that ended before TLS was agreed on.
    pub handshakes_failed: u64,
    /// Connections that did not speak HTTP/2.
    pub not_http2: u64,
    /// Requests that were no calls of gRPC: malformed, of another method or content type.
    pub not_calls: u64,
    /// Calls under way now.
    pub in_flight: usize,
    /// Memory of messages that have begun and not ended.
    pub intake_bytes: usize,
    /// Memory of answers under construction, and of those that wait for their callers to read them.
    pub answer_bytes: usize,
    /// Requests failed by a panic.
    pub panics: u64,
    /// Why the collector did not take the last spans that were sent; empty when it did.
    pub export_error: String,
    /// Failed calls that got no span because there were too many of them.
    pub failure_spans_suppressed: u64,
    /// Connections open now.
    pub connections: usize,
    /// Connections accepted so far.
    pub connections_accepted: u64,
    /// Connections closed at once because there were too many.
    pub connections_refused: u64,
    /// As many connections as there may be: what the settings allow, and the files that the process may open.
    pub connections_max: usize,
    /// The same for the control port, which is another's to serve.
    pub control_connections_max: usize,
    /// Connections of the health port that had to leave for others, or were refused.
    pub health_connections_refused: u64,
    /// Sockets that the system would not give: as a rule because no files are left to open.
    pub accepts_failed: u64,
    /// Threads that decide.
    pub workers: usize,
    /// What became of the spans; all zero without tracing.
    pub traces: Counts,
    /// What lowered models' scores were, beside ONNX Runtime's; all zero without shadow checks.
    pub shadow: ShadowCounts,
    /// Whether a shutdown has begun.
    pub draining: bool,
}
