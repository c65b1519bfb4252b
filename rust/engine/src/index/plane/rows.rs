//! Rows: for each position on an axis, a bit for each slot, which is 0 where a literal of the slot is false.
//!
//! Places with the same bits share a row, and one that takes nothing away has none.

use std::collections::HashMap;

use super::{
    super::{
        axes::Axes,
        axis::{AxisId, Position, Positions},
        plan::Form,
        sense::Sense,
    },
    Entry, Extent,
};
use crate::{
    id::narrow,
    kernel::{Kernel, Line},
};

/// No row: nothing is false.
const NONE: u32 = u32::MAX;

/// The rows of one plane.
#[derive(Debug, Default)]
pub(super) struct PlaneRows {
    /// By extent, then axis.
    groups: Vec<RowGroup>,
    /// Groups that `finish` puts in order.
    added: Vec<(Extent, RowGroup)>,
    /// How many groups each extent has.
    extents: Vec<(Extent, usize)>,
    /// Where rows begin in `lines`: for each group that of NaN, that of a missing value, and then one for each of its
    /// positions.
    starts: Vec<u32>,
    lines: Vec<Line>,
}

/// Rows of one axis in one region of the plane.
#[derive(Clone, Copy, Debug)]
struct RowGroup {
    axis: AxisId,
    /// Place in `PlaneRows::starts`.
    first: u32,
    /// Segments that share a row: two to this power.
    step_log2: u8,
    /// Each code has two rows, for lists without and with it.
    is_of_lists: bool,
    code_count: u32,
}

/// Of a group in `PlaneRows::starts`.
const AT_NAN: usize = 0;
const WHEN_MISSING: usize = 1;
const PLACES: usize = 2;

impl PlaneRows {
    pub(super) fn bytes(&self) -> usize {
        self.lines.len() * size_of::<Line>()
            + self.starts.len() * size_of::<u32>()
            + self.groups.len() * size_of::<RowGroup>()
    }

