//! Features -> the truth of every clause -> the actions that pass eligibility, applicability and suitability.
//!
//! This interpreter is the meaning of a policy: slow next to an index, obvious, short. It keeps the truth of each
//! literal and clause, from which the explanation is made.

#[cfg(test)]
mod tests;

use nextbest_proto::v1;

use crate::{
    action_set::ActionSet,
    bundle::{
        Bundle,
        tables::{Literal, Test},
    },
    id::{ClauseId, Id, LiteralId},
    value::{List, Value},
};

/// Kleene's three truth values, in his order: AND is the least of them, OR the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    False,
    /// What it needs is missing.
    Unknown,
    True,
}

impl Truth {
    pub(crate) fn message(self) -> v1::Truth {
        match self {
            Self::False => v1::Truth::False,
            Self::Unknown => v1::Truth::Unknown,
            Self::True => v1::Truth::True,
        }
    }

    fn of(test: Option<bool>) -> Self {
        match test {
            Some(true) => Self::True,
            Some(false) => Self::False,
            None => Self::Unknown,
        }
    }

    fn negate(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

/// The truth of every literal and clause of the bundle, for one decision.
#[derive(Debug)]
pub(crate) struct Truths {
    literals: Vec<Truth>,
    clauses: Vec<Truth>,
}

impl Truths {
    pub(crate) fn literal(&self, literal: LiteralId) -> Truth {
        self.literals
            .get(literal.place())
            .copied()
            .unwrap_or(Truth::Unknown)
    }

    pub(crate) fn clause(&self, clause: ClauseId) -> Truth {
        self.clauses
            .get(clause.place())
            .copied()
            .unwrap_or(Truth::Unknown)
    }

    /// Whether each of the clauses is true; unknown is not.
    pub(crate) fn all(&self, clauses: &[ClauseId]) -> bool {
        clauses.iter().all(|clause| self.clause(*clause) == Truth::True)
    }
}

/// What each stage leaves.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) eligible: ActionSet,
    pub(crate) applicable: ActionSet,
    pub(crate) suitable: ActionSet,
}

/// Tests every literal, then every clause; each is shared by many actions and tested once.
pub(crate) fn evaluate(bundle: &Bundle, features: &[Value<'_>]) -> Truths {
    let mut truths = Truths {
        literals: bundle
            .literals
            .rows()
            .iter()
            .map(|literal| test(literal, features))
            .collect(),
        clauses: Vec::new(),
    };
    truths.clauses = bundle
        .clauses
        .rows()
        .iter()
        .map(|clause| {
            clause
                .literals
                .iter()
                .map(|literal| truths.literal(*literal))
                .max()
                .unwrap_or(Truth::False)
        })
        .collect();
    truths
}

/// The actions that pass each stage.
pub(crate) fn select(bundle: &Bundle, truths: &Truths, available: &ActionSet) -> Passed {
    let eligible = available.filter(|action| truths.all(&bundle.actions[action].policies.eligibility));
    let applicable = eligible.filter(|action| truths.all(&bundle.actions[action].policies.applicability));
    let suitable = applicable.filter(|action| truths.all(&bundle.actions[action].policies.suitability));
    Passed {
        eligible,
        applicable,
        suitable,
    }
}

fn test(literal: &Literal, features: &[Value<'_>]) -> Truth {
    let value = features.get(literal.feature.place()).unwrap_or(&Value::Missing);
    let truth = match (&literal.test, value) {
        (Test::IsPresent, value) => Truth::of(Some(!value.is_missing())),
        (_, Value::Missing) => Truth::Unknown,
        (Test::IsTrue, Value::Bool(value)) => Truth::of(Some(*value)),
        (Test::Compare(comparison, required), value) => {
            Truth::of(comparison.holds(value, &Value::of(required)))
        }
        (Test::OneOfStrings(items), Value::String(text)) => Truth::of(Some(
            items
                .binary_search_by(|item| item.as_str().cmp(text.as_str()))
                .is_ok(),
        )),
        (Test::OneOfInts(items), Value::Int(value)) => Truth::of(Some(items.binary_search(value).is_ok())),
        (Test::OneOfInts(items), value @ Value::Double(_)) => {
            Truth::of(Some(items.iter().any(|item| Value::Int(*item).equals(value))))
        }
        (Test::Contains(item), Value::List(list)) => Truth::of(Some(contains(list, &Value::of(item)))),
        _ => Truth::Unknown,
    };
    if literal.negated { truth.negate() } else { truth }
}

fn contains(list: &List<'_>, item: &Value<'_>) -> bool {
    match (list, item) {
        (List::Strings(items), Value::String(text)) => items.iter().any(|item| item == text.as_str()),
        (list, item) => list.iter().any(|element| element.equals(item)),
    }
}
