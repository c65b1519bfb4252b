//! The literals of a bundle -> axes, and what each literal requires on its axis. Then the features of a
//! request -> positions.
//!
//! A feature has one axis for each way of testing it: by order, by equality, by presence, by what a list contains.

use std::collections::BTreeMap;

use super::{
    axis::{Axis, AxisId, Position, Positions, Scale},
    constants::{Constants, Way},
    key::{self, Key},
    sense::{Cut, ScaledTest, Sense},
};
use crate::{
    id::{FeatureId, Id, LiteralId, Table, narrow},
    kernel::{Kernel, Keys},
    tables::{Feature, Literal},
    value::{Type, Value},
};

/// The axes of a bundle, and what each literal requires on its axis.
#[derive(Debug)]
pub(super) struct Axes {
    /// By their ids. First those that are ordered and have keys.
    rows: Vec<Axis>,
    cuts: Keys,
    /// By literal.
    tests: Vec<(AxisId, ScaledTest)>,
    codes: Vec<u32>,
}

/// An axis to be: no feature for the time of the decision; the feature's type, not that of its elements.
type Planned<'a> = (Option<FeatureId>, Way, Type, Constants<'a>);

/// Alike after alike: what is branched on for one axis is then guessed rightly for the next. Ordered ones with keys come
/// first.
fn order((_, way, kind, constants): &Planned<'_>) -> (bool, Way, &'static str, u32) {
    let has_keys = *way == Way::Order && *kind != Type::String;
    (
        !has_keys,
        *way,
        kind.phrase(),
        constants.keys.len().max(1).ilog2(),
    )
}

impl Axes {
    /// `moments`: where offer windows turn, on the axis of the time of the decision.
    pub(super) fn new(
        features: &Table<FeatureId, Feature>,
        literals: &Table<LiteralId, Literal>,
        moments: Vec<i64>,
    ) -> (Self, AxisId) {
        let kind_of = |feature: FeatureId| {
            features
                .rows()
                .get(feature.index())
                .map_or(Type::Bool, |row| row.kind)
        };
        let mut constants: BTreeMap<(FeatureId, Way), Constants<'_>> = BTreeMap::new();
        for literal in literals.rows() {
            let of_axis = constants
                .entry((literal.feature, Way::of(&literal.test)))
                .or_default();
            of_axis.collect(kind_of(literal.feature), &literal.test);
        }
        let now = (None, Way::Order, Type::Timestamp, Constants::of_keys(moments));
        let of_features = constants
            .into_iter()
            .map(|((feature, way), constants)| (Some(feature), way, kind_of(feature), constants));
        let mut planned: Vec<Planned<'_>> = std::iter::once(now).chain(of_features).collect();
        for (.., constants) in &mut planned {
            constants.sort();
        }
        planned.sort_by_key(order);
        let mut made = Self {
            rows: Vec::with_capacity(planned.len()),
            cuts: Keys::default(),
            tests: Vec::with_capacity(literals.len()),
            codes: Vec::new(),
        };
        let mut ids = BTreeMap::new();
        for (feature, way, kind, constants) in planned {
            ids.insert((feature, way), AxisId(narrow(made.rows.len())));
            let scale = constants.scale(kind, way, &mut made.cuts);
            let kind = if way == Way::Element { kind.element() } else { kind };
            made.rows.push(Axis { feature, kind, scale });
        }
        for literal in literals.rows() {
            let id = ids
                .get(&(Some(literal.feature), Way::of(&literal.test)))
                .copied()
                .unwrap_or_default();
            if let Some(axis) = made.rows.get(id.index()) {
                let test = ScaledTest::of(kind_of(literal.feature), literal, &axis.scale, &mut made.codes);
                made.tests.push((id, test));
            }
        }
        let now = ids.get(&(None, Way::Order)).copied().unwrap_or_default();
        (made, now)
    }

    /// Finds the position of each value.
    pub(super) fn find(
        &self,
        kernel: Kernel,
        features: &[Value<'_>],
        now_us: i64,
        positions: &mut Positions,
    ) {
        let now = Value::Timestamp(now_us);
        let value = |axis: &Axis| match axis.feature {
            Some(feature) => features.get(feature.index()).unwrap_or(&Value::Missing),
            None => &now,
        };
        let (ordered, others) = self.rows.split_at(self.cuts.row_count());
        positions.clear();
        positions.of_axes.resize(ordered.len(), 0);
        // All keys first, and then all counts: searches that wait for memory do so together.
        for (axis, number) in ordered.iter().zip(0..) {
            let key = match key::of_value(axis.kind, value(axis)) {
                Key::Of(key) => key,
                Key::Missing => positions.note_absent(number, Position::MISSING),
                Key::Nan => positions.note_absent(number, Position::NAN),
            };
            positions.keys.push(key);
        }
        kernel.count_up_to(&self.cuts, &positions.keys, &mut positions.of_axes);
        for (number, position) in positions.absent.drain(..) {
            if let Some(found) = positions.of_axes.get_mut::<usize>(number) {
                *found = position.0;
            }
        }
        for axis in others {
            let position = axis.position(value(axis), positions);
            positions.of_axes.push(position.0);
        }
    }

    /// The axis of a literal, and what it asks there.
    pub(super) fn of_literal(&self, literal: LiteralId) -> Option<(AxisId, Sense<'_>)> {
        let (axis, tests) = self.tests.get(literal.index())?;
        Some((*axis, tests.sense(&self.codes)?))
    }

    /// What `now >= moment` asks; turned round, `now < moment`.
    pub(super) fn of_moment(&self, now: AxisId, moment_us: i64) -> Sense<'static> {
        let below = match self.rows.get(now.index()).map(|axis| &axis.scale) {
            Some(Scale::Ordered(cuts)) => cuts.partition_point(|cut| *cut < moment_us),
            _ => 0,
        };
        Sense::Order(Cut::rising(below))
    }

    /// Distinct positions on an axis, without NaN and missing: segments, or codes and one for all others.
    pub(super) fn place_count(&self, axis: AxisId) -> usize {
        self.rows.get(axis.index()).map_or(1, Axis::place_count)
    }

    /// Whether a value may be several positions at once, as a list is.
    pub(super) fn is_of_lists(&self, axis: AxisId) -> bool {
        let scale = self.rows.get(axis.index()).map(|axis| &axis.scale);
        matches!(scale, Some(Scale::ElementCodes(_) | Scale::ElementTextCodes(_)))
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}
