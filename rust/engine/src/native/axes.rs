//! Cells -> the keys that trees test: each cell once, or twice if a missing one goes left at some nodes and
//! right at others; and of cells that are tested for sets a code, and the result of each set for it.

use std::{cmp::Ordering, sync::Arc};

use super::codes::{Codes, TestedCell};
use crate::{
    error::BundleError,
    kernel::{KeySlots, LEFTMOST, RIGHTMOST, Sets, Tested, key},
};

/// Cells between two that are tested, which are made keys of all the same: neighbours are quicker than gaps.
const GAP_MAX: usize = 4;
/// Nodes name slots in 16 bits.
const SLOTS_MAX: usize = 1 << 16;

/// Which cells are tested: the axes are first the cells of the stretches, then those that have codes, then their sets.
#[derive(Debug)]
pub(super) struct TestedAxes {
    /// Cells: first and count.
    stretches: Vec<(usize, usize)>,
    /// Cells that have codes.
    columns: Vec<(usize, Arc<Codes>)>,
    sets: Arc<Sets>,
    slots: KeySlots,
    sides: Sides,
}

/// Where NaN goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sides {
    Left,
    Right,
    /// Left, then right.
    Both,
}

impl TestedAxes {
    /// The axes, and for each slot of the message which of the keys it is.
    ///
    /// # Errors
    /// When there are more keys than nodes can name, or sets take too much memory.
    pub(super) fn of(slots: &[TestedCell]) -> Result<(Self, Vec<usize>), BundleError> {
        let plain = || slots.iter().filter(|slot| slot.members.is_empty());
        let sides = match (
            plain().any(|slot| slot.missing_left),
            plain().any(|slot| !slot.missing_left),
        ) {
            (true, true) => Sides::Both,
            (true, false) => Sides::Left,
            (false, _) => Sides::Right,
        };
        let stretches = stretches(plain().map(|slot| slot.cell).collect());
        let mut members: Vec<&TestedCell> = slots.iter().filter(|slot| !slot.members.is_empty()).collect();
        members.sort_by(|left, right| order(left, right));
        members.dedup_by(|left, right| order(left, right).is_eq());
        let mut sets = Sets::default();
        let mut columns = Vec::new();
        for column in members.chunk_by(|left, right| left.cell == right.cell) {
            let cell = column.first().map_or(0, |set| set.cell);
            columns.push((cell, Arc::new(Codes::of(column, &mut sets)?)));
        }
        let axes = Self {
            slots: KeySlots {
                axes: stretches.iter().map(|(_, count)| count).sum(),
                is_paired: sides == Sides::Both,
                columns: columns.len(),
                sets: members.len(),
            },
            stretches,
            columns,
            sets: Arc::new(sets),
            sides,
        };
        BundleError::limit("keys of trees", axes.slots.count(), SLOTS_MAX)?;
        let index = |slot: &TestedCell| {
            if slot.members.is_empty() {
                axes.plain(slot)
            } else {
                let set = members
                    .binary_search_by(|set| order(set, slot))
                    .unwrap_or_default();
                axes.slots.first_set() + set
            }
        };
        let indices = slots.iter().map(index).collect();
        Ok((axes, indices))
    }

    fn plain(&self, slot: &TestedCell) -> usize {
        let mut before = 0;
        for (first, count) in &self.stretches {
            if (*first..first + count).contains(&slot.cell) {
                let index = before + slot.cell - first;
                let is_other = self.sides == Sides::Both && !slot.missing_left;
                return if is_other { index + self.slots.axes } else { index };
            }
            before += count;
        }
        before
    }

    /// The keys of a row.
    pub(super) fn slots(&self) -> KeySlots {
        self.slots
    }

