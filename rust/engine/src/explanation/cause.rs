//! An expression that has no result -> why, and what would give it one.

use std::collections::BTreeSet;

use super::{
    naming::{join, named, shortened_text},
    reading,
};
use crate::{
    arbitration::applies,
    decision::Decision,
    id::{ActionId, FeatureId},
    program::{
        Instruction, Program, Register,
        machine::{Inputs, Machine},
        trace::{self, Cause},
    },
    tables::{ActionValue, Formula, Source},
    value::{Type, Value},
};

/// Steps that finding an action's value once more may take.
const WORK_MAX: usize = 4_096;

/// Why an expression has no result.
pub(super) struct Causes {
    /// Attributes that are missing.
    unknown: Vec<FeatureId>,
    others: Vec<Other>,
}

struct Other {
    /// "it divides by `customer.n`, which is 0".
    state: String,
    /// "`customer.n` must not be 0".
    remedy: String,
}

impl Causes {
    pub(super) fn of(decision: &Decision<'_>, program: &Program) -> Self {
        Self::of_formula(decision, program, Inputs::default())
    }

    fn of_formula(decision: &Decision<'_>, program: &Program, inputs: Inputs) -> Self {
        let mut causes = Self {
            unknown: Vec::new(),
            others: Vec::new(),
        };
        let mut seen = BTreeSet::new();
        let mut open = vec![program];
        while let Some(program) = open.pop() {
            let Some(found) = trace::causes(program, &decision.features, inputs) else {
                let mut read = reading::attributes(decision, program);
                read.retain(|feature| decision.feature(*feature).is_missing() && seen.insert(*feature));
                causes.unknown.extend(read);
                continue;
            };
            for cause in found {
                let Cause::Feature(feature) = cause else {
                    causes.others.extend(other(decision, program, &cause));
                    continue;
                };
                match &decision.bundle.features[feature].source {
                    _ if !seen.insert(feature) => {}
                    Source::Derived(behind) => open.push(behind),
                    Source::Attribute(_) | Source::Now => causes.unknown.push(feature),
                }
            }
        }
        causes
    }

    /// "`customer.income` must be known and `customer.n` must not be 0"; empty if unknown.
    pub(super) fn remedy(&self, decision: &Decision<'_>) -> String {
        let mut remedies = Vec::new();
        if !self.unknown.is_empty() {
            remedies.push(format!("{} must be known", join(&self.names(decision), "and")));
        }
        remedies.extend(self.others.iter().map(|other| other.remedy.clone()));
        join(&remedies, "and")
    }

    /// "`customer.income` is missing, it divides by `customer.n`, which is 0".
    pub(super) fn state(&self, decision: &Decision<'_>) -> String {
        let names = self.names(decision).into_iter();
        let mut states: Vec<String> = names.map(|name| format!("{name} is missing")).collect();
        states.extend(self.others.iter().map(|other| other.state.clone()));
        join(&states, "and")
    }

    fn names(&self, decision: &Decision<'_>) -> Vec<String> {
        self.unknown
            .iter()
            .map(|feature| named(decision, *feature))
            .collect()
    }
}

/// What an action without a value or priority needs to have one.
pub(super) fn value_change(decision: &Decision<'_>, action: ActionId) -> String {
    let bundle = decision.bundle;
    if let ActionValue::Derived(program) = &bundle.actions[action].value {
        let remedy = Causes::of(decision, program).remedy(decision);
        if !remedy.is_empty() {
            return format!("{remedy}: the action's value depends on it");
        }
    }
    match &bundle.arbitration.formula {
        Formula::Program(program) => {
            let causes = Causes::of_formula(decision, program, inputs(decision, action));
            match causes.remedy(decision) {
                remedy if remedy.is_empty() => "value and priority must be finite numbers".to_owned(),
                remedy => format!("{remedy}: the priority depends on it"),
            }
        }
        Formula::Product { .. } if work_exhausted(decision) => {
            "value and priority must be finite numbers: the expressions of this decision take more work than one may"
                .to_owned()
        }
        Formula::Product { .. } => {
            "the priority must not overflow (a number is at most 1.8e+308): propensity, context weight, value and \
             lever are multiplied"
                .to_owned()
        }
    }
}

