//! Which form each part of a plane takes: the one that is expected to be the fastest, within what memory allows.
//!
//! - *Kill lists*: the slots that a place makes false, a byte written for each. Two bytes a literal, whatever the
//!   number of places; the time is that of the slots that turn false.
//! - *Rows*: a bit for each slot, a row for each place; those of a request are joined by AND. The time is that of a row, whatever turns false.
//! - *Checkpoints*: a row for every so many segments, with what it leaves open in kill lists.
//!
//! Lakshman and Stiliadis (SIGCOMM 1998) filter by rows alone. Where places are many and slots few at each, as with a
//! threshold of its own for every action, rows fall out of the caches and lists are as fast at a hundredth of the memory:
//! for 10,000 actions of 12 literals over 200 features, 12 us for 25 MB of rows and 11 us for 0.4 MB of lists.

use crate::{
    bundle::BundleFault,
    kernel::{Kernel, Line},
};

/// Bytes of one line.
const LINE_BYTES: usize = size_of::<Line>();
/// Rows that are expected to stay in the second level of a core's cache.
const FAST_BYTES_MAX: usize = 1024 * 1024;
/// Part of the bound that rows may take: lists are linear in the bundle, rows are not.
const ROWS_SHARE: usize = 2;
/// Segments between checkpoints that are tried: 8, 64, 512.
const STEPS_LOG2: [u8; 3] = [3, 6, 9];
/// Codes of a list whose elements have rows: each is a row for every request.
const ELEMENT_CODES_MAX: usize = 64;

/// Costs in nanoseconds, measured on one core of an Intel Xeon of 2023; only their proportions matter.
mod ns {
    /// To write one mark.
    pub(super) const MARK: f64 = 0.35;
    /// To start a list: its end is a branch that is mispredicted.
    pub(super) const LIST: f64 = 9.0;
    /// To find a row.
    pub(super) const ROW: f64 = 2.0;
    /// To read a line from the third level of the cache.
    pub(super) const FAR_LINE: f64 = 2.8;
}

/// The form of the literals of one axis in one region of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Lists,
    Rows,
    /// Two to this power segments have one row.
    Checkpoints(u8),
}

impl Form {
    /// Segments that share a row, as a power of two.
    pub(super) fn step_log2(self) -> u8 {
        match self {
            Self::Checkpoints(step_log2) => step_log2,
            Self::Rows | Self::Lists => 0,
        }
    }
}

/// What a form's cost depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Of one row.
    pub(super) line_count: usize,
    /// Rows that differ, at most.
    pub(super) row_count: usize,
    /// Rows that one request reads.
    pub(super) rows_read: usize,
    /// Places of the axis.
    pub(super) place_count: usize,
    /// Slots that one request makes false, on average over the places.
    pub(super) kills: f64,
    /// Literals, each once for every slot that has it.
    pub(super) entries: usize,
    pub(super) is_ordered: bool,
}

impl Shape {
    fn bytes(&self, form: Form) -> usize {
        let table = 4 * self.place_count;
        match form {
            Form::Lists => 0,
            Form::Rows => self.row_count * self.line_count * LINE_BYTES + table,
            Form::Checkpoints(step_log2) => {
                ((self.place_count >> step_log2) + 1) * self.line_count * LINE_BYTES + table
            }
        }
    }

