//! Runs programs: whatever has no result is *missing*. Nothing fails, and what loops costs is bounded.

use std::sync::Arc;

use super::{
    Body, Fold, Input, Instruction, Program, Register, Search,
    arithmetic::{combine, negate},
    conversion::convert,
    time,
};
use crate::{
    id::Id,
    value::{List, Text, Value},
};

/// What the loops and long strings of one decision's expressions may cost, in steps of some nanoseconds each.
/// Straight-line instructions are not counted: the bundle bounds them. Past it, they have no result.
pub(crate) const WORK_MAX: usize = 1_000_000;

const MISSING: &Value<'static> = &Value::Missing;

/// The four factors, for a formula; any order but that of the names would do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Inputs {
    pub(crate) propensity: f64,
    pub(crate) context_weight: f64,
    /// Absent: missing.
    pub(crate) value: Option<f64>,
    pub(crate) lever: f64,
}

/// The registers and the budget of one decision.
#[derive(Debug)]
pub(crate) struct Machine<'a> {
    registers: Vec<Value<'a>>,
    inputs: Inputs,
    work_left: usize,
    exhausted: bool,
}

impl<'a> Machine<'a> {
    pub(crate) fn new() -> Self {
        Self::with_work(WORK_MAX)
    }

    /// With another budget than a decision's.
    pub(crate) fn with_work(work: usize) -> Self {
        Self {
            registers: Vec::new(),
            inputs: Inputs::default(),
            work_left: work,
            exhausted: false,
        }
    }

    /// Whether an expression has found the budget spent.
    pub(crate) fn exhausted(&self) -> bool {
        self.exhausted
    }

