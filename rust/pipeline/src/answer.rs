//! A decision -> its answer, within the bytes and the memory that it may take.

use std::sync::Arc;

use nextbest_engine::Decision;
use nextbest_proto::v1;

use crate::{
    error::PipelineError,
    memory_budget::{MemoryBudget, Reservation},
};

/// Memory for a byte of an explanation or of contributions while they are built: many small messages and texts, ten times
/// what they take when encoded (10,000 actions: 30 MB for 3 MB).
pub const EXPLAINED_FACTOR: usize = 10;
/// Memory for a byte of an answer while it is built, as messages and then as bytes.
pub const BUILT_FACTOR: usize = 4;

/// How large an answer may be.
#[derive(Debug, Clone, Copy)]
pub struct AnswerBounds<'a> {
    /// As encoded.
    pub bytes_max: usize,
    /// An answer of no more bytes takes no part of the memory: it is encoded at once.
    pub uncounted_bytes_max: usize,
    /// What answers under construction share. Absent: an answer may take what the machine has.
    pub memory: Option<&'a Arc<MemoryBudget>>,
}

impl AnswerBounds<'_> {
    /// An answer that is not sent: it may take what this machine has.
    pub(crate) const NONE: Self = Self {
        bytes_max: usize::MAX,
        uncounted_bytes_max: usize::MAX,
        memory: None,
    };
}

pub(crate) fn build(
    decision: &Decision<'_>,
    bounds: AnswerBounds<'_>,
) -> Result<v1::DecideResponse, PipelineError> {
    let _reserved = bounds
        .memory
        .map(|memory| reserve(decision, bounds, memory))
        .transpose()?;
    decision
        .respond(bounds.bytes_max)
        .map_err(PipelineError::AnswerTooLarge)
}

fn reserve(
    decision: &Decision<'_>,
    bounds: AnswerBounds<'_>,
    memory: &Arc<MemoryBudget>,
) -> Result<Reservation, PipelineError> {
    let bytes = match decision.answer_bytes_max() {
        Some(bytes_max) if bytes_max <= bounds.uncounted_bytes_max => 0,
        Some(bytes_max) => BUILT_FACTOR * bytes_max.min(bounds.bytes_max),
        None => EXPLAINED_FACTOR * bounds.bytes_max,
    };
    let mut reservation = Reservation::of(memory);
    if reservation.hold(bytes) {
        Ok(reservation)
    } else {
        Err(PipelineError::Memory)
    }
}
