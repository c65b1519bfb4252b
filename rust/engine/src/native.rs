//! A lowered model: inputs of some rows -> the columns of its output.
//!
//! Replaces an ONNX graph (`native.proto` describes its contents). Trees give the bits that ONNX Runtime
//! gives on one thread; what adds up products may differ by 1e-6, and gives the same bits in every batch and
//! with every kernel. It reads no ONNX: graphs are lowered by the control plane.

mod arithmetic;
mod attribution;
mod axes;
mod background;
mod cell_kind;
mod check;
mod codes;
mod dictionary;
mod ensemble;
mod factoring;
mod rows;
mod step;

#[cfg(test)]
mod tests;

use nextbest_proto::v1;
use prost::Message as _;

pub use attribution::{Attributed, AttributionError, Attributions, ContributionScale, Method};
pub use background::Background;
pub use cell_kind::{CellKind, InputKinds};
pub use factoring::Factoring;
pub use rows::Rows;

use crate::{error::BundleError, kernel::Kernel};
use dictionary::Dictionary;
use ensemble::Ensemble;
use step::Step;

use crate::kernel::Matrix;

/// A lowered model, checked: what it holds cannot lead outside of its tables. Immutable.
#[derive(Debug)]
pub struct NativeModel {
    inputs: Inputs,
    /// Cells of a row.
    cells: usize,
    /// Over the background sample; or none.
    cell_means: Vec<f32>,
    constants: Vec<f32>,
    steps: Vec<Step>,
    /// The used columns of the output, and their cells; sorted.
    outputs: Vec<(u32, usize)>,
    ensembles: Vec<Ensemble>,
    matrices: Vec<Matrix>,
    dictionaries: Vec<Dictionary>,
}

/// Columns of each kind that a row brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Numbers and truth values; NaN where one is missing.
    pub floats: usize,
    /// Whole numbers.
    pub ints: usize,
    /// Texts.
    pub texts: usize,
}

impl NativeModel {
    /// Reads an encoded `NativeModel`.
    ///
    /// # Errors
    /// When it is not valid, or holds an index, a number or a size that is not allowed.
    pub fn open(encoded: &[u8]) -> Result<Self, BundleError> {
        let message = v1::NativeModel::decode(encoded).map_err(|_| BundleError::Undecodable)?;
        Self::check(message)
    }

    pub(crate) fn check(message: v1::NativeModel) -> Result<Self, BundleError> {
        check::check(message)
    }

    /// What a row brings.
    #[must_use]
    pub fn inputs(&self) -> Inputs {
        self.inputs
    }

    /// Cells of a row.
    #[must_use]
    pub fn cell_count(&self) -> usize {
        self.cells
    }

    /// The columns of the output that it computes, ascending.
    pub fn columns(&self) -> impl Iterator<Item = u32> {
        self.outputs.iter().map(|(column, _)| *column)
    }

    /// Number of trees, in all ensembles.
    #[must_use]
    pub fn tree_count(&self) -> usize {
        self.ensembles.iter().map(Ensemble::tree_count).sum()
    }

    /// Computes all cells of all rows.
    pub fn run(&self, kernel: Kernel, rows: &mut Rows<'_>) {
        for step in &self.steps {
            self.run_step(kernel, step, rows);
        }
    }

    fn run_step(&self, kernel: Kernel, step: &Step, rows: &mut Rows<'_>) {
        if let step::Operation::Trees(ensemble) = step.operation {
            if let Some(ensemble) = self.ensembles.get(ensemble) {
                let (cells, scratch) = rows.cells_mut();
                ensemble.run(kernel, ensemble.axes(), cells, step.out, scratch);
            }
            return;
        }
        rows.for_each(|row| step.run(self, kernel, row));
    }

    /// The cell of a column of the output; absent if that column was not requested when the model was
    /// lowered.
    #[must_use]
    pub fn output_cell(&self, column: u32) -> Option<usize> {
        let index = self
            .outputs
            .binary_search_by_key(&column, |(column, _)| *column)
            .ok()?;
        self.outputs.get(index).map(|(_, cell)| *cell)
    }
}