    pub(super) fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// Adds the literals of one axis in one region.
    pub(super) fn add(&mut self, axes: &Axes, id: AxisId, form: Form, extent: Extent, entries: &[Entry<'_>]) {
        let (place_count, is_of_lists) = (axes.place_count(id), axes.is_of_lists(id));
        let mut builder = Builder::new(&mut self.lines, extent, entries);
        let first = narrow(self.starts.len());
        self.starts.push(builder.row(|entry| match entry.sense {
            Sense::Order(cut) => !cut.at_nan,
            Sense::Codes { turned, .. } => !turned,
        }));
        self.starts.push(builder.row(|_| true));
        let step_log2 = form.step_log2();
        let is_ordered = entries.iter().any(|entry| matches!(entry.sense, Sense::Order(_)));
        if is_of_lists {
            builder.add_elements(place_count - 1, &mut self.starts);
        } else if is_ordered {
            builder.add_segments(place_count, 1 << step_log2, &mut self.starts);
        } else {
            builder.add_codes(place_count - 1, &mut self.starts);
        }
        self.added.push((
            extent,
            RowGroup {
                axis: id,
                first,
                step_log2,
                is_of_lists,
                code_count: narrow(place_count - 1),
            },
        ));
    }

    /// Brings together what one AND goes over, and gives back the memory that growing took. To be called when everything is added.
    pub(super) fn finish(&mut self) {
        let mut added = std::mem::take(&mut self.added);
        added.sort_by_key(|(extent, group)| (*extent, group.axis));
        for of_extent in added.chunk_by(|(left, _), (right, _)| left == right) {
            self.extents
                .extend(of_extent.first().map(|(extent, _)| (*extent, of_extent.len())));
            self.groups.extend(of_extent.iter().map(|(_, group)| *group));
        }
        self.starts.shrink_to_fit();
        self.lines.shrink_to_fit();
    }

    /// ANDs the rows of present values into `not_false`.
    pub(super) fn apply(
        &self,
        kernel: Kernel,
        positions: &Positions,
        not_false: &mut [Line],
        starts: &mut Vec<u32>,
    ) {
        let mut groups = self.groups.as_slice();
        for (extent, group_count) in &self.extents {
            let (own, rest) = groups.split_at(*group_count);
            groups = rest;
            starts.clear();
            starts.reserve(own.len());
            for group in own {
                self.find(group, positions, starts);
            }
            if let Some(into) = not_false.get_mut(extent.lines()) {
                kernel.and_rows(into, &self.lines, starts);
            }
        }
    }

    /// ANDs the rows of missing values into `truth`.
    pub(super) fn apply_missing(&self, kernel: Kernel, positions: &Positions, truth: &mut [Line]) {
        let mut groups = self.groups.as_slice();
        for (extent, group_count) in &self.extents {
            let (own, rest) = groups.split_at(*group_count);
            groups = rest;
            for group in own
                .iter()
                .filter(|group| positions.get(group.axis) == Position::MISSING)
            {
                let start = self.starts.get(group.first as usize + WHEN_MISSING);
                if let (Some(into), Some(start)) = (truth.get_mut(extent.lines()), start) {
                    kernel.and_rows(into, &self.lines, &[*start]);
                }
            }
        }
    }

    fn find(&self, group: &RowGroup, positions: &Positions, starts: &mut Vec<u32>) {
        let first = group.first as usize;
        let position = match positions.get(group.axis) {
            Position::MISSING => return,
            Position::NAN => first + AT_NAN,
            position if group.is_of_lists => {
                return self.find_elements(group, positions.codes(position), starts);
            }
            position => first + PLACES + (position.0 >> group.step_log2) as usize,
        };
        if let Some(start) = self.starts.get(position).filter(|start| **start != NONE) {
            starts.push(*start);
        }
    }

    /// `codes`: ascending.
    fn find_elements(&self, group: &RowGroup, codes: &[u32], starts: &mut Vec<u32>) {
        let mut codes = codes.iter().peekable();
        for code in 0..group.code_count {
            let mut is_in = false;
            while codes.next_if_eq(&&code).is_some() {
                is_in = true;
            }
            let position = group.first as usize + PLACES + 2 * code as usize + usize::from(is_in);
            starts.extend(self.starts.get(position).filter(|start| **start != NONE));
        }
    }
}

/// Makes the rows of one group.
struct Builder<'b, 'e> {
    lines: &'b mut Vec<Line>,
    extent: Extent,
    entries: &'b [Entry<'e>],
    /// For each slot of the extent, how many of its literals are false.
    falses: Vec<u16>,
    row: Vec<Line>,
    known: HashMap<Vec<Line>, u32>,
}

