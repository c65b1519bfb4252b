//! Which form each part of a plane takes: the one that is expected to be the fastest, within what memory allows.
//!
//! - *Kill lists*: the slots that a position makes false, a byte written for each. Two bytes a literal, whatever the
//!   number of positions; the time is that of the slots that turn false.
//! - *Rows*: a bit for each slot, a row for each position; those of a request are joined by AND. The time is that of a row,
//!   whatever turns false.
//! - *Checkpoints*: a row at regular intervals of segments, with its differences in kill lists.
//!
//! Lakshman and Stiliadis (SIGCOMM 1998) filter by rows alone. If there are many positions and few slots at
//! each, as with a different threshold for every action, rows do not fit into the caches, and lists need a
//! hundredth of the memory and half of the time; if rows fit into the caches, they are faster.
//! `ARCHITECTURE.md` has the figures.

use crate::{
    error::BundleError,
    kernel::{Kernel, Line},
};

/// Bytes of one line.
const LINE_BYTES: usize = size_of::<Line>();
/// Rows that are expected to stay in the second level of a core's cache.
const FAST_BYTES_MAX: usize = 1024 * 1024;
/// Part of the bound that rows may take: lists are linear in the bundle, rows are not.
const ROWS_SHARE: usize = 2;
/// Distances of checkpoints that are tried: 8, 16, 32, 64 and 512 segments.
pub(super) const STEPS_LOG2: [u8; 5] = [3, 4, 5, 6, 9];
/// Codes of a list whose elements have rows: each is a row for every request.
const ELEMENT_CODES_MAX: usize = 64;

/// Costs in nanoseconds, measured on one core of an Intel Xeon of 2023; only their proportions matter.
mod ns {
    /// To write one mark.
    pub(super) const MARK: f64 = 0.35;
    /// To start a list: its end is a branch that is mispredicted.
    pub(super) const LIST: f64 = 9.0;
    /// To go on with a second one of the same position.
    pub(super) const SECOND_LIST: f64 = 5.0;
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
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Of one row.
    pub(super) line_count: usize,
    /// Rows that differ, at most.
    pub(super) row_count: usize,
    /// Rows that one request reads.
    pub(super) rows_read: usize,
    /// Places of the axis.
    pub(super) place_count: usize,
    /// Slots that one request makes false, on average over the positions.
    pub(super) kills: f64,
    /// Empty where nothing has an order.
    pub(super) checkpoints: Vec<Checkpoints>,
}

/// What checkpoints at one distance would do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpoints {
    pub(super) step_log2: u8,
    /// Rows that take anything away.
    pub(super) row_count: usize,
    /// How many of the requests read one of them.
    pub(super) rows_read: f64,
    /// Slots that are left to lists, on average over the positions.
    pub(super) open: f64,
}

impl Shape {
    fn bytes(&self, form: Form) -> usize {
        let rows = match form {
            Form::Lists => return 0,
            Form::Rows => self.row_count,
            Form::Checkpoints(step_log2) => {
                self.at(step_log2).map_or(0, |checkpoints| checkpoints.row_count) + 2
            }
        };
        rows * self.line_count * LINE_BYTES + 4 * (self.place_count >> form.step_log2())
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn time_ns(&self, form: Form, line_ns: f64) -> f64 {
        let row = ns::ROW + self.line_count as f64 * line_ns;
        let checkpoints =
            |of: &Checkpoints| ns::LIST + ns::SECOND_LIST + of.open * ns::MARK + ns::ROW + of.rows_read * row;
        match form {
            Form::Lists => ns::LIST + self.kills * ns::MARK,
            Form::Rows => self.rows_read as f64 * row,
            Form::Checkpoints(step_log2) => self.at(step_log2).map_or(f64::INFINITY, checkpoints),
        }
    }

    fn at(&self, step_log2: u8) -> Option<&Checkpoints> {
        self.checkpoints
            .iter()
            .find(|checkpoints| checkpoints.step_log2 == step_log2)
    }

    /// All forms with rows.
    fn with_rows(&self) -> impl Iterator<Item = Form> + '_ {
        let checkpoints = self
            .checkpoints
            .iter()
            .map(|checkpoints| Form::Checkpoints(checkpoints.step_log2));
        std::iter::once(Form::Rows).chain(checkpoints)
    }

