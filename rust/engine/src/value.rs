//! `Value` messages -> [`Value`]: what features and expressions hold, and how two of them compare.
//!
//! *Missing* is a value: an absent attribute, and the result of whatever has no result. A value borrows from the
//! bundle, the request or the stored customer where it can.

pub(crate) mod duration;

#[cfg(test)]
mod tests;

use std::{cmp::Ordering, fmt, sync::Arc};

use jiff::{SignedDuration, civil::DateTime};
use nextbest_proto::v1::{self, value::Kind};

use crate::number;

/// Years 0001 to 9999, in microseconds since 1970; both inclusive.
pub(crate) const TIMESTAMP_US_MIN: i64 = -62_135_596_800_000_000;
pub(crate) const TIMESTAMP_US_MAX: i64 = 253_402_300_799_999_999;

/// Where timestamps count from.
pub(crate) const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// The clock and calendar of UTC; none outside the years that have one.
pub(crate) fn from_epoch(microseconds: i64) -> Option<DateTime> {
    EPOCH.checked_add(SignedDuration::from_micros(microseconds)).ok()
}

/// The types of attributes and features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Int,
    Double,
    String,
    Timestamp,
    Duration,
    StringList,
    IntList,
}

impl Type {
    /// Of the elements of a list; otherwise the type itself.
    pub(crate) fn element(self) -> Self {
        match self {
            Self::StringList => Self::String,
            Self::IntList => Self::Int,
            other => other,
        }
    }

    pub(crate) fn from_message(number: i32) -> Option<Self> {
        match v1::Type::try_from(number).ok()? {
            v1::Type::Unspecified => None,
            v1::Type::Bool => Some(Self::Bool),
            v1::Type::Int => Some(Self::Int),
            v1::Type::Double => Some(Self::Double),
            v1::Type::String => Some(Self::String),
            v1::Type::Timestamp => Some(Self::Timestamp),
            v1::Type::Duration => Some(Self::Duration),
            v1::Type::StringList => Some(Self::StringList),
            v1::Type::IntList => Some(Self::IntList),
        }
    }

    pub(crate) fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Bool(_) => Self::Bool,
            Kind::Int(_) => Self::Int,
            Kind::Double(_) => Self::Double,
            Kind::String(_) => Self::String,
            Kind::TimestampUs(_) => Self::Timestamp,
            Kind::DurationUs(_) => Self::Duration,
            Kind::Strings(_) => Self::StringList,
            Kind::Ints(_) => Self::IntList,
        }
    }

    /// As a sentence names it: "a whole number".
    pub(crate) fn phrase(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Double => "a number",
            Self::String => "text",
            Self::Timestamp => "a timestamp",
            Self::Duration => "a duration",
            Self::StringList => "a list of texts",
            Self::IntList => "a list of whole numbers",
        }
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double)
    }
}

/// What a feature or a register holds.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Missing,
    Bool(bool),
    Int(i64),
    /// Finite in a request; an expression may make it infinite or NaN.
    Double(f64),
    String(Text<'a>),
    /// Microseconds since 1970; years 0001 to 9999.
    Timestamp(i64),
    /// Microseconds.
    Duration(i64),
    List(List<'a>),
}

/// A string: of the bundle, the request or the customer, or made by an expression.
#[derive(Clone, Debug)]
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Made(Arc<str>),
}

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Made(text) => text,
        }
    }
}

