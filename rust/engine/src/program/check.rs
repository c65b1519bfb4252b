//! `Instruction` messages -> [`Instruction`]s: operands, indices, patterns and time zones are what they must be.

use nextbest_proto::v1::{self, Operation, value::Kind};
use regex::{Regex, RegexBuilder};

use super::{
    Arithmetic, BODY_DEPTH_MAX, Body, Comparison, Fold, Input, Instruction, Part, Register, Scope, Search,
    time,
};
use crate::{
    error::BundleError,
    id::{FeatureId, Id},
    value::Type,
};

/// Operands of one AND or OR.
const OPERANDS_MAX: usize = 1_024;
/// Bytes of a regular expression, of its compiled form, and its depth.
const PATTERN_BYTES_MAX: usize = 1_000;
const PATTERN_COMPILED_BYTES_MAX: usize = 256 * 1024;
const PATTERN_DEPTH_MAX: u32 = 32;

/// The bodies around the instruction that is checked, and those before it.
pub(super) struct Checker {
    scope: Scope,
    /// First and last instruction of each body that is open, the outermost first.
    open: Vec<(usize, usize)>,
    /// Bodies that have ended: no register in them can be read any more, for an empty list never writes them.
    closed: Vec<(usize, usize)>,
}

impl Checker {
    pub(super) fn new(scope: Scope) -> Self {
        Self {
            scope,
            open: Vec::new(),
            closed: Vec::new(),
        }
    }

    pub(super) fn close_bodies(&mut self, index: usize) {
        while let Some(body) = self.open.pop_if(|(_, last)| *last < index) {
            self.closed.push(body);
        }
    }

    /// The last instruction so far of the innermost body around it, of which a macro's own is not part.
    pub(super) fn note_result(&self, index: usize, is_fold: bool, instructions: &mut [Instruction]) {
        let around = if is_fold {
            self.open.split_last().map(|(_, around)| around)
        } else {
            Some(&*self.open)
        };
        if let Some((first, _)) = around.and_then(<[_]>::last)
            && let Some(Instruction::Fold(_, _, body)) = instructions.get_mut(first - 1)
        {
            body.result = Register(index);
        }
    }

    pub(super) fn register(&self, number: u32, index: usize) -> Result<Register, BundleError> {
        let register = number as usize;
        if register >= index {
            return Err(BundleError::malformed(format!(
                "register {register} is not below {index}"
            )));
        }
        if self
            .closed
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&register))
        {
            return Err(BundleError::malformed(format!(
                "register {register} is inside a body that has ended"
            )));
        }
        Ok(Register(register))
    }

    fn feature(&self, index: u32) -> Result<FeatureId, BundleError> {
        if (index as usize) < self.scope.features {
            return Ok(FeatureId::from_index(index));
        }
        Err(BundleError::malformed(format!(
            "feature {index} is not among the {} before",
            self.scope.features
        )))
    }

    pub(super) fn instruction(
        &mut self,
        position: usize,
        count: usize,
        message: v1::Instruction,
    ) -> Result<Instruction, BundleError> {
        let operation = message.operation();
        BundleError::limit("operands", message.operands.len(), OPERANDS_MAX)?;
        let operands: Vec<Register> = message
            .operands
            .iter()
            .map(|number| self.register(*number, position))
            .collect::<Result<_, _>>()?;
        let constant = message.constant.and_then(|value| value.kind);
        match operation {
            Operation::Constant => {
                none(&operands)?;
                let kind =
                    constant.ok_or_else(|| BundleError::malformed("a constant without value".to_owned()))?;
                Ok(Instruction::Constant(kind))
            }
            Operation::Feature => none(&operands)
                .and(self.feature(message.index))
                .map(Instruction::Feature),
            Operation::Has => none(&operands)
                .and(self.feature(message.index))
                .map(Instruction::Has),
            Operation::Element => none(&operands).and(self.element(position)),
            Operation::Input => none(&operands).and(self.input(message.index)),
            Operation::All
            | Operation::Exists
            | Operation::ExistsOne
            | Operation::Filter
            | Operation::Map => {
                let [list] = exactly(&operands)?;
                self.fold(position, count, operation, list, message.body as usize)
            }
            _ => plain(operation, &operands, constant.as_ref()),
        }
    }

    fn element(&self, index: usize) -> Result<Instruction, BundleError> {
        match self.open.last() {
            Some((first, _)) if *first == index => Ok(Instruction::Element),
            _ => Err(BundleError::malformed(
                "ELEMENT is only allowed at the start of a body".to_owned(),
            )),
        }
    }

    fn input(&self, index: u32) -> Result<Instruction, BundleError> {
        if !self.scope.formula {
            return Err(BundleError::malformed(
                "INPUT outside the arbitration formula".to_owned(),
            ));
        }
        let input = match index {
            0 => Input::Propensity,
            1 => Input::ContextWeight,
            2 => Input::Value,
            3 => Input::Lever,
            _ => return Err(BundleError::malformed(format!("input {index} of 4"))),
        };
        Ok(Instruction::Input(input))
    }

    fn fold(
        &mut self,
        index: usize,
        count: usize,
        operation: Operation,
        list: Register,
        body: usize,
    ) -> Result<Instruction, BundleError> {
        let end = index.saturating_add(body);
        let end_max = self
            .open
            .last()
            .map_or(count.saturating_sub(1), |(_, last)| *last);
        if body == 0 || end > end_max {
            return Err(BundleError::malformed(format!(
                "a body of {body} instructions does not fit here"
            )));
        }
        BundleError::limit("nested bodies", self.open.len() + 1, BODY_DEPTH_MAX)?;
        self.open.push((index + 1, end));
        let fold = match operation {
            Operation::All => Fold::All,
            Operation::Exists => Fold::Exists,
            Operation::ExistsOne => Fold::ExistsOne,
            Operation::Filter => Fold::Filter,
            _ => Fold::Map,
        };
        // Known once the body has ended: see `note_result`.
        let result = Register(index);
        Ok(Instruction::Fold(fold, list, Body { length: body, result }))
    }
}

