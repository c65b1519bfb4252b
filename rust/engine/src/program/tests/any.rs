//! Programs of any instructions: refused, or run.

use nextbest_proto::v1::{self, Operation, value::Kind};
use proptest::prelude::*;

use super::boolean;
use crate::{
    program::{
        Program, Scope,
        machine::{Inputs, Machine},
        trace,
    },
    testing::{double, int, program, read, string, value},
    value::Value,
};

fn any_value() -> impl Strategy<Value = v1::Value> {
    prop_oneof![
        any::<bool>().prop_map(boolean),
        prop_oneof![any::<i64>(), -3..3_i64, Just(i64::MIN), Just(i64::MAX)].prop_map(int),
        prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), -2.0..2.0].prop_map(double),
        "[a-zäß0-9:.+-]{0,12}".prop_map(|text| string(&text)),
        any::<i64>().prop_map(|us| value(Kind::TimestampUs(us))),
        any::<i64>().prop_map(|us| value(Kind::DurationUs(us))),
        prop::collection::vec("[a-c]{0,2}", 0..4)
            .prop_map(|items| value(Kind::Strings(v1::StringList { items }))),
        prop::collection::vec(-3..3_i64, 0..4).prop_map(|items| value(Kind::Ints(v1::IntList { items }))),
    ]
}

fn any_instruction() -> impl Strategy<Value = v1::Instruction> {
    (
        1..=49_i32,
        prop::collection::vec(0..24_u32, 0..4),
        prop::option::of(any_value()),
        0..4_u32,
        0..4_u32,
    )
        .prop_map(|(operation, operands, constant, index, body)| v1::Instruction {
            operation,
            operands,
            constant,
            index,
            body,
        })
}

/// As many operands as an operation takes, of the registers before it, so that most programs are well formed.
fn mended(mut instructions: Vec<v1::Instruction>) -> Vec<v1::Instruction> {
    for (index, instruction) in (0_u32..).zip(&mut instructions) {
        let count = match instruction.operation() {
            Operation::Constant
            | Operation::Feature
            | Operation::Element
            | Operation::Has
            | Operation::Input => 0,
            Operation::If => 3,
            Operation::Not | Operation::Neg | Operation::Size | Operation::Matches => 1,
            operation if operation as i32 >= Operation::ToInt as i32 => 1,
            _ => 2,
        };
        instruction.operands.resize(count, 0);
        for operand in &mut instruction.operands {
            *operand %= index.max(1);
        }
        if index == 0 || instruction.operation() == Operation::Constant && instruction.constant.is_none() {
            *instruction = read(0);
        }
    }
    instructions
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever a program is, it is refused or runs, and gives the same twice.
    #[test]
    fn no_program_stops_the_engine(
        instructions in prop::collection::vec(any_instruction(), 1..24),
        mend in any::<bool>(),
        first in any_value(),
    ) {
        let message = program(if mend { mended(instructions) } else { instructions });
        let ints = [3, 1, 2];
        let kind = first.kind.unwrap();
        let features = [
            Value::of(&kind),
            Value::List(crate::value::List::Ints(&ints)),
            Value::Missing,
        ];
        if let Ok(program) = Program::from_message(message, Scope { features: 3, formula: true }) {
            let found = Machine::new().run(&program, &features).to_string();
            prop_assert_eq!(found, Machine::new().run(&program, &features).to_string());
            let _ = trace::causes(&program, &features, Inputs::default());
        }
    }
}
