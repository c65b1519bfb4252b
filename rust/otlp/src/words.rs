//! Stages, reasons, sources and degradations -> the words of spans.

use nextbest_proto::v1::{DegradationKind, PropensitySource, Reason, Stage};

/// Empty for what is not a stage: all actions of the bundle, and the actions placed.
pub(crate) fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Availability => "availability",
        Stage::Eligibility => "eligibility",
        Stage::Applicability => "applicability",
        Stage::Suitability => "suitability",
        Stage::Treatment => "treatment",
        Stage::Propensity => "propensity",
        Stage::Arbitration => "arbitration",
        Stage::Unspecified | Stage::Placed => "",
    }
}

/// What the actions are that remain after a stage: "84 available".
pub(crate) fn remaining(stage: Stage) -> &'static str {
    match stage {
        Stage::Availability => "available",
        Stage::Eligibility => "eligible",
        Stage::Applicability => "applicable",
        Stage::Suitability => "suitable",
        Stage::Treatment => "with a treatment",
        Stage::Propensity => "with propensity and value",
        Stage::Arbitration | Stage::Placed => "placed",
        Stage::Unspecified => "",
    }
}

pub(crate) fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Priority => "priority",
        Reason::Mandatory => "mandatory",
        Reason::Fallback => "fallback",
        Reason::Unspecified => "",
    }
}

pub(crate) fn source(source: PropensitySource) -> &'static str {
    match source {
        PropensitySource::Model => "model",
        PropensitySource::Prior => "prior",
        PropensitySource::Degraded => "degraded",
        PropensitySource::Unspecified => "",
    }
}

pub(crate) fn degradation(kind: DegradationKind) -> &'static str {
    match kind {
        DegradationKind::CustomerUnknown => "customer_unknown",
        DegradationKind::ModelFailed => "model_failed",
        DegradationKind::PropensityInvalid => "propensity_invalid",
        DegradationKind::ValueMissing => "value_missing",
        DegradationKind::ModelInputMissing => "model_input_missing",
        DegradationKind::Deadline => "deadline",
        DegradationKind::WorkExhausted => "work_exhausted",
        DegradationKind::Unspecified => "",
    }
}
