//! What the server has done so far, counted.

use nextbest_pipeline::Counter;
use nextbest_proto::v1;

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

impl Stats {
    /// The fields of a status that are counted here. The others have their defaults.
    pub(crate) fn report(&self) -> v1::StatusResponse {
        v1::StatusResponse {
            decisions: self.decisions.get(),
            explanations: self.explanations.get(),
            refused: self.refused.get(),
            deadlines_exceeded: self.deadlines_exceeded.get(),
            shed: self.shed.get(),
            panics: self.panics.get(),
            failure_spans_suppressed: self.failure_spans_suppressed.get(),
            security: Some(v1::SecurityCounts {
                unauthenticated: self.unauthenticated.get(),
                permission_denied: self.permission_denied.get(),
                ..v1::SecurityCounts::default()
            }),
            transport: Some(v1::TransportCounts {
                not_calls: self.not_calls.get(),
                ..v1::TransportCounts::default()
            }),
            ..v1::StatusResponse::default()
        }
    }
}