impl<'b, 'e> Builder<'b, 'e> {
    fn new(lines: &'b mut Vec<Line>, extent: Extent, entries: &'b [Entry<'e>]) -> Self {
        Self {
            lines,
            extent,
            entries,
            falses: vec![0; extent.count as usize * Line::SLOTS],
            row: vec![Line::FULL; extent.count as usize],
            known: HashMap::new(),
        }
    }

    /// One more of the slot's literals is false.
    fn fail(&mut self, slot: u16) {
        let position = usize::from(slot) - self.extent.first as usize * Line::SLOTS;
        if let Some(falses) = self.falses.get_mut(position) {
            *falses += 1;
            if *falses == 1 {
                self.flip(position);
            }
        }
    }

    /// One less.
    fn restore(&mut self, slot: u16) {
        let position = usize::from(slot) - self.extent.first as usize * Line::SLOTS;
        if let Some(falses) = self.falses.get_mut(position) {
            *falses -= 1;
            if *falses == 0 {
                self.flip(position);
            }
        }
    }

    fn flip(&mut self, position: usize) {
        let line = self.row.get_mut(position / Line::SLOTS);
        if let Some(word) = line.and_then(|line| line.0.get_mut(position / 64 % 8)) {
            *word ^= 1 << (position % 64);
        }
    }

    /// Keeps the row as it is now.
    fn keep(&mut self) -> u32 {
        if self.row.iter().all(|line| *line == Line::FULL) {
            return NONE;
        }
        if let Some(start) = self.known.get(&self.row) {
            return *start;
        }
        let start = narrow(self.lines.len());
        self.lines.extend_from_slice(&self.row);
        self.known.insert(self.row.clone(), start);
        start
    }

    /// The row without the slots of some entries. Between rows, nothing is false.
    fn row(&mut self, is_false: impl Fn(&Entry<'_>) -> bool) -> u32 {
        let entries = self.entries;
        let false_ones = || entries.iter().filter(|entry| is_false(entry));
        for entry in false_ones() {
            self.fail(entry.slot);
        }
        let start = self.keep();
        for entry in false_ones() {
            self.restore(entry.slot);
        }
        start
    }

    /// A row for every `step` segments: what is false at each of them. For one, all; for more, what is false at the
    /// first and at the last, since nothing turns twice.
    fn add_segments(&mut self, segment_count: usize, step: u32, starts: &mut Vec<u32>) {
        let entries = self.entries;
        let cuts = entries.iter().filter_map(|entry| match entry.sense {
            Sense::Order(cut) => Some((entry.slot, cut)),
            Sense::Codes { .. } => None,
        });
        // A slot that rises turns true in the block that has its segment as the last one; one that falls turns false in
        // the block after the one that has its segment inside.
        let mut turns: Vec<(u32, bool, u16)> = Vec::with_capacity(entries.len());
        for (slot, cut) in cuts {
            if cut.rising {
                self.fail(slot);
                turns.push((cut.segment / step, true, slot));
            } else {
                turns.push((cut.segment.div_ceil(step), false, slot));
            }
        }
        turns.sort_unstable();
        let last = narrow(segment_count - 1);
        let mut turns = turns.as_slice();
        for block in 0..=last / step {
            let until = turns.partition_point(|(turn, ..)| *turn <= block);
            let (now, later) = turns.split_at(until);
            turns = later;
            for (_, rises, slot) in now {
                if *rises {
                    self.restore(*slot);
                } else {
                    self.fail(*slot);
                }
            }
            // Blocks where nothing turns share the row before them.
            let start = match (now.is_empty(), starts.last()) {
                (true, Some(before)) if block > 0 => *before,
                _ => self.keep(),
            };
            starts.push(start);
        }
    }

    /// A row for each code, and one for all other values.
    fn add_codes(&mut self, code_count: usize, starts: &mut Vec<u32>) {
        let entries = self.entries;
        let mut of_codes: Vec<(u32, bool, u16)> = Vec::new();
        for entry in entries {
            if let Sense::Codes { codes, turned } = entry.sense {
                of_codes.extend(codes.iter().map(|code| (*code, turned, entry.slot)));
                if !turned {
                    self.fail(entry.slot);
                }
            }
        }
        of_codes.sort_unstable();
        let others = self.keep();
        let mut of_codes = of_codes.as_slice();
        for code in 0..narrow(code_count) {
            let (own, later) = of_codes.split_at(of_codes.partition_point(|(other, ..)| *other <= code));
            of_codes = later;
            for (_, turned, slot) in own {
                if *turned {
                    self.fail(*slot);
                } else {
                    self.restore(*slot);
                }
            }
            starts.push(if own.is_empty() { others } else { self.keep() });
            for (_, turned, slot) in own {
                if *turned {
                    self.restore(*slot);
                } else {
                    self.fail(*slot);
                }
            }
        }
        starts.push(others);
    }

    /// Two rows for each code: for lists without it, and with it.
    fn add_elements(&mut self, code_count: usize, starts: &mut Vec<u32>) {
        for code in 0..narrow(code_count) {
            for wanted in [false, true] {
                let start = self.row(|entry| match entry.sense {
                    Sense::Codes { codes, turned } => turned == wanted && codes.contains(&code),
                    Sense::Order(_) => false,
                });
                starts.push(start);
            }
        }
    }
}
