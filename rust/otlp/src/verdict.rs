//! What a collector's answer means for a batch, by either protocol.

use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;

/// Of a collector's own words, in a message to an operator.
const REASON_CHARS_MAX: usize = 200;

/// The outcome of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Accepted, except for this number of spans; never sent again: the collector has the rest.
    Accepted { rejected: u64 },
    /// Never to be sent again.
    Refused { reason: String },
    /// To be sent again, after this delay if the collector gives one.
    Retry { after: Option<Duration>, reason: String },
}

impl Verdict {
    /// Of an `ExportTraceServiceResponse`. A body that is not valid is ignored; the status shows that the
    /// spans were accepted.
    pub(crate) fn accepted(answer: Bytes) -> Self {
        let response = ExportResponse::decode(answer).unwrap_or_default();
        let rejected = response
            .partial_success
            .map_or(0, |partial| partial.rejected_spans);
        Self::Accepted {
            rejected: rejected.try_into().unwrap_or(0),
        }
    }

    /// The collector may not have seen the batch.
    pub(crate) fn unanswered(reason: impl Into<String>) -> Self {
        Self::Retry {
            after: None,
            reason: reason.into(),
        }
    }

    /// Nothing where the batch was taken.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Accepted { .. } => None,
            Self::Refused { reason } | Self::Retry { reason, .. } => Some(reason),
        }
    }
}

/// An error with its causes, on one line of a bounded length.
pub(crate) fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        // Many wrap an error and repeat it.
        if !words.last().is_some_and(|last| last.contains(&text)) {
            words.push(text);
        }
        next = cause.source();
    }
    brief(&words.join(": "))
}

/// Text of a peer's, fit for a line of a log.
pub(crate) fn brief(text: &str) -> String {
    let printable = text
        .chars()
        .map(|found| if found.is_control() { ' ' } else { found });
    printable.take(REASON_CHARS_MAX).collect()
}

/// `ExportTraceServiceResponse`.
#[derive(Clone, PartialEq, prost::Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

/// `ExportTracePartialSuccess`.
#[derive(Clone, PartialEq, prost::Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_spans: i64,
}
