//! Features, values and lists -> the words that sentences are made of.

use crate::{decision::Decision, id::FeatureId, program::in_zone, tables::Source, value::Value};

/// Values that a sentence lists, and letters of each.
pub(super) const LISTED_MAX: usize = 5;
const LETTERS_MAX: usize = 80;

/// "`customer.income` (yearly income)": a feature, with its label if the schema has one.
pub(super) fn named(decision: &Decision<'_>, feature: FeatureId) -> String {
    let name = &decision.bundle.features[feature].name;
    match label(decision, feature) {
        "" => format!("`{name}`"),
        label => format!("`{name}` ({})", shortened_text(label)),
    }
}

/// What people call an attribute; empty where the schema has no label or one that repeats the name, and for an expression.
pub(super) fn label<'a>(decision: &Decision<'a>, feature: FeatureId) -> &'a str {
    let Source::Attribute(attribute) = decision.bundle.features[feature].source else {
        return "";
    };
    let attribute = &decision.bundle.attributes[attribute];
    let repeats = attribute
        .label
        .eq_ignore_ascii_case(&attribute.name.replace('_', " "));
    if repeats { "" } else { &attribute.label }
}

/// "a, b and c".
pub(super) fn join(items: &[String], word: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} {word} {last}", head.join(", ")),
    }
}

/// A value in 80 letters at most.
pub(super) fn shortened(decision: &Decision<'_>, value: &Value<'_>) -> String {
    shortened_text(&shown(decision, value))
}

/// A value; times in the zone of the workspace.
pub(super) fn shown(decision: &Decision<'_>, value: &Value<'_>) -> String {
    match value {
        Value::Timestamp(moment) => in_zone(*moment, &decision.bundle.time_zone),
        _ => None,
    }
    .unwrap_or_else(|| value.to_string())
}

/// A text in 80 letters at most.
pub(super) fn shortened_text(text: &str) -> String {
    match text.char_indices().nth(LETTERS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
