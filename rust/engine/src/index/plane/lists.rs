//! Kill lists: for each position on an axis, the slots that have a literal there which is false.
//!
//! All of them are stretches of one array, two bytes a literal. Slots of literals that turn at a segment are sorted so
//! that those of one position are one stretch; slots of equalities so that those of one position are all but few.

use super::{
    super::{
        axes::Axes,
        axis::{AxisId, Position, Positions},
        sense::{Cut, Sense},
    },
    Entry,
};
use crate::{id::narrow, kernel::Marks};

/// A stretch of slots, or of spared stretches.
type Stretch = (u32, u32);

/// The kill lists of one plane.
#[derive(Debug, Default)]
pub(super) struct KillLists {
    ordered: Vec<Ordered>,
    coded: Vec<Coded>,
    slots: Vec<u16>,
    /// For each segment what is false there, counted from the list's first slot; between checkpoints, two stretches.
    of_segments: Vec<(u16, u16)>,
    /// For each code, the end of its stretches in `spared` and in `slots`; they begin where those before end.
    of_codes: Vec<(u32, u32)>,
    spared: Vec<Stretch>,
}

/// Literals of an axis that turn at a segment.
#[derive(Debug)]
struct Ordered {
    axis: AxisId,
    /// Place in `KillLists::of_segments`.
    first: u32,
    /// Stretches of each segment.
    per_segment: u32,
    /// Each slot with a literal on the axis, which are unknown when the value is missing.
    all: Stretch,
    nan: Stretch,
}

/// Literals of an axis that are true at some codes, or at all others.
#[derive(Debug)]
struct Coded {
    axis: AxisId,
    /// Position in `KillLists::of_codes`, with one more before the first code.
    first: u32,
    code_count: u32,
    /// A value may have several codes.
    is_of_lists: bool,
    /// Each code has all of its false slots in one stretch, and so have all other values, as one code more.
    is_written_out: bool,
    all: Stretch,
    /// Slots that are false everywhere but at their codes.
    plain: Stretch,
}

/// Slots of one list: what `of_segments` can count.
const LIST_SLOTS_MAX: usize = u16::MAX as usize;
/// Codes up to which the slots of each are written out: one stretch is marked faster than many short ones.
const WRITTEN_OUT_MAX: usize = 64;

/// The stretches of one request.
#[derive(Debug, Default)]
pub(super) struct Kills {
    pub(super) unknown: Vec<Stretch>,
    pub(super) false_ones: Vec<Stretch>,
}

impl KillLists {
    /// Gives back the memory that growing took. To be called when everything is added.
    pub(super) fn finish(&mut self) {
        self.ordered.shrink_to_fit();
        self.coded.shrink_to_fit();
        self.slots.shrink_to_fit();
        self.of_segments.shrink_to_fit();
        self.of_codes.shrink_to_fit();
        self.spared.shrink_to_fit();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ordered.is_empty() && self.coded.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.len() * 2
            + self.of_segments.len() * size_of::<(u16, u16)>()
            + (self.of_codes.len() + self.spared.len()) * size_of::<Stretch>()
            + self.ordered.len() * size_of::<Ordered>()
            + self.coded.len() * size_of::<Coded>()
    }

