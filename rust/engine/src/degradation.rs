//! What a decision had to do without.

use nextbest_proto::v1;

use crate::id::{ActionId, ModelId};

/// What the decision had to do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Degradation {
    /// What was missing.
    pub kind: v1::DegradationKind,
    /// The model concerned, where there is one.
    pub model: Option<ModelId>,
    /// The action concerned, where it is exactly one.
    pub action: Option<ActionId>,
    /// How many actions it touched.
    pub actions: u32,
}
