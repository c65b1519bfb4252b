//! A value -> one element of a model's input, as its tensor wants it.

use nextbest_proto::v1::value::Kind;

use super::ElementType;
use crate::value::Value;

/// One element of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Float(f64),
    Int(i64),
    String(&'a str),
    Bool(bool),
}

/// The element for a feature.
pub(crate) fn feature_cell<'a>(element_type: ElementType, value: &'a Value<'_>) -> Option<Cell<'a>> {
    match (element_type, value) {
        (ElementType::String, Value::String(text)) => Some(Cell::String(text.as_str())),
        _ => plain_cell(element_type, value),
    }
}

/// The element for a constant of the bundle.
pub(crate) fn constant_cell(element_type: ElementType, kind: &Kind) -> Option<Cell<'_>> {
    match (element_type, kind) {
        (ElementType::String, Kind::String(text)) => Some(Cell::String(text)),
        _ => plain_cell(element_type, &Value::of(kind)),
    }
}

/// The element for a value that is not text: false and true are 0 and 1, timestamps and durations seconds (of
/// an int64 tensor: whole ones). Absent when the value is missing, or of a type that the tensor does not
/// take.
#[expect(clippy::cast_precision_loss, reason = "a float tensor holds no more")]
fn plain_cell(element_type: ElementType, value: &Value<'_>) -> Option<Cell<'static>> {
    match element_type {
        ElementType::Float32 | ElementType::Float64 => match value {
            Value::Bool(value) => Some(Cell::Float(f64::from(u8::from(*value)))),
            Value::Int(value) => Some(Cell::Float(*value as f64)),
            Value::Double(value) => Some(Cell::Float(*value)),
            Value::Timestamp(value) | Value::Duration(value) => Some(Cell::Float(*value as f64 / 1e6)),
            _ => None,
        },
        ElementType::Int64 => match value {
            Value::Bool(value) => Some(Cell::Int(i64::from(*value))),
            Value::Int(value) => Some(Cell::Int(*value)),
            Value::Timestamp(value) | Value::Duration(value) => Some(Cell::Int(value.div_euclid(1_000_000))),
            _ => None,
        },
        ElementType::Bool => match value {
            Value::Bool(value) => Some(Cell::Bool(*value)),
            _ => None,
        },
        ElementType::String => None,
    }
}