    /// The fastest form that fits.
    fn fastest(&self, line_ns: f64, bytes_max: usize) -> Form {
        let time = |form: &Form| self.time_ns(*form, line_ns);
        std::iter::once(Form::Lists)
            .chain(self.with_rows())
            .filter(|form| self.bytes(*form) <= bytes_max)
            .min_by(|left, right| time(left).total_cmp(&time(right)))
            .unwrap_or(Form::Lists)
    }
}

/// How forms are chosen; tests can force one.
pub(super) type Choose = fn(&[Shape], Kernel, &mut Budget) -> Vec<Form>;

/// Chooses a form for each shape of a plane.
pub(super) fn choose(shapes: &[Shape], kernel: Kernel, budget: &mut Budget) -> Vec<Form> {
    let mut forms = vec![None; shapes.len()];
    // What gains most for its bytes goes where reading is fast.
    let mut offers: Vec<(f64, usize, Form)> = Vec::new();
    for (position, shape) in shapes.iter().enumerate() {
        for form in shape.with_rows() {
            let gain_ns = shape.time_ns(Form::Lists, 0.0) - shape.time_ns(form, kernel.line_ns());
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let worth = gain_ns / shape.bytes(form) as f64;
            if gain_ns > 0.0 {
                offers.push((worth, position, form));
            }
        }
    }
    offers.sort_by(|(left, ..), (right, ..)| right.total_cmp(left));
    for (_, position, form) in offers {
        if let (Some(shape), Some(slot @ None)) = (shapes.get(position), forms.get_mut(position)) {
            let bytes = shape.bytes(form);
            if bytes <= budget.fast_left.min(budget.rows_left) {
                budget.fast_left -= bytes;
                budget.rows_left -= bytes;
                *slot = Some(form);
            }
        }
    }
    // The rest pays the way to the slower cache, or has lists.
    let far_ns = kernel.line_ns().max(ns::FAR_LINE);
    let chosen = shapes.iter().zip(forms).map(|(shape, form)| {
        form.unwrap_or_else(|| {
            let form = shape.fastest(far_ns, budget.rows_left);
            budget.rows_left -= shape.bytes(form);
            form
        })
    });
    chosen.collect()
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
    pub(super) fn check(&self, bytes: usize) -> Result<(), BundleError> {
        let bytes = self.bytes.saturating_add(bytes);
        if bytes > self.bytes_max {
            return Err(BundleError::IndexTooLarge {
                bytes,
                bytes_max: self.bytes_max,
            });
        }
        Ok(())
    }

    /// Takes bytes, or refuses.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), BundleError> {
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

    /// 10,000 actions, of which half turn false.
    fn shape(row_count: usize) -> Shape {
        Shape {
            line_count: 20,
            row_count,
            rows_read: 1,
            place_count: row_count,
            kills: 5_000.0,
            checkpoints: Vec::new(),
        }
    }

    fn chosen(shape: &Shape, bytes_max: usize) -> Form {
        choose(
            std::slice::from_ref(shape),
            Kernel::PORTABLE,
            &mut Budget::new(bytes_max),
        )[0]
    }

    #[test]
    fn what_a_group_inherits_has_rows_and_what_is_an_action_s_own_has_lists() {
        assert_eq!(chosen(&shape(3), 1 << 30), Form::Rows);
        let own = Shape {
            kills: 30.0,
            ..shape(1_000)
        };
        assert_eq!(chosen(&own, 1 << 30), Form::Lists);
    }

    #[test]
    fn a_threshold_for_every_action_has_checkpoints_and_lists_when_memory_is_short() {
        let checkpoints = Checkpoints {
            step_log2: 6,
            row_count: 157,
            rows_read: 1.0,
            open: 32.0,
        };
        let many = Shape {
            checkpoints: vec![checkpoints],
            ..shape(10_000)
        };
        assert_eq!(chosen(&many, 1 << 30), Form::Checkpoints(6));
        assert_eq!(chosen(&shape(10_000), 1 << 30), Form::Rows);
        assert_eq!(chosen(&many, 100_000), Form::Lists);
    }

    #[test]
    fn rows_that_gain_most_for_their_bytes_are_near() {
        let mut budget = Budget::new(1 << 30);
        // 90 slots are marked faster than a row is fetched from far away, but not than one from nearby.
        let wide = Shape {
            kills: 140.0,
            ..shape(700)
        };
        let forms = choose(&[wide.clone(), wide, shape(3)], Kernel::PORTABLE, &mut budget);
        assert_eq!(forms, [Form::Rows, Form::Lists, Form::Rows]);
    }
}
