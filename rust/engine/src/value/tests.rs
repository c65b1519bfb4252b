//! Equality, order and text of values.

use super::*;

fn relation(left: &Value<'_>, right: &Value<'_>) -> Relation {
    left.relation(right)
}

#[test]
fn ints_and_doubles_compare_exactly() {
    let large = (1_i64 << 53) + 1;
    let cases = [
        (large, 9_007_199_254_740_992.0, Ordering::Greater),
        (i64::MAX, 9_223_372_036_854_775_807.0, Ordering::Less),
        (i64::MIN, -9_223_372_036_854_775_808.0, Ordering::Equal),
        (i64::MIN, f64::NEG_INFINITY, Ordering::Greater),
        (i64::MAX, f64::INFINITY, Ordering::Less),
        (0, -0.0, Ordering::Equal),
        (1, 1.5, Ordering::Less),
        (-1, -1.5, Ordering::Greater),
        (-2, -1.5, Ordering::Less),
    ];
    for (int, double, expected) in cases {
        assert_eq!(
            relation(&Value::Int(int), &Value::Double(double)),
            Relation::Ordered(expected),
            "{int} {double}"
        );
        let reversed = Relation::Ordered(expected.reverse());
        assert_eq!(
            relation(&Value::Double(double), &Value::Int(int)),
            reversed,
            "{double} {int}"
        );
    }
    assert_eq!(
        relation(&Value::Int(1), &Value::Double(f64::NAN)),
        Relation::Unordered
    );
}

#[test]
fn strings_compare_by_code_point() {
    // U+FF5E comes before U+10000, though not in UTF-16.
    let (low, high) = (Value::made("\u{ff5e}"), Value::made("\u{10000}"));
    assert_eq!(relation(&low, &high), Relation::Ordered(Ordering::Less));
}

#[test]
fn values_of_different_types_are_unequal_and_unordered() {
    assert!(!Value::Int(1).equals(&Value::Bool(true)));
    assert_eq!(
        relation(&Value::Int(1), &Value::made("1")),
        Relation::Incomparable
    );
    assert!(!Value::Double(f64::NAN).equals(&Value::Double(f64::NAN)));
}

#[test]
fn values_are_written_as_people_write_them() {
    let strings = vec!["a".to_owned(), "b\"".to_owned()];
    let cases = [
        (Value::Double(18.0), "18"),
        (Value::made("web"), "\"web\""),
        (Value::Timestamp(1_780_315_200_000_000), "2026-06-01T12:00:00Z"),
        (Value::Double(-1e300), "-1e+300"),
        (Value::Duration(13_064_400_000_000), "151 days 5 hours"),
        (Value::List(List::Strings(&strings)), r#"["a", "b\""]"#),
    ];
    for (value, text) in cases {
        assert_eq!(value.to_string(), text);
    }
}
