//! A call that failed turned into one OTLP span: what was called and how it ended, nothing of what was in it.
//!
//! Names are those of OpenTelemetry's conventions for gRPC.

use crate::span::{Attributes, Buffers, Outcome, SpanContext, encode_span};

/// `rpc.method` of what this server does not have: the name itself is the caller's text.
pub const METHOD_OTHER: &str = "_OTHER";

/// One call that ended with an error, ready to be traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedCall {
    /// Nanoseconds since 1970.
    pub started_ns: u64,
    /// Nanoseconds since 1970.
    pub ended_ns: u64,
    /// With its service: `nextbest.v1.DecisionService/Decide`; `METHOD_OTHER` for one that does not exist.
    pub method: &'static str,
    /// gRPC's name of the status: `INVALID_ARGUMENT`.
    pub status: &'static str,
}

pub(crate) fn encode<'b>(call: &FailedCall, context: &SpanContext<'_>, buffers: &'b mut Buffers) -> &'b [u8] {
    let name = if call.method == METHOD_OTHER {
        "grpc"
    } else {
        call.method
    };
    let times = (call.started_ns, call.ended_ns);
    encode_span(name, times, context, Outcome::Error, buffers, |buffer, _| {
        let mut attributes = Attributes(buffer);
        attributes.call(call.method, call.status);
        attributes.string("error.type", call.status);
    })
}
