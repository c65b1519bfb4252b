//! One step of a lowered model, on one row.

use nextbest_proto::v1::NativeOperation as Code;

use super::{
    NativeModel,
    arithmetic::{binary, reduce, softmax, unary},
    dictionary::{Dictionary, Kind},
    rows::Row,
};
use crate::kernel::{Kernel, Matrix};

/// What is computed, and where it goes.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) operation: Operation,
    /// The cells written: `out..out + width`. All operands come before them.
    pub(super) out: usize,
    pub(super) width: usize,
}

#[derive(Debug)]
pub(super) enum Operation {
    Gather(Vec<usize>),
    /// Whole numbers from this one on.
    Int(usize),
    Unary(Code, Operand),
    Binary(Code, Operand, Operand),
    Select(Operand, Operand, Operand),
    /// From this number of neighbours of the operand, which begins there, to one.
    Reduce(Code, usize, usize),
    Softmax(usize),
    Pick {
        indices: usize,
        values: usize,
        count: usize,
    },
    Gemm {
        matrix: usize,
        start: usize,
    },
    LookUp {
        dictionary: usize,
        start: usize,
    },
    Trees(usize),
}

/// Neighbouring cells, or one for all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Operand {
    pub(super) start: usize,
    pub(super) is_single: bool,
}

impl Operand {
    /// The cell that goes into the one at a place of those that are written.
    pub(super) fn at(self, index: usize) -> usize {
        if self.is_single {
            self.start
        } else {
            self.start + index
        }
    }

    fn of(self, cells: &[f32], width: usize) -> &[f32] {
        let width = if self.is_single { 1 } else { width };
        cells.get(self.start..self.start + width).unwrap_or_default()
    }
}

impl Operation {
    /// The same on cells at other positions; none if one of them does not exist. Ensembles are not moved.
    pub(super) fn moved(&self, index: impl Fn(usize) -> Option<usize>) -> Option<Self> {
        let moved = |operand: &Operand| {
            Some(Operand {
                start: index(operand.start)?,
                ..*operand
            })
        };
        Some(match self {
            Self::Gather(sources) => {
                Self::Gather(sources.iter().map(|cell| index(*cell)).collect::<Option<_>>()?)
            }
            Self::Int(start) => Self::Int(*start),
            Self::Unary(code, operand) => Self::Unary(*code, moved(operand)?),
            Self::Binary(code, left, right) => Self::Binary(*code, moved(left)?, moved(right)?),
            Self::Select(condition, yes, no) => Self::Select(moved(condition)?, moved(yes)?, moved(no)?),
            Self::Reduce(code, start, count) => Self::Reduce(*code, index(*start)?, *count),
            Self::Softmax(start) => Self::Softmax(index(*start)?),
            Self::Pick {
                indices,
                values,
                count,
            } => Self::Pick {
                indices: index(*indices)?,
                values: index(*values)?,
                count: *count,
            },
            Self::Gemm { matrix, start } => Self::Gemm {
                matrix: *matrix,
                start: index(*start)?,
            },
            Self::LookUp { dictionary, start } => Self::LookUp {
                dictionary: *dictionary,
                start: index(*start)?,
            },
            Self::Trees(_) => return None,
        })
    }
}

impl Step {
    /// Shows the cells that are read: first and count.
    pub(super) fn reads(&self, model: &NativeModel, mut show: impl FnMut(usize, usize)) {
        let width = self.width;
        let mut operand = |operand: &Operand| {
            show(operand.start, if operand.is_single { 1 } else { width });
        };
        match &self.operation {
            Operation::Gather(sources) => {
                for cell in sources {
                    show(*cell, 1);
                }
            }
            Operation::Int(_) => {}
            Operation::Unary(_, from) => operand(from),
            Operation::Binary(_, left, right) => {
                operand(left);
                operand(right);
            }
            Operation::Select(condition, yes, no) => {
                operand(condition);
                operand(yes);
                operand(no);
            }
            Operation::Reduce(_, start, count) => show(*start, count * width),
            Operation::Softmax(start) => show(*start, width),
            Operation::Pick {
                indices,
                values,
                count,
            } => {
                show(*indices, width);
                show(*values, *count);
            }
            Operation::Gemm { matrix, start } => {
                show(*start, model.matrices.get(*matrix).map_or(0, Matrix::rows));
            }
            Operation::LookUp { dictionary, start } => {
                let dictionary = model.dictionaries.get(*dictionary);
                if dictionary.is_some_and(|dictionary| dictionary.kind() == Kind::Float) {
                    show(*start, 1);
                }
            }
            Operation::Trees(ensemble) => {
                if let Some(ensemble) = model.ensembles.get(*ensemble) {
                    for cell in ensemble.tested_cells() {
                        show(cell, 1);
                    }
                }
            }
        }
    }

