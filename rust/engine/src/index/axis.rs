//! A value -> its position on an axis: one feature, cut where a literal of it turns.
//!
//! Two values at the same position make each literal of the axis equally true, so that nothing but positions is looked at
//! while filtering.

use super::{
    dictionary::Dictionary,
    key::{self, Key},
};
use crate::{
    id::{FeatureId, narrow},
    value::{List, Type, Value},
};

/// An axis of an index: its index among [`Axes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AxisId(pub(super) u32);

impl AxisId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The place of a value on an axis: a segment, or a code; of a list, the number of its run of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position(pub(super) u32);

impl Position {
    /// No value: everything that is tested on the axis is unknown.
    pub(super) const MISSING: Self = Self(u32::MAX);
    /// Not a number: no comparison holds.
    pub(super) const NAN: Self = Self(u32::MAX - 1);
}

/// The positions of one request.
#[derive(Debug, Default)]
pub(super) struct Positions {
    /// By axis.
    pub(super) of_axes: Vec<u32>,
    /// What ordered axes are searched for.
    pub(super) keys: Vec<i64>,
    /// Ordered axes that have no key to search for.
    pub(super) absent: Vec<(usize, Position)>,
    stretches: Vec<(usize, usize)>,
    codes: Vec<u32>,
}

impl Positions {
    pub(super) fn get(&self, axis: AxisId) -> Position {
        self.of_axes
            .get(axis.index())
            .map_or(Position::MISSING, |position| Position(*position))
    }

    /// The codes of a list's elements, ascending, by its position.
    pub(super) fn codes(&self, position: Position) -> &[u32] {
        let (start, end) = self
            .stretches
            .get(position.0 as usize)
            .copied()
            .unwrap_or_default();
        self.codes.get(start..end).unwrap_or_default()
    }

    pub(super) fn clear(&mut self) {
        self.of_axes.clear();
        self.keys.clear();
        self.absent.clear();
        self.stretches.clear();
        self.codes.clear();
    }

    /// Notes the position of an axis that has no key, and gives one that does no harm.
    pub(super) fn note_absent(&mut self, number: usize, position: Position) -> i64 {
        self.absent.push((number, position));
        0
    }

    /// Keeps the codes of a list. It may name an element twice: what is applied twice is applied.
    fn among(&mut self, list: &List<'_>, code: impl Fn(&Value<'_>) -> Option<u32>) -> Position {
        let start = self.codes.len();
        self.codes
            .extend(list.iter().filter_map(|element| code(&element)));
        if let Some(own) = self.codes.get_mut(start..) {
            own.sort_unstable();
        }
        self.stretches.push((start, self.codes.len()));
        Position(narrow(self.stretches.len() - 1))
    }
}

/// How an axis is cut.
#[derive(Debug)]
pub(super) enum Scale {
    /// The position is the number of cuts at or below the value. They are also a row of `Axes::cuts`, where they are
    /// searched.
    Ordered(Box<[i64]>),
    /// The place of a text; a cut is just below a text, or just above it.
    OrderedTexts(Vec<(Box<str>, bool)>),
    /// The position is the code of the value; one more than the last for others.
    Codes(Vec<i64>),
    TextCodes(Dictionary),
    /// The same of the elements of a list.
    ElementCodes(Vec<i64>),
    ElementTextCodes(Dictionary),
    /// The position is 0 for a value, 1 for none: never missing.
    Presence,
}

#[derive(Debug)]
pub(super) struct Axis {
    /// None: the time of the decision.
    pub(super) feature: Option<FeatureId>,
    /// Of one element, where it is a list.
    pub(super) kind: Type,
    pub(super) scale: Scale,
}

impl Axis {
    /// Those of an ordered axis with keys are found with others of their kind: see `Axes`.
    pub(super) fn position(&self, value: &Value<'_>, positions: &mut Positions) -> Position {
        let code = |code: Option<u32>, len: usize| Position(code.unwrap_or_else(|| narrow(len)));
        match (&self.scale, value) {
            (Scale::Presence, value) => Position(u32::from(value.is_missing())),
            (Scale::Codes(keys), value) => match key::of_value(self.kind, value) {
                Key::Missing => Position::MISSING,
                // Equal to nothing.
                Key::Nan => code(None, keys.len()),
                Key::Of(key) => code(find(keys, key), keys.len()),
            },
            (Scale::TextCodes(texts), Value::String(text)) => code(texts.code(text.as_str()), texts.len()),
            (Scale::OrderedTexts(cuts), Value::String(text)) => {
                let reached = |(cut, above): &(Box<str>, bool)| match (**cut).cmp(text.as_str()) {
                    std::cmp::Ordering::Less => true,
                    std::cmp::Ordering::Equal => !above,
                    std::cmp::Ordering::Greater => false,
                };
                Position(narrow(cuts.partition_point(reached)))
            }
            (Scale::ElementCodes(keys), Value::List(list)) => {
                positions.among(list, |element| match key::of_value(self.kind, element) {
                    Key::Of(key) => find(keys, key),
                    Key::Missing | Key::Nan => None,
                })
            }
            (Scale::ElementTextCodes(texts), Value::List(list)) => {
                positions.among(list, |element| match element {
                    Value::String(text) => texts.code(text.as_str()),
                    _ => None,
                })
            }
            _ => Position::MISSING,
        }
    }

    /// Distinct places, without NaN and missing.
    pub(super) fn place_count(&self) -> usize {
        match &self.scale {
            Scale::Ordered(cuts) => cuts.len() + 1,
            Scale::OrderedTexts(cuts) => cuts.len() + 1,
            Scale::Codes(keys) | Scale::ElementCodes(keys) => keys.len() + 1,
            Scale::TextCodes(texts) | Scale::ElementTextCodes(texts) => texts.len() + 1,
            Scale::Presence => 2,
        }
    }
}

pub(super) fn find(keys: &[i64], key: i64) -> Option<u32> {
    keys.binary_search(&key).ok().map(narrow)
}
