//! A program that has no result -> which of its instructions have none, and why.
//!
//! A separate run, for explanations only: decisions keep results and no registers.

use nextbest_proto::v1::value::Kind;

use super::{
    Arithmetic, Instruction, Program, Register,
    machine::{Inputs, Machine},
};
use crate::{
    id::FeatureId,
    value::{Type, Value},
};

/// Steps that one traced run may take; see [`super::machine::WORK_MAX`]. A longer one is not explained.
const WORK_MAX: usize = 4_096;
/// Depth to which a part of an expression is written.
const WRITTEN_DEPTH_MAX: usize = 4;

/// Why an instruction has no result, or no finite one, though its operands have.
#[derive(Debug, PartialEq)]
pub(crate) enum Cause {
    /// The feature is missing.
    Feature(FeatureId),
    /// The formula reads a value, and the action's has no result.
    Value,
    /// The divisor is 0.
    ZeroDivisor(Register),
    /// The result is outside the range of its type.
    OutOfRange(Register, Type),
    /// The operand, as written by a person, is not a value of the type.
    NotConvertible(Register, String, Type),
    /// The list is shorter than that.
    NoElement(Register, usize),
}

/// The causes, each once, in the order in which the result depends on them; none where there is a finite
/// result. Absent if the run took too long.
pub(crate) fn causes<'a>(program: &'a Program, features: &[Value<'a>], inputs: Inputs) -> Option<Vec<Cause>> {
    let mut machine = Machine::with_work(WORK_MAX);
    machine.run_formula(program, features, inputs);
    if machine.exhausted() {
        return None;
    }
    let mut found = Vec::new();
    let mut seen = vec![false; program.instructions.len()];
    let mut open = vec![program.result];
    while let Some(register) = open.pop() {
        let is_new = seen
            .get_mut(register.0)
            .is_some_and(|seen| !std::mem::replace(seen, true));
        let instruction = program.instructions.get(register.0);
        let Some(instruction) = instruction.filter(|_| is_new && is_bad(machine.read(register))) else {
            continue;
        };
        let mut behind = operands(instruction, &machine);
        behind.retain(|operand| is_bad(machine.read(*operand)));
        if behind.is_empty() {
            let cause = cause(register, instruction, &machine);
            found.extend(cause.filter(|cause| !found.contains(cause)));
        }
        open.extend(behind.into_iter().rev());
    }
    Some(found)
}

fn is_bad(value: &Value<'_>) -> bool {
    match value {
        Value::Missing => true,
        Value::Double(number) => !number.is_finite(),
        _ => false,
    }
}

/// What an instruction's result depends on. Of a macro, its body as the last element left it.
fn operands(instruction: &Instruction, machine: &Machine<'_>) -> Vec<Register> {
    match instruction {
        Instruction::Constant(_)
        | Instruction::Feature(_)
        | Instruction::Has(_)
        | Instruction::Element
        | Instruction::Input(_) => Vec::new(),
        Instruction::And(operands) | Instruction::Or(operands) => operands.to_vec(),
        Instruction::If(test, then, other) => match machine.read(*test) {
            Value::Bool(true) => vec![*then],
            Value::Bool(false) => vec![*other],
            _ => vec![*test],
        },
        Instruction::Not(operand)
        | Instruction::Negate(operand)
        | Instruction::Size(operand)
        | Instruction::Matches(operand, _)
        | Instruction::Convert(_, operand)
        | Instruction::Part(_, operand, _) => vec![*operand],
        Instruction::Compare(_, left, right)
        | Instruction::In(left, right)
        | Instruction::Arithmetic(_, left, right)
        | Instruction::Search(_, left, right)
        | Instruction::At(left, right) => vec![*left, *right],
        Instruction::Fold(_, list, body) => vec![*list, body.result],
    }
}

/// Why an instruction has no result whose operands all have one.
fn cause(register: Register, instruction: &Instruction, machine: &Machine<'_>) -> Option<Cause> {
    match instruction {
        Instruction::Feature(feature) => Some(Cause::Feature(*feature)),
        Instruction::Input(_) => Some(Cause::Value),
        Instruction::Arithmetic(Arithmetic::Divide | Arithmetic::Modulo, _, divisor)
            if is_zero(machine.read(*divisor)) =>
        {
            Some(Cause::ZeroDivisor(*divisor))
        }
        Instruction::Arithmetic(_, left, right) => {
            let kind = match (machine.read(*left), machine.read(*right)) {
                (Value::Int(_), Value::Int(_)) => Type::Int,
                (Value::Timestamp(_), _) | (_, Value::Timestamp(_)) => Type::Timestamp,
                (Value::Duration(_), _) => Type::Duration,
                _ => Type::Double,
            };
            Some(Cause::OutOfRange(register, kind))
        }
        Instruction::Negate(_) => Some(Cause::OutOfRange(register, Type::Int)),
        Instruction::Convert(kind, operand) => Some(Cause::NotConvertible(
            *operand,
            machine.read(*operand).to_string(),
            *kind,
        )),
        Instruction::At(list, index) => match machine.read(*index) {
            Value::Int(index) => Some(Cause::NoElement(*list, usize::try_from(*index).ok()?)),
            _ => None,
        },
        _ => None,
    }
}