/// A list: of strings or ints, or made by an expression. No element is missing.
#[derive(Clone, Debug)]
pub(crate) enum List<'a> {
    Strings(&'a [String]),
    Ints(&'a [i64]),
    Made(Arc<[Value<'a>]>),
}

impl<'a> List<'a> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Strings(items) => items.len(),
            Self::Ints(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<Value<'a>> {
        match self {
            Self::Strings(items) => items.get(index).map(|item| Value::String(Text::Borrowed(item))),
            Self::Ints(items) => items.get(index).map(|item| Value::Int(*item)),
            Self::Made(items) => items.get(index).cloned(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// The order of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Ordered(Ordering),
    /// One of them is NaN: not equal, and neither is less.
    Unordered,
    /// Of types that have no order between them.
    Incomparable,
}

impl<'a> Value<'a> {
    pub(crate) fn of(kind: &'a Kind) -> Self {
        match kind {
            Kind::Bool(value) => Self::Bool(*value),
            Kind::Int(value) => Self::Int(*value),
            Kind::Double(value) => Self::Double(*value),
            Kind::String(value) => Self::String(Text::Borrowed(value)),
            Kind::TimestampUs(value) => Self::Timestamp(*value),
            Kind::DurationUs(value) => Self::Duration(*value),
            Kind::Strings(list) => Self::List(List::Strings(&list.items)),
            Kind::Ints(list) => Self::List(List::Ints(&list.items)),
        }
    }

    pub(crate) fn made(text: &str) -> Self {
        Self::String(Text::Made(Arc::from(text)))
    }

    /// The same with everything its own.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Missing => Value::Missing,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Double(value) => Value::Double(value),
            Self::Timestamp(value) => Value::Timestamp(value),
            Self::Duration(value) => Value::Duration(value),
            Self::String(Text::Borrowed(text)) => Value::made(text),
            Self::String(Text::Made(text)) => Value::String(Text::Made(text)),
            Self::List(list) => Value::List(List::Made(list.iter().map(Value::into_owned).collect())),
        }
    }

    /// The value of an attribute of `declared` type: an int is accepted for a double, anything else of
    /// another type is missing.
    pub(crate) fn of_type(kind: &'a Kind, declared: Type) -> Self {
        match (kind, declared) {
            #[expect(clippy::cast_precision_loss, reason = "CEL converts ints to doubles so")]
            (Kind::Int(value), Type::Double) => Self::Double(*value as f64),
            _ if Type::of(kind) == declared => Self::of(kind),
            _ => Self::Missing,
        }
    }

    /// Itself where it is of the type, an int made a double where one is due; missing otherwise.
    pub(crate) fn into_type(self, declared: Type) -> Self {
        let fits = match (&self, declared) {
            #[expect(clippy::cast_precision_loss, reason = "CEL converts ints to doubles so")]
            (Self::Int(value), Type::Double) => return Self::Double(*value as f64),
            (Self::Bool(_), Type::Bool)
            | (Self::Int(_), Type::Int)
            | (Self::Double(_), Type::Double)
            | (Self::String(_), Type::String)
            | (Self::Timestamp(_), Type::Timestamp)
            | (Self::Duration(_), Type::Duration) => true,
            (Self::List(list), Type::StringList) => list.iter().all(|item| matches!(item, Self::String(_))),
            (Self::List(list), Type::IntList) => list.iter().all(|item| matches!(item, Self::Int(_))),
            _ => false,
        };
        if fits { self } else { Self::Missing }
    }

    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// Equality as in CEL: numbers on the number line, values of different types unequal.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(left), Self::List(right)) => {
                left.len() == right.len()
                    && left
                        .iter()
                        .zip(right.iter())
                        .all(|(left, right)| left.equals(&right))
            }
            _ => self.relation(other) == Relation::Ordered(Ordering::Equal),
        }
    }

    /// Order as in CEL: numbers on the number line, strings by code point, false before true.
    pub(crate) fn relation(&self, other: &Self) -> Relation {
        let ordered = |ordering: Option<Ordering>| ordering.map_or(Relation::Unordered, Relation::Ordered);
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => Relation::Ordered(left.cmp(right)),
            (Self::Int(left), Self::Int(right))
            | (Self::Timestamp(left), Self::Timestamp(right))
            | (Self::Duration(left), Self::Duration(right)) => Relation::Ordered(left.cmp(right)),
            (Self::Double(left), Self::Double(right)) => ordered(left.partial_cmp(right)),
            (Self::Int(left), Self::Double(right)) => ordered(compare_int_double(*left, *right)),
            (Self::Double(left), Self::Int(right)) => {
                ordered(compare_int_double(*right, *left).map(Ordering::reverse))
            }
            // The order of the bytes of UTF-8 is that of code points.
            (Self::String(left), Self::String(right)) => Relation::Ordered(left.as_str().cmp(right.as_str())),
            _ => Relation::Incomparable,
        }
    }

    /// Bytes or elements that an operation has to look at.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::String(text) => text.as_str().len(),
            Self::List(list) => list.len(),
            _ => 0,
        }
    }

    /// As a message; a missing value has none. A list that an expression made is cut down to the kinds that a
    /// message has: one of strings, or of ints.
    pub(crate) fn message(&self) -> Option<v1::Value> {
        let kind = match self {
            Self::Missing => return None,
            Self::Bool(value) => Kind::Bool(*value),
            Self::Int(value) => Kind::Int(*value),
            Self::Double(value) => Kind::Double(*value),
            Self::String(text) => Kind::String(text.as_str().to_owned()),
            Self::Timestamp(value) => Kind::TimestampUs(*value),
            Self::Duration(value) => Kind::DurationUs(*value),
            Self::List(list) => list_kind(list),
        };
        Some(v1::Value { kind: Some(kind) })
    }
}

fn list_kind(list: &List<'_>) -> Kind {
    let ints: Option<Vec<i64>> = list
        .iter()
        .map(|item| match item {
            Value::Int(value) => Some(value),
            _ => None,
        })
        .collect();
    match ints {
        Some(items) if !items.is_empty() => Kind::Ints(v1::IntList { items }),
        _ => Kind::Strings(v1::StringList {
            items: list
                .iter()
                .map(|item| match item {
                    Value::String(text) => text.as_str().to_owned(),
                    other => other.to_string(),
                })
                .collect(),
        }),
    }
}

/// Exact, on the number line; none for NaN. Converting the int instead would lose its low bits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the double is inside the range of ints there"
)]
fn compare_int_double(int: i64, double: f64) -> Option<Ordering> {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() {
        None
    } else if double >= TWO_TO_63 {
        Some(Ordering::Less)
    } else if double < -TWO_TO_63 {
        Some(Ordering::Greater)
    } else {
        let whole = double.trunc();
        let fraction = double - whole;
        Some(
            int.cmp(&(whole as i64))
                .then_with(|| 0.0_f64.partial_cmp(&fraction).unwrap_or(Ordering::Equal)),
        )
    }
}

/// As a person would write it: `18`, `"web"`, `2026-06-01T12:00:00Z`, `1 hour 30 minutes`, `["a", "b"]`.
impl fmt::Display for Value<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => formatter.write_str("missing"),
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Int(value) => write!(formatter, "{value}"),
            Self::Double(value) => formatter.write_str(&number::exact(*value)),
            Self::String(text) => write!(formatter, "{:?}", text.as_str()),
            Self::Timestamp(value) => match from_epoch(*value) {
                Some(moment) => write!(formatter, "{moment}Z"),
                None => write!(formatter, "{value} us"),
            },
            Self::Duration(value) => formatter.write_str(&duration::spoken(*value)),
            Self::List(list) => {
                formatter.write_str("[")?;
                for (index, item) in list.iter().enumerate() {
                    write!(formatter, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                formatter.write_str("]")
            }
        }
    }
}
