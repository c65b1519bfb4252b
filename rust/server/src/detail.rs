//! What an answer shows beyond the decision itself: who may see it, and on which calls it is given.
//!
//! Clauses and contributions carry values as they are stored, so they need the role of `Explain`. The funnel does not: it
//! counts actions over the whole bundle and names no action, condition, attribute or value; a caller that asks for as
//! many places as there are actions sees more of them in the answer itself.

use std::fmt;

use nextbest_proto::v1::{ContributionLevel, DecideRequest, ExplanationLevel};

use crate::access::{Role, Roles};

/// A part of an answer that shows stored values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Every action, clause and value.
    FullExplanation,
    /// What each attribute adds to a propensity, with its value.
    Contributions,
}

impl Detail {
    /// Of what a request asks for. Levels that do not exist are refused later, with everything else that is wrong.
    pub(crate) fn of(question: &DecideRequest) -> Option<Self> {
        if question.explanation == i32::from(ExplanationLevel::Full) {
            return Some(Self::FullExplanation);
        }
        let level = ContributionLevel::try_from(question.contributions);
        let is_asked_for = matches!(level, Ok(ContributionLevel::Fast | ContributionLevel::Exact));
        is_asked_for.then_some(Self::Contributions)
    }

    /// Checks that a caller may see what it asks for.
    ///
    /// # Errors
    /// When it lacks the role.
    pub(crate) fn check(question: &DecideRequest, roles: Roles) -> Result<(), Self> {
        match Self::of(question) {
            Some(detail) if !roles.has(Role::Explain) => Err(detail),
            _ => Ok(()),
        }
    }

    /// Checks that a question can be one of many on one call.
    ///
    /// # Errors
    /// When its answer would show more than the decision.
    pub(crate) fn check_many(question: &DecideRequest) -> Result<(), Self> {
        Self::of(question).map_or(Ok(()), Err)
    }

    /// Of `DecideRequest`.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::FullExplanation => "explanation",
            Self::Contributions => "contributions",
        }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::FullExplanation => "explanation: FULL",
            Self::Contributions => "contributions",
        })
    }
}