fn is_zero(value: &Value<'_>) -> bool {
    match value {
        Value::Int(number) => *number == 0,
        Value::Double(number) => *number == 0.0,
        _ => false,
    }
}

/// A result of an instruction as an expression writes it: `customer.a - customer.b`. None for what would be long.
pub(crate) fn written(
    program: &Program,
    register: Register,
    name: &dyn Fn(FeatureId) -> String,
) -> Option<String> {
    sub_expression(program, register, name, WRITTEN_DEPTH_MAX).map(|(text, _)| text)
}

/// The text, and whether it can be an operand without parentheses.
fn sub_expression(
    program: &Program,
    register: Register,
    name: &dyn Fn(FeatureId) -> String,
    depth_left: usize,
) -> Option<(String, bool)> {
    let depth_left = depth_left.checked_sub(1)?;
    let operand = |operand: &Register| {
        let (text, is_simple) = sub_expression(program, *operand, name, depth_left)?;
        Some(if is_simple { text } else { format!("({text})") })
    };
    match program.instructions.get(register.0)? {
        Instruction::Constant(kind @ (Kind::Int(_) | Kind::Double(_))) => {
            Some((Value::of(kind).to_string(), true))
        }
        Instruction::Feature(feature) => Some((name(*feature), true)),
        Instruction::Input(input) => Some((input.name().to_owned(), true)),
        Instruction::Negate(number) => Some((format!("-{}", operand(number)?), false)),
        Instruction::Size(list) => Some((format!("size({})", operand(list)?), true)),
        Instruction::Arithmetic(kind, left, right) => {
            let sign = match kind {
                Arithmetic::Add => "+",
                Arithmetic::Subtract => "-",
                Arithmetic::Multiply => "*",
                Arithmetic::Divide => "/",
                Arithmetic::Modulo => "%",
            };
            Some((format!("{} {sign} {}", operand(left)?, operand(right)?), false))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use nextbest_proto::v1::{self, Operation};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        program::Scope,
        testing::{constant, double, int, program, read, step},
    };

    const SCOPE: Scope = Scope {
        features: 3,
        formula: false,
    };

    fn leaf() -> impl Strategy<Value = v1::Instruction> {
        prop_oneof![
            (0..3_u32).prop_map(read),
            prop_oneof![Just(0), Just(1), Just(7), Just(i64::MAX)].prop_map(|number| constant(int(number))),
            prop_oneof![Just(0.0), Just(0.5), Just(1e300)].prop_map(|number| constant(double(number))),
        ]
    }

    fn operation() -> impl Strategy<Value = (Operation, usize, usize)> {
        use Operation::{Add, Div, Mul, Neg, Sub};
        let operation = prop_oneof![Just(Add), Just(Sub), Just(Mul), Just(Div), Just(Neg)];
        (operation, any::<usize>(), any::<usize>())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

        /// Arithmetic has no finite result exactly where a cause is found.
        #[test]
        fn whatever_has_no_result_has_a_cause(
            leaves in prop::collection::vec(leaf(), 1..6),
            operations in prop::collection::vec(operation(), 1..6),
        ) {
            let mut instructions = leaves;
            for (operation, left, right) in operations {
                let count = instructions.len();
                let operands = [left, right].map(|operand| u32::try_from(operand % count).unwrap());
                let arity = if operation == Operation::Neg { 1 } else { 2 };
                instructions.push(step(operation, &operands[..arity]));
            }
            let program = Program::from_message(program(instructions), SCOPE).unwrap();
            let features = [Value::Missing, Value::Int(0), Value::Double(-3.5)];
            let result = Machine::new().run(&program, &features);
            let causes = causes(&program, &features, Inputs::default()).unwrap();
            prop_assert_eq!(is_bad(&result), !causes.is_empty(), "{:?} {:?}", result, causes);
        }
    }

    #[test]
    fn a_run_that_takes_too_long_is_not_traced() {
        let body = vec![
            read(0),
            v1::Instruction {
                body: 2,
                ..step(Operation::All, &[0])
            },
            step(Operation::Element, &[]),
            constant(crate::testing::value(Kind::Bool(true))),
        ];
        let mut message = program(body);
        message.result = 1;
        let program = Program::from_message(message, SCOPE).unwrap();
        let traced = |count: i64| {
            let ints: Vec<i64> = (0..count).collect();
            let features = [Value::List(crate::value::List::Ints(&ints))];
            causes(&program, &features, Inputs::default())
        };
        assert_eq!(traced(10), Some(Vec::new()));
        assert_eq!(traced(10_000), None);
    }
}
