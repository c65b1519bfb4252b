//! `Program` messages -> [`Program`]: every operand, index, pattern and time zone checked when the bundle is opened,
//! so that running one cannot fail; see [`machine`].

mod arithmetic;
mod check;
mod conversion;
pub(crate) mod machine;
mod time;
pub(crate) mod trace;

#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use nextbest_proto::v1::{self, value::Kind};
use regex::Regex;

use check::Checker;
pub use time::start_of_day;
pub(crate) use time::{in_zone, zone_named};

use crate::{
    error::BundleError,
    id::FeatureId,
    value::{Relation, Type, Value},
};

/// Instructions in one program.
pub(crate) const INSTRUCTIONS_MAX: usize = 4_096;
/// Depth to which the bodies of macros nest.
pub(crate) const BODY_DEPTH_MAX: usize = 4;

/// A straight-line program over registers. Instruction i writes register i.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) result: Register,
}

/// A register: the result of the instruction of this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Register(pub(crate) usize);

#[derive(Debug)]
pub(crate) enum Instruction {
    Constant(Kind),
    Feature(FeatureId),
    Has(FeatureId),
    /// Written by the macro that it is in the body of.
    Element,
    Input(Input),
    Not(Register),
    And(Box<[Register]>),
    Or(Box<[Register]>),
    If(Register, Register, Register),
    Compare(Comparison, Register, Register),
    In(Register, Register),
    Arithmetic(Arithmetic, Register, Register),
    Negate(Register),
    Size(Register),
    Search(Search, Register, Register),
    Matches(Register, Box<Regex>),
    At(Register, Register),
    Convert(Type, Register),
    Part(Part, Register, Box<TimeZone>),
    Fold(Fold, Register, Body),
}

/// What the arbitration formula reads, in the order of `Instruction.index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Propensity,
    ContextWeight,
    Value,
    Lever,
}

impl Input {
    /// As a formula writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Propensity => "propensity",
            Self::ContextWeight => "context_weight",
            Self::Value => "value",
            Self::Lever => "lever",
        }
    }
}

/// `==` to `>=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// Whether it asks nothing but whether two values are equal.
    pub(crate) fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Absent where the two have no order between them.
    pub(crate) fn holds(self, left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match self {
            Self::Equal => return Some(left.equals(right)),
            Self::NotEqual => return Some(!left.equals(right)),
            _ => {}
        }
        let ordering = match left.relation(right) {
            Relation::Ordered(ordering) => ordering,
            Relation::Unordered => return Some(false),
            Relation::Incomparable => return None,
        };
        Some(match self {
            Self::Equal => ordering == Equal,
            Self::NotEqual => ordering != Equal,
            Self::Less => ordering == Less,
            Self::LessOrEqual => ordering != Greater,
            Self::Greater => ordering == Greater,
            Self::GreaterOrEqual => ordering != Less,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    FullYear,
    Month,
    Date,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

/// The instructions after a macro's own that run for each element; the first is [`Instruction::Element`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub(crate) length: usize,
    /// Of its last instruction that is in no inner body.
    pub(crate) result: Register,
}

/// The use of a program, which decides what it may read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    /// Features below this one.
    pub(crate) features: usize,
    /// The arbitration formula: it reads inputs, and no others do.
    pub(crate) formula: bool,
}

impl Program {
    pub(crate) fn from_message(message: v1::Program, scope: Scope) -> Result<Self, BundleError> {
        let count = message.instructions.len();
        BundleError::limit("instructions", count, INSTRUCTIONS_MAX)?;
        let mut checker = Checker::new(scope);
        let mut instructions = Vec::with_capacity(count);
        for (index, message) in message.instructions.into_iter().enumerate() {
            checker.close_bodies(index);
            let instruction = checker
                .instruction(index, count, message)
                .map_err(|error| error.within(format!("instructions[{index}]")))?;
            let is_fold = matches!(instruction, Instruction::Fold(..));
            instructions.push(instruction);
            checker.note_result(index, is_fold, &mut instructions);
        }
        checker.close_bodies(count);
        let result = checker
            .register(message.result, count)
            .map_err(|error| error.within("result"))?;
        Ok(Self { instructions, result })
    }

    /// The features whose value or presence it looks at, some of them more than once.
    pub(crate) fn touched(&self) -> impl Iterator<Item = FeatureId> + '_ {
        self.instructions
            .iter()
            .filter_map(|instruction| match instruction {
                Instruction::Feature(feature) | Instruction::Has(feature) => Some(*feature),
                _ => None,
            })
    }

    pub(crate) fn reads(&self, input: Input) -> bool {
        self.instructions
            .iter()
            .any(|instruction| matches!(instruction, Instruction::Input(read) if *read == input))
    }
}
