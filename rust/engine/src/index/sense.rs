//! What a literal asks of its axis: the positions where it is true.

use nextbest_proto::v1::value::Kind;

use super::{
    axis::{Scale, find},
    constants::{turn, turns_above},
    key,
};
use crate::{
    id::narrow,
    program::Comparison,
    tables::{Literal, Test},
    value::Type,
};

/// The positions where a literal is true; at all others it is false. Where the value is missing it is unknown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sense<'a> {
    Order(Cut),
    /// At one of these codes, ascending; `turned`: at all others.
    Codes {
        codes: &'a [u32],
        turned: bool,
    },
}

/// A segment from which on a literal is true, or false.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// True from `segment` on; otherwise true before it.
    pub(super) rising: bool,
    /// From 1; one more than the last segment where no value reaches it.
    pub(super) segment: u32,
    /// Whether it is true for NaN.
    pub(super) at_nan: bool,
}

impl Cut {
    /// True from the cut with this number of values below it.
    pub(super) fn rising(below: usize) -> Self {
        Self {
            rising: true,
            segment: narrow(below + 1),
            at_nan: false,
        }
    }

    /// True before the cut with this number of values below it.
    pub(super) fn falling(below: usize) -> Self {
        Self {
            rising: false,
            ..Self::rising(below)
        }
    }

    /// True where this is false, and false where it is true.
    fn turned(self) -> Self {
        Self {
            rising: !self.rising,
            at_nan: !self.at_nan,
            ..self
        }
    }
}

impl Sense<'_> {
    /// True where this is false, and false where it is true.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Order(cut) => Self::Order(cut.turned()),
            Self::Codes { codes, turned } => Self::Codes {
                codes,
                turned: !turned,
            },
        }
    }
}

/// A [`Sense`] that is kept: its codes are a stretch of a list that all literals share.
#[derive(Clone, Copy, Debug)]
pub(super) enum ScaledTest {
    Order(Cut),
    Codes { start: usize, end: usize, turned: bool },
}

impl ScaledTest {
    /// What a literal asks of an axis that has its constants. A constant that no value equals has no code.
    pub(super) fn of(kind: Type, literal: &Literal, scale: &Scale, codes: &mut Vec<u32>) -> Self {
        let start = codes.len();
        let mut turned = literal.negated;
        match &literal.test {
            Test::Compare(comparison, constant) if !comparison.is_equality() => {
                let below = below(kind, *comparison, constant, scale);
                return Self::Order(cut(*comparison, below, literal.negated));
            }
            Test::Compare(comparison, constant) => {
                turned ^= *comparison == Comparison::NotEqual;
                codes.extend(code(kind, constant, scale));
            }
            Test::IsPresent => codes.push(0),
            Test::IsTrue => codes.extend(code(kind, &Kind::Bool(true), scale)),
            // Both come sorted, and so do their codes.
            Test::OneOfStrings(items) => codes.extend(items.iter().filter_map(|item| text_code(item, scale))),
            Test::OneOfInts(items) => {
                codes.extend(
                    items
                        .iter()
                        .filter_map(|item| code(kind, &Kind::Int(*item), scale)),
                );
            }
            Test::Contains(item) => codes.extend(code(kind.element(), item, scale)),
        }
        Self::Codes {
            start,
            end: codes.len(),
            turned,
        }
    }

    /// With its codes.
    pub(super) fn sense(self, codes: &[u32]) -> Option<Sense<'_>> {
        Some(match self {
            Self::Order(cut) => Sense::Order(cut),
            Self::Codes { start, end, turned } => Sense::Codes {
                codes: codes.get(start..end)?,
                turned,
            },
        })
    }
}

fn code(kind: Type, constant: &Kind, scale: &Scale) -> Option<u32> {
    match (scale, constant) {
        (Scale::Codes(keys) | Scale::ElementCodes(keys), constant) => find(keys, key::equal(kind, constant)?),
        (_, Kind::String(text)) => text_code(text, scale),
        _ => None,
    }
}

fn text_code(text: &str, scale: &Scale) -> Option<u32> {
    match scale {
        Scale::TextCodes(texts) | Scale::ElementTextCodes(texts) => texts.code(text),
        _ => None,
    }
}

/// How many cuts of the axis are below the one of a comparison.
fn below(kind: Type, comparison: Comparison, constant: &Kind, scale: &Scale) -> usize {
    match (scale, constant) {
        (Scale::OrderedTexts(cuts), Kind::String(text)) => {
            let own = (text.as_str(), turns_above(comparison));
            cuts.partition_point(|(text, above)| (&**text, *above) < own)
        }
        (Scale::Ordered(cuts), constant) => match turn(kind, comparison, constant) {
            Some(key) => cuts.partition_point(|cut| *cut < key),
            None => cuts.len(),
        },
        _ => 0,
    }
}

fn cut(comparison: Comparison, below: usize, negated: bool) -> Cut {
    let rises = matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual);
    // No comparison holds for NaN; one that is turned round does.
    Cut {
        at_nan: negated,
        ..if rises == negated {
            Cut::falling(below)
        } else {
            Cut::rising(below)
        }
    }
}