    /// The fastest form that fits.
    fn fastest(&self, line_ns: f64, bytes_max: usize) -> Form {
        let checkpoints = STEPS_LOG2
            .into_iter()
            .filter(|step_log2| self.is_ordered && self.place_count >> step_log2 > 0)
            .map(Form::Checkpoints);
        let time = |form: &Form| self.time_ns(*form, line_ns);
        [Form::Lists, Form::Rows]
            .into_iter()
            .chain(checkpoints)
            .filter(|form| self.bytes(*form) <= bytes_max)
            .min_by(|left, right| time(left).total_cmp(&time(right)))
            .unwrap_or(Form::Lists)
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn time_ns(&self, form: Form, line_ns: f64) -> f64 {
        let rows = self.rows_read as f64 * (ns::ROW + self.line_count as f64 * line_ns);
        match form {
            Form::Lists => ns::LIST + self.kills * ns::MARK,
            Form::Rows => rows,
            Form::Checkpoints(step_log2) => {
                let step = f64::from(1_u32 << step_log2);
                let open = self.entries as f64 * (step / self.place_count as f64).min(1.0) / 2.0;
                rows + 2.0 * ns::LIST + open * ns::MARK
            }
        }
    }
}

/// How forms are chosen; tests have ways of their own.
pub(super) type Choose = fn(&[Shape], Kernel, &mut Budget) -> Vec<Form>;

/// Chooses a form for each shape of a plane.
pub(super) fn choose(shapes: &[Shape], kernel: Kernel, budget: &mut Budget) -> Vec<Form> {
    let mut forms = vec![Form::Lists; shapes.len()];
    let near_ns = kernel.line_ns();
    let far_ns = near_ns.max(ns::FAR_LINE);
    // What gains most for its bytes goes where reading is fast; the rest pays the way to the slower cache.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let worth = |shape: &Shape| {
        let form = shape.fastest(near_ns, FAST_BYTES_MAX);
        let gain_ns = shape.time_ns(Form::Lists, 0.0) - shape.time_ns(form, near_ns);
        gain_ns / shape.bytes(form).max(1) as f64
    };
    let mut order: Vec<(usize, &Shape)> = shapes.iter().enumerate().collect();
    order.sort_by(|(_, left), (_, right)| worth(right).total_cmp(&worth(left)));
    for (place, shape) in order {
        let near = shape.fastest(near_ns, budget.fast_left.min(budget.rows_left));
        let far = shape.fastest(far_ns, budget.rows_left);
        let is_near = shape.time_ns(near, near_ns) <= shape.time_ns(far, far_ns);
        let form = if is_near { near } else { far };
        budget.rows_left -= shape.bytes(form);
        budget.fast_left -= if is_near { shape.bytes(form) } else { 0 };
        if let Some(slot) = forms.get_mut(place) {
            *slot = form;
        }
    }
    forms
}

/// Whether a list's elements may have rows: each code is one that every request reads.
pub(super) fn elements_may_have_rows(code_count: usize) -> bool {
    code_count <= ELEMENT_CODES_MAX
}

/// Memory that is left for an index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    bytes_max: usize,
    bytes: usize,
    rows_left: usize,
    fast_left: usize,
}

impl Budget {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: 0,
            rows_left: bytes_max / ROWS_SHARE,
            fast_left: FAST_BYTES_MAX,
        }
    }

    /// Refuses what is not left.
    pub(super) fn check(&self, bytes: usize) -> Result<(), BundleFault> {
        let bytes = self.bytes.saturating_add(bytes);
        if bytes > self.bytes_max {
            return Err(BundleFault::IndexTooLarge {
                bytes,
                bytes_max: self.bytes_max,
            });
        }
        Ok(())
    }

    /// Takes bytes, or refuses.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), BundleFault> {
        self.check(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// What was taken.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        line_count: 20,
        row_count: 3,
        rows_read: 1,
        place_count: 3,
        kills: 5_000.0,
        entries: 10_000,
        is_ordered: true,
    };

    fn chosen(shape: Shape, bytes_max: usize) -> Form {
        choose(&[shape], Kernel::PORTABLE, &mut Budget::new(bytes_max))[0]
    }

    #[test]
    fn what_a_group_inherits_has_rows_and_what_is_an_action_s_own_has_lists() {
        assert_eq!(chosen(SHAPE, 1 << 30), Form::Rows);
        let own = Shape {
            row_count: 1_000,
            place_count: 1_000,
            kills: 30.0,
            entries: 60,
            ..SHAPE
        };
        assert_eq!(chosen(own, 1 << 30), Form::Lists);
    }

    #[test]
    fn a_threshold_for_every_action_has_checkpoints_and_lists_when_memory_is_short() {
        let many = Shape {
            row_count: 10_000,
            place_count: 10_000,
            ..SHAPE
        };
        assert_eq!(chosen(many, 1 << 30), Form::Rows);
        let few = chosen(many, 8 << 20);
        assert!(matches!(few, Form::Checkpoints(_)), "{few:?}");
        assert_eq!(chosen(many, 100_000), Form::Lists);
    }

    #[test]
    fn rows_that_gain_most_for_their_bytes_are_near() {
        let mut budget = Budget::new(1 << 30);
        let wide = Shape {
            row_count: 700,
            place_count: 700,
            kills: 90.0,
            entries: 180,
            ..SHAPE
        };
        let forms = choose(&[wide, wide, SHAPE], Kernel::PORTABLE, &mut budget);
        assert_eq!(forms[2], Form::Rows);
        assert!(budget.fast_left < FAST_BYTES_MAX);
    }
}
