//! What is told of a decision in its span: names and numbers, borrowed from whoever decided.

/// One decision, ready to be traced.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecisionTrace<'a> {
    /// Nanoseconds since 1970.
    pub started_ns: u64,
    /// Nanoseconds since 1970.
    pub ended_ns: u64,
    /// The call that asked for it, with its service: `nextbest.v1.DecisionService/Decide`.
    pub method: &'a str,
    /// A UUID in its text form.
    pub decision_id: &'a str,
    /// SHA-256 of the bundle, in hexadecimal.
    pub bundle_digest: &'a str,
    /// The requested channel.
    pub channel: &'a str,
    /// Hashed before it goes anywhere; empty for an anonymous customer.
    pub customer_id: &'a str,
    /// Decided without leaving a trace in the customer's state.
    pub dry_run: bool,
    /// Actions of the bundle.
    pub action_count: u32,
    /// Actions left after each stage, in the order of the stages.
    pub funnel: Vec<StageCount>,
    /// Names, in the order requested.
    pub placements: Vec<&'a str>,
    /// In the order of the placements, best first in each.
    pub placed: Vec<PlacedAction<'a>>,
    /// Best first: the first has rank 1.
    pub ranked: Vec<RankedAction<'a>>,
    /// How many were ranked, of which `ranked` holds the best.
    pub ranked_count: u32,
    /// Empty: nothing to do without.
    pub degradations: Vec<SpanDegradation<'a>>,
    /// What made most actions leave, where it is known.
    pub frequent_leave: Option<FrequentLeave<'a>>,
}

/// A line of the funnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageCount {
    /// The stage's word: `eligibility`.
    pub stage: &'static str,
    /// Actions left after it.
    pub remaining: u32,
    /// Of those that left at it, the actions that left only because something is missing.
    pub unknown: u32,
}

/// An action in a placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedAction<'a> {
    /// Name of the placement.
    pub placement: &'a str,
    /// Name of the action.
    pub action: &'a str,
    /// Name of its treatment.
    pub treatment: &'a str,
    /// From 1; 0 for a fallback.
    pub rank: u32,
    /// `priority`, `mandatory` or `fallback`.
    pub reason: &'static str,
}

/// An action that reached arbitration: `priority = propensity x context weight x value x lever`, or the
/// workspace's formula.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedAction<'a> {
    /// Name of the action.
    pub action: &'a str,
    /// 0.0 to 1.0.
    pub propensity: f64,
    /// `model`, `prior` or `degraded`.
    pub propensity_source: &'static str,
    /// At least 0.0.
    pub context_weight: f64,
    /// In the workspace's currency.
    pub value: f64,
    /// At least 0.0.
    pub lever: f64,
    /// Finite.
    pub priority: f64,
    /// Name of the bound model; empty without one.
    pub model: &'a str,
}

/// What the decision had to do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanDegradation<'a> {
    /// `customer_unknown`, `model_failed`, ...
    pub kind: &'static str,
    /// The model or action concerned; empty where there is none.
    pub name: &'a str,
    /// How many actions it touched.
    pub actions: u32,
}

/// The condition at which most actions left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrequentLeave<'a> {
    /// The stage's word.
    pub stage: &'static str,
    /// The marketer's reason, or the condition's text where none was given.
    pub reason: &'a str,
    /// How many actions left at it.
    pub actions: u32,
}
