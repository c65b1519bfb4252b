//! Tests and values -> the words that people read.

use nextbest_proto::v1::value::Kind;

use super::{
    cause::Causes,
    naming::{LISTED_MAX, named, shortened, shown},
    reading,
};
use crate::{
    decision::Decision,
    program::{Comparison, Program},
    tables::{Literal, Source, Test},
    value::{Type, Value, duration},
};

/// What a test requires: `>= 18`, `< 30 days (720h)`, `one of "web", "app"`, `present`.
pub(super) fn required(decision: &Decision<'_>, literal: &Literal) -> String {
    let negated = literal.negated;
    match &literal.test {
        Test::IsTrue => (!negated).to_string(),
        Test::IsPresent => if negated { "absent" } else { "present" }.to_owned(),
        Test::Compare(comparison, value) => {
            let sign = match turned(*comparison, negated) {
                Comparison::Equal => "==",
                Comparison::NotEqual => "!=",
                Comparison::Less => "<",
                Comparison::LessOrEqual => "<=",
                Comparison::Greater => ">",
                Comparison::GreaterOrEqual => ">=",
            };
            match value {
                Kind::DurationUs(value) => format!("{sign} {}", duration::spoken_and_written(*value)),
                value => format!("{sign} {}", shown(decision, &Value::of(value))),
            }
        }
        Test::OneOfStrings(_) | Test::OneOfInts(_) => {
            format!(
                "{} {}",
                if negated { "none of" } else { "one of" },
                listed(&literal.test)
            )
        }
        Test::Contains(item) => {
            format!(
                "{} {}",
                if negated { "does not contain" } else { "contains" },
                Value::of(item)
            )
        }
    }
}

/// What would have to change for a literal to hold; none where nothing can, because it reads no attribute.
pub(super) fn change(decision: &Decision<'_>, literal: &Literal) -> Option<String> {
    let feature = &decision.bundle.features[literal.feature];
    let value = decision.feature(literal.feature);
    let name = named(decision, literal.feature);
    match &feature.source {
        Source::Derived(program) if reads_nothing(program) => None,
        Source::Derived(program) if value.is_missing() && !matches!(literal.test, Test::IsPresent) => {
            let known = match Causes::of(decision, program).remedy(decision) {
                remedy if remedy.is_empty() => format!("{name} must have a value"),
                remedy => remedy,
            };
            Some(format!(
                "{known}, and {name} must {}",
                requirement(decision, literal, true)
            ))
        }
        Source::Derived(program) if matches!(literal.test, Test::IsTrue) => {
            let read = reading::sentence(decision, program);
            Some(format!(
                "{name} must {}{}",
                requirement(decision, literal, true),
                after(&read)
            ))
        }
        _ if matches!(literal.test, Test::IsPresent) && !literal.negated => {
            Some(format!("{name} must be known"))
        }
        _ if value.is_missing() => {
            let requirement = requirement(decision, literal, false);
            let bare = requirement.strip_prefix("be ").unwrap_or(&requirement);
            Some(format!("{name} must be known and {bare}"))
        }
        source => {
            let read = match source {
                Source::Derived(program) => reading::sentence(decision, program),
                Source::Attribute(_) | Source::Now => String::new(),
            };
            Some(format!(
                "{name} must {} (is {}{})",
                requirement(decision, literal, false),
                shortened(decision, value),
                after(&read)
            ))
        }
    }
}

/// What must not change for a literal to hold on: "`customer.age` must still be less than 65".
pub(super) fn keep(decision: &Decision<'_>, literal: &Literal) -> String {
    let feature = &decision.bundle.features[literal.feature];
    let holds = matches!(feature.source, Source::Derived(_));
    let name = named(decision, literal.feature);
    match (&literal.test, literal.negated) {
        (Test::IsPresent, false) => format!("{name} must still be known"),
        _ => format!("{name} must still {}", requirement(decision, literal, holds)),
    }
}

fn after(read: &str) -> String {
    if read.is_empty() {
        return String::new();
    }
    format!(": {read}")
}

/// The words after "must": "be at least 18". Of an expression that is true or false, `holds` asks for "hold".
fn requirement(decision: &Decision<'_>, literal: &Literal, holds: bool) -> String {
    let negated = literal.negated;
    let not = if negated { "not " } else { "" };
    match &literal.test {
        Test::IsTrue if holds => format!("{not}hold"),
        Test::IsTrue => format!("be {}", !negated),
        Test::IsPresent => if negated { "be absent" } else { "be known" }.to_owned(),
        Test::Compare(comparison, value) => {
            let comparison = turned(*comparison, negated);
            format!(
                "{} {}",
                compared(comparison, Type::of(value)),
                shown(decision, &Value::of(value))
            )
        }
        Test::OneOfStrings(_) | Test::OneOfInts(_) => {
            format!(
                "be {} {}",
                if negated { "none of" } else { "one of" },
                listed(&literal.test)
            )
        }
        Test::Contains(item) => format!("{not}contain {}", Value::of(item)),
    }
}

fn compared(comparison: Comparison, kind: Type) -> &'static str {
    let time = kind == Type::Timestamp;
    match comparison {
        Comparison::Equal => "be",
        Comparison::NotEqual => "not be",
        Comparison::Less if time => "be before",
        Comparison::LessOrEqual if time => "be no later than",
        Comparison::Greater if time => "be after",
        Comparison::GreaterOrEqual if time => "be no earlier than",
        Comparison::Less => "be less than",
        Comparison::LessOrEqual => "be at most",
        Comparison::Greater => "be more than",
        Comparison::GreaterOrEqual => "be at least",
    }
}

/// The comparison that holds where the other does not.
fn turned(comparison: Comparison, negated: bool) -> Comparison {
    match comparison {
        other if !negated => other,
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
    }
}

fn listed(test: &Test) -> String {
    let (items, count): (Vec<String>, usize) = match test {
        Test::OneOfStrings(items) => (
            items
                .iter()
                .take(LISTED_MAX)
                .map(|item| format!("{item:?}"))
                .collect(),
            items.len(),
        ),
        Test::OneOfInts(items) => (
            items.iter().take(LISTED_MAX).map(i64::to_string).collect(),
            items.len(),
        ),
        _ => (Vec::new(), 0),
    };
    match count.saturating_sub(LISTED_MAX) {
        0 => items.join(", "),
        more => format!("{} and {more} more", items.join(", ")),
    }
}

fn reads_nothing(program: &Program) -> bool {
    program.touched().next().is_none()
}
