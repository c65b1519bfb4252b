//! Conditions -> the attributes that they read, with values on either side of what they are compared with.

use std::cmp::Ordering;

use nextbest_proto::v1::{self, value::Kind};

use super::{Variable, read_by, read_by_feature};
use crate::{
    decision::Decision,
    id::{AttributeId, ClauseId, FeatureId},
    program::Instruction,
    request::accepts,
    tables::{Attribute, Source, Test},
    value::{Type, Value},
};

/// Constants that are looked at for one attribute, and values that come of them.
const CONSTANTS_MAX: usize = 64;
const VALUES_MAX: usize = 160;
/// Constants that are combined with each other.
const PAIRED_MAX: usize = 6;
/// A text that no condition is likely to name.
const OTHER_TEXT: &str = "other";
const SECOND_US: i64 = 1_000_000;

/// The attributes that conditions read, in the order of their features.
pub(super) fn variables(decision: &Decision<'_>, clauses: &[ClauseId]) -> Vec<Variable> {
    let features = read_by(decision.bundle, clauses.iter().copied());
    let variable = |feature: &FeatureId| match decision.bundle.features[*feature].source {
        Source::Attribute(attribute) => Some(Variable {
            attribute,
            feature: *feature,
            values: values(decision, clauses, *feature, attribute),
        }),
        _ => None,
    };
    features.iter().filter_map(variable).collect()
}

/// Values that the schema allows, other than today's.
fn values(
    decision: &Decision<'_>,
    clauses: &[ClauseId],
    feature: FeatureId,
    attribute: AttributeId,
) -> Vec<Option<Kind>> {
    let declared = &decision.bundle.attributes[attribute];
    let today = decision.feature(feature);
    let mut constants = constants(decision, clauses, feature);
    constants.extend(declared.allowed.iter().cloned());
    constants.extend(declared.minimum.clone());
    constants.extend(declared.maximum.clone());
    constants.truncate(CONSTANTS_MAX);
    let mut found: Vec<Kind> = Vec::new();
    for kind in around(declared, &constants, today, decision.record.now_us) {
        let is_new = !found.contains(&kind) && !Value::of(&kind).equals(today);
        if is_new && found.len() < VALUES_MAX && accepts(declared, &kind) {
            found.push(kind);
        }
    }
    if let Some(today) = number(today) {
        let distance =
            |kind: &Kind| number(&Value::of(kind)).map_or(f64::MAX, |number| (number - today).abs());
        found.sort_by(|left, right| {
            distance(left)
                .partial_cmp(&distance(right))
                .unwrap_or(Ordering::Equal)
        });
    }
    let mut values: Vec<Option<Kind>> = found.into_iter().map(Some).collect();
    if !today.is_missing() {
        values.push(None);
    }
    values
}

/// What the conditions compare a feature with: constants of literals and of expressions, and what else these read.
fn constants(decision: &Decision<'_>, clauses: &[ClauseId], feature: FeatureId) -> Vec<Kind> {
    let bundle = decision.bundle;
    let mut found = Vec::new();
    let literals = clauses
        .iter()
        .flat_map(|clause| bundle.clause_literals.get(*clause));
    for literal in literals.map(|literal| &bundle.literals[*literal]) {
        if read_by_feature(bundle, literal.feature).contains(&feature) {
            found.extend(of_test(&literal.test));
        }
    }
    for derived in read_by(bundle, clauses.iter().copied()) {
        let Source::Derived(program) = &bundle.features[derived].source else {
            continue;
        };
        if !read_by_feature(bundle, derived).contains(&feature) {
            continue;
        }
        for instruction in &program.instructions {
            match instruction {
                Instruction::Constant(kind) => found.push(kind.clone()),
                Instruction::Feature(other) if *other != feature => {
                    found.extend(
                        decision
                            .feature(*other)
                            .message()
                            .and_then(|message| message.kind),
                    );
                }
                _ => {}
            }
        }
    }
    found
}

fn of_test(test: &Test) -> Vec<Kind> {
    match test {
        Test::IsTrue | Test::IsPresent => Vec::new(),
        Test::Compare(_, kind) | Test::Contains(kind) => vec![kind.clone()],
        Test::OneOfStrings(items) => items.iter().cloned().map(Kind::String).collect(),
        Test::OneOfInts(items) => items.iter().copied().map(Kind::Int).collect(),
    }
}

/// Values of the attribute's type at constants, and a little beside them.
fn around(declared: &Attribute, constants: &[Kind], today: &Value<'_>, now_us: i64) -> Vec<Kind> {
    match declared.kind {
        Type::Bool => vec![Kind::Bool(true), Kind::Bool(false)],
        Type::Int => ints(constants).map(Kind::Int).collect(),
        Type::Double => doubles(constants).into_iter().map(Kind::Double).collect(),
        Type::String => {
            let other = Kind::String(OTHER_TEXT.to_owned());
            let texts = constants.iter().filter(|kind| matches!(kind, Kind::String(_)));
            texts.cloned().chain([other]).collect()
        }
        Type::Timestamp => timestamps(constants, now_us).map(Kind::TimestampUs).collect(),
        Type::Duration => {
            let durations = constants.iter().filter_map(duration);
            durations.flat_map(beside_second).map(Kind::DurationUs).collect()
        }
        Type::StringList => {
            let items: Vec<String> = constants.iter().filter_map(text).collect();
            let lists = lists(&text_items(today), &items);
            lists
                .map(|items| Kind::Strings(v1::StringList { items }))
                .collect()
        }
        Type::IntList => {
            let items: Vec<i64> = constants.iter().filter_map(int).collect();
            let lists = lists(&int_items(today), &items);
            lists.map(|items| Kind::Ints(v1::IntList { items })).collect()
        }
    }
}