/// An instruction without a body, feature or input.
fn plain(
    operation: Operation,
    operands: &[Register],
    constant: Option<&Kind>,
) -> Result<Instruction, BundleError> {
    let compare =
        |comparison| exactly(operands).map(|[left, right]| Instruction::Compare(comparison, left, right));
    let arithmetic = |kind| exactly(operands).map(|[left, right]| Instruction::Arithmetic(kind, left, right));
    let search = |kind| exactly(operands).map(|[text, part]| Instruction::Search(kind, text, part));
    let convert = |to| exactly(operands).map(|[from]| Instruction::Convert(to, from));
    match operation {
        Operation::Not => exactly(operands).map(|[value]| Instruction::Not(value)),
        Operation::And => some(operands).map(Instruction::And),
        Operation::Or => some(operands).map(Instruction::Or),
        Operation::If => exactly(operands).map(|[test, then, other]| Instruction::If(test, then, other)),
        Operation::Eq => compare(Comparison::Equal),
        Operation::Ne => compare(Comparison::NotEqual),
        Operation::Lt => compare(Comparison::Less),
        Operation::Le => compare(Comparison::LessOrEqual),
        Operation::Gt => compare(Comparison::Greater),
        Operation::Ge => compare(Comparison::GreaterOrEqual),
        Operation::In => exactly(operands).map(|[item, list]| Instruction::In(item, list)),
        Operation::Add => arithmetic(Arithmetic::Add),
        Operation::Sub => arithmetic(Arithmetic::Subtract),
        Operation::Mul => arithmetic(Arithmetic::Multiply),
        Operation::Div => arithmetic(Arithmetic::Divide),
        Operation::Mod => arithmetic(Arithmetic::Modulo),
        Operation::Neg => exactly(operands).map(|[value]| Instruction::Negate(value)),
        Operation::Size => exactly(operands).map(|[value]| Instruction::Size(value)),
        Operation::Contains => search(Search::Contains),
        Operation::StartsWith => search(Search::StartsWith),
        Operation::EndsWith => search(Search::EndsWith),
        Operation::Matches => {
            let [text] = exactly(operands)?;
            Ok(Instruction::Matches(text, Box::new(pattern(constant)?)))
        }
        Operation::Index => exactly(operands).map(|[list, index]| Instruction::At(list, index)),
        Operation::ToInt => convert(Type::Int),
        Operation::ToDouble => convert(Type::Double),
        Operation::ToString => convert(Type::String),
        Operation::ToTimestamp => convert(Type::Timestamp),
        Operation::ToDuration => convert(Type::Duration),
        Operation::ToBool => convert(Type::Bool),
        _ => {
            let part =
                part(operation).ok_or_else(|| BundleError::malformed("an unknown operation".to_owned()))?;
            let [moment] = exactly(operands)?;
            Ok(Instruction::Part(part, moment, Box::new(time::zone(constant)?)))
        }
    }
}

fn part(operation: Operation) -> Option<Part> {
    Some(match operation {
        Operation::GetFullYear => Part::FullYear,
        Operation::GetMonth => Part::Month,
        Operation::GetDate => Part::Date,
        Operation::GetDayOfMonth => Part::DayOfMonth,
        Operation::GetDayOfWeek => Part::DayOfWeek,
        Operation::GetDayOfYear => Part::DayOfYear,
        Operation::GetHours => Part::Hours,
        Operation::GetMinutes => Part::Minutes,
        Operation::GetSeconds => Part::Seconds,
        Operation::GetMilliseconds => Part::Milliseconds,
        _ => return None,
    })
}

fn pattern(constant: Option<&Kind>) -> Result<Regex, BundleError> {
    let Some(Kind::String(pattern)) = constant else {
        return Err(BundleError::malformed("MATCHES without a pattern".to_owned()));
    };
    BundleError::limit("bytes of a pattern", pattern.len(), PATTERN_BYTES_MAX)?;
    RegexBuilder::new(pattern)
        .size_limit(PATTERN_COMPILED_BYTES_MAX)
        .dfa_size_limit(PATTERN_COMPILED_BYTES_MAX)
        .nest_limit(PATTERN_DEPTH_MAX)
        .build()
        .map_err(|_| {
            BundleError::malformed(format!(
                "{pattern:?} is not a regular expression, or is too large"
            ))
        })
}

fn exactly<const N: usize>(operands: &[Register]) -> Result<[Register; N], BundleError> {
    operands
        .try_into()
        .map_err(|_| BundleError::malformed(format!("{} operands where {N} are needed", operands.len())))
}

fn none(operands: &[Register]) -> Result<(), BundleError> {
    exactly::<0>(operands).map(|_| ())
}

fn some(operands: &[Register]) -> Result<Box<[Register]>, BundleError> {
    if operands.is_empty() {
        return Err(BundleError::malformed(
            "no operands where some are needed".to_owned(),
        ));
    }
    Ok(operands.into())
}
