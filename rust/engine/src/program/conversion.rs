//! A value -> the same as another type; missing where that cannot be.

use super::time;
use crate::value::{Type, Value};

/// As CEL's `int()`, `double()`, `string()`, `bool()`, `timestamp()` and `duration()`.
pub(super) fn convert<'a>(to: Type, value: &Value<'a>) -> Option<Value<'a>> {
    match to {
        Type::Int => to_int(value).map(Value::Int),
        Type::Double => to_double(value).map(Value::Double),
        Type::String => to_string(value),
        Type::Bool => to_bool(value).map(Value::Bool),
        Type::Timestamp => to_timestamp(value).map(Value::Timestamp),
        Type::Duration => to_duration(value).map(Value::Duration),
        Type::StringList | Type::IntList => None,
    }
}

/// Doubles lose their fraction; timestamps become whole seconds since 1970.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the fraction goes, the range is checked"
)]
fn to_int(value: &Value<'_>) -> Option<i64> {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Value::Int(value) => Some(*value),
        // As cel-go and cel-cpp, the lowest int itself is out of range.
        Value::Double(value) if *value > -TWO_TO_63 && *value < TWO_TO_63 => Some(*value as i64),
        Value::String(text) => text.as_str().parse().ok(),
        Value::Timestamp(microseconds) => Some(microseconds.div_euclid(1_000_000)),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "CEL converts ints to doubles so")]
fn to_double(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Double(value) => Some(*value),
        Value::String(text) => text.as_str().parse().ok(),
        _ => None,
    }
}

fn to_string<'a>(value: &Value<'a>) -> Option<Value<'a>> {
    match value {
        Value::String(_) => Some(value.clone()),
        Value::Int(_) | Value::Bool(_) => Some(Value::made(&value.to_string())),
        _ => None,
    }
}

fn to_bool(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) => match text.as_str() {
            "1" | "t" | "true" | "TRUE" | "True" => Some(true),
            "0" | "f" | "false" | "FALSE" | "False" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn to_timestamp(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Timestamp(value) => Some(*value),
        Value::Int(seconds) => time::in_range(seconds.checked_mul(1_000_000)?),
        Value::String(text) => time::parse_timestamp(text.as_str()),
        _ => None,
    }
}

fn to_duration(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Duration(value) => Some(*value),
        Value::String(text) => time::parse_duration(text.as_str()),
        _ => None,
    }
}
