//! A decision turned into what its span tells: ids become names.

use nextbest_engine::{Bundle, Decision, FUNNEL_STAGES, Record};
use nextbest_otlp::{
    DecisionTrace, FrequentLeave, PlacedAction, RANKED_MAX, RankedAction, SpanDegradation, StageCount,
};
use nextbest_proto::v1::{DegradationKind, PropensitySource, Reason, Stage};

/// `times`: the call's start and end, in nanoseconds since 1970.
pub(crate) fn trace<'a>(
    bundle: &'a Bundle,
    decision: &'a Decision<'_>,
    customer_id: &'a str,
    times: (u64, u64),
) -> DecisionTrace<'a> {
    let record = decision.record();
    let lines = FUNNEL_STAGES.iter().zip(record.funnel).zip(record.unknown);
    let funnel = lines.filter_map(|((stage, remaining), unknown)| {
        Some(StageCount {
            stage: stage_word(*stage)?,
            remaining,
            unknown,
        })
    });
    let placements = record.placements.iter();
    DecisionTrace {
        started_ns: times.0,
        ended_ns: times.1,
        method: "",
        decision_id: &record.decision_id,
        bundle_digest: bundle.digest(),
        channel: bundle.channel_name(record.channel),
        customer_id,
        dry_run: record.dry_run,
        action_count: saturate(bundle.action_count()),
        funnel: funnel.collect(),
        placements: placements
            .map(|requested| bundle.placement_name(record.channel, requested.placement))
            .collect(),
        placed: placed(bundle, record),
        ranked: ranked(bundle, record),
        ranked_count: saturate(record.ranked.len()),
        degradations: degradations(bundle, record),
        frequent_leave: frequent_leave(decision),
    }
}

/// Of an answer that is shorter than it might be: finding it takes longer than the rest of the span, and who has all
/// that was asked for does not ask why there is no more.
fn frequent_leave<'a>(decision: &'a Decision<'_>) -> Option<FrequentLeave<'a>> {
    let leave = decision.record().is_short().then(|| decision.top_drop_off())??;
    Some(FrequentLeave {
        stage: stage_word(leave.stage)?,
        reason: leave.reason,
        actions: leave.actions,
    })
}

fn placed<'a>(bundle: &'a Bundle, record: &'a Record) -> Vec<PlacedAction<'a>> {
    let placements = &record.placements;
    let name = |requested: usize| {
        placements
            .get(requested)
            .map_or("", |place| bundle.placement_name(record.channel, place.placement))
    };
    let placed = record.placed.iter().map(|placed| PlacedAction {
        placement: name(placed.requested),
        action: bundle.action_name(placed.action),
        treatment: bundle.treatment_name(placed.action, placed.treatment),
        rank: placed.rank,
        reason: match placed.reason {
            Reason::Priority => "priority",
            Reason::Mandatory => "mandatory",
            Reason::Fallback => "fallback",
            Reason::Unspecified => "",
        },
    });
    placed.collect()
}

fn ranked<'a>(bundle: &'a Bundle, record: &'a Record) -> Vec<RankedAction<'a>> {
    let ranked = record.ranked.iter().take(RANKED_MAX).map(|ranked| RankedAction {
        action: bundle.action_name(ranked.action),
        propensity: ranked.factors.propensity,
        propensity_source: match ranked.factors.propensity_source {
            PropensitySource::Model => "model",
            PropensitySource::Prior => "prior",
            PropensitySource::Degraded => "degraded",
            PropensitySource::Unspecified => "",
        },
        context_weight: ranked.factors.context_weight,
        value: ranked.factors.value,
        lever: ranked.factors.lever,
        priority: ranked.factors.priority,
        model: bundle
            .action_model(ranked.action)
            .map_or("", |model| bundle.model_name(model)),
    });
    ranked.collect()
}

fn degradations<'a>(bundle: &'a Bundle, record: &'a Record) -> Vec<SpanDegradation<'a>> {
    let degradations = record.degradations.iter().map(|degradation| SpanDegradation {
        kind: match degradation.kind {
            DegradationKind::CustomerUnknown => "customer_unknown",
            DegradationKind::ModelFailed => "model_failed",
            DegradationKind::PropensityInvalid => "propensity_invalid",
            DegradationKind::ValueMissing => "value_missing",
            DegradationKind::ModelInputMissing => "model_input_missing",
            DegradationKind::Deadline => "deadline",
            DegradationKind::WorkExhausted => "work_exhausted",
            DegradationKind::Unspecified => "",
        },
        name: match (degradation.model, degradation.action) {
            (Some(model), _) => bundle.model_name(model),
            (None, Some(action)) => bundle.action_name(action),
            (None, None) => "",
        },
        actions: degradation.actions,
    });
    degradations.collect()
}

/// Nothing for what is no stage: all actions of the bundle, and the actions placed.
fn stage_word(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Availability => Some("availability"),
        Stage::Eligibility => Some("eligibility"),
        Stage::Applicability => Some("applicability"),
        Stage::Suitability => Some("suitability"),
        Stage::Treatment => Some("treatment"),
        Stage::Propensity => Some("propensity"),
        Stage::Arbitration => Some("arbitration"),
        Stage::Unspecified | Stage::Placed => None,
    }
}

fn saturate(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
