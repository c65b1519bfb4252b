//! Cells -> the keys that trees test: each cell once, or twice where a missing one goes left at some nodes and right at
//! others.

use crate::kernel::{LEFTMOST, RIGHTMOST, Slots, key};

/// Cells between two that are tested, which are made keys of all the same: neighbours are quicker than gaps.
const GAP_MAX: usize = 4;

/// What a node of the message tests.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slot {
    pub(super) cell: usize,
    /// Where NaN goes; of no meaning where there are members.
    pub(super) missing_left: bool,
    /// Not empty: the slot is whether the cell is one of these; sorted, none NaN.
    pub(super) members: Vec<f32>,
    pub(super) missing_is_member: bool,
}

/// Which cells are tested. Keys stand in the order of the stretches, then of the sets; once, or once more for the other
/// side.
#[derive(Debug)]
pub(super) struct Axes {
    /// Cells: first and count.
    stretches: Vec<(usize, usize)>,
    sets: Vec<Slot>,
    count: usize,
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

impl Axes {
    /// The axes, and for each slot which of the keys it is.
    pub(super) fn of(slots: &[Slot]) -> (Self, Vec<usize>) {
        let plain = || slots.iter().filter(|slot| slot.members.is_empty());
        let sides = match (
            plain().any(|slot| slot.missing_left),
            plain().any(|slot| !slot.missing_left),
        ) {
            (true, true) => Sides::Both,
            (true, false) => Sides::Left,
            (false, _) => Sides::Right,
        };
        let mut cells: Vec<usize> = plain().map(|slot| slot.cell).collect();
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
        let mut sets: Vec<Slot> = Vec::new();
        for slot in slots.iter().filter(|slot| !slot.members.is_empty()) {
            if !sets.contains(slot) {
                sets.push(slot.clone());
            }
        }
        let plain_count: usize = stretches.iter().map(|(_, count)| count).sum();
        let axes = Self {
            count: plain_count + sets.len(),
            stretches,
            sets,
            sides,
        };
        let place = |slot: &Slot| {
            if !slot.members.is_empty() {
                let place = axes.sets.iter().position(|set| set == slot).unwrap_or_default();
                return plain_count + place;
            }
            let mut before = 0;
            for (first, count) in &axes.stretches {
                if (*first..first + count).contains(&slot.cell) {
                    let place = before + slot.cell - first;
                    let is_other = sides == Sides::Both && !slot.missing_left;
                    return if is_other { place + axes.count } else { place };
                }
                before += count;
            }
            before
        };
        let places = slots.iter().map(place).collect();
        (axes, places)
    }

    /// The keys of a row.
    pub(super) fn slots(&self) -> Slots {
        Slots {
            axes: self.count,
            is_paired: self.sides == Sides::Both,
        }
    }

    /// The cell of each axis: in gaps as well.
    pub(super) fn cells(&self) -> impl Iterator<Item = usize> {
        let plain = self
            .stretches
            .iter()
            .flat_map(|(first, count)| *first..first + count);
        plain.chain(self.sets.iter().map(|set| set.cell))
    }

    /// The same axes over cells that stand elsewhere; none where one of them is not there. Neighbours stay neighbours.
    pub(super) fn moved(&self, place: impl Fn(usize) -> Option<usize>) -> Option<Self> {
        let moved = |(first, count): &(usize, usize)| Some((place(*first)?, *count));
        let set = |set: &Slot| {
            Some(Slot {
                cell: place(set.cell)?,
                ..set.clone()
            })
        };
        Some(Self {
            stretches: self.stretches.iter().map(moved).collect::<Option<_>>()?,
            sets: self.sets.iter().map(set).collect::<Option<_>>()?,
            ..*self
        })
    }

    /// The keys of one axis: its only one twice where it has no pair.
    pub(super) fn key_pair(&self, place: usize, cell: f32) -> (u32, u32) {
        let sets = self.count - self.sets.len();
        if let Some(set) = place.checked_sub(sets).and_then(|set| self.sets.get(set)) {
            let key = set.key(cell);
            return (key, key);
        }
        match self.sides {
            Sides::Left => (key(cell, LEFTMOST), key(cell, LEFTMOST)),
            Sides::Right => (key(cell, RIGHTMOST), key(cell, RIGHTMOST)),
            Sides::Both => (key(cell, LEFTMOST), key(cell, RIGHTMOST)),
        }
    }

    /// Appends the keys of a row.
    pub(super) fn append(&self, cells: &[f32], keys: &mut Vec<u32>) {
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
        for set in &self.sets {
            let cell = cells.get(set.cell).copied().unwrap_or(f32::NAN);
            keys.push(set.key(cell));
        }
        if self.sides == Sides::Both {
            keys.resize(start + 2 * self.count, LEFTMOST);
            let (near, far) = keys.split_at_mut(start + self.count);
            for (far, near) in far.iter_mut().zip(near.iter().skip(start)) {
                // No number has the leftmost key.
                *far = if *near == LEFTMOST { RIGHTMOST } else { *near };
            }
        }
    }
}

impl Slot {
    /// The key of 1.0, or that of 0.0.
    fn key(&self, cell: f32) -> u32 {
        let is_member = if cell.is_nan() {
            self.missing_is_member
        } else {
            let order = |member: &f32| member.partial_cmp(&cell).unwrap_or(std::cmp::Ordering::Less);
            self.members.binary_search_by(order).is_ok()
        };
        key(f32::from(u8::from(is_member)), LEFTMOST)
    }
}
