//! Conjunctions of literals -> for each, whether all of its literals are true, and whether none of them is false.
//!
//! A conjunction has a slot: a bit in each of two rows. Literals are not tested one by one; the position of a
//! value on an axis gives the slots that it makes false, or leaves unknown.

mod lists;
mod rows;

use std::ops::Range;

use self::{
    lists::{KillLists, Kills},
    rows::PlaneRows,
};
use super::{
    axes::Axes,
    axis::{AxisId, Positions},
    plan::{self, Budget, Checkpoints, Choose, Form, Shape},
    sense::{Cut, Sense},
};
use crate::{
    error::BundleError,
    id::{LiteralId, narrow},
    kernel::{Kernel, Line, Marks, NOT_FALSE},
};

/// Slots of one plane.
pub(super) const SLOTS_MAX: usize = 1 << 16;

/// A literal of a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) axis: AxisId,
    pub(super) slot: u16,
    pub(super) sense: Sense<'a>,
}

impl<'a> Entry<'a> {
    pub(super) fn of(axes: &'a Axes, literal: LiteralId, slot: u16) -> Option<Self> {
        let (its_axis, sense) = axes.of_literal(literal)?;
        Some(Self {
            axis: its_axis,
            slot,
            sense,
        })
    }
}

/// What a plane is made from.
#[derive(Debug, Default)]
pub(super) struct PlaneSlots<'a> {
    /// The slots that there are, without those that are always false; at most [`SLOTS_MAX`].
    pub(super) possible: Vec<Line>,
    pub(super) entries: Vec<Entry<'a>>,
}

impl PlaneSlots<'_> {
    pub(super) fn with_lines(lines: usize) -> Self {
        Self {
            possible: vec![Line::default(); lines],
            entries: Vec::new(),
        }
    }

    /// Adds a slot that is not always false, and lines up to it.
    pub(super) fn add(&mut self, slot: u16) {
        let position = usize::from(slot) / Line::SLOTS;
        if position >= self.possible.len() {
            self.possible.resize(position + 1, Line::default());
        }
        let word = self
            .possible
            .get_mut(position)
            .and_then(|line| line.0.get_mut(usize::from(slot) / 64 % 8));
        if let Some(word) = word {
            *word |= 1 << (slot % 64);
        }
    }
}

/// A stretch of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Extent {
    first: u32,
    count: u32,
}

impl Extent {
    fn lines(self) -> Range<usize> {
        self.first as usize..(self.first + self.count) as usize
    }
}

/// The truth of every slot: true, false (not `not_false`), or unknown (the rest).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) not_false: Vec<Line>,
    /// Inside `not_false`.
    pub(super) truth: Vec<Line>,
}

/// The lines of truth and of what is not false, of some slots.
pub(super) struct Halves<'v> {
    pub(super) truth: &'v mut [Line],
    pub(super) not_false: &'v mut [Line],
}

impl Verdict {
    pub(super) fn halves(&mut self) -> Halves<'_> {
        Halves {
            truth: &mut self.truth,
            not_false: &mut self.not_false,
        }
    }
}

/// Memory that evaluating planes needs; all of it is written before it is read.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    kills: Kills,
    marks: Marks,
    starts: Vec<u32>,
}

/// A plane of slots.
#[derive(Debug)]
pub(super) struct Plane {
    kernel: Kernel,
    /// Slots that there are, and that are not false whatever is known.
    possible: Box<[Line]>,
    rows: PlaneRows,
    lists: KillLists,
}

/// What a plane is made of, for people.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Forms {
    pub(super) entries: usize,
    pub(super) row_groups: usize,
    pub(super) list_entries: usize,
}

impl Forms {
    pub(super) fn add(&mut self, other: Self) {
        self.entries += other.entries;
        self.row_groups += other.row_groups;
        self.list_entries += other.list_entries;
    }
}

