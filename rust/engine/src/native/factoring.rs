//! One row of many: a decision scores many actions for one customer, and most of a row is the same for all of them.
//!
//! Each cell is *shared* (it comes from the customer and the context alone), the row's *own* (it comes from the action
//! alone, and so never changes) or *mixed*. Steps on shared cells run once a decision, steps on own cells when the model is
//! factored, and only the others for each row, on the few cells that they need. Trees that test cells of several kinds are
//! factored one by one: see `kernel::Factored`.

use super::{
    NativeModel,
    axes::TestedAxes,
    cell_kind::{CellKind, InputKinds, cell_kinds, step_kind},
    ensemble::FactoredEnsemble,
    rows::{Row, Rows, Scratch},
    step::{Operation, Step},
};
use crate::{error::BundleError, kernel::Kernel};

/// Memory that a model's rows may take, factored.
const BYTES_MAX: usize = 1 << 30;

/// A model, factored for a number of rows.
#[derive(Debug)]
pub struct Factoring {
    /// Places of steps that run once a decision.
    shared: Vec<usize>,
    rows: Vec<RowStep>,
    /// Cells that a row's steps work on.
    width: usize,
    /// Where they come from, those that no step of the row writes.
    sources: Vec<(usize, Source)>,
    outputs: Vec<Source>,
    /// What is copied from a row's own cells, row by row.
    own: Vec<f32>,
    own_width: usize,
    /// Rows whose own part has no result.
    failed: Vec<bool>,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    /// A cell of the shared row.
    Shared(usize),
    /// A place among what is kept of the row's own cells.
    Own(usize),
    /// A cell of the row.
    Row(usize),
    /// An input that is neither: its number among the input cells.
    Input(usize),
}

#[derive(Debug)]
enum RowStep {
    Step(Step),
    /// Writes a cell.
    Trees(Box<FactoredEnsemble>, usize),
    /// An ensemble of several targets: which, what it tests, and the first cell that it writes.
    Ensemble(usize, TestedAxes, usize),
}

/// The positions of cells of the whole row among those that a row's steps work on.
struct Compact {
    /// First cell, last cell, and the position of the first one: ascending.
    spans: Vec<(usize, usize, usize)>,
}

impl Compact {
    fn new(mut ranges: Vec<(usize, usize)>) -> Self {
        ranges.retain(|(_, count)| *count > 0);
        ranges.sort_unstable();
        let mut spans: Vec<(usize, usize, usize)> = Vec::new();
        for (first, count) in ranges {
            match spans.last_mut() {
                Some((_, last, _)) if first <= *last + 1 => *last = (*last).max(first + count - 1),
                _ => spans.push((first, first + count - 1, 0)),
            }
        }
        let mut width = 0;
        for (first, last, index) in &mut spans {
            *index = width;
            width += *last - *first + 1;
        }
        Self { spans }
    }

    fn width(&self) -> usize {
        self.spans
            .last()
            .map_or(0, |(first, last, index)| index + last - first + 1)
    }

    fn cells(&self) -> impl Iterator<Item = (usize, usize)> {
        self.spans
            .iter()
            .flat_map(|(first, last, index)| (*first..=*last).zip(*index..))
    }

    fn index(&self, cell: usize) -> Option<usize> {
        let span = self
            .spans
            .iter()
            .find(|(first, last, _)| (*first..=*last).contains(&cell))?;
        Some(span.2 + cell - span.0)
    }
}

