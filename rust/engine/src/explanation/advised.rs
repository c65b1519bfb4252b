//! What is advised of an action that left: a decision keeps it until it is explained.

use nextbest_proto::v1;

use crate::id::ActionId;

/// What is advised of one action.
#[derive(Debug)]
pub(crate) struct Advised {
    pub(crate) action: ActionId,
    /// None: no values were found that meet all of its conditions.
    pub(crate) advice: Option<v1::Advice>,
    /// The last sentence of what would have to change.
    pub(crate) sentence: String,
    /// What the values have to keep, in sentences.
    pub(crate) kept: Vec<String>,
}