fn work_exhausted(decision: &Decision<'_>) -> bool {
    let kinds = decision
        .record
        .degradations
        .iter()
        .map(|degradation| degradation.kind);
    kinds
        .into_iter()
        .any(|kind| kind == nextbest_proto::v1::DegradationKind::WorkExhausted)
}

/// What the formula read for the action.
fn inputs(decision: &Decision<'_>, action: ActionId) -> Inputs {
    let bundle = decision.bundle;
    let row = &bundle.actions[action];
    let value = match &row.value {
        ActionValue::Constant(value) => Some(*value),
        ActionValue::Derived(program) => {
            let result = Machine::with_work(WORK_MAX).run(program, &decision.features);
            match result.into_type(Type::Double) {
                Value::Double(value) if value.is_finite() => Some(value),
                _ => None,
            }
        }
    };
    let weights = bundle.context_weights.rows().iter();
    let percent: f64 = weights
        .filter(|weight| applies(bundle, weight, action) && decision.interpreter().all(&weight.clauses))
        .map(|weight| weight.percent)
        .sum();
    Inputs {
        propensity: decision.propensity(action).unwrap_or_default(),
        context_weight: (1.0 + percent / 100.0).max(0.0),
        value,
        lever: (1.0 + row.lever_percent / 100.0).max(0.0),
    }
}

/// Anything but a missing feature, in words.
fn other(decision: &Decision<'_>, program: &Program, cause: &Cause) -> Option<Other> {
    let (state, remedy) = match cause {
        Cause::Feature(_) => return None,
        Cause::Value => (
            "the value has no result".to_owned(),
            "the value must be known".to_owned(),
        ),
        Cause::ZeroDivisor(divisor) => match name(decision, program, *divisor) {
            Some(name) => (
                format!("it divides by {name}, which is 0"),
                format!("{name} must not be 0"),
            ),
            None => ("a divisor is 0".to_owned(), "a divisor must not be 0".to_owned()),
        },
        Cause::OutOfRange(result, kind) => {
            let name = name(decision, program, *result).unwrap_or_else(|| "a part of it".to_owned());
            let range = range(*kind);
            (
                format!("{name} overflows ({range})"),
                format!("{name} must not overflow ({range})"),
            )
        }
        Cause::NotConvertible(operand, actual, kind) => {
            let name = name(decision, program, *operand).unwrap_or_else(|| "what is converted".to_owned());
            let (noun, actual) = (noun(*kind), shortened_text(actual));
            (
                format!("{name} is {actual}, which is not {noun}"),
                format!("{name} must be {noun} (is {actual})"),
            )
        }
        Cause::NoElement(list, index) => {
            let name = name(decision, program, *list).unwrap_or_else(|| "the list".to_owned());
            (
                format!("{name} has no element [{index}]"),
                format!("{name} must have an element [{index}]"),
            )
        }
    };
    Some(Other { state, remedy })
}

/// A part of an expression between backticks; an attribute with its label. None for a constant, and for a long one.
fn name(decision: &Decision<'_>, program: &Program, register: Register) -> Option<String> {
    match program.instructions.get(register.0)? {
        Instruction::Feature(feature) => Some(named(decision, *feature)),
        Instruction::Constant(_) => None,
        _ => {
            let features = &decision.bundle.features;
            let text = trace::written(program, register, &|feature| features[feature].name.clone())?;
            Some(format!("`{}`", shortened_text(&text)))
        }
    }
}

fn range(kind: Type) -> &'static str {
    match kind {
        Type::Int => "a whole number is at most 9223372036854775807",
        Type::Timestamp => "a timestamp is within the years 1 to 9999",
        Type::Duration => "a duration is at most 106751991 days",
        _ => "a number is at most 1.8e+308",
    }
}

fn noun(kind: Type) -> &'static str {
    match kind {
        Type::Int => "a whole number",
        Type::Double => "a number",
        Type::Timestamp => "a time such as 2026-06-01T12:00:00Z",
        Type::Duration => "a duration such as 1h30m",
        Type::Bool => "true or false",
        Type::String | Type::StringList | Type::IntList => "convertible",
    }
}
