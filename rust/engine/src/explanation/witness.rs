//! An action that left for its conditions -> values of attributes with which all of them hold, conditions that hold now
//! among them.
//!
//! A search, with a bound: it changes one attribute after the other, to values on either side of what conditions compare
//! them with, and evaluates the conditions again, expressions too. Nothing found does not mean that there is nothing.

mod candidates;

use nextbest_proto::v1::value::Kind;

use crate::{
    bundle::Bundle,
    decision::Decision,
    eligibility::{Interpreter, Truth},
    id::{ActionId, AttributeId, ClauseId, FeatureId, Id},
    program::machine::Machine,
    tables::Source,
    treatment,
    value::Value,
};

/// Evaluations of one action's conditions, and of those of all actions that are advised together.
const EVALUATIONS_MAX: usize = 1_000;
pub(super) const EVALUATIONS_IN_ALL_MAX: usize = 10_000;
/// Attributes that are changed together: the fewest first, up to this number.
const CHANGES_FEW: usize = 3;
const CHANGES_MAX: usize = 24;
/// Values of one attribute that are followed up.
const BRANCHES_MAX: usize = 4;

/// Values with which all conditions of an action, and of one of its treatments, hold.
pub(super) struct Witness {
    pub(super) changes: Vec<Change>,
    /// The conditions.
    pub(super) clauses: Vec<ClauseId>,
}

/// A value that an attribute would have.
pub(super) struct Change {
    pub(super) attribute: AttributeId,
    pub(super) feature: FeatureId,
    /// None: missing.
    pub(super) value: Option<Kind>,
}

/// Looks for a witness, with as few changes as it finds. Takes what it evaluates from `in_all_left`.
pub(super) fn find(decision: &Decision<'_>, action: ActionId, in_all_left: &mut usize) -> Option<Witness> {
    let own = decision.bundle.policies.of(action);
    let own = [own.eligibility, own.applicability, own.suitability].concat();
    let mut treatments: Vec<&[ClauseId]> = treatment::requested(decision.bundle, decision.request, action)
        .map(|treatment| &*treatment.eligibility)
        .collect();
    let failing = |clauses: &&[ClauseId]| {
        let is_failing = |clause: &&ClauseId| decision.interpreter().clause(**clause) != Truth::True;
        clauses.iter().filter(is_failing).count()
    };
    treatments.sort_by_key(failing);
    let granted = EVALUATIONS_MAX.min(*in_all_left);
    let mut evaluations_left = granted;
    let found = treatments.into_iter().find_map(|of_treatment| {
        let clauses = [own.as_slice(), of_treatment].concat();
        let variables = candidates::variables(decision, &clauses);
        let mut search = Search::new(decision, &clauses, &variables, evaluations_left);
        let found = search.run();
        evaluations_left = search.evaluations_left;
        let changes = found?.into_iter().map(|(variable, value)| Change {
            attribute: variable.attribute,
            feature: variable.feature,
            value: value.message().and_then(|message| message.kind),
        });
        Some(Witness {
            changes: changes.collect(),
            clauses,
        })
    });
    *in_all_left = in_all_left.saturating_sub(granted.saturating_sub(evaluations_left));
    found
}

/// An attribute that conditions read, and values that could make a difference.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) attribute: AttributeId,
    pub(super) feature: FeatureId,
    /// The nearest to today's first. None: missing.
    pub(super) values: Vec<Option<Kind>>,
}

struct Search<'s> {
    bundle: &'s Bundle,
    clauses: &'s [ClauseId],
    variables: &'s [Variable],
    /// Derived features that conditions read, in the order in which they are computed.
    derived: Vec<FeatureId>,
    values: Vec<Value<'s>>,
    /// By the variable: today's value, where it is changed.
    before: Vec<Option<Value<'s>>>,
    machine: Machine<'s>,
    evaluations_left: usize,
}

impl<'s> Search<'s> {
    fn new(
        decision: &'s Decision<'_>,
        clauses: &'s [ClauseId],
        variables: &'s [Variable],
        evaluations_left: usize,
    ) -> Self {
        let read = read_by(decision.bundle, clauses.iter().copied());
        let is_derived =
            |feature: &FeatureId| matches!(decision.bundle.features[*feature].source, Source::Derived(_));
        Self {
            bundle: decision.bundle,
            clauses,
            variables,
            derived: read.into_iter().filter(is_derived).collect(),
            values: decision.features.clone(),
            before: vec![None; variables.len()],
            machine: Machine::new(),
            evaluations_left,
        }
    }

