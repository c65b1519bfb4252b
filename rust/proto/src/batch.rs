//! The answer to `DecideBatch`, written by hand: what protoc would generate holds a thousand decisions as messages,
//! several times what they take when encoded.

use prost::{DecodeError, Message, bytes::Bytes};

use crate::v1::BatchedDecision;

/// `nextbest.v1.DecideBatchResponse`, each decision still encoded. On the wire both are the same.
#[derive(Clone, PartialEq, Message)]
pub struct DecideBatchResponse {
    /// One encoded [`BatchedDecision`] for each customer, in the order sent.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub decisions: Vec<Bytes>,
}

impl DecideBatchResponse {
    /// The decisions as messages.
    ///
    /// # Errors
    /// When one of them is not an encoded [`BatchedDecision`].
    pub fn decoded(&self) -> Result<Vec<BatchedDecision>, DecodeError> {
        let decisions = self.decisions.iter();
        decisions
            .map(|decision| BatchedDecision::decode(decision.clone()))
            .collect()
    }
}