    /// The keys of a row, and what is known of the sets.
    pub(super) fn tested(&self) -> Tested<'_> {
        Tested {
            slots: self.slots,
            sets: &self.sets,
        }
    }

    /// The cell of each axis: in gaps as well.
    pub(super) fn cells(&self) -> impl Iterator<Item = usize> {
        let plain = self
            .stretches
            .iter()
            .flat_map(|(first, count)| *first..first + count);
        let columns = self.columns.iter().map(|(cell, _)| *cell);
        let sets = self.columns.iter().zip(self.sets.counts());
        let sets = sets.flat_map(|((cell, _), count)| std::iter::repeat_n(*cell, count));
        plain.chain(columns).chain(sets)
    }

    /// The same axes over cells at other positions; none if one of them does not exist. Neighbours stay
    /// neighbours.
    pub(super) fn moved(&self, index: impl Fn(usize) -> Option<usize>) -> Option<Self> {
        let moved = |(first, count): &(usize, usize)| Some((index(*first)?, *count));
        let column = |(cell, codes): &(usize, Arc<Codes>)| Some((index(*cell)?, Arc::clone(codes)));
        Some(Self {
            stretches: self.stretches.iter().map(moved).collect::<Option<_>>()?,
            columns: self.columns.iter().map(column).collect::<Option<_>>()?,
            sets: Arc::clone(&self.sets),
            ..*self
        })
    }

    /// Appends the keys of a row: those of `slots`, which are all or all but the sets.
    pub(super) fn append(&self, slots: KeySlots, cells: &[f32], keys: &mut Vec<u32>) {
        let missing = if self.sides == Sides::Right {
            RIGHTMOST
        } else {
            LEFTMOST
        };
        let start = keys.len();
        for (first, count) in &self.stretches {
            let cells = cells.get(*first..first + count).unwrap_or_default();
            keys.extend(cells.iter().map(|cell| key(*cell, missing)));
        }
        if self.sides == Sides::Both {
            keys.resize(start + 2 * slots.axes, LEFTMOST);
            let (near, far) = keys.split_at_mut(start + slots.axes);
            for (far, near) in far.iter_mut().zip(near.iter().skip(start)) {
                // No number has the leftmost key.
                *far = if *near == LEFTMOST { RIGHTMOST } else { *near };
            }
        }
        for (cell, codes) in &self.columns {
            keys.push(codes.code(cells.get(*cell).copied().unwrap_or(f32::NAN)));
        }
        keys.resize(start + slots.count(), LEFTMOST);
        if let Some(keys) = keys.get_mut(start..).filter(|_| slots.sets > 0) {
            let (codes, sets) = keys.split_at_mut(slots.first_set());
            for (column, code) in codes.iter().skip(slots.first_code()).enumerate() {
                self.sets.expand(column, *code, sets);
            }
        }
    }

    /// Writes the keys of one axis that is not a set; of one with codes those of its sets as well, if `slots`
    /// has them.
    pub(super) fn write(&self, slots: KeySlots, axis: usize, cell: f32, keys: &mut [u32]) {
        let mut set = |slot: usize, key: u32| {
            if let Some(into) = keys.get_mut(slot) {
                *into = key;
            }
        };
        if let Some(column) = axis.checked_sub(slots.axes) {
            if let Some((_, codes)) = self.columns.get(column) {
                let code = codes.code(cell);
                set(slots.first_code() + column, code);
                let sets = keys.get_mut(slots.first_set()..).unwrap_or_default();
                self.sets.expand(column, code, sets);
            }
            return;
        }
        let missing = if self.sides == Sides::Right {
            RIGHTMOST
        } else {
            LEFTMOST
        };
        set(axis, key(cell, missing));
        if self.sides == Sides::Both {
            set(axis + slots.axes, key(cell, RIGHTMOST));
        }
    }
}

fn stretches(mut cells: Vec<usize>) -> Vec<(usize, usize)> {
    cells.sort_unstable();
    let mut stretches: Vec<(usize, usize)> = Vec::new();
    for cell in cells {
        match stretches.last_mut() {
            Some((first, count)) if cell <= *first + *count + GAP_MAX => {
                *count = (*count).max(cell - *first + 1);
            }
            _ => stretches.push((cell, 1)),
        }
    }
    stretches
}

/// Sets of one cell are adjacent.
fn order(left: &TestedCell, right: &TestedCell) -> Ordering {
    let key = |slot: &TestedCell| (slot.cell, slot.missing_is_member);
    let bits = left.members.iter().map(|member| member.to_bits());
    key(left)
        .cmp(&key(right))
        .then_with(|| bits.cmp(right.members.iter().map(|member| member.to_bits())))
}
