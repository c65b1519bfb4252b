//! Expressions as programs: what they give, and that nothing they are made of stops the engine.

mod any;

use nextbest_proto::v1::{self, Operation, value::Kind};

use super::{
    Program, Scope,
    machine::{Inputs, Machine, WORK_MAX},
};
use crate::{
    testing::{constant, double, int, program, read, step, string, strings, value},
    value::Value,
};

/// The result as text, of a program over feature 0, which is missing, and feature 1, which is `[1, 2, 3]`.
fn run(instructions: Vec<v1::Instruction>) -> String {
    let program = Program::from_message(
        program(instructions),
        Scope {
            features: 2,
            formula: true,
        },
    )
    .unwrap();
    let ints = [1, 2, 3];
    let features = [Value::Missing, Value::List(crate::value::List::Ints(&ints))];
    Machine::new().run(&program, &features).to_string()
}

/// An operation over constants; `missing` represents a missing operand.
fn apply(operation: Operation, operands: &[Option<v1::Value>]) -> String {
    let mut instructions: Vec<v1::Instruction> = operands
        .iter()
        .map(|operand| operand.clone().map_or_else(|| read(0), constant))
        .collect();
    let numbers: Vec<u32> = (0..u32::try_from(operands.len()).unwrap()).collect();
    instructions.push(step(operation, &numbers));
    run(instructions)
}

fn two(operation: Operation, left: v1::Value, right: v1::Value) -> String {
    apply(operation, &[Some(left), Some(right)])
}

fn one(operation: Operation, operand: v1::Value) -> String {
    apply(operation, &[Some(operand)])
}

fn boolean(truth: bool) -> v1::Value {
    value(Kind::Bool(truth))
}

fn timestamp(text: &str) -> v1::Value {
    value(Kind::TimestampUs(super::time::parse_timestamp(text).unwrap()))
}

fn duration(text: &str) -> v1::Value {
    value(Kind::DurationUs(super::time::parse_duration(text).unwrap()))
}

#[test]
fn arithmetic_without_a_result_is_missing() {
    use Operation::{Add, Div, Mod, Mul, Neg, Sub};
    let cases = [
        (two(Add, int(2), int(3)), "5"),
        (two(Add, int(i64::MAX), int(1)), "missing"),
        (two(Sub, int(i64::MIN), int(1)), "missing"),
        (two(Mul, int(i64::MAX), int(2)), "missing"),
        (two(Div, int(7), int(-2)), "-3"),
        (two(Div, int(1), int(0)), "missing"),
        (two(Div, int(i64::MIN), int(-1)), "missing"),
        (two(Mod, int(7), int(0)), "missing"),
        (two(Mod, int(-7), int(2)), "-1"),
        (two(Mod, double(7.0), double(2.0)), "missing"),
        (two(Add, int(1), double(0.5)), "1.5"),
        (two(Div, double(1.0), int(0)), "missing"),
        (two(Div, double(1.0), double(-0.0)), "missing"),
        (two(Div, double(0.0), double(0.0)), "missing"),
        (two(Div, double(1e308), double(1e-10)), "inf"),
        (two(Sub, double(1.0), double(0.5)), "0.5"),
        (two(Add, string("a"), string("b")), "\"ab\""),
        (two(Add, strings(&["a"]), strings(&["b"])), "[\"a\", \"b\"]"),
        (two(Add, string("a"), int(1)), "missing"),
        (one(Neg, int(i64::MIN)), "missing"),
        (one(Neg, double(1.5)), "-1.5"),
        (apply(Add, &[None, Some(int(1))]), "missing"),
        (
            two(Add, timestamp("2026-06-01T12:00:00Z"), duration("1h")),
            "2026-06-01T13:00:00Z",
        ),
        (
            two(Add, duration("1h"), timestamp("2026-06-01T12:00:00Z")),
            "2026-06-01T13:00:00Z",
        ),
        (
            two(
                Sub,
                timestamp("2026-06-01T12:00:00Z"),
                timestamp("2026-06-01T11:00:00Z"),
            ),
            "1 hour",
        ),
        (
            two(Add, timestamp("9999-12-31T23:59:59Z"), duration("1h")),
            "missing",
        ),
        (two(Sub, duration("1h"), duration("90m")), "-30 minutes"),
    ];
    for (index, (found, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found, expected, "case {index}");
    }
}

