//! The literals of one axis -> the constants that they name, and the scale that is cut at them.

use nextbest_proto::v1::value::Kind;

use super::{axis::Scale, dictionary::Dictionary, key};
use crate::{kernel::Keys, program::Comparison, tables::Test, value::Type};

/// The tests of a feature: each has a separate axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Order,
    Equality,
    Element,
    Presence,
}

/// The constants that the literals of one axis name.
#[derive(Default)]
pub(super) struct Constants<'a> {
    pub(super) keys: Vec<i64>,
    /// Each, and whether a literal turns above it rather than at it.
    texts: Vec<(&'a str, bool)>,
}

impl Way {
    pub(super) fn of(test: &Test) -> Self {
        match test {
            Test::IsPresent => Self::Presence,
            Test::Contains(_) => Self::Element,
            Test::IsTrue
            | Test::OneOfStrings(_)
            | Test::OneOfInts(_)
            | Test::Compare(Comparison::Equal | Comparison::NotEqual, _) => Self::Equality,
            Test::Compare(..) => Self::Order,
        }
    }
}

impl<'a> Constants<'a> {
    pub(super) fn of_keys(keys: Vec<i64>) -> Self {
        Self {
            keys,
            texts: Vec::new(),
        }
    }

    /// In order, and each once.
    pub(super) fn sort(&mut self) {
        self.keys.sort_unstable();
        self.keys.dedup();
        self.texts.sort_unstable();
        self.texts.dedup();
    }

    /// Those of one more test of a feature of type `kind`.
    pub(super) fn collect(&mut self, kind: Type, test: &'a Test) {
        match test {
            Test::IsPresent => {}
            Test::IsTrue => self.keys.push(1),
            Test::OneOfStrings(items) => self.texts.extend(items.iter().map(|item| (item.as_str(), false))),
            Test::OneOfInts(items) => {
                self.keys.extend(
                    items
                        .iter()
                        .filter_map(|item| key::equal(kind, &Kind::Int(*item))),
                );
            }
            Test::Contains(Kind::String(item)) => self.texts.push((item, false)),
            Test::Contains(item) => self.keys.extend(key::equal(kind.element(), item)),
            Test::Compare(comparison, Kind::String(constant)) => {
                self.texts.push((constant, turns_above(*comparison)));
            }
            Test::Compare(Comparison::Equal | Comparison::NotEqual, constant) => {
                self.keys.extend(key::equal(kind, constant));
            }
            Test::Compare(comparison, constant) => self.keys.extend(turn(kind, *comparison, constant)),
        }
    }

    /// The scale that they cut, once sorted. `cuts` gets those of an axis that is ordered and has keys.
    pub(super) fn scale(self, kind: Type, way: Way, cuts: &mut Keys) -> Scale {
        let texts = |texts: Vec<(&str, bool)>| {
            Dictionary::new(texts.into_iter().map(|(text, _)| text.into()).collect())
        };
        match (way, kind) {
            (Way::Presence, _) => Scale::Presence,
            (Way::Element, Type::StringList) => Scale::ElementTextCodes(texts(self.texts)),
            (Way::Element, _) => Scale::ElementCodes(self.keys),
            (Way::Equality, Type::String) => Scale::TextCodes(texts(self.texts)),
            (Way::Equality, _) => Scale::Codes(self.keys),
            (Way::Order, Type::String) => {
                let cuts = self.texts.into_iter().map(|(text, above)| (text.into(), above));
                Scale::OrderedTexts(cuts.collect())
            }
            (Way::Order, _) => {
                cuts.push(&self.keys);
                Scale::Ordered(self.keys.into())
            }
        }
    }
}

/// Whether a comparison turns above its constant, or at it.
pub(super) fn turns_above(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::LessOrEqual | Comparison::Greater)
}

/// The least key of those after which the comparison is another.
pub(super) fn turn(kind: Type, comparison: Comparison, constant: &Kind) -> Option<i64> {
    if turns_above(comparison) {
        key::above(kind, constant)
    } else {
        key::not_below(kind, constant)
    }
}
