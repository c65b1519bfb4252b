//! The bytes that an answer may take, given before it is built and used up while it is.

use std::fmt;

use prost::Message;

/// Tag and length of a message or text inside another.
pub(crate) const FRAMING_BYTES: usize = 6;

/// What is left for an answer.
#[derive(Debug)]
pub(crate) struct Room {
    bytes_max: usize,
    bytes: usize,
}

impl Room {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: 0 }
    }

    /// # Errors
    /// When there is not enough room for this number of bytes.
    pub(crate) fn take(&mut self, bytes: usize, part: AnswerPart) -> Result<(), AnswerTooLarge> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes <= self.bytes_max {
            return Ok(());
        }
        Err(AnswerTooLarge {
            bytes: self.bytes,
            bytes_max: self.bytes_max,
            part,
        })
    }

    /// The same for a message inside the answer.
    pub(crate) fn take_message(
        &mut self,
        message: &impl Message,
        part: AnswerPart,
    ) -> Result<(), AnswerTooLarge> {
        self.take(message.encoded_len() + FRAMING_BYTES, part)
    }
}

/// Where an answer became too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerPart {
    /// The actions placed, before anything is explained.
    Placements,
    /// What adds to the propensities of the actions placed.
    Contributions,
    /// The explanations of actions.
    Actions {
        /// That fitted.
        fitted: usize,
        /// That were asked for.
        asked: usize,
    },
}

/// An answer would take more bytes than one message may have. It is not built any further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerTooLarge {
    /// As encoded, up to where it was given up; of placements, the most that they could take.
    pub bytes: usize,
    /// What it may take.
    pub bytes_max: usize,
    /// Where it was given up.
    pub part: AnswerPart,
}

impl fmt::Display for AnswerTooLarge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bytes,
            bytes_max,
            part,
        } = self;
        match part {
            AnswerPart::Placements => write!(
                formatter,
                "the answer could take {bytes} bytes, more than {bytes_max}: ask for fewer actions or placements in a call"
            ),
            AnswerPart::Contributions => write!(
                formatter,
                "the answer with contributions takes {bytes} bytes or more, more than {bytes_max}: lower \
                 `contributions_top`"
            ),
            AnswerPart::Actions { fitted, asked } => {
                let estimate = bytes.saturating_mul(*asked) / (fitted + 1);
                write!(
                    formatter,
                    "explaining {asked} actions would take about {estimate} bytes, more than {bytes_max}: call \
                     `Explain` and name at most {} of them in `actions`",
                    (fitted * 9 / 10).max(1)
                )
            }
        }
    }
}

impl std::error::Error for AnswerTooLarge {}
