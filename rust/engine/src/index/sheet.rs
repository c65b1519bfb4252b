//! Lists of clauses -> for each, whether all of its clauses are true, and whether none of them is false.
//!
//! A clause of one literal is a literal of its slot. The literals of the others have separate slots in the
//! same plane, after those of the lists, as far as there is room.

use std::collections::HashMap;

use super::{
    axes::Axes,
    axis::Positions,
    disjunctions::{Disjunctions, Owned},
    plan::{Budget, Choose},
    plane::{Entry, Forms, Halves, Plane, PlaneSlots, SLOTS_MAX, Scratch, Verdict},
};
use crate::{
    error::BundleError,
    id::{ClauseId, Lists, LiteralId},
    kernel::{Kernel, Line},
};

/// Literals of one sheet, each once for every slot that has it: what an index is made from is larger than the index, and
/// bounded before there is too much of it. 3,000 for each action of a tile.
const TILE_LITERALS_MAX: usize = 1 << 25;

/// Slots that are lists of clauses.
#[derive(Debug)]
pub(super) struct Sheet {
    kernel: Kernel,
    /// Of the plane, those of the lists.
    lines: usize,
    plane: Plane,
    disjunctions: Disjunctions,
    /// Those for which there was no room in the plane.
    others: Vec<(Plane, Disjunctions)>,
}

/// What a sheet is made from.
pub(super) struct Ground<'a> {
    pub(super) axes: &'a Axes,
    pub(super) clause_literals: &'a Lists<ClauseId, LiteralId>,
    pub(super) kernel: Kernel,
    pub(super) choose: Choose,
}

impl<'a> Ground<'a> {
    /// A plane on this ground.
    pub(super) fn plane(
        &self,
        slots: PlaneSlots<'a>,
        region_lines: usize,
        budget: &mut Budget,
        forms: &mut Forms,
    ) -> Result<Plane, BundleError> {
        let (plane, own) = Plane::new((self.axes, self.kernel, self.choose), slots, region_lines, budget)?;
        forms.add(own);
        Ok(plane)
    }
}

impl Sheet {
    /// `lists`: the clauses of each slot that there is, by ascending slot. `lines`: of them, at most those of
    /// [`SLOTS_MAX`]; each region of the plane has `region_lines`.
    ///
    /// # Errors
    /// When it needs more memory than is left.
    pub(super) fn new<'c>(
        ground: &Ground<'c>,
        (lines, region_lines): (usize, usize),
        lists: impl Iterator<Item = (u16, &'c [ClauseId])>,
        budget: &mut Budget,
        forms: &mut Forms,
    ) -> Result<Self, BundleError> {
        let mut slots = PlaneSlots::with_lines(lines);
        let mut shared = Shared::default();
        for (slot, clauses) in lists {
            let mut is_possible = true;
            for clause in clauses {
                match ground.clause_literals.get(*clause) {
                    [] => is_possible = false,
                    [literal] => slots.entries.extend(Entry::of(ground.axes, *literal, slot)),
                    literals => shared.add(literals, slot),
                }
            }
            if is_possible {
                slots.add(slot);
            }
            BundleError::limit(
                "literals in one tile of actions",
                slots.entries.len(),
                TILE_LITERALS_MAX,
            )?;
        }
        let owned = shared.longest_first();
        let longest = |owned: &[Owned<'_>]| owned.first().map_or(0, |(literals, _)| literals.len());
        let room = Disjunctions::room(SLOTS_MAX / Line::SLOTS - lines, longest(&owned));
        let (own, mut rest) = owned.split_at(room.min(owned.len()));
        let disjunctions = Disjunctions::new(ground.axes, lines, own, &mut slots);
        budget.take(disjunctions.bytes())?;
        let mut made = Self {
            kernel: ground.kernel,
            lines,
            plane: ground.plane(slots, region_lines, budget, forms)?,
            disjunctions,
            others: Vec::new(),
        };
        while !rest.is_empty() {
            let room = Disjunctions::room(SLOTS_MAX / Line::SLOTS, longest(rest)).max(1);
            let (own, later) = rest.split_at(room.min(rest.len()));
            rest = later;
            let mut slots = PlaneSlots::with_lines(0);
            let disjunctions = Disjunctions::new(ground.axes, lines, own, &mut slots);
            budget.take(disjunctions.bytes())?;
            let region_lines = own.len().div_ceil(Line::SLOTS);
            made.others
                .push((ground.plane(slots, region_lines, budget, forms)?, disjunctions));
        }
        Ok(made)
    }

    /// The truth of every slot.
    pub(super) fn evaluate(&self, positions: &Positions, scratch: &mut Scratch) -> Verdict {
        let mut verdict = self.plane.evaluate(positions, scratch);
        let (truth, of_literals) = verdict.truth.split_at_mut(self.lines);
        let (not_false, not_false_of_literals) = verdict.not_false.split_at_mut(self.lines);
        let mut literals = Halves {
            truth: of_literals,
            not_false: not_false_of_literals,
        };
        let mut from = Halves { truth, not_false };
        self.disjunctions.take_out(self.kernel, &mut literals, &mut from);
        verdict.truth.truncate(self.lines);
        verdict.not_false.truncate(self.lines);
        for (plane, disjunctions) in &self.others {
            let mut literals = plane.evaluate(positions, scratch);
            disjunctions.take_out(self.kernel, &mut literals.halves(), &mut verdict.halves());
        }
        verdict
    }
}

/// The distinct clauses of several literals, and the slots of each.
#[derive(Default)]
struct Shared<'a> {
    known: HashMap<&'a [LiteralId], usize>,
    clauses: Vec<Owned<'a>>,
}

impl<'a> Shared<'a> {
    fn add(&mut self, literals: &'a [LiteralId], slot: u16) {
        let position = *self.known.entry(literals).or_insert_with(|| {
            self.clauses.push((literals, Vec::new()));
            self.clauses.len() - 1
        });
        if let Some((_, slots)) = self.clauses.get_mut(position) {
            slots.push(slot);
        }
    }

    fn longest_first(mut self) -> Vec<Owned<'a>> {
        self.clauses
            .sort_by_key(|(literals, _)| std::cmp::Reverse(literals.len()));
        self.clauses
    }
}
