//! Constants and values of ordered types -> keys: whole numbers in the same order, so that every comparison is one of
//! two whole numbers.
//!
//! Of doubles, the key is their bits, turned so that they are in order; next to each other are keys of next doubles.

use nextbest_proto::v1::value::Kind;

use crate::value::{Type, Value};

/// The least key that is not below the constant; none where there is none.
pub(super) fn not_below(kind: Type, constant: &Kind) -> Option<i64> {
    match (kind, constant) {
        (Type::Int, Kind::Double(value)) => least_int(value.ceil()),
        (Type::Double, Kind::Int(value)) => Some(least_double(*value, |double, int| double >= int)),
        _ => exact(kind, constant),
    }
}

/// The least key that is above the constant; none where there is none.
pub(super) fn above(kind: Type, constant: &Kind) -> Option<i64> {
    match (kind, constant) {
        (Type::Int, Kind::Double(value)) => least_int(value.floor() + 1.0).map(|next| {
            // Above 2^53 there are ints between a double and the next, and adding 1 to one does nothing.
            not_rounded(*value).map_or(next, |value| value.saturating_add(1))
        }),
        (Type::Double, Kind::Int(value)) => Some(least_double(*value, |double, int| double > int)),
        _ => exact(kind, constant)?.checked_add(1),
    }
}

/// The key that equals the constant; none where no value of the type does.
pub(super) fn equal(kind: Type, constant: &Kind) -> Option<i64> {
    let key = not_below(kind, constant)?;
    (above(kind, constant) != Some(key)).then_some(key)
}

/// The key of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Missing,
    Nan,
    Of(i64),
}

/// A value that is not of the type is missing.
pub(super) fn of_value(kind: Type, value: &Value<'_>) -> Key {
    match (kind, value) {
        (Type::Int, Value::Int(value))
        | (Type::Timestamp, Value::Timestamp(value))
        | (Type::Duration, Value::Duration(value)) => Key::Of(*value),
        (Type::Double, Value::Double(value)) if value.is_nan() => Key::Nan,
        (Type::Double, Value::Double(value)) => Key::Of(of_double(*value)),
        (Type::Bool, Value::Bool(value)) => Key::Of(i64::from(*value)),
        _ => Key::Missing,
    }
}

fn exact(kind: Type, constant: &Kind) -> Option<i64> {
    match (kind, constant) {
        (Type::Int, Kind::Int(value))
        | (Type::Timestamp, Kind::TimestampUs(value))
        | (Type::Duration, Kind::DurationUs(value)) => Some(*value),
        (Type::Double, Kind::Double(value)) => Some(of_double(*value)),
        (Type::Bool, Kind::Bool(value)) => Some(i64::from(*value)),
        _ => None,
    }
}

/// Zero and minus zero are equal, and have one key.
fn of_double(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits().cast_signed();
    // Of negative numbers, greater bits are lesser numbers.
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// The least int that is not below a whole double.
#[expect(
    clippy::cast_possible_truncation,
    reason = "whole, and inside the range of ints there"
)]
fn least_int(whole: f64) -> Option<i64> {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    if whole >= TWO_TO_63 {
        None
    } else if whole < -TWO_TO_63 {
        Some(i64::MIN)
    } else {
        Some(whole as i64)
    }
}

/// The double as an int, where it is one and ints are denser than doubles.
#[expect(
    clippy::cast_possible_truncation,
    reason = "whole, and inside the range of ints there"
)]
fn not_rounded(value: f64) -> Option<i64> {
    const TWO_TO_52: f64 = 4_503_599_627_370_496.0;
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    (value.abs() >= TWO_TO_52 && (-TWO_TO_63..TWO_TO_63).contains(&value)).then_some(value as i64)
}

/// The key of the least double that holds beside an int, compared exactly. The one that the int is rounded to, or
/// the next.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "rounded on purpose; a rounded int is whole and fits 128 bits"
)]
fn least_double(int: i64, holds: impl Fn(i128, i128) -> bool) -> i64 {
    let rounded = int as f64;
    let key = of_double(rounded);
    if holds(rounded as i128, i128::from(int)) {
        key
    } else {
        key + 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::program::Comparison;

    #[expect(clippy::cast_precision_loss, reason = "near an int is as good as at it")]
    fn number() -> impl Strategy<Value = Kind> {
        let near = |int: i64| (-2..=2_i64).prop_map(move |off| int.saturating_add(off));
        let int = prop_oneof![
            any::<i64>(),
            -3..=3_i64,
            near(1 << 53),
            near(-(1 << 53)),
            near(i64::MAX),
            near(i64::MIN),
        ];
        let double = prop_oneof![
            any::<f64>(),
            int.clone().prop_map(|int| int as f64),
            int.clone().prop_map(|int| (int as f64).next_up()),
            (-5..=5_i32).prop_map(|half| f64::from(half) / 2.0),
            prop::sample::select(vec![
                0.0,
                -0.0,
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::MAX,
                f64::MIN_POSITIVE
            ]),
        ];
        prop_oneof![int.prop_map(Kind::Int), double.prop_map(Kind::Double)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 20_000, ..ProptestConfig::default() })]

        /// Keys compare as the interpreter compares.
        #[test]
        fn keys_are_in_the_order_of_the_number_line(value in number(), constant in number()) {
            prop_assume!(!matches!(constant, Kind::Double(constant) if constant.is_nan()));
            let kind = Type::of(&value);
            let (value, other) = (Value::of(&value), Value::of(&constant));
            let holds = |comparison: Comparison| comparison.holds(&value, &other).unwrap();
            let reaches = |cut: Option<i64>, key| cut.is_some_and(|cut| key >= cut);
            match of_value(kind, &value) {
                Key::Of(key) => {
                    prop_assert_eq!(reaches(not_below(kind, &constant), key), holds(Comparison::GreaterOrEqual));
                    prop_assert_eq!(reaches(above(kind, &constant), key), holds(Comparison::Greater));
                    prop_assert_eq!(equal(kind, &constant) == Some(key), holds(Comparison::Equal));
                }
                Key::Nan => prop_assert!(matches!(value, Value::Double(value) if value.is_nan())),
                Key::Missing => prop_assert!(false, "a number has a key"),
            }
        }
    }
}