    /// Ranges were checked when the model was opened; what does not fit all the same leaves cells as they are.
    pub(super) fn run(&self, model: &NativeModel, kernel: Kernel, row: &mut Row<'_, '_>) {
        let Some((cells, rest)) = row.cells.split_at_mut_checked(self.out) else {
            return;
        };
        let Some(out) = rest.get_mut(..self.width) else {
            return;
        };
        let width = self.width;
        match &self.operation {
            Operation::Gather(sources) => {
                for (out, source) in out.iter_mut().zip(sources) {
                    *out = cells.get(*source).copied().unwrap_or(f32::NAN);
                }
            }
            Operation::Int(start) => {
                let ints = row.ints.get(*start..).unwrap_or_default();
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "the graph takes the nearest float as well"
                )]
                for (out, int) in out.iter_mut().zip(ints) {
                    *out = *int as f32;
                }
            }
            Operation::Unary(code, operand) => unary(*code, operand.of(cells, width), out),
            Operation::Binary(code, left, right) => {
                binary(*code, left.of(cells, width), right.of(cells, width), out);
            }
            Operation::Select(condition, yes, no) => {
                let mut operands =
                    [condition, yes, no].map(|operand| operand.of(cells, width).iter().cycle());
                for out in out {
                    let [condition, yes, no] = operands.each_mut().map(|operand| operand.next().copied());
                    *out = if condition.is_some_and(|condition| condition != 0.0) {
                        yes
                    } else {
                        no
                    }
                    .unwrap_or(f32::NAN);
                }
            }
            Operation::Reduce(code, start, count) => {
                let groups = cells.get(*start..).unwrap_or_default().chunks_exact(*count);
                for (out, group) in out.iter_mut().zip(groups) {
                    *out = reduce(*code, group);
                }
            }
            Operation::Softmax(start) => {
                softmax(cells.get(*start..*start + width).unwrap_or_default(), out);
            }
            Operation::Pick {
                indices,
                values,
                count,
            } => {
                let values = cells.get(*values..*values + *count).unwrap_or_default();
                let indices = cells.get(*indices..).unwrap_or_default();
                for (out, index) in out.iter_mut().zip(indices) {
                    match pick(values, *index) {
                        Some(value) => *out = value,
                        None => *row.failed = true,
                    }
                }
            }
            Operation::Gemm { matrix, start } => {
                if let Some(matrix) = model.matrices.get(*matrix) {
                    matrix.multiply(kernel, cells.get(*start..).unwrap_or_default(), out);
                }
            }
            Operation::LookUp { dictionary, start } => {
                let values = model
                    .dictionaries
                    .get(*dictionary)
                    .and_then(|dictionary| look_up(dictionary, *start, cells, row.ints, row.texts));
                match values {
                    Some(values) if values.len() == width => out.copy_from_slice(values),
                    _ => *row.failed = true,
                }
            }
            // All rows at once: not here.
            Operation::Trees(_) => {}
        }
    }
}

fn look_up<'a>(
    dictionary: &'a Dictionary,
    start: usize,
    cells: &[f32],
    ints: &[i64],
    texts: &[&str],
) -> Option<&'a [f32]> {
    match dictionary.kind() {
        Kind::Text => dictionary.text(texts.get(start)?),
        Kind::Int => dictionary.int(*ints.get(start)?),
        Kind::Float => dictionary.float(*cells.get(start)?),
    }
}

fn pick(values: &[f32], index: f32) -> Option<f32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what is negative, too large or not a number is not an index and is refused"
    )]
    let number = index as usize;
    #[expect(
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "an index is a whole number"
    )]
    let is_index = number as f32 == index;
    is_index.then(|| values.get(number).copied()).flatten()
}
