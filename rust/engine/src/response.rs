//! Record -> the answer that the channel gets.

use nextbest_proto::v1::{self, Reason};

use crate::{
    arbitration::{Factors, Placed},
    bundle::Bundle,
    id::ActionId,
    number::short,
    record::Record,
    room::FRAMING_BYTES,
};

/// Of an answer beside its lists and currency: id, digest, time and seed.
const ANSWER_BYTES: usize = 160;
/// Of a degradation beside its name.
const DEGRADATION_BYTES: usize = 24;
/// Of an action beside its names and content: score, rank, reason and its sentence, and the framing of each.
const ACTION_BYTES: usize = 256;

/// The answer without explanation.
pub(crate) fn render(bundle: &Bundle, record: &Record<'_>) -> v1::DecideResponse {
    let placements = record.placements.iter().enumerate().map(|(index, requested)| {
        let placed = record.placed.iter().filter(|placed| placed.requested == index);
        v1::Placement {
            name: bundle
                .placement_name(record.channel, requested.placement)
                .to_owned(),
            actions: placed.map(|placed| action(bundle, record, placed)).collect(),
        }
    });
    let degradations = record.degradations.iter().map(|degradation| {
        let model = degradation.model.map(|model| bundle.model_name(model));
        let action = degradation.action.map(|action| bundle.action_name(action));
        v1::Degradation {
            kind: degradation.kind.into(),
            name: model.or(action).unwrap_or_default().to_owned(),
            actions: degradation.actions,
        }
    });
    v1::DecideResponse {
        decision_id: record.decision_id.clone(),
        bundle_digest: bundle.digest().to_owned(),
        placements: placements.collect(),
        degradations: degradations.collect(),
        explanation: None,
        now_us: record.now_us,
        seed: record.seed,
        currency: bundle.currency.clone(),
    }
}

/// The most bytes that [`render`] can take when encoded, found without building it.
pub(crate) fn bytes_max(bundle: &Bundle, record: &Record<'_>) -> usize {
    let placements = record.placements.iter().map(|requested| {
        let name = bundle.placement_name(record.channel, requested.placement);
        name.len() + 2 * FRAMING_BYTES
    });
    let degradations = record.degradations.iter().map(|degradation| {
        let model = degradation
            .model
            .map_or(0, |model| bundle.model_name(model).len());
        let action = degradation
            .action
            .map_or(0, |action| bundle.action_name(action).len());
        model + action + DEGRADATION_BYTES
    });
    let actions = record
        .placed
        .iter()
        .map(|placed| action_bytes_max(bundle, placed));
    ANSWER_BYTES
        + FRAMING_BYTES
        + bundle.currency.len()
        + placements.chain(degradations).chain(actions).sum::<usize>()
}

fn action_bytes_max(bundle: &Bundle, placed: &Placed) -> usize {
    let row = &bundle.actions[placed.action];
    let treatment = &row.treatments[placed.treatment];
    let model = row.model.map_or(0, |model| bundle.model_name(model).len());
    let names = [
        bundle.action_name(placed.action),
        bundle.issue_name(placed.action),
        bundle.group_name(placed.action),
        &treatment.name,
        &treatment.content,
    ];
    names.iter().map(|name| name.len()).sum::<usize>() + model + ACTION_BYTES
}

/// Factors as a message.
pub(crate) fn score(bundle: &Bundle, action: ActionId, factors: &Factors) -> v1::Score {
    v1::Score {
        propensity: factors.propensity,
        context_weight: factors.context_weight,
        value: factors.value,
        lever: factors.lever,
        priority: factors.priority,
        propensity_source: factors.propensity_source.into(),
        model: bundle
            .action_model(action)
            .map(|model| bundle.model_name(model).to_owned())
            .unwrap_or_default(),
    }
}

fn action(bundle: &Bundle, record: &Record<'_>, placed: &Placed) -> v1::RankedAction {
    let treatment = &bundle.actions[placed.action].treatments[placed.treatment];
    v1::RankedAction {
        action: bundle.action_name(placed.action).to_owned(),
        issue: bundle.issue_name(placed.action).to_owned(),
        group: bundle.group_name(placed.action).to_owned(),
        treatment: treatment.name.clone(),
        content: treatment.content.clone(),
        rank: placed.rank,
        score: Some(
            placed
                .factors
                .as_ref()
                .map_or_else(Default::default, |factors| score(bundle, placed.action, factors)),
        ),
        reason: placed.reason.into(),
        reason_text: reason_text(record, placed),
        contributions: None,
    }
}

fn reason_text(record: &Record<'_>, placed: &Placed) -> String {
    let priority = placed.factors.map_or(0.0, |factors| factors.priority);
    let of = match record.ranked.len() {
        1 => "the only candidate".to_owned(),
        count => format!("{} of {count} candidates", ordinal(placed.rank)),
    };
    match placed.reason {
        Reason::Mandatory => format!("mandatory, {of}"),
        Reason::Fallback => "fallback: nothing else was left for the placement".to_owned(),
        Reason::Priority | Reason::Unspecified => format!("priority {}, {of}", short(priority)),
    }
}

/// `first` to `tenth`, then `11th`.
pub(crate) fn ordinal(rank: u32) -> String {
    let words = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    ];
    if let Some(word) = words.get((rank as usize).wrapping_sub(1)) {
        return (*word).to_owned();
    }
    let suffix = match (rank % 10, rank % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{rank}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_words_then_numbers() {
        let cases = [
            (1, "first"),
            (10, "tenth"),
            (11, "11th"),
            (21, "21st"),
            (112, "112th"),
            (133, "133rd"),
        ];
        for (rank, text) in cases {
            assert_eq!(ordinal(rank), text);
        }
    }
}
