//! Clauses of several literals -> those that are not true, taken out of the slots that have them.
//!
//! Each literal has a separate slot: the first literals of all clauses are adjacent, then the second ones,
//! and so on, so that the truth of the clauses is an OR of lines. A clause that many slots share is looked at
//! once.

use super::{
    axes::Axes,
    plane::{Entry, Halves, PlaneSlots},
};
use crate::{
    id::{LiteralId, narrow},
    kernel::{Kernel, Line},
};

/// Slots that have a clause from which on they are a row rather than a list: about the number of its words.
const OWNERS_LISTED_MAX: usize = 64;

/// A clause, and the slots that have it.
pub(super) type Owned<'a> = (&'a [LiteralId], Vec<u16>);

/// Clauses of several literals. Those of most literals come first.
#[derive(Debug)]
pub(super) struct Disjunctions {
    clause_count: usize,
    /// The line at which the first literals end, the second ones, ..., the last ones.
    ends: Vec<usize>,
    owners: Vec<Owners>,
    slots: Vec<u16>,
    rows: Vec<Line>,
}

#[derive(Clone, Copy, Debug)]
enum Owners {
    One(u16),
    /// A stretch of `Disjunctions::slots`.
    Listed(u32, u32),
    /// Where a row begins that is without them.
    Row(u32),
}

impl Disjunctions {
    /// Lays out the literals of some clauses, those with most literals first, behind the slots that there
    /// are. They belong to slots of the first `lines`.
    pub(super) fn new<'a>(
        axes: &'a Axes,
        lines: usize,
        clauses: &[Owned<'_>],
        slots: &mut PlaneSlots<'a>,
    ) -> Self {
        let longest = clauses.first().map_or(0, |(literals, _)| literals.len());
        let before = slots.possible.len();
        let mut made = Self {
            clause_count: clauses.len(),
            ends: Vec::with_capacity(longest),
            owners: Vec::with_capacity(clauses.len()),
            slots: Vec::new(),
            rows: Vec::new(),
        };
        for layer in 0..longest {
            let of_layer = clauses.iter().map_while(|(literals, _)| literals.get(layer));
            let first = slots.possible.len() * Line::SLOTS;
            for (literal, slot) in of_layer.zip(first..) {
                let slot = u16::try_from(slot).unwrap_or(u16::MAX);
                slots.add(slot);
                slots.entries.extend(Entry::of(axes, *literal, slot));
            }
            made.ends.push(slots.possible.len() - before);
        }
        for (_, owners) in clauses {
            made.add_owners(lines, owners);
        }
        made
    }

    /// The number of clauses, none with more literals than `longest`, that fit into this number of lines.
    pub(super) fn room(lines: usize, longest: usize) -> usize {
        lines / longest.max(1) * Line::SLOTS
    }

    pub(super) fn bytes(&self) -> usize {
        self.owners.len() * size_of::<Owners>() + self.slots.len() * 2 + self.rows.len() * size_of::<Line>()
    }

    fn add_owners(&mut self, lines: usize, owners: &[u16]) {
        if let [only] = owners {
            self.owners.push(Owners::One(*only));
        } else if owners.len() > OWNERS_LISTED_MAX {
            self.owners.push(Owners::Row(narrow(self.rows.len())));
            let mut row = vec![Line::FULL; lines];
            for slot in owners {
                clear(&mut row, *slot);
            }
            self.rows.extend(row);
        } else {
            let start = narrow(self.slots.len());
            self.slots.extend_from_slice(owners);
            self.owners.push(Owners::Listed(start, narrow(self.slots.len())));
        }
    }

    /// Takes the slots of clauses that are not true out of `from.truth`, and those of false ones out of
    /// `from.not_false` too. `literals`: what is known of the literals.
    pub(super) fn take_out(&self, kernel: Kernel, literals: &mut Halves<'_>, from: &mut Halves<'_>) {
        for ends in self.ends.windows(2) {
            let &[start, end] = ends else { continue };
            or_layer(literals.truth, start, end);
            or_layer(literals.not_false, start, end);
        }
        let words = literals.truth.iter().flat_map(|line| line.0);
        let words = words.zip(literals.not_false.iter().flat_map(|line| line.0));
        for (position, (truth, not_false)) in words.enumerate() {
            let first = position * 64;
            if first >= self.clause_count {
                break;
            }
            // Behind the last clause nothing is true, and nothing has owners.
            let mut rest = !truth;
            while rest != 0 {
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                if let Some(owners) = self.owners.get(first + bit as usize) {
                    self.take(kernel, *owners, not_false >> bit & 1 == 0, from);
                }
            }
        }
    }

    fn take(&self, kernel: Kernel, owners: Owners, is_false: bool, from: &mut Halves<'_>) {
        let halves = [Some(&mut *from.truth), is_false.then_some(&mut *from.not_false)];
        for half in halves.into_iter().flatten() {
            match owners {
                Owners::One(slot) => clear(half, slot),
                Owners::Listed(start, end) => {
                    let slots = self.slots.get(start as usize..end as usize);
                    for slot in slots.unwrap_or_default() {
                        clear(half, *slot);
                    }
                }
                Owners::Row(start) => kernel.and_rows(half, &self.rows, &[start]),
            }
        }
    }
}

/// ORs the lines from `start` to `end` into the first ones.
fn or_layer(lines: &mut [Line], start: usize, end: usize) {
    if let Some((into, layer)) = lines.split_at_mut_checked(start) {
        for (line, other) in into.iter_mut().zip(layer.iter().take(end - start)) {
            for (word, other) in line.0.iter_mut().zip(other.0) {
                *word |= other;
            }
        }
    }
}

fn clear(lines: &mut [Line], slot: u16) {
    let slot = usize::from(slot);
    let word = lines
        .get_mut(slot / Line::SLOTS)
        .and_then(|line| line.0.get_mut(slot / 64 % 8));
    if let Some(word) = word {
        *word &= !(1 << (slot % 64));
    }
}