#[test]
fn logic_is_that_of_kleene() {
    let values = [
        (Some(boolean(false)), "false"),
        (None, "missing"),
        (Some(boolean(true)), "true"),
    ];
    for (left, (left_value, _)) in values.iter().enumerate() {
        for (right, (right_value, _)) in values.iter().enumerate() {
            let operands = [left_value.clone(), right_value.clone()];
            assert_eq!(apply(Operation::And, &operands), values[left.min(right)].1);
            assert_eq!(apply(Operation::Or, &operands), values[left.max(right)].1);
        }
        assert_eq!(
            apply(Operation::Not, std::slice::from_ref(left_value)),
            values[2 - left].1
        );
    }
    let choose = |test| apply(Operation::If, &[test, Some(int(1)), None]);
    assert_eq!(choose(Some(boolean(true))), "1");
    assert_eq!(choose(Some(boolean(false))), "missing");
    assert_eq!(choose(None), "missing");
}

#[test]
fn comparisons_are_exact_and_typed() {
    use Operation::{Eq, Ge, In, Lt, Ne};
    let cases = [
        (two(Eq, int(1), double(1.0)), "true"),
        (
            two(Eq, int((1 << 53) + 1), double(9_007_199_254_740_992.0)),
            "false",
        ),
        (two(Eq, int(1), string("1")), "false"),
        (two(Ne, int(1), string("1")), "true"),
        (two(Lt, int(1), string("1")), "missing"),
        (two(Lt, string("Z"), string("a")), "true"),
        (two(Ge, double(f64::NAN), double(1.0)), "false"),
        (two(Eq, double(f64::NAN), double(f64::NAN)), "false"),
        (two(Eq, strings(&["a", "b"]), strings(&["a", "b"])), "true"),
        (two(Eq, strings(&["a", "b"]), strings(&["b", "a"])), "false"),
        (two(In, string("a"), strings(&["b", "a"])), "true"),
        (two(In, string("c"), strings(&["b", "a"])), "false"),
        (apply(In, &[None, Some(strings(&["a"]))]), "missing"),
        (apply(Eq, &[None, None]), "missing"),
    ];
    for (index, (found, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found, expected, "case {index}");
    }
}

#[test]
fn texts_and_lists_are_searched() {
    use Operation::{Contains, EndsWith, Index, Size, StartsWith};
    let matches = |text: &str, pattern: &str| {
        run(vec![
            constant(string(text)),
            v1::Instruction {
                constant: Some(string(pattern)),
                ..step(Operation::Matches, &[0])
            },
        ])
    };
    let cases = [
        (two(Contains, string("naïve"), string("ï")), "true"),
        (two(StartsWith, string("naïve"), string("na")), "true"),
        (two(EndsWith, string("naïve"), string("na")), "false"),
        (two(Contains, int(1), string("1")), "missing"),
        (one(Size, string("naïve")), "5"),
        (one(Size, strings(&["a", "b"])), "2"),
        (two(Index, strings(&["a", "b"]), int(1)), "\"b\""),
        (two(Index, strings(&["a", "b"]), int(2)), "missing"),
        (two(Index, strings(&["a", "b"]), int(-1)), "missing"),
        (matches("card-12", "[0-9]+"), "true"),
        (matches("card", "^[0-9]+$"), "false"),
    ];
    for (index, (found, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found, expected, "case {index}");
    }
}

