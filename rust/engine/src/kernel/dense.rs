//! A row times a matrix.
//!
//! Each column has a fixed order in which its products are added, whatever the kernel and the batch: so the same model
//! gives the same bits on every machine. Products are not fused with sums, since not every machine can.

#[cfg(test)]
mod tests;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::{Kernel, Set};
use vector::{LANES, Line, Vector};

/// Matrices with at most this number of columns are added along their rows.
const NARROW_COLUMNS_MAX: usize = 4;

/// Sums of a column, by the width of the matrix, so that few columns do not wait for each other: input i goes into sum
/// i modulo their number.
const fn phases(lines: usize) -> usize {
    match lines {
        1 => 4,
        2 => 2,
        _ => 1,
    }
}

/// `rows` inputs times `columns` outputs, and what is added to each.
#[derive(Debug)]
pub(crate) struct Matrix {
    rows: usize,
    columns: usize,
    // Invariant: wide: `rows` times as many lines as the columns fill, row by row. Narrow: `columns` times as many lines
    // as the rows fill, column by column.
    weights: Vec<Line>,
    bias: Vec<f32>,
}

impl Matrix {
    /// `weights` row by row; `bias` one for each column, or none. None when the sizes do not agree.
    pub(crate) fn new(rows: usize, columns: usize, weights: &[f32], bias: Vec<f32>) -> Option<Self> {
        let fits = rows > 0
            && columns > 0
            && rows.checked_mul(columns) == Some(weights.len())
            && (bias.is_empty() || bias.len() == columns);
        if !fits {
            return None;
        }
        let at = |row: usize, column: usize| weights.get(row * columns + column).copied().unwrap_or(0.0);
        let lines = |count: usize, at: &dyn Fn(usize) -> f32| -> Vec<Line> {
            let line = |first: usize| {
                Line(std::array::from_fn(|lane| {
                    if first + lane < count {
                        at(first + lane)
                    } else {
                        0.0
                    }
                }))
            };
            (0..count).step_by(LANES).map(line).collect()
        };
        let weights = if columns <= NARROW_COLUMNS_MAX {
            (0..columns)
                .flat_map(|column| lines(rows, &|row| at(row, column)))
                .collect()
        } else {
            (0..rows)
                .flat_map(|row| lines(columns, &|column| at(row, column)))
                .collect()
        };
        let bias = if bias.is_empty() { vec![0.0; columns] } else { bias };
        Some(Self {
            rows,
            columns,
            weights,
            bias,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// What an input is multiplied by for an output; 0 where there is none.
    pub(crate) fn weight(&self, row: usize, column: usize) -> f32 {
        let (index, lane) = if self.columns <= NARROW_COLUMNS_MAX {
            (column * self.rows.div_ceil(LANES) + row / LANES, row % LANES)
        } else {
            (
                row * self.columns.div_ceil(LANES) + column / LANES,
                column % LANES,
            )
        };
        self.weights
            .get(index)
            .and_then(|line| line.0.get(lane))
            .copied()
            .unwrap_or(0.0)
    }

    /// What is added to an output.
    pub(crate) fn bias(&self, column: usize) -> f32 {
        self.bias.get(column).copied().unwrap_or(0.0)
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Multiplies the first `rows` of `inputs`; writes one output for each column.
    pub(crate) fn multiply(&self, kernel: Kernel, inputs: &[f32], outputs: &mut [f32]) {
        let Some(inputs) = inputs.get(..self.rows) else {
            return;
        };
        match kernel.0 {
            // SAFETY: plain numbers need no special instructions.
            Set::Portable => unsafe { self.multiply_by::<[f32; LANES]>(inputs, outputs) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this machine has the instructions, or there were no such kernel.
            Set::Avx2 => unsafe { self.multiply_avx2(inputs, outputs) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Set::Avx512 => unsafe { self.multiply_avx512(inputs, outputs) },
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn multiply_avx2(&self, inputs: &[f32], outputs: &mut [f32]) {
        // SAFETY: the instructions are there.
        unsafe { self.multiply_by::<x86::Pair>(inputs, outputs) };
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    fn multiply_avx512(&self, inputs: &[f32], outputs: &mut [f32]) {
        // SAFETY: the instructions are there.
        unsafe { self.multiply_by::<x86::Whole>(inputs, outputs) };
    }

    /// # Safety
    /// The machine must have the instructions of the vectors.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    unsafe fn multiply_by<V: Vector>(&self, inputs: &[f32], outputs: &mut [f32]) {
        if self.columns <= NARROW_COLUMNS_MAX {
            let columns = self.weights.chunks_exact(self.rows.div_ceil(LANES));
            for ((out, bias), column) in outputs.iter_mut().zip(&self.bias).zip(columns) {
                // SAFETY: the caller's.
                *out = unsafe { along::<V>(inputs, column) } + bias;
            }
            return;
        }
        let lines = self.columns.div_ceil(LANES);
        let mut first = 0;
        while first < lines {
            let outputs = outputs.get_mut(first * LANES..).unwrap_or_default();
            let bias = self.bias.get(first * LANES..).unwrap_or_default();
            // SAFETY: the caller's; this number of lines remains.
            first += unsafe {
                match (lines - first, phases(lines)) {
                    (1, 4) => self.strip::<V, 1, 4>(inputs, first, lines, outputs, bias),
                    (2, 2) => self.strip::<V, 2, 2>(inputs, first, lines, outputs, bias),
                    (4.., _) if V::LINES_MAX >= 4 => {
                        self.strip::<V, 4, 1>(inputs, first, lines, outputs, bias)
                    }
                    (2.., _) => self.strip::<V, 2, 1>(inputs, first, lines, outputs, bias),
                    _ => self.strip::<V, 1, 1>(inputs, first, lines, outputs, bias),
                }
            };
        }
    }

    /// WIDTH lines of columns from line `first` on, of `lines` a row; returns WIDTH.
    ///
    /// # Safety
    /// The machine must have the vector instructions, and a row this number of lines.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    unsafe fn strip<V: Vector, const WIDTH: usize, const PHASES: usize>(
        &self,
        inputs: &[f32],
        first: usize,
        lines: usize,
        outputs: &mut [f32],
        bias: &[f32],
    ) -> usize {
        // SAFETY (of all that follows): the caller's; there are `lines` lines of weights for each input.
        unsafe {
            let mut sums = [[V::zero(); WIDTH]; PHASES];
            let mut weights = self.weights.as_ptr().add(first);
            let (whole, rest) = inputs.as_chunks::<PHASES>();
            for inputs in whole {
                for (sums, input) in sums.iter_mut().zip(inputs) {
                    let input = V::splat(*input);
                    for (line, sum) in sums.iter_mut().enumerate() {
                        *sum = sum.add_product(input, &*weights.add(line));
                    }
                    weights = weights.wrapping_add(lines);
                }
            }
            for (sums, input) in sums.iter_mut().zip(rest) {
                let input = V::splat(*input);
                for (line, sum) in sums.iter_mut().enumerate() {
                    *sum = sum.add_product(input, &*weights.add(line));
                }
                weights = weights.wrapping_add(lines);
            }
            let outputs = outputs.chunks_mut(LANES).zip(bias.chunks(LANES));
            for (line, (outputs, bias)) in outputs.take(WIDTH).enumerate() {
                let mut phases = sums.iter().filter_map(|sums| sums.get(line));
                let mut sum = phases.next().copied().unwrap_or_else(|| V::zero());
                for phase in phases {
                    sum = sum.add(*phase);
                }
                let mut total = Line([0.0; LANES]);
                if let (Some(outputs), Some(bias)) = (outputs.first_chunk_mut(), bias.first_chunk()) {
                    sum.add(V::load(bias)).store(&mut total);
                    *outputs = total.0;
                } else {
                    sum.store(&mut total);
                    for ((out, sum), bias) in outputs.iter_mut().zip(total.0).zip(bias) {
                        *out = sum + bias;
                    }
                }
            }
        }
        WIDTH
    }
}

/// Sums along a column: sixteen sums side by side, then these by halves.
///
/// # Safety
/// The machine must have the instructions of the vectors.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "has to become a part of what has the instructions"
)]
unsafe fn along<V: Vector>(inputs: &[f32], column: &[Line]) -> f32 {
    // SAFETY (of all that follows): the caller's.
    let mut sums = unsafe { V::zero() };
    let (whole, rest) = inputs.as_chunks::<LANES>();
    for (inputs, weights) in whole.iter().zip(column) {
        sums = unsafe { sums.add_product(V::load(inputs), weights) };
    }
    if let (Some(weights), false) = (column.get(whole.len()), rest.is_empty()) {
        let mut padded = [0.0; LANES];
        for (padded, input) in padded.iter_mut().zip(rest) {
            *padded = *input;
        }
        sums = unsafe { sums.add_product(V::load(&padded), weights) };
    }
    let mut total = Line([0.0; LANES]);
    unsafe { sums.store(&mut total) };
    let [total] = halve::<2, 1>(halve::<4, 2>(halve::<8, 4>(halve::<16, 8>(total.0))));
    total
}

/// Adds the second half of some numbers to the first; HALF is half of COUNT.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "has to become a part of what has the instructions"
)]
fn halve<const COUNT: usize, const HALF: usize>(numbers: [f32; COUNT]) -> [f32; HALF] {
    let mut sums = [0.0; HALF];
    let (left, right) = numbers.split_at(HALF);
    for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
        *sum = left + right;
    }
    sums
}
