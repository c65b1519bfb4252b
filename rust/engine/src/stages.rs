//! The actions that each stage of a decision left, up to the one before propensities.

use crate::{action_set::ActionSet, eligibility::Passed};

/// The actions that each stage left, up to the one before propensities.
#[derive(Debug)]
pub(crate) struct Stages {
    pub(crate) available: ActionSet,
    pub(crate) passed: Passed,
    pub(crate) treatable: ActionSet,
}
