//! A decision in a paragraph, for people who read its span.
//!
//! Every decision has one, and formatting it with the standard library took as long as the rest of its span: pieces
//! are appended, and numbers rounded here.

use nextbest_engine::{Ranked, RequestedPlacement};
use nextbest_proto::v1::Reason;

use crate::{
    decision::DecisionSpan,
    significant_digits::{push_integer, push_significant},
    words,
};

/// Placements that are listed; a request may name 32, and a paragraph of that length would not be read.
const PLACEMENTS_LISTED_MAX: usize = 4;

/// Appends it to `text`: `120 actions: 84 available, 41 eligible, ...; hero: gold-card (priority 2.28 = 0.019 x 1 x 120
/// x 1.05), ...`
pub(crate) fn explain(decision: &DecisionSpan<'_>, text: &mut String) {
    let record = decision.record;
    push_count(text, decision.action_count());
    for (index, (stage, remaining, _)) in decision.funnel().enumerate() {
        text.push_str(if index == 0 { ": " } else { ", " });
        push_integer(text, remaining.into());
        push(text, [" ", words::remaining(stage)]);
    }
    for (index, requested) in record.placements.iter().take(PLACEMENTS_LISTED_MAX).enumerate() {
        push_placement(text, decision, index, *requested);
    }
    if let Some(top) = &decision.top_drop_off {
        push(text, ["; most frequent reason to drop off: ", top.reason, " ("]);
        push_count(text, top.actions);
        push(text, [", at ", words::stage(top.stage), ")"]);
    }
    for degradation in &record.degradations {
        push(text, ["; without: ", words::degradation(degradation.kind)]);
        let name = decision.name_of(degradation);
        if !name.is_empty() {
            push(text, [" ", name]);
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

fn push_placement(
    text: &mut String,
    decision: &DecisionSpan<'_>,
    index: usize,
    requested: RequestedPlacement,
) {
    let record = decision.record;
    push(text, ["; ", decision.placement_name(requested), ": "]);
    let mut placed = record.placed.iter().filter(|placed| placed.requested == index);
    let Some(best) = placed.next() else {
        return text.push_str("empty");
    };
    text.push_str(decision.bundle.action_name(best.action));
    if let Some(rank) = (best.rank as usize).checked_sub(1) {
        push_score(text, decision, rank);
        if best.reason == Reason::Mandatory {
            text.push_str(", mandatory");
        }
    } else {
        text.push_str(" as its fallback");
    }
    let more = placed.count();
    if more > 0 {
        text.push_str(", and ");
        push_integer(text, more as u64);
        text.push_str(" more");
    }
}

/// `rank` counts from 0.
fn push_score(text: &mut String, decision: &DecisionSpan<'_>, rank: usize) {
    let ranked = &decision.record.ranked;
    let Some(best) = ranked.get(rank) else {
        return;
    };
    for (name, number) in [
        (" (priority ", best.factors.priority),
        (" from propensity ", best.factors.propensity),
        (", context weight ", best.factors.context_weight),
        (", value ", best.factors.value),
        (", lever ", best.factors.lever),
    ] {
        text.push_str(name);
        push_significant(text, number);
    }
    text.push(')');
    if let Some(next) = ranked.get(rank + 1) {
        push_lead(text, decision, best, next);
    }
}

fn push_lead(text: &mut String, decision: &DecisionSpan<'_>, best: &Ranked, next: &Ranked) {
    push(text, [", ahead of ", decision.bundle.action_name(next.action)]);
    let (best, next) = (best.factors, next.factors);
    // An action of higher priority may rank below a mandatory one, and a priority may be zero.
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
