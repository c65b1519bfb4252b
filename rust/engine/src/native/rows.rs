//! The cells of some rows, and what they bring besides.

use super::NativeModel;

/// Rows of one model: filled by the caller, computed by [`NativeModel::run`].
#[derive(Debug)]
pub struct Rows<'a> {
    count: usize,
    /// Cells of a row.
    stride: usize,
    floats: usize,
    ints_stride: usize,
    texts_stride: usize,
    cells: Vec<f32>,
    ints: Vec<i64>,
    texts: Vec<&'a str>,
    scratch: Scratch,
    /// A row that meets a key that its dictionary does not have.
    failed: Vec<bool>,
}

/// Room that is used again for the next rows.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) keys: Vec<u32>,
    pub(super) sums: Vec<f32>,
}

/// One row, for a step.
pub(super) struct Row<'r, 'a> {
    pub(super) cells: &'r mut [f32],
    pub(super) ints: &'r [i64],
    pub(super) texts: &'r [&'a str],
    pub(super) failed: &'r mut bool,
}

impl<'a> Rows<'a> {
    /// This number of rows of a model: numbers missing, whole numbers 0, texts empty.
    #[must_use]
    pub fn new(model: &NativeModel, count: usize) -> Self {
        let inputs = model.inputs;
        let mut cells = vec![f32::NAN; count * model.cells];
        for row in cells.chunks_exact_mut(model.cells) {
            if let Some(constants) = row.get_mut(inputs.floats..inputs.floats + model.constants.len()) {
                constants.copy_from_slice(&model.constants);
            }
        }
        Self {
            count,
            stride: model.cells,
            floats: inputs.floats,
            ints_stride: inputs.ints,
            texts_stride: inputs.texts,
            cells,
            ints: vec![0; count * inputs.ints],
            texts: vec![""; count * inputs.texts],
            scratch: Scratch::default(),
            failed: vec![false; count],
        }
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Forgets what was computed; the next inputs can be set.
    pub fn reset(&mut self) {
        self.failed.fill(false);
    }

    /// The input numbers of a row, for writing; empty where there is no such row.
    pub fn floats_mut(&mut self, row: usize) -> &mut [f32] {
        let start = row * self.stride;
        self.cells.get_mut(start..start + self.floats).unwrap_or_default()
    }

    /// The whole numbers of a row, for writing.
    pub fn ints_mut(&mut self, row: usize) -> &mut [i64] {
        let start = row * self.ints_stride;
        self.ints
            .get_mut(start..start + self.ints_stride)
            .unwrap_or_default()
    }

    /// The texts of a row, for writing.
    pub fn texts_mut(&mut self, row: usize) -> &mut [&'a str] {
        let start = row * self.texts_stride;
        self.texts
            .get_mut(start..start + self.texts_stride)
            .unwrap_or_default()
    }

    /// A cell of a row once the model has run; absent where the row failed, or is not there.
    #[must_use]
    pub fn get(&self, row: usize, cell: usize) -> Option<f32> {
        if *self.failed.get(row)? || cell >= self.stride {
            return None;
        }
        self.cells.get(row * self.stride + cell).copied()
    }

    /// Whether a row met a key that its dictionary does not have, or is not there.
    pub(super) fn is_failed(&self, row: usize) -> bool {
        self.failed.get(row).copied().unwrap_or(true)
    }

    /// A cell of a row, whether it failed or not; NaN where there is none.
    pub(super) fn cell(&self, row: usize, cell: usize) -> f32 {
        self.row_cells(row).get(cell).copied().unwrap_or(f32::NAN)
    }

    /// The cells of a row; none where there is no such row.
    pub(super) fn row_cells(&self, row: usize) -> &[f32] {
        let start = row * self.stride;
        self.cells.get(start..start + self.stride).unwrap_or_default()
    }

    /// All cells, row by row, and how many a row has; and room to compute in.
    pub(super) fn cells_mut(&mut self) -> ((&mut [f32], usize), &mut Scratch) {
        ((&mut self.cells, self.stride), &mut self.scratch)
    }

    pub(super) fn for_each(&mut self, mut step: impl FnMut(&mut Row<'_, 'a>)) {
        for (number, cells) in self.cells.chunks_exact_mut(self.stride).enumerate() {
            let (ints, texts) = (number * self.ints_stride, number * self.texts_stride);
            let Some(failed) = self.failed.get_mut(number) else {
                return;
            };
            step(&mut Row {
                cells,
                ints: self.ints.get(ints..ints + self.ints_stride).unwrap_or_default(),
                texts: self
                    .texts
                    .get(texts..texts + self.texts_stride)
                    .unwrap_or_default(),
                failed,
            });
        }
    }
}
