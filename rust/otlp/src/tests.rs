//! Decisions in, what a collector receives out.

mod encoding;
mod exporting;
mod posting;
mod receiver;
mod traceparent;

use crate::{DecisionTrace, FrequentLeave, PlacedAction, RankedAction, SpanDegradation, StageCount};

/// A decision with something in every field.
fn decision() -> DecisionTrace<'static> {
    let ranked = |action, propensity, value, priority, model: &'static str| RankedAction {
        action,
        propensity,
        propensity_source: if model.is_empty() { "prior" } else { "model" },
        context_weight: 1.0,
        value,
        lever: 1.05,
        priority,
        model,
    };
    DecisionTrace {
        started_ns: 1_700_000_000_000_000_000,
        ended_ns: 1_700_000_000_000_123_000,
        method: "nextbest.v1.DecisionService/Decide",
        decision_id: "018bcfe5-6800-7000-8000-000000000000",
        bundle_digest: "ab01",
        channel: "web",
        customer_id: "customer-4711",
        dry_run: true,
        action_count: 120,
        funnel: vec![
            StageCount {
                stage: "availability",
                remaining: 84,
                unknown: 0,
            },
            StageCount {
                stage: "eligibility",
                remaining: 41,
                unknown: 7,
            },
        ],
        placements: vec!["hero", "sidebar"],
        placed: vec![PlacedAction {
            placement: "hero",
            action: "gold-card",
            treatment: "hero-gold",
            rank: 1,
            reason: "priority",
        }],
        ranked: vec![
            ranked("gold-card", 0.0181, 120.0, 2.2806, "card-propensity"),
            ranked("silver-card", 0.02, 97.0, 2.037, ""),
        ],
        ranked_count: 2,
        degradations: vec![SpanDegradation {
            kind: "customer_unknown",
            name: "",
            actions: 0,
        }],
        frequent_leave: Some(FrequentLeave {
            stage: "eligibility",
            reason: "a credit card needs an adult holder",
            actions: 17,
        }),
    }
}