impl Factoring {
    /// Factors a model for as many rows as `own` has, whose own inputs are set. `columns` has the column of the output
    /// that each row wants.
    ///
    /// # Errors
    /// When the rows would take more than 1 GiB, or the parts do not agree.
    pub fn new(
        model: &NativeModel,
        kinds: &InputKinds,
        own: &mut Rows<'_>,
        columns: &[u32],
    ) -> Result<Self, BundleError> {
        let disagree = || BundleError::malformed("a model that cannot be factored".to_owned());
        let cells = cell_kinds(model, kinds);
        let count = own.count();
        if columns.len() != count {
            return Err(disagree());
        }
        let mut shared = Vec::new();
        let mut row_steps = Vec::new();
        for (index, step) in model.steps.iter().enumerate() {
            match step_kind(model, kinds, &cells, step) {
                CellKind::Constant => {
                    shared.push(index);
                    model.run_step(Kernel::best(), step, own);
                }
                CellKind::Shared => shared.push(index),
                CellKind::Own => model.run_step(Kernel::best(), step, own),
                CellKind::Mixed => row_steps.push(step),
            }
        }
        let mut ranges = Vec::new();
        for step in &row_steps {
            ranges.push((step.out, step.width));
            match step.operation {
                Operation::Trees(number) => {
                    let ensemble = model.ensembles.get(number).ok_or_else(disagree)?;
                    let is_factored = ensemble.targets() == 1;
                    let is_needed = |cell: &usize| !is_factored || cells.get(*cell) == Some(&CellKind::Mixed);
                    ranges.extend(ensemble.axes().cells().filter(is_needed).map(|cell| (cell, 1)));
                }
                _ => step.reads(model, |start, count| ranges.push((start, count))),
            }
        }
        let compact = Compact::new(ranges);
        let mut factoring = Self {
            shared,
            rows: Vec::new(),
            width: compact.width(),
            sources: Vec::new(),
            outputs: Vec::new(),
            own: Vec::new(),
            own_width: 0,
            failed: (0..count).map(|row| own.is_failed(row)).collect(),
        };
        let mut own_cells = Vec::new();
        let mut source = |cell: usize| match cells.get(cell) {
            Some(CellKind::Own) => {
                let index = own_cells.iter().position(|own| *own == cell);
                Source::Own(index.unwrap_or_else(|| {
                    own_cells.push(cell);
                    own_cells.len() - 1
                }))
            }
            Some(CellKind::Mixed) if cell < model.inputs.floats => Source::Input(cell),
            _ => Source::Shared(cell),
        };
        for (cell, index) in compact.cells() {
            let is_written = cells.get(cell) == Some(&CellKind::Mixed) && cell >= model.inputs.floats;
            if !is_written {
                factoring.sources.push((index, source(cell)));
            }
        }
        for column in columns {
            let cell = model.output_cell(*column).ok_or_else(disagree)?;
            factoring.outputs.push(match cells.get(cell) {
                Some(CellKind::Mixed) => match compact.index(cell) {
                    Some(index) => Source::Row(index),
                    None => Source::Input(cell),
                },
                _ => source(cell),
            });
        }
        for step in row_steps {
            factoring
                .rows
                .push(row_step(model, &cells, &compact, own, step).ok_or_else(disagree)?);
        }
        factoring.own_width = own_cells.len();
        for row in 0..count {
            factoring
                .own
                .extend(own_cells.iter().map(|cell| own.cell(row, *cell)));
        }
        BundleError::limit("bytes of factored rows", factoring.bytes(), BYTES_MAX)?;
        Ok(factoring)
    }

