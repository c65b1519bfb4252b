//! A decision in a paragraph, for people who read its span.

use std::fmt::{self, Write as _};

use crate::decision::{DecisionTrace, RankedAction};

/// Placements told about; a request may name 32, and a paragraph of that length would not be read.
const PLACEMENTS_TOLD_MAX: usize = 4;

/// `120 actions: 84 available, 41 eligible, ...; hero: gold-card (priority 2.28 = 0.019 x 1 x 120 x 1.05),
/// ...`
pub(crate) struct Explanation<'a>(pub(crate) &'a DecisionTrace<'a>);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decision = self.0;
        write_count(text, decision.action_count)?;
        for (index, line) in decision.funnel.iter().enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(text, "{separator}{} {}", line.remaining, left_after(line.stage))?;
        }
        for placement in decision.placements.iter().take(PLACEMENTS_TOLD_MAX) {
            write!(text, "; {placement}: ")?;
            write_placement(text, decision, placement)?;
        }
        if let Some(leave) = &decision.frequent_leave {
            write!(text, "; most frequent reason to leave: {} (", leave.reason)?;
            write_count(text, leave.actions)?;
            write!(text, ", at {})", leave.stage)?;
        }
        for degradation in &decision.degradations {
            write!(text, "; without: {}", degradation.kind)?;
            if !degradation.name.is_empty() {
                write!(text, " {}", degradation.name)?;
            }
        }
        text.write_char('.')
    }
}

fn write_count(text: &mut fmt::Formatter<'_>, actions: u32) -> fmt::Result {
    let plural = if actions == 1 { "" } else { "s" };
    write!(text, "{actions} action{plural}")
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

fn write_placement(
    text: &mut fmt::Formatter<'_>,
    decision: &DecisionTrace<'_>,
    placement: &str,
) -> fmt::Result {
    let mut placed = decision
        .placed
        .iter()
        .filter(|placed| placed.placement == placement);
    let Some(best) = placed.next() else {
        return text.write_str("empty");
    };
    text.write_str(best.action)?;
    if best.rank == 0 {
        text.write_str(" as its fallback")?;
    } else if let Some(place) = decision
        .ranked
        .iter()
        .position(|ranked| ranked.action == best.action)
    {
        write_score(text, decision, place)?;
        if best.reason == "mandatory" {
            text.write_str(", mandatory")?;
        }
    }
    match placed.count() {
        0 => Ok(()),
        more => write!(text, ", and {more} more"),
    }
}

fn write_score(text: &mut fmt::Formatter<'_>, decision: &DecisionTrace<'_>, place: usize) -> fmt::Result {
    let Some(best) = decision.ranked.get(place) else {
        return Ok(());
    };
    write!(
        text,
        " (priority {} from propensity {}, context weight {}, value {}, lever {})",
        Brief(best.priority),
        Brief(best.propensity),
        Brief(best.context_weight),
        Brief(best.value),
        Brief(best.lever)
    )?;
    match decision.ranked.get(place + 1) {
        Some(next) => write_lead(text, best, next),
        None => Ok(()),
    }
}

fn write_lead(
    text: &mut fmt::Formatter<'_>,
    best: &RankedAction<'_>,
    next: &RankedAction<'_>,
) -> fmt::Result {
    write!(text, ", ahead of {}", next.action)?;
    // Behind a mandatory action may stand one of a higher priority, and a priority may be zero.
    if next.priority > 0.0 && best.priority >= next.priority {
        write!(text, " by {:.0} %", (best.priority / next.priority - 1.0) * 100.0)?;
    }
    Ok(())
}

/// Three significant digits, and no zeros behind the last of them.
struct Brief(f64);

impl fmt::Display for Brief {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.abs();
        let decimals = match magnitude {
            _ if magnitude >= 100.0 || magnitude == 0.0 => 0,
            _ if magnitude >= 10.0 => 1,
            _ if magnitude >= 1.0 => 2,
            _ if magnitude >= 0.1 => 3,
            _ if magnitude >= 0.01 => 4,
            _ => return write!(text, "{:.2e}", self.0),
        };
        let rendered = format!("{:.*}", decimals, self.0);
        let shortest = if decimals == 0 {
            &rendered
        } else {
            rendered.trim_end_matches('0').trim_end_matches('.')
        };
        text.write_str(shortest)
    }
}
