//! Two values -> their sum, difference, product, quotient or remainder; missing where there is none.

use std::sync::Arc;

use super::Arithmetic;
use crate::value::{List, TIMESTAMP_US_MAX, TIMESTAMP_US_MIN, Value};

/// Ints and doubles as in CEL, with the int converted to a double if they mix. Also joins strings and lists,
/// and counts with timestamps and durations. Doubles follow IEEE 754, except that division by zero has no
/// result: CEL's infinity would make `balance / income > 3.0` true for a customer without income.
pub(super) fn combine<'a>(kind: Arithmetic, left: &Value<'a>, right: &Value<'a>) -> Option<Value<'a>> {
    #[expect(clippy::cast_precision_loss, reason = "CEL converts ints to doubles so")]
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => ints(kind, *left, *right).map(Value::Int),
        (Value::Double(left), Value::Double(right)) => doubles(kind, *left, *right).map(Value::Double),
        (Value::Int(left), Value::Double(right)) => doubles(kind, *left as f64, *right).map(Value::Double),
        (Value::Double(left), Value::Int(right)) => doubles(kind, *left, *right as f64).map(Value::Double),
        _ => match kind {
            Arithmetic::Add => add(left, right),
            Arithmetic::Subtract => subtract(left, right),
            _ => None,
        },
    }
}

/// Minus a number.
pub(super) fn negate<'a>(value: &Value<'a>) -> Option<Value<'a>> {
    match value {
        Value::Int(value) => value.checked_neg().map(Value::Int),
        Value::Double(value) => Some(Value::Double(-value)),
        _ => None,
    }
}

fn ints(kind: Arithmetic, left: i64, right: i64) -> Option<i64> {
    match kind {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Modulo => left.checked_rem(right),
    }
}

fn doubles(kind: Arithmetic, left: f64, right: f64) -> Option<f64> {
    match kind {
        Arithmetic::Add => Some(left + right),
        Arithmetic::Subtract => Some(left - right),
        Arithmetic::Multiply => Some(left * right),
        Arithmetic::Divide => (right != 0.0).then(|| left / right),
        Arithmetic::Modulo => None,
    }
}

fn add<'a>(left: &Value<'a>, right: &Value<'a>) -> Option<Value<'a>> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => {
            Some(Value::made(&[left.as_str(), right.as_str()].concat()))
        }
        (Value::List(left), Value::List(right)) => {
            let items: Arc<[Value<'a>]> = left.iter().chain(right.iter()).collect();
            Some(Value::List(List::Made(items)))
        }
        (Value::Timestamp(moment), Value::Duration(duration))
        | (Value::Duration(duration), Value::Timestamp(moment)) => timestamp(moment.checked_add(*duration)?),
        (Value::Duration(left), Value::Duration(right)) => left.checked_add(*right).map(Value::Duration),
        _ => None,
    }
}

fn subtract<'a>(left: &Value<'a>, right: &Value<'a>) -> Option<Value<'a>> {
    match (left, right) {
        (Value::Timestamp(left), Value::Timestamp(right))
        | (Value::Duration(left), Value::Duration(right)) => left.checked_sub(*right).map(Value::Duration),
        (Value::Timestamp(moment), Value::Duration(duration)) => timestamp(moment.checked_sub(*duration)?),
        _ => None,
    }
}

fn timestamp<'a>(microseconds: i64) -> Option<Value<'a>> {
    (TIMESTAMP_US_MIN..=TIMESTAMP_US_MAX)
        .contains(&microseconds)
        .then_some(Value::Timestamp(microseconds))
}
