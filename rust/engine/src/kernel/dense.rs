//! A row times a matrix.
//!
//! Each column has a fixed order in which its products are added, whatever the kernel and the batch: so the same model
//! gives the same bits on every machine. Products are not fused with sums, since not every machine can.

use super::Kernel;

/// Columns that are computed side by side.
const LANES: usize = 16;
/// Matrices with at most so many columns are added along their rows.
const NARROW_COLUMNS_MAX: usize = 4;

/// `rows` inputs times `columns` outputs, and what is added to each.
#[derive(Debug)]
pub(crate) struct Matrix {
    rows: usize,
    columns: usize,
    /// Wide: row by row, each padded to whole lanes. Narrow: column by column, likewise.
    weights: Vec<[f32; LANES]>,
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
        let lanes = |count: usize, at: &dyn Fn(usize) -> f32| -> Vec<[f32; LANES]> {
            let line = |first: usize| {
                std::array::from_fn(|lane| {
                    if first + lane < count {
                        at(first + lane)
                    } else {
                        0.0
                    }
                })
            };
            (0..count).step_by(LANES).map(line).collect()
        };
        let weights = if columns <= NARROW_COLUMNS_MAX {
            (0..columns)
                .flat_map(|column| lanes(rows, &|row| at(row, column)))
                .collect()
        } else {
            (0..rows)
                .flat_map(|row| lanes(columns, &|column| at(row, column)))
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

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Multiplies the first `rows` of `inputs`; writes one output for each column.
    pub(crate) fn multiply(&self, kernel: Kernel, inputs: &[f32], outputs: &mut [f32]) {
        let inputs = inputs.get(..self.rows).unwrap_or_default();
        if inputs.is_empty() {
            return;
        }
        match kernel.0 {
            super::Set::Portable => self.multiply_here(inputs, outputs),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this machine has the instructions, or there were no such kernel.
            super::Set::Avx2 => unsafe { self.multiply_avx2(inputs, outputs) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            super::Set::Avx512 => unsafe { self.multiply_avx512(inputs, outputs) },
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn multiply_avx2(&self, inputs: &[f32], outputs: &mut [f32]) {
        self.multiply_here(inputs, outputs);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn multiply_avx512(&self, inputs: &[f32], outputs: &mut [f32]) {
        self.multiply_here(inputs, outputs);
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    fn multiply_here(&self, inputs: &[f32], outputs: &mut [f32]) {
        if self.columns <= NARROW_COLUMNS_MAX {
            let lines = self.rows.div_ceil(LANES);
            let columns = self.weights.chunks_exact(lines);
            for ((out, bias), column) in outputs.iter_mut().zip(&self.bias).zip(columns) {
                *out = along(inputs, column) + bias;
            }
            return;
        }
        let lines = self.columns.div_ceil(LANES);
        let mut first = 0;
        for (outputs, bias) in outputs.chunks_mut(LANES * 4).zip(self.bias.chunks(LANES * 4)) {
            match outputs.len().div_ceil(LANES) {
                1 => self.strip::<1, 4>(inputs, first, lines, outputs, bias),
                2 => self.strip::<2, 2>(inputs, first, lines, outputs, bias),
                3 => self.strip::<3, 1>(inputs, first, lines, outputs, bias),
                _ => self.strip::<4, 1>(inputs, first, lines, outputs, bias),
            }
            first += 4;
        }
    }

    /// WIDTH lines of columns, from line `first` on. PHASES sums are kept for each, so that sums of few columns do not
    /// wait for each other: input i goes into sum i mod PHASES.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    fn strip<const WIDTH: usize, const PHASES: usize>(
        &self,
        inputs: &[f32],
        first: usize,
        lines: usize,
        outputs: &mut [f32],
        bias: &[f32],
    ) {
        let mut sums = [[[0.0_f32; LANES]; WIDTH]; PHASES];
        let mut rows = self.weights.chunks_exact(lines);
        for inputs in inputs.chunks(PHASES) {
            for (sums, input) in sums.iter_mut().zip(inputs) {
                let Some(weights) = rows
                    .next()
                    .and_then(|row| row.get(first..))
                    .and_then(|row| row.first_chunk::<WIDTH>())
                else {
                    return;
                };
                for (sums, weights) in sums.iter_mut().zip(weights) {
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += input * weight;
                    }
                }
            }
        }
        let mut sums = sums.into_iter();
        let Some(mut total) = sums.next() else { return };
        for phase in sums {
            for (total, phase) in total.as_flattened_mut().iter_mut().zip(phase.as_flattened()) {
                *total += phase;
            }
        }
        for ((out, sum), bias) in outputs.iter_mut().zip(total.as_flattened()).zip(bias) {
            *out = sum + bias;
        }
    }
}

/// Sums along a column: sixteen sums side by side, then these by halves.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "has to become a part of what has the instructions"
)]
fn along(inputs: &[f32], column: &[[f32; LANES]]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (whole, rest) = inputs.as_chunks::<LANES>();
    let mut lines = column.iter();
    for (inputs, weights) in whole.iter().zip(&mut lines) {
        for ((sum, input), weight) in sums.iter_mut().zip(inputs).zip(weights) {
            *sum += input * weight;
        }
    }
    if let Some(weights) = lines.next() {
        let mut padded = [0.0_f32; LANES];
        for (padded, input) in padded.iter_mut().zip(rest) {
            *padded = *input;
        }
        for ((sum, input), weight) in sums.iter_mut().zip(&padded).zip(weights) {
            *sum += input * weight;
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        let (left, right) = sums.split_at_mut(width);
        for (left, right) in left.iter_mut().zip(right) {
            *left += *right;
        }
        width /= 2;
    }
    let [total, ..] = sums;
    total
}
