//! A bundle's propensity models: what their inputs are bound to, how they run, what is counted of them.

mod cell;
mod contributions;
mod histograms;
mod input;
mod lowered;
mod sources;

use nextbest_proto::v1::value::Kind;

pub(crate) use cell::{Cell, constant_cell, feature_cell};
pub(crate) use histograms::DECISIONS;
pub use histograms::Histograms;
pub use lowered::Lowered;
pub(crate) use lowered::Score;

use crate::id::FeatureId;

/// What a model's input tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// `tensor(float)`
    Float32,
    /// `tensor(double)`
    Float64,
    /// `tensor(int64)`
    Int64,
    /// `tensor(string)`
    String,
    /// `tensor(bool)`
    Bool,
}

/// A propensity model.
#[derive(Debug)]
pub struct Model {
    /// Unique in the bundle.
    pub name: String,
    /// The ONNX file.
    pub onnx: Vec<u8>,
    /// In the order of [`crate::Batch::inputs`].
    pub inputs: Vec<ModelInput>,
    /// The output that holds probabilities, of shape `[rows, columns]` or `[rows]`.
    pub output: String,
    /// The column of the positive class; 0 for an output without columns.
    pub positive_column: usize,
    /// Whether ONNX Runtime gets one row at a time: the score of a row depends on the others of its run.
    pub is_row_by_row: bool,
    /// The same model, lowered: runs instead of the graph.
    pub lowered: Option<Lowered>,
    /// SHA-256 of the ONNX file, in hexadecimal: the name of its version.
    pub version: String,
    /// What is counted of it.
    pub histograms: Histograms,
}

/// One input tensor of a model, of shape `[rows, columns]`, or `[rows]` with one column.
#[derive(Debug)]
pub struct ModelInput {
    /// Its name in the ONNX graph.
    pub name: String,
    /// What it holds.
    pub element_type: ElementType,
    pub(crate) columns: Vec<Column>,
}

impl ModelInput {
    /// How many columns; at least 1.
    #[must_use]
    pub fn column_count(&self) -> usize {
        self.columns.len()
    }
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) source: ColumnSource,
    /// Stands in where the source is missing.
    pub(crate) stand_in: Option<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnSource {
    Feature(FeatureId),
    /// Index in `Action::attributes`.
    ActionAttribute(usize),
}