    /// The result of a program that reads no inputs.
    pub(crate) fn run(&mut self, program: &'a Program, features: &[Value<'a>]) -> Value<'a> {
        self.registers.clear();
        self.registers.resize(program.instructions.len(), Value::Missing);
        self.run_range(program, features, 0, program.instructions.len());
        self.read(program.result).clone()
    }

    /// The result of the arbitration formula.
    pub(crate) fn run_formula(
        &mut self,
        program: &'a Program,
        features: &[Value<'a>],
        inputs: Inputs,
    ) -> Value<'a> {
        self.inputs = inputs;
        self.run(program, features)
    }

    /// What the last run left in a register.
    pub(super) fn read(&self, register: Register) -> &Value<'a> {
        self.registers.get(register.0).unwrap_or(MISSING)
    }

    fn write(&mut self, index: usize, value: Value<'a>) {
        if let Some(register) = self.registers.get_mut(index) {
            *register = value;
        }
    }

    /// None, and from then on always none, when the budget does not cover it.
    fn spend(&mut self, work: usize) -> Option<()> {
        if let Some(left) = self.work_left.checked_sub(work) {
            self.work_left = left;
            return Some(());
        }
        self.exhausted = true;
        self.work_left = 0;
        None
    }

    fn run_range(&mut self, program: &'a Program, features: &[Value<'a>], first: usize, end: usize) {
        let mut index = first;
        while index < end {
            let Some(instruction) = program.instructions.get(index) else {
                return;
            };
            if let Instruction::Fold(fold, list, body) = instruction {
                let result = self.fold(program, features, index, *fold, *list, *body);
                self.write(index, result.unwrap_or(Value::Missing));
                index += 1 + body.length;
            } else {
                let result = self.step(instruction, features);
                self.write(index, result.unwrap_or(Value::Missing));
                index += 1;
            }
        }
    }

    /// Runs the body once for each element; bodies nest at most `BODY_DEPTH_MAX` deep, and so does this function.
    fn fold(
        &mut self,
        program: &'a Program,
        features: &[Value<'a>],
        index: usize,
        fold: Fold,
        list: Register,
        body: Body,
    ) -> Option<Value<'a>> {
        let Value::List(list) = self.read(list).clone() else {
            return None;
        };
        let (element_at, end) = (index + 1, index + 1 + body.length);
        let mut gathered = Gathered::default();
        for element in list.iter() {
            self.spend(body.length)?;
            self.write(element_at, element.clone());
            self.run_range(program, features, element_at + 1, end);
            gathered.add(fold, element, self.read(body.result).clone());
        }
        gathered.finish(fold)
    }

    fn step(&mut self, instruction: &'a Instruction, features: &[Value<'a>]) -> Option<Value<'a>> {
        match instruction {
            Instruction::Constant(kind) => Some(Value::of(kind)),
            Instruction::Feature(feature) => features.get(feature.index()).cloned(),
            Instruction::Has(feature) => Some(Value::Bool(
                features
                    .get(feature.index())
                    .is_some_and(|value| !value.is_missing()),
            )),
            // `fold` writes an element and runs what follows it; a macro's own instruction never comes here.
            Instruction::Element | Instruction::Fold(..) => None,
            Instruction::Input(input) => self.input(*input),
            Instruction::Not(operand) => match self.read(*operand) {
                Value::Bool(value) => Some(Value::Bool(!value)),
                _ => None,
            },
            Instruction::And(operands) => self.absorb(operands, false),
            Instruction::Or(operands) => self.absorb(operands, true),
            Instruction::If(test, then, other) => match self.read(*test) {
                Value::Bool(true) => Some(self.read(*then).clone()),
                Value::Bool(false) => Some(self.read(*other).clone()),
                _ => None,
            },
            Instruction::Compare(comparison, left, right) => {
                self.spend_on_both(*left, *right)?;
                comparison
                    .holds(self.present(*left)?, self.present(*right)?)
                    .map(Value::Bool)
            }
            Instruction::In(item, list) => self.is_in(*item, *list),
            Instruction::Arithmetic(kind, left, right) => {
                self.spend_on_both(*left, *right)?;
                combine(*kind, self.read(*left), self.read(*right))
            }
            Instruction::Negate(operand) => negate(self.read(*operand)),
            Instruction::Size(operand) => self.size(*operand),
            Instruction::Search(search, text, part) => self.search(*search, *text, *part),
            Instruction::Matches(text, regex) => {
                let text = self.text(*text)?;
                self.spend(text.as_str().len())?;
                Some(Value::Bool(regex.is_match(text.as_str())))
            }
            Instruction::At(list, index) => match (self.read(*list), self.read(*index)) {
                (Value::List(list), Value::Int(index)) => list.get(usize::try_from(*index).ok()?),
                _ => None,
            },
            Instruction::Convert(to, operand) => {
                self.spend(self.read(*operand).weight() / BYTES_PER_STEP)?;
                convert(*to, self.read(*operand))
            }
            Instruction::Part(part, operand, zone) => time::part(*part, self.read(*operand), zone),
        }
    }

    fn present(&self, register: Register) -> Option<&Value<'a>> {
        let value = self.read(register);
        (!value.is_missing()).then_some(value)
    }

    fn text(&self, register: Register) -> Option<Text<'a>> {
        match self.read(register) {
            Value::String(text) => Some(text.clone()),
            _ => None,
        }
    }

    fn input(&self, input: Input) -> Option<Value<'a>> {
        let number = match input {
            Input::Propensity => self.inputs.propensity,
            Input::ContextWeight => self.inputs.context_weight,
            Input::Value => self.inputs.value?,
            Input::Lever => self.inputs.lever,
        };
        Some(Value::Double(number))
    }

    /// AND where false decides, OR where true does; missing unless one decides or none is missing.
    fn absorb(&self, operands: &[Register], decides: bool) -> Option<Value<'a>> {
        let mut missing = false;
        for operand in operands {
            match self.read(*operand) {
                Value::Bool(value) if *value == decides => return Some(Value::Bool(decides)),
                Value::Bool(_) => {}
                _ => missing = true,
            }
        }
        (!missing).then_some(Value::Bool(!decides))
    }

    fn is_in(&mut self, item: Register, list: Register) -> Option<Value<'a>> {
        let item = self.present(item)?.clone();
        let Value::List(list) = self.read(list).clone() else {
            return None;
        };
        self.spend(list.len() * (1 + item.weight() / BYTES_PER_STEP))?;
        Some(Value::Bool(list.iter().any(|element| element.equals(&item))))
    }

    fn size(&mut self, operand: Register) -> Option<Value<'a>> {
        let size = match self.read(operand) {
            Value::String(text) => text.as_str().chars().count(),
            Value::List(list) => list.len(),
            _ => return None,
        };
        self.spend(size / BYTES_PER_STEP)?;
        i64::try_from(size).ok().map(Value::Int)
    }

    fn search(&mut self, search: Search, text: Register, part: Register) -> Option<Value<'a>> {
        let (text, part) = (self.text(text)?, self.text(part)?);
        let (text, part) = (text.as_str(), part.as_str());
        self.spend((text.len() + part.len()) / BYTES_PER_STEP)?;
        Some(Value::Bool(match search {
            Search::Contains => text.contains(part),
            Search::StartsWith => text.starts_with(part),
            Search::EndsWith => text.ends_with(part),
        }))
    }

    fn spend_on_both(&mut self, left: Register, right: Register) -> Option<()> {
        let weight = |register| match self.read(register) {
            Value::String(text) => text.as_str().len() / BYTES_PER_STEP,
            other => other.weight(),
        };
        self.spend(weight(left) + weight(right))
    }
}

/// Bytes that are compared or copied at the cost of one step.
const BYTES_PER_STEP: usize = 32;

/// What a macro has seen so far.
#[derive(Default)]
struct Gathered<'a> {
    trues: usize,
    falses: usize,
    missing: bool,
    items: Vec<Value<'a>>,
}

impl<'a> Gathered<'a> {
    fn add(&mut self, fold: Fold, element: Value<'a>, result: Value<'a>) {
        match (fold, result) {
            (_, Value::Missing) => self.missing = true,
            (Fold::Map, mapped) => self.items.push(mapped),
            (_, Value::Bool(true)) => {
                self.trues += 1;
                if fold == Fold::Filter {
                    self.items.push(element);
                }
            }
            (_, Value::Bool(false)) => self.falses += 1,
            _ => self.missing = true,
        }
    }

    fn finish(self, fold: Fold) -> Option<Value<'a>> {
        match fold {
            Fold::All if self.falses > 0 => Some(Value::Bool(false)),
            Fold::Exists if self.trues > 0 => Some(Value::Bool(true)),
            _ if self.missing => None,
            Fold::All => Some(Value::Bool(true)),
            Fold::Exists => Some(Value::Bool(false)),
            Fold::ExistsOne => Some(Value::Bool(self.trues == 1)),
            Fold::Filter | Fold::Map => Some(Value::List(List::Made(Arc::from(self.items)))),
        }
    }
}