impl Plane {
    /// `region_lines`: lines of each part of the plane whose form is chosen by itself.
    ///
    /// # Errors
    /// When it needs more memory than is left.
    pub(super) fn new(
        (axes, kernel, choose): (&Axes, Kernel, Choose),
        slots: PlaneSlots<'_>,
        region_lines: usize,
        budget: &mut Budget,
    ) -> Result<(Self, Forms), BundleError> {
        let PlaneSlots {
            possible,
            mut entries,
        } = slots;
        let region = |entry: &Entry<'_>| usize::from(entry.slot) / Line::SLOTS / region_lines.max(1);
        entries.sort_by_key(|entry| (entry.axis, region(entry)));
        let parts: Vec<&[Entry<'_>]> = entries
            .chunk_by(|left, right| left.axis == right.axis && region(left) == region(right))
            .collect();
        let shapes: Vec<Shape> = parts.iter().map(|part| shape(axes, part)).collect();
        let forms = choose(&shapes, kernel, budget);
        let (mut rows, mut lists) = (PlaneRows::default(), KillLists::default());
        let mut chosen = Forms {
            entries: entries.len(),
            ..Forms::default()
        };
        let mut planned: Vec<(&[Entry<'_>], Form)> = parts.into_iter().zip(forms).collect();
        for of_axis in planned.chunk_by_mut(|(left, _), (right, _)| axis(left) == axis(right)) {
            let mut listed = Vec::new();
            for (part, form) in of_axis {
                if let Form::Checkpoints(_) = form {
                    lists.add(axes, axis(part), Some(1 << form.step_log2()), part);
                    chosen.list_entries += part.len();
                }
                if *form == Form::Lists {
                    listed.extend_from_slice(part);
                } else {
                    rows.add(axes, axis(part), *form, extent(part), part);
                }
            }
            if !listed.is_empty() {
                lists.add(axes, axis(&listed), None, &listed);
                chosen.list_entries += listed.len();
            }
            budget.check(rows.bytes() + lists.bytes())?;
        }
        rows.finish();
        lists.finish();
        chosen.row_groups = rows.group_count();
        budget.take(rows.bytes() + lists.bytes() + possible.len() * size_of::<Line>())?;
        let plane = Self {
            kernel,
            possible: possible.into(),
            rows,
            lists,
        };
        Ok((plane, chosen))
    }

    /// The slots that are true, if nothing that a request brings changes them.
    pub(super) fn constant(&self) -> Option<&[Line]> {
        (self.lists.is_empty() && self.rows.group_count() == 0).then_some(&*self.possible)
    }

    /// The truth of every slot.
    pub(super) fn evaluate(&self, positions: &Positions, scratch: &mut Scratch) -> Verdict {
        let mut not_false = self.possible.to_vec();
        self.rows
            .apply(self.kernel, positions, &mut not_false, &mut scratch.starts);
        let mut truth = not_false.clone();
        self.rows.apply_missing(self.kernel, positions, &mut truth);
        if !self.lists.is_empty() {
            scratch.marks.prepare(not_false.len() * Line::SLOTS);
            self.lists.find(positions, &mut scratch.kills);
            // False is less than unknown, and what is written last stays.
            self.lists
                .mark(&scratch.kills.unknown, NOT_FALSE, &mut scratch.marks);
            self.lists.mark(&scratch.kills.false_ones, 0, &mut scratch.marks);
            self.kernel
                .and_marks(&mut scratch.marks, &mut not_false, &mut truth);
        }
        Verdict { not_false, truth }
    }
}

/// Of entries that all have the same.
fn axis(part: &[Entry<'_>]) -> AxisId {
    part.first().map_or(AxisId::default(), |entry| entry.axis)
}

/// The lines that have a slot of the entries.
fn extent(part: &[Entry<'_>]) -> Extent {
    let lines = || {
        part.iter()
            .map(|entry| u32::from(entry.slot) / narrow(Line::SLOTS))
    };
    let (first, last) = (lines().min().unwrap_or(0), lines().max().unwrap_or(0));
    Extent {
        first,
        count: last - first + 1,
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn shape(axes: &Axes, part: &[Entry<'_>]) -> Shape {
    let place_count = axes.place_count(axis(part));
    let is_of_lists = axes.is_of_lists(axis(part));
    let positions = place_count as f64;
    // Assumes that customers are equally frequent in all positions, and that lists hold one in ten of the
    // elements that policies name.
    let is_at = |codes: &[u32]| {
        if is_of_lists {
            0.1
        } else {
            codes.len() as f64 / positions
        }
    };
    let false_share = |entry: &Entry<'_>| match entry.sense {
        Sense::Order(cut) if cut.rising => f64::from(cut.segment) / positions,
        Sense::Order(cut) => 1.0 - f64::from(cut.segment) / positions,
        Sense::Codes { codes, turned: true } => is_at(codes),
        Sense::Codes { codes, turned: false } => 1.0 - is_at(codes),
    };
    let mut turns: Vec<u32> = part
        .iter()
        .flat_map(|entry| match &entry.sense {
            Sense::Order(cut) => std::slice::from_ref(&cut.segment),
            Sense::Codes { codes, .. } => codes,
        })
        .copied()
        .collect();
    turns.sort_unstable();
    turns.dedup();
    let codes = place_count - 1;
    let rows_impossible = is_of_lists && !plan::elements_may_have_rows(codes);
    Shape {
        line_count: extent(part).count as usize,
        // And those for NaN and for a missing value.
        row_count: if is_of_lists { 2 * codes } else { turns.len() + 1 } + 2,
        rows_read: if rows_impossible {
            usize::MAX / 1_024
        } else if is_of_lists {
            codes
        } else {
            1
        },
        place_count,
        kills: part.iter().map(false_share).sum(),
        checkpoints: checkpoints(part, place_count),
    }
}

/// What checkpoints would do at each distance that the axis is longer than.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn checkpoints(part: &[Entry<'_>], place_count: usize) -> Vec<Checkpoints> {
    let cuts = || {
        part.iter().filter_map(|entry| match entry.sense {
            Sense::Order(cut) => Some(cut),
            Sense::Codes { .. } => None,
        })
    };
    let rising = cuts()
        .filter(|cut| cut.rising)
        .map(|cut| cut.segment as usize)
        .max();
    let falling = cuts()
        .filter(|cut| !cut.rising)
        .map(|cut| cut.segment as usize)
        .min();
    let of_step = |step_log2: &u8| {
        let step = 1_usize << step_log2;
        let positions = |cut: Cut| match cut.segment as usize % step {
            // False at those of its block that are before it.
            within if cut.rising => within,
            0 => 0,
            within => step - within,
        };
        let blocks = ((place_count - 1) >> step_log2) + 1;
        // From the block where the last has risen to the one where the first falls, a row would take nothing away.
        let first = rising.map_or(0, |segment| segment >> step_log2);
        let end = falling.map_or(blocks, |segment| segment.div_ceil(step));
        let row_count = blocks - end.min(blocks).saturating_sub(first);
        Checkpoints {
            step_log2: *step_log2,
            row_count,
            rows_read: row_count as f64 / blocks as f64,
            open: cuts().map(positions).sum::<usize>() as f64 / place_count as f64,
        }
    };
    let steps = plan::STEPS_LOG2
        .iter()
        .filter(|step_log2| place_count >> **step_log2 > 0 && cuts().next().is_some());
    steps.map(of_step).collect()
}
