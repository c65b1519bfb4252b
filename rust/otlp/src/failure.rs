//! A call that failed turned into one OTLP span: what was called and how it ended, nothing of what was in it.
//!
//! Names are those of OpenTelemetry's conventions for gRPC.

use crate::span::{Attributes, Buffers, NAME, Outcome, SpanContext, encode_span};

/// `rpc.method` of what this server does not have: the name itself is the caller's text.
pub const METHOD_OTHER: &str = "_OTHER";

/// One call that ended with an error, or one question of a call of many, ready to be traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedCall {
    /// Nanoseconds since 1970.
    pub started_ns: u64,
    /// Nanoseconds since 1970.
    pub ended_ns: u64,
    /// With its service: `nextbest.v1.DecisionService/Decide`; `METHOD_OTHER` for one that does not exist.
    pub method: &'static str,
    /// Whether the call went on, and answered other questions.
    pub is_question: bool,
    /// gRPC's name of the status: `INVALID_ARGUMENT`.
    pub status: &'static str,
}

pub(crate) fn encode<'b>(call: &FailedCall, context: &SpanContext<'_>, buffers: &'b mut Buffers) -> &'b [u8] {
    let name = match call.method {
        _ if call.is_question => NAME,
        METHOD_OTHER => "grpc",
        method => method,
    };
    let times = (call.started_ns, call.ended_ns);
    encode_span(name, times, context, Outcome::Error, buffers, |buffer, _| {
        let mut attributes = Attributes(buffer);
        attributes.failed_call(call.method, call.status);
        attributes.string("error.type", call.status);
    })
}