    fn run(&mut self) -> Option<Vec<(&'s Variable, Value<'s>)>> {
        let depths = (1..=CHANGES_FEW).chain([CHANGES_MAX]);
        if !depths.into_iter().any(|depth| self.solve(depth)) {
            return None;
        }
        self.undo_what_is_not_needed();
        let changed = self.variables.iter().zip(&self.before);
        let changed = changed.filter(|(_, before)| before.is_some());
        Some(
            changed
                .map(|(variable, _)| (variable, self.value(variable.feature)))
                .collect(),
        )
    }

    /// Whether some values of `depth` more attributes at most make all conditions true; they stay set then.
    fn solve(&mut self, depth: usize) -> bool {
        self.evaluate();
        let Some(clause) = self.first_failing() else {
            return true;
        };
        if depth == 0 {
            return false;
        }
        let read = read_by(self.bundle, [clause]);
        let variables = self.variables;
        for (index, variable) in variables.iter().enumerate() {
            let is_changed = self.before.get(index).is_none_or(Option::is_some);
            if is_changed || read.binary_search(&variable.feature).is_err() {
                continue;
            }
            let today = self.value(variable.feature);
            self.remember(index, Some(today.clone()));
            for value in self.promising(variable, clause) {
                self.set(variable.feature, value);
                if self.solve(depth - 1) {
                    return true;
                }
            }
            self.set(variable.feature, today);
            self.remember(index, None);
        }
        false
    }

    /// The values that make a condition true, or may once other attributes change as well: those first with which the
    /// fewest conditions fail.
    fn promising(&mut self, variable: &'s Variable, clause: ClauseId) -> Vec<Value<'s>> {
        let mut found: Vec<(usize, Value<'s>)> = Vec::new();
        for value in &variable.values {
            let Some(left) = self.evaluations_left.checked_sub(1) else {
                break;
            };
            self.evaluations_left = left;
            let value = value.as_ref().map_or(Value::Missing, Value::of);
            self.set(variable.feature, value.clone());
            self.evaluate();
            let interpreter = Interpreter::new(self.bundle, &self.values);
            if interpreter.clause(clause) != Truth::False {
                let failing = |clause: &&ClauseId| interpreter.clause(**clause) != Truth::True;
                found.push((self.clauses.iter().filter(failing).count(), value));
            }
        }
        found.sort_by_key(|(failing, _)| *failing);
        found
            .into_iter()
            .take(BRANCHES_MAX)
            .map(|(_, value)| value)
            .collect()
    }

    fn undo_what_is_not_needed(&mut self) {
        for (index, variable) in self.variables.iter().enumerate() {
            let Some(before) = self.before.get(index).cloned().flatten() else {
                continue;
            };
            let changed = self.value(variable.feature);
            self.set(variable.feature, before.clone());
            self.evaluate();
            if self.first_failing().is_some() {
                self.set(variable.feature, changed);
            } else {
                self.remember(index, None);
            }
        }
    }

    fn evaluate(&mut self) {
        for feature in &self.derived {
            let row = &self.bundle.features[*feature];
            if let Source::Derived(program) = &row.source {
                let value = self.machine.run(program, &self.values).into_type(row.kind);
                if let Some(slot) = self.values.get_mut(feature.index()) {
                    *slot = value;
                }
            }
        }
    }

    fn first_failing(&self) -> Option<ClauseId> {
        Interpreter::new(self.bundle, &self.values).first_failing(self.clauses)
    }

    fn value(&self, feature: FeatureId) -> Value<'s> {
        self.values
            .get(feature.index())
            .cloned()
            .unwrap_or(Value::Missing)
    }

    fn set(&mut self, feature: FeatureId, value: Value<'s>) {
        if let Some(slot) = self.values.get_mut(feature.index()) {
            *slot = value;
        }
    }

    fn remember(&mut self, index: usize, value: Option<Value<'s>>) {
        if let Some(slot) = self.before.get_mut(index) {
            *slot = value;
        }
    }
}

/// The features that clauses read, and those that these are derived from, in their order.
pub(super) fn read_by(bundle: &Bundle, clauses: impl IntoIterator<Item = ClauseId>) -> Vec<FeatureId> {
    let literals = clauses
        .into_iter()
        .flat_map(|clause| bundle.clause_literals.get(clause));
    closure(
        bundle,
        literals
            .map(|literal| bundle.literals[*literal].feature)
            .collect(),
    )
}

/// A feature, and those that it is derived from.
pub(super) fn read_by_feature(bundle: &Bundle, feature: FeatureId) -> Vec<FeatureId> {
    closure(bundle, vec![feature])
}

fn closure(bundle: &Bundle, mut open: Vec<FeatureId>) -> Vec<FeatureId> {
    let mut read = Vec::new();
    while let Some(feature) = open.pop() {
        if read.contains(&feature) {
            continue;
        }
        read.push(feature);
        if let Source::Derived(program) = &bundle.features[feature].source {
            open.extend(program.touched());
        }
    }
    read.sort_unstable();
    read
}
