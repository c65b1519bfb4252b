//! The time by which a caller needs its answer.

use std::time::{Duration, Instant};

use crate::error::PipelineError;

/// With less time than this to a caller's deadline no model is run: priors are used.
pub const MODEL_TIME_MIN: Duration = Duration::from_micros(200);

/// The time by which the caller needs the answer, if there is one.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// No deadline.
    pub const NONE: Self = Self(None);

    /// The end of a time that began at `start`; none where the clock cannot reach it.
    #[must_use]
    pub fn after(start: Instant, time: Duration) -> Self {
        Self(start.checked_add(time))
    }

    /// Checks that it has not passed.
    ///
    /// # Errors
    /// When it has.
    pub fn check(self) -> Result<(), PipelineError> {
        match self.0 {
            Some(deadline) if Instant::now() >= deadline => Err(PipelineError::Deadline),
            _ => Ok(()),
        }
    }

    /// The time until then; nothing without a deadline.
    #[must_use]
    pub fn left(self) -> Option<Duration> {
        self.0
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Whether there is so much time until then.
    #[must_use]
    pub fn leaves(self, time: Duration) -> bool {
        self.left().is_none_or(|left| left >= time)
    }
}