    /// Memory that the rows take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let trees = self.rows.iter().map(|step| match step {
            RowStep::Trees(ensemble, _) => ensemble.bytes(),
            RowStep::Step(_) | RowStep::Ensemble(..) => 0,
        });
        trees.sum::<usize>() + size_of_val(self.own.as_slice())
    }

    /// Scores some rows, ascending. `shared` is one row, whose shared inputs are set; `input` gives the mixed inputs of a
    /// row. Appends a score for each; none where the row has no result.
    pub fn score(
        &self,
        model: &NativeModel,
        kernel: Kernel,
        shared: &mut Rows<'_>,
        input: &dyn Fn(u32, usize) -> f32,
        rows: &[u32],
        scores: &mut Vec<Option<f32>>,
    ) {
        for index in &self.shared {
            if let Some(step) = model.steps.get(*index) {
                model.run_step(kernel, step, shared);
            }
        }
        if shared.is_failed(0) {
            scores.resize(scores.len() + rows.len(), None);
            return;
        }
        let mut cells = vec![0.0; self.width * rows.len()];
        let mut failed = vec![false; rows.len()];
        self.fill(shared, input, rows, &mut cells);
        for step in &self.rows {
            match step {
                RowStep::Step(step) => {
                    for (cells, failed) in cells.chunks_exact_mut(self.width).zip(&mut failed) {
                        step.run(
                            model,
                            kernel,
                            &mut Row {
                                cells,
                                ints: &[],
                                texts: &[],
                                failed,
                            },
                        );
                    }
                }
                RowStep::Trees(ensemble, out) => {
                    ensemble.run(kernel, shared.row_cells(0), rows, &mut cells, self.width, *out);
                }
                RowStep::Ensemble(number, axes, out) => {
                    if let Some(ensemble) = model.ensembles.get(*number) {
                        let scratch = &mut Scratch::default();
                        ensemble.run(kernel, axes, (&mut cells, self.width), *out, scratch);
                    }
                }
            }
        }
        for (index, row) in rows.iter().enumerate() {
            let number = *row as usize;
            let has_failed = failed.get(index).copied().unwrap_or(true)
                || self.failed.get(number).copied().unwrap_or(true);
            let score = self
                .outputs
                .get(number)
                .filter(|_| !has_failed)
                .map(|source| match source {
                    Source::Shared(cell) => shared.cell(0, *cell),
                    Source::Own(own) => self.own_cell(number, *own),
                    Source::Row(cell) => cells.get(index * self.width + cell).copied().unwrap_or(f32::NAN),
                    Source::Input(cell) => input(*row, *cell),
                });
            scores.push(score);
        }
    }

    fn own_cell(&self, row: usize, own: usize) -> f32 {
        self.own
            .get(row * self.own_width + own)
            .copied()
            .unwrap_or(f32::NAN)
    }

    /// Copies what rows' steps read and do not write.
    fn fill(&self, shared: &Rows<'_>, input: &dyn Fn(u32, usize) -> f32, rows: &[u32], cells: &mut [f32]) {
        if self.sources.is_empty() {
            return;
        }
        // What is the same for all rows is put together once.
        let mut pattern = vec![f32::NAN; self.width];
        let mut others = Vec::new();
        for (index, source) in &self.sources {
            match (source, pattern.get_mut(*index)) {
                (Source::Shared(cell), Some(into)) => *into = shared.cell(0, *cell),
                _ => others.push((*index, *source)),
            }
        }
        for (row, cells) in rows.iter().zip(cells.chunks_exact_mut(self.width)) {
            cells.copy_from_slice(&pattern);
            let own = self.own.get(*row as usize * self.own_width..).unwrap_or_default();
            for (index, source) in &others {
                if let Some(cell) = cells.get_mut(*index) {
                    *cell = match source {
                        Source::Own(index) => own.get(*index).copied().unwrap_or(f32::NAN),
                        Source::Input(cell) => input(*row, *cell),
                        Source::Shared(_) | Source::Row(_) => f32::NAN,
                    };
                }
            }
        }
    }
}

/// The same step on a row's few cells.
fn row_step(
    model: &NativeModel,
    cells: &[CellKind],
    compact: &Compact,
    own: &Rows<'_>,
    step: &Step,
) -> Option<RowStep> {
    let out = compact.index(step.out)?;
    let Operation::Trees(number) = step.operation else {
        return Some(RowStep::Step(Step {
            operation: step.operation.moved(|cell| compact.index(cell))?,
            out,
            width: step.width,
        }));
    };
    let ensemble = model.ensembles.get(number)?;
    let kind = |cell: usize| cells.get(cell).copied().unwrap_or(CellKind::Mixed).of_axis();
    let index = |cell: usize| compact.index(cell);
    if ensemble.targets() > 1 {
        return Some(RowStep::Ensemble(number, ensemble.axes().moved(index)?, out));
    }
    Some(RowStep::Trees(Box::new(ensemble.factor(kind, index, own)?), out))
}