fn ints(constants: &[Kind]) -> impl Iterator<Item = i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a value to try: one out of range is as good"
    )]
    let whole = |kind: &Kind| match kind {
        Kind::Int(value) => Some(*value),
        Kind::Double(value) => Some(value.floor() as i64),
        _ => None,
    };
    let beside = |value: i64| [value, value.saturating_add(1), value.saturating_sub(1)];
    let points: Vec<f64> = constants
        .iter()
        .filter_map(|kind| number(&Value::of(kind)))
        .collect();
    let apart = if points.len() <= PAIRED_MAX {
        combined(&points)
    } else {
        Vec::new()
    };
    let apart: Vec<Kind> = apart.into_iter().map(Kind::Double).collect();
    let points: Vec<i64> = constants
        .iter()
        .chain(&apart)
        .filter_map(whole)
        .chain([0])
        .collect();
    points.into_iter().flat_map(beside)
}

/// Middles of constants too: conditions leave gaps between them.
fn doubles(constants: &[Kind]) -> Vec<f64> {
    let mut points: Vec<f64> = constants
        .iter()
        .filter_map(|kind| number(&Value::of(kind)))
        .collect();
    points.extend([0.0, 1.0]);
    points.sort_by(f64::total_cmp);
    points.dedup();
    let apart = if points.len() <= PAIRED_MAX {
        combined(&points)
    } else {
        Vec::new()
    };
    let middles = points.windows(2).map(|pair| pair.iter().sum::<f64>() / 2.0);
    let beside = points
        .iter()
        .flat_map(|point| [*point, point + 1.0, point - 1.0, point + 0.01, point - 0.01]);
    beside.chain(middles).chain(apart).collect()
}

/// What expressions over two attributes often need: sums, differences and products of two points.
fn combined(points: &[f64]) -> Vec<f64> {
    let pairs = points
        .iter()
        .flat_map(|left| points.iter().map(move |right| (left, right)));
    pairs
        .flat_map(|(left, right)| [left + right, left - right, left * right])
        .collect()
}

/// At points of time, and as long before and after now as durations say.
fn timestamps(constants: &[Kind], now_us: i64) -> impl Iterator<Item = i64> + '_ {
    let point = |kind: &Kind| match kind {
        Kind::TimestampUs(value) => Some(*value),
        _ => None,
    };
    let points = constants.iter().filter_map(point).chain([now_us]);
    let apart = constants.iter().filter_map(duration);
    let apart = apart.flat_map(move |apart| [now_us.saturating_sub(apart), now_us.saturating_add(apart)]);
    points.chain(apart).flat_map(beside_second)
}

fn beside_second(value: i64) -> [i64; 3] {
    [
        value,
        value.saturating_sub(SECOND_US),
        value.saturating_add(SECOND_US),
    ]
}

/// Today's items with and without each of the constants, with all of them, and none.
fn lists<T: Clone + PartialEq>(today: &[T], constants: &[T]) -> impl Iterator<Item = Vec<T>> + use<T> {
    let with = |item: &T| [today, std::slice::from_ref(item)].concat();
    let without = |item: &T| today.iter().filter(|other| *other != item).cloned().collect();
    let mut lists: Vec<Vec<T>> = Vec::new();
    for item in constants {
        lists.push(if today.contains(item) {
            without(item)
        } else {
            with(item)
        });
    }
    lists.push(Vec::new());
    lists.push([today, constants].concat());
    lists.into_iter()
}

fn text_items(value: &Value<'_>) -> Vec<String> {
    match value.message().and_then(|message| message.kind) {
        Some(Kind::Strings(list)) => list.items,
        _ => Vec::new(),
    }
}

fn int_items(value: &Value<'_>) -> Vec<i64> {
    match value.message().and_then(|message| message.kind) {
        Some(Kind::Ints(list)) => list.items,
        _ => Vec::new(),
    }
}

fn text(kind: &Kind) -> Option<String> {
    match kind {
        Kind::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn int(kind: &Kind) -> Option<i64> {
    match kind {
        Kind::Int(value) => Some(*value),
        _ => None,
    }
}

fn duration(kind: &Kind) -> Option<i64> {
    match kind {
        Kind::DurationUs(value) => Some(*value),
        _ => None,
    }
}

/// On one line with others of its type.
#[expect(clippy::cast_precision_loss, reason = "for an order of what to try first")]
fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(value) | Value::Timestamp(value) | Value::Duration(value) => Some(*value as f64),
        Value::Double(value) => Some(*value),
        _ => None,
    }
}
