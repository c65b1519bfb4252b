//! How contributions are found, what they count, and why there may be none.

/// How contributions are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Along the path of the row.
    Fast,
    /// Shapley values.
    Exact,
}

/// What a margin counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContributionScale {
    /// The logarithm of the odds.
    LogOdds,
    /// The propensity itself.
    Propensity,
    /// The score of one class of several, before they are weighed against each other.
    ClassScore,
}

/// Why a model's scores cannot be shared out, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AttributionError(String);

impl AttributionError {
    pub(super) fn new(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

/// What makes up the margin of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Attributed {
    /// What the margin counts.
    pub scale: ContributionScale,
    /// The expected margin.
    pub base: f64,
    /// The row's margin, as the model computed it.
    pub margin: f64,
    /// For each owner.
    pub contributions: Vec<f64>,
}