#[test]
fn conversions_without_a_result_are_missing() {
    use Operation::{ToBool, ToDouble, ToDuration, ToInt, ToString, ToTimestamp};
    let cases = [
        (one(ToInt, double(2.9)), "2"),
        (one(ToInt, double(-2.9)), "-2"),
        (one(ToInt, double(9.3e18)), "missing"),
        (one(ToInt, double(f64::NAN)), "missing"),
        (one(ToInt, string("18")), "18"),
        (one(ToInt, string("18.0")), "missing"),
        (one(ToInt, timestamp("1970-01-01T00:01:00Z")), "60"),
        (one(ToDouble, int(2)), "2"),
        (one(ToDouble, string("1e3")), "1000"),
        (one(ToDouble, string("much")), "missing"),
        (one(ToString, int(-5)), "\"-5\""),
        (one(ToString, boolean(true)), "\"true\""),
        (one(ToBool, string("True")), "true"),
        (one(ToBool, string("yes")), "missing"),
        (
            one(ToTimestamp, string("2026-06-01T12:00:00+02:00")),
            "2026-06-01T10:00:00Z",
        ),
        (one(ToTimestamp, string("2026-06-01 12:00:00Z")), "missing"),
        (one(ToTimestamp, string("2026-06-01T12:00:00")), "missing"),
        (one(ToTimestamp, int(60)), "1970-01-01T00:01:00Z"),
        (one(ToTimestamp, int(i64::MAX)), "missing"),
        (one(ToDuration, string("1h30m")), "1 hour 30 minutes"),
        (one(ToDuration, string("-1.5s")), "-1.5 seconds"),
        (one(ToDuration, string("250ms")), "0.25 seconds"),
        (one(ToDuration, string("1 h")), "missing"),
        (one(ToDuration, string("1d")), "missing"),
        (one(ToDuration, string("999999999999999999h")), "missing"),
    ];
    for (index, (found, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found, expected, "case {index}");
    }
}

#[test]
fn parts_of_time_count_as_cel_counts() {
    use Operation::*;
    // A Sunday in New York, a Monday in UTC; daylight saving time has begun there.
    let at = |operation, zone: Option<&str>| {
        run(vec![
            constant(timestamp("2026-03-09T03:04:05.678901Z")),
            v1::Instruction {
                constant: zone.map(string),
                ..step(operation, &[0])
            },
        ])
    };
    let new_york = Some("America/New_York");
    let cases = [
        (at(GetFullYear, None), "2026"),
        (at(GetMonth, None), "2"),
        (at(GetDate, None), "9"),
        (at(GetDayOfMonth, None), "8"),
        (at(GetDayOfWeek, None), "1"),
        (at(GetDayOfYear, None), "67"),
        (at(GetHours, None), "3"),
        (at(GetMinutes, None), "4"),
        (at(GetSeconds, None), "5"),
        (at(GetMilliseconds, None), "678"),
        (at(GetHours, new_york), "23"),
        (at(GetDayOfWeek, new_york), "0"),
        (at(GetHours, Some("+05:30")), "8"),
        (at(GetMinutes, Some("-00:30")), "34"),
        (one(GetHours, duration("90m")), "1"),
        (one(GetMinutes, duration("90m")), "90"),
        (one(GetSeconds, duration("1m1.5s")), "61"),
        (one(GetMilliseconds, duration("1m1.5s")), "500"),
        (one(GetFullYear, duration("90m")), "missing"),
    ];
    for (index, (found, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found, expected, "case {index}");
    }
}

/// A macro over `[1, 2, 3]`, of a body over the element, which is register 1.
fn fold(operation: Operation, body: Vec<v1::Instruction>) -> String {
    let length = u32::try_from(body.len() + 1).unwrap();
    let mut instructions = vec![
        read(1),
        v1::Instruction {
            body: length,
            ..step(operation, &[0])
        },
        step(Operation::Element, &[]),
    ];
    instructions.extend(body);
    let program = v1::Program {
        instructions,
        result: 1,
    };
    let program = Program::from_message(
        program,
        Scope {
            features: 2,
            formula: false,
        },
    )
    .unwrap();
    let ints = [1, 2, 3];
    let features = [Value::Missing, Value::List(crate::value::List::Ints(&ints))];
    Machine::new().run(&program, &features).to_string()
}