    /// Adds the literals of one axis. `step`: segments that share a row, which holds what is false at each of them.
    pub(super) fn add(&mut self, axes: &Axes, id: AxisId, step: Option<u32>, entries: &[Entry<'_>]) {
        let (place_count, is_of_lists) = (axes.place_count(id), axes.is_of_lists(id));
        let cuts: Vec<(u16, Cut)> = entries
            .iter()
            .filter_map(|entry| match entry.sense {
                Sense::Order(cut) => Some((entry.slot, cut)),
                Sense::Codes { .. } => None,
            })
            .collect();
        if cuts.is_empty() {
            self.add_codes((id, place_count, is_of_lists), entries);
        } else {
            for some in cuts.chunks(LIST_SLOTS_MAX) {
                self.add_cuts(id, place_count, step, some.to_vec());
            }
        }
    }

    /// Falling slots and then rising ones, both by descending segment: what is false at a segment is one stretch, from
    /// the first that falls at or before it to the last that rises after it.
    fn add_cuts(&mut self, axis: AxisId, segment_count: usize, step: Option<u32>, mut cuts: Vec<(u16, Cut)>) {
        cuts.sort_by_key(|(slot, cut)| (cut.rising, std::cmp::Reverse(cut.segment), *slot));
        let start = narrow(self.slots.len());
        self.slots.extend(cuts.iter().map(|(slot, _)| *slot));
        let all = (start, narrow(self.slots.len()));
        let falling = cuts.partition_point(|(_, cut)| !cut.rising);
        let (falling, rising) = cuts.split_at(falling);
        let count = |of: &[(u16, Cut)], segment: u32| of.partition_point(|(_, cut)| cut.segment > segment);
        let short = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let falls_from = |segment: u32| short(count(falling, segment));
        let rises_until = |segment: u32| short(falling.len() + count(rising, segment));
        let first = narrow(self.of_segments.len());
        let last = narrow(segment_count - 1);
        for segment in 0..=last {
            let (from, until) = (falls_from(segment), rises_until(segment));
            if let Some(step) = step {
                // The row of these segments knows what is false at the first and at the last of them.
                let low = segment - segment % step;
                let high = low + step - 1;
                self.of_segments.push((from, falls_from(low)));
                self.of_segments.push((rises_until(high), until));
            } else {
                self.of_segments.push((from, until));
            }
        }
        let at_nan: Vec<u16> = cuts
            .iter()
            .filter(|(_, cut)| !cut.at_nan)
            .map(|(slot, _)| *slot)
            .collect();
        let nan = if at_nan.len() == cuts.len() {
            all
        } else {
            self.append(at_nan)
        };
        self.ordered.push(Ordered {
            axis,
            first,
            per_segment: if step.is_some() { 2 } else { 1 },
            all,
            nan,
        });
    }

    /// Slots that are false but at their codes, by their first code; a code spares some of them. Then those that are
    /// true but at their codes; a code has its own copy of them.
    fn add_codes(&mut self, (axis, place_count, is_of_lists): (AxisId, usize, bool), entries: &[Entry<'_>]) {
        let (mut plain, mut turned) = (Vec::new(), Vec::new());
        for entry in entries {
            if let Sense::Codes {
                codes,
                turned: is_turned,
            } = entry.sense
            {
                if is_turned { &mut turned } else { &mut plain }.push((codes, entry.slot));
            }
        }
        plain.sort_unstable();
        let plain_at = self.append(plain.iter().map(|(_, slot)| *slot));
        let (_, end) = self.append(turned.iter().map(|(_, slot)| *slot));
        if !is_of_lists && place_count <= WRITTEN_OUT_MAX {
            self.write_out(axis, place_count, (plain_at, end), &plain, &turned);
            return;
        }
        let by_code = |of: &[(&[u32], u16)], base: u32| {
            let mut found: Vec<(u32, u32, u16)> = (base..)
                .zip(of)
                .flat_map(|(position, (codes, slot))| codes.iter().map(move |code| (*code, position, *slot)))
                .collect();
            found.sort_unstable();
            found
        };
        let (spared, struck) = (by_code(&plain, plain_at.0), by_code(&turned, 0));
        let (mut spared, mut struck) = (spared.as_slice(), struck.as_slice());
        let first = narrow(self.of_codes.len());
        self.of_codes
            .push((narrow(self.spared.len()), narrow(self.slots.len())));
        let code_count = narrow(place_count - 1);
        for code in 0..code_count {
            let (own, rest) = spared.split_at(spared.partition_point(|(other, ..)| *other <= code));
            spared = rest;
            for stretch in own.chunk_by(|(_, left, _), (_, right, _)| left + 1 == *right) {
                if let ([(_, from, _), ..], [.., (_, to, _)]) = (stretch, stretch) {
                    self.spared.push((*from, to + 1));
                }
            }
            let (own, rest) = struck.split_at(struck.partition_point(|(other, ..)| *other <= code));
            struck = rest;
            self.slots.extend(own.iter().map(|(.., slot)| *slot));
            self.of_codes
                .push((narrow(self.spared.len()), narrow(self.slots.len())));
        }
        self.coded.push(Coded {
            axis,
            first,
            code_count,
            is_of_lists,
            is_written_out: false,
            all: (plain_at.0, end),
            plain: plain_at,
        });
    }

    fn write_out(
        &mut self,
        axis: AxisId,
        place_count: usize,
        (plain_at, end): (Stretch, u32),
        plain: &[(&[u32], u16)],
        turned: &[(&[u32], u16)],
    ) {
        let first = narrow(self.of_codes.len());
        self.of_codes.push((0, narrow(self.slots.len())));
        // The last represents all other values: no literal has it.
        for code in 0..narrow(place_count) {
            let has = |(codes, _): &&(&[u32], u16)| codes.contains(&code);
            let false_ones = plain
                .iter()
                .filter(|entry| !has(entry))
                .chain(turned.iter().filter(has));
            self.append(false_ones.map(|(_, slot)| *slot));
            self.of_codes.push((0, narrow(self.slots.len())));
        }
        self.coded.push(Coded {
            axis,
            first,
            code_count: narrow(place_count - 1),
            is_of_lists: false,
            is_written_out: true,
            all: (plain_at.0, end),
            plain: plain_at,
        });
    }

    fn append(&mut self, slots: impl IntoIterator<Item = u16>) -> Stretch {
        let start = narrow(self.slots.len());
        self.slots.extend(slots);
        (start, narrow(self.slots.len()))
    }

    /// Finds the slots of which a literal is unknown or false, for all axes before any is marked: none has then to wait
    /// for another's memory.
    pub(super) fn find(&self, positions: &Positions, kills: &mut Kills) {
        kills.unknown.clear();
        kills.false_ones.clear();
        kills
            .false_ones
            .reserve(self.ordered.len() + 2 * self.coded.len());
        self.find_ordered(positions, kills);
        self.find_coded(positions, kills);
    }

    /// Marks the slots of some stretches.
    pub(super) fn mark(&self, stretches: &[Stretch], mark: u8, marks: &mut Marks) {
        for (start, end) in stretches {
            // A stretch that ends before it starts has no slots.
            let slots = self.slots.get(*start as usize..*end as usize);
            marks.write(slots.unwrap_or_default(), mark);
        }
    }

    fn find_ordered(&self, positions: &Positions, kills: &mut Kills) {
        for list in &self.ordered {
            match positions.get(list.axis) {
                Position::MISSING => kills.unknown.push(list.all),
                Position::NAN => kills.false_ones.push(list.nan),
                Position(segment) => {
                    let first = (list.first + segment * list.per_segment) as usize;
                    let stretches = self.of_segments.get(first..first + list.per_segment as usize);
                    for (start, end) in stretches.unwrap_or_default() {
                        kills
                            .false_ones
                            .push((list.all.0 + u32::from(*start), list.all.0 + u32::from(*end)));
                    }
                }
            }
        }
    }

    fn find_coded(&self, positions: &Positions, kills: &mut Kills) {
        for list in &self.coded {
            match positions.get(list.axis) {
                Position::MISSING => kills.unknown.push(list.all),
                position if list.is_written_out => {
                    let code = if position == Position::NAN {
                        list.code_count
                    } else {
                        position.0
                    };
                    let positions = (list.first + code) as usize;
                    if let Some([(_, start), (_, end)]) = self.of_codes.get(positions..positions + 2) {
                        kills.false_ones.push((*start, *end));
                    }
                }
                position if list.is_of_lists => {
                    self.kill_codes(list, positions.codes(position), &mut kills.false_ones);
                }
                Position(code) if code < list.code_count => {
                    self.kill_codes(list, &[code], &mut kills.false_ones);
                }
                // NaN, and whatever no policy names.
                _ => kills.false_ones.push(list.plain),
            }
        }
    }

    /// `codes`: ascending. One that comes twice spares and kills nothing more.
    fn kill_codes(&self, list: &Coded, codes: &[u32], kills: &mut Vec<Stretch>) {
        let (mut from, end) = list.plain;
        for code in codes {
            let position = (list.first + code) as usize;
            let Some([(spared, struck), (spared_end, struck_end)]) =
                self.of_codes.get(position..position + 2)
            else {
                continue;
            };
            for (start, end) in self
                .spared
                .get(*spared as usize..*spared_end as usize)
                .unwrap_or_default()
            {
                kills.push((from, *start));
                from = *end;
            }
            kills.push((*struck, *struck_end));
        }
        kills.push((from, end));
    }
}
