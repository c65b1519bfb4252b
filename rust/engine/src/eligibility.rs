//! Features -> the actions that pass eligibility, applicability and suitability, and the truth of any clause.
//!
//! The index finds the actions; the interpreter here is the meaning of a policy: slow, obvious, short. It
//! gives the reasons, for the requested actions, and the index is tested against it.

#[cfg(test)]
mod tests;

use nextbest_proto::v1;

use crate::{
    action_set::ActionSet,
    bundle::Bundle,
    id::{ClauseId, Id, LiteralId},
    index::{PolicyStage, Search},
    tables::{Literal, Test},
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

/// What a policy means, asked clause by clause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interpreter<'a> {
    bundle: &'a Bundle,
    features: &'a [Value<'a>],
    /// Of every literal; without them each is tested when it is asked for.
    known: Option<&'a Truths>,
}

/// The truth of every literal of a bundle: worth finding for those who ask about all actions.
#[derive(Debug)]
pub(crate) struct Truths {
    literals: Vec<Truth>,
}

impl<'a> Interpreter<'a> {
    pub(crate) fn new(bundle: &'a Bundle, features: &'a [Value<'a>]) -> Self {
        Self {
            bundle,
            features,
            known: None,
        }
    }

    /// Tests every literal.
    pub(crate) fn truths(self) -> Truths {
        let literals = self.bundle.literals.rows().iter();
        Truths {
            literals: literals.map(|literal| test(literal, self.features)).collect(),
        }
    }

    /// The same, quicker.
    pub(crate) fn knowing(self, truths: &'a Truths) -> Self {
        Self {
            known: Some(truths),
            ..self
        }
    }

    pub(crate) fn literal(self, literal: LiteralId) -> Truth {
        let known = self.known.and_then(|known| known.literals.get(literal.index()));
        known
            .copied()
            .unwrap_or_else(|| test(&self.bundle.literals[literal], self.features))
    }

    /// A disjunction: the greatest of its literals.
    pub(crate) fn clause(self, clause: ClauseId) -> Truth {
        let literals = self.bundle.clause_literals.get(clause).iter();
        let truths = literals.map(|literal| self.literal(*literal));
        truths.max().unwrap_or(Truth::False)
    }

    /// Whether each of the clauses is true; unknown is not.
    pub(crate) fn all(self, clauses: &[ClauseId]) -> bool {
        self.first_failing(clauses).is_none()
    }

    /// A conjunction: the least of its clauses.
    pub(crate) fn conjunction(self, clauses: &[ClauseId]) -> Truth {
        let mut least = Truth::True;
        for clause in clauses {
            least = least.min(self.clause(*clause));
            if least == Truth::False {
                break;
            }
        }
        least
    }

    /// The first clause that is not true.
    pub(crate) fn first_failing(self, clauses: &[ClauseId]) -> Option<ClauseId> {
        let mut clauses = clauses.iter().copied();
        clauses.find(|clause| self.clause(*clause) != Truth::True)
    }
}

/// What each stage leaves.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) eligible: ActionSet,
    pub(crate) applicable: ActionSet,
    pub(crate) suitable: ActionSet,
    /// How many left each of the three because something is missing, and for no other reason.
    pub(crate) unknown: [u32; 3],
}

/// The actions that pass each stage.
pub(crate) fn select(search: &mut Search<'_>, available: &ActionSet) -> Passed {
    let verdicts = search.policies();
    let (eligible, not_eligible) = verdicts.pass(available, PolicyStage::Eligibility);
    let (applicable, not_applicable) = verdicts.pass(&eligible, PolicyStage::Applicability);
    let (suitable, not_suitable) = verdicts.pass(&applicable, PolicyStage::Suitability);
    Passed {
        eligible,
        applicable,
        suitable,
        unknown: [not_eligible, not_applicable, not_suitable],
    }
}

fn test(literal: &Literal, features: &[Value<'_>]) -> Truth {
    let value = features.get(literal.feature.index()).unwrap_or(&Value::Missing);
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