#[test]
fn macros_loop_over_lists() {
    use Operation::{All, Eq, Exists, ExistsOne, Filter, Ge, Map, Mul};
    let at_least = |number| vec![constant(int(number)), step(Ge, &[2, 3])];
    // Missing for the element 2, by a division by zero.
    let broken_at_2 = || {
        vec![
            constant(int(2)),
            step(Operation::Sub, &[2, 3]),
            constant(int(6)),
            step(Operation::Div, &[5, 4]),
            step(Eq, &[6, 5]),
        ]
    };
    let cases = [
        (fold(All, at_least(1)), "true"),
        (fold(All, at_least(2)), "false"),
        (fold(Exists, at_least(3)), "true"),
        (fold(Exists, at_least(4)), "false"),
        (fold(ExistsOne, at_least(3)), "true"),
        (fold(ExistsOne, at_least(2)), "false"),
        (fold(Filter, at_least(2)), "[2, 3]"),
        (fold(Map, vec![step(Mul, &[2, 2])]), "[1, 4, 9]"),
        (fold(Map, Vec::new()), "[1, 2, 3]"),
        (fold(All, broken_at_2()), "false"),
        (fold(Exists, broken_at_2()), "true"),
        (fold(ExistsOne, broken_at_2()), "missing"),
        (fold(Filter, broken_at_2()), "missing"),
    ];
    for (index, (found, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found, expected, "case {index}");
    }
}

#[test]
fn a_body_sees_what_stands_outside_and_may_hold_another() {
    // [1, 2, 3].exists_one(x, [1, 2, 3].all(y, y >= x))
    let instructions = vec![
        read(1),
        v1::Instruction {
            body: 4,
            ..step(Operation::ExistsOne, &[0])
        },
        step(Operation::Element, &[]),
        v1::Instruction {
            body: 2,
            ..step(Operation::All, &[0])
        },
        step(Operation::Element, &[]),
        step(Operation::Ge, &[4, 2]),
    ];
    let program = v1::Program {
        instructions,
        result: 1,
    };
    let program = Program::from_message(
        program,
        Scope {
            features: 2,
            formula: false,
        },
    )
    .unwrap();
    let ints = [1, 2, 3];
    let features = [Value::Missing, Value::List(crate::value::List::Ints(&ints))];
    assert_eq!(Machine::new().run(&program, &features).to_string(), "true");
}

#[test]
fn loops_end_when_the_budget_is_spent() {
    let items: Vec<i64> = (0..1_000).collect();
    // Three loops inside one another: a thousand million steps.
    let instructions = vec![
        read(1),
        v1::Instruction {
            body: 6,
            ..step(Operation::All, &[0])
        },
        step(Operation::Element, &[]),
        v1::Instruction {
            body: 4,
            ..step(Operation::All, &[0])
        },
        step(Operation::Element, &[]),
        v1::Instruction {
            body: 2,
            ..step(Operation::All, &[0])
        },
        step(Operation::Element, &[]),
        step(Operation::Ge, &[6, 6]),
    ];
    let program = v1::Program {
        instructions,
        result: 1,
    };
    let program = Program::from_message(
        program,
        Scope {
            features: 2,
            formula: false,
        },
    )
    .unwrap();
    let features = [Value::Missing, Value::List(crate::value::List::Ints(&items))];
    let mut machine = Machine::new();
    assert!(machine.run(&program, &features).is_missing());
    assert!(machine.exhausted());
    assert_eq!(WORK_MAX, 1_000_000);
}

#[test]
fn the_formula_reads_its_inputs() {
    let input = |index| v1::Instruction {
        index,
        ..step(Operation::Input, &[])
    };
    let message = program(vec![input(2), input(3), step(Operation::Mul, &[0, 1])]);
    let program = Program::from_message(
        message,
        Scope {
            features: 0,
            formula: true,
        },
    )
    .unwrap();
    let inputs = Inputs {
        propensity: 0.1,
        context_weight: 1.0,
        value: Some(20.0),
        lever: 1.5,
    };
    assert_eq!(
        Machine::new().run_formula(&program, &[], inputs).to_string(),
        "30"
    );
    let valueless = Inputs {
        value: None,
        ..inputs
    };
    assert!(Machine::new().run_formula(&program, &[], valueless).is_missing());
}
