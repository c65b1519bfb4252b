//! A decision in a paragraph, for people who read its span.
//!
//! Every decision has one, and formatting it with the standard library took as long as the rest of its span: pieces
//! are appended, and numbers rounded here.

use crate::{
    brief::{push_brief, push_integer},
    decision::{DecisionTrace, RankedAction},
};

/// Placements told about; a request may name 32, and a paragraph of that length would not be read.
const PLACEMENTS_TOLD_MAX: usize = 4;

/// Appends it to `text`: `120 actions: 84 available, 41 eligible, ...; hero: gold-card (priority 2.28 = 0.019 x 1 x 120
/// x 1.05), ...`
pub(crate) fn explain(decision: &DecisionTrace<'_>, text: &mut String) {
    push_count(text, decision.action_count);
    for (index, line) in decision.funnel.iter().enumerate() {
        text.push_str(if index == 0 { ": " } else { ", " });
        push_integer(text, line.remaining.into());
        push(text, [" ", left_after(line.stage)]);
    }
    for placement in decision.placements.iter().take(PLACEMENTS_TOLD_MAX) {
        push(text, ["; ", placement, ": "]);
        push_placement(text, decision, placement);
    }
    if let Some(leave) = &decision.frequent_leave {
        push(text, ["; most frequent reason to leave: ", leave.reason, " ("]);
        push_count(text, leave.actions);
        push(text, [", at ", leave.stage, ")"]);
    }
    for degradation in &decision.degradations {
        push(text, ["; without: ", degradation.kind]);
        if !degradation.name.is_empty() {
            push(text, [" ", degradation.name]);
        }
    }
    text.push('.');
}

fn push<const N: usize>(text: &mut String, pieces: [&str; N]) {
    for piece in pieces {
        text.push_str(piece);
    }
}

fn push_count(text: &mut String, actions: u32) {
    push_integer(text, actions.into());
    text.push_str(if actions == 1 { " action" } else { " actions" });
}

fn left_after(stage: &'static str) -> &'static str {
    match stage {
        "availability" => "available",
        "eligibility" => "eligible",
        "applicability" => "applicable",
        "suitability" => "suitable",
        "treatment" => "with a treatment",
        "propensity" => "with propensity and value",
        "arbitration" => "placed",
        other => other,
    }
}

fn push_placement(text: &mut String, decision: &DecisionTrace<'_>, placement: &str) {
    let mut placed = decision
        .placed
        .iter()
        .filter(|placed| placed.placement == placement);
    let Some(best) = placed.next() else {
        return text.push_str("empty");
    };
    text.push_str(best.action);
    if best.rank == 0 {
        text.push_str(" as its fallback");
    } else if let Some(place) = decision
        .ranked
        .iter()
        .position(|ranked| ranked.action == best.action)
    {
        push_score(text, decision, place);
        if best.reason == "mandatory" {
            text.push_str(", mandatory");
        }
    }
    let more = placed.count();
    if more > 0 {
        text.push_str(", and ");
        push_integer(text, more as u64);
        text.push_str(" more");
    }
}

fn push_score(text: &mut String, decision: &DecisionTrace<'_>, place: usize) {
    let Some(best) = decision.ranked.get(place) else {
        return;
    };
    for (name, number) in [
        (" (priority ", best.priority),
        (" from propensity ", best.propensity),
        (", context weight ", best.context_weight),
        (", value ", best.value),
        (", lever ", best.lever),
    ] {
        text.push_str(name);
        push_brief(text, number);
    }
    text.push(')');
    if let Some(next) = decision.ranked.get(place + 1) {
        push_lead(text, best, next);
    }
}

fn push_lead(text: &mut String, best: &RankedAction<'_>, next: &RankedAction<'_>) {
    push(text, [", ahead of ", next.action]);
    // Behind a mandatory action may stand one of a higher priority, and a priority may be zero.
    if next.priority > 0.0 && best.priority >= next.priority {
        text.push_str(" by ");
        let percent = ((best.priority / next.priority - 1.0) * 100.0).round_ties_even();
        if percent < 1e15 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number, not negative, below 1e15"
            )]
            push_integer(text, percent as u64);
        } else {
            text.push_str("very many");
        }
        text.push_str(" %");
    }
}
