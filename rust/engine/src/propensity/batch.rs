//! Features and action attributes -> a model's input tensors, a row for each action.

use crate::{
    bundle::Bundle,
    id::{ActionId, Id},
    model::{Cell, Column, ColumnSource, ElementType, Model, ModelInput, constant_cell, feature_cell},
    value::Value,
};

/// What one model is run on: a row for each action.
#[derive(Debug)]
pub struct Batch<'a> {
    /// At least 1 when a scorer gets it.
    pub rows: usize,
    /// One for each of the model's inputs, in their order.
    pub inputs: Vec<Tensor<'a>>,
    /// The column of the output that each row wants.
    pub columns: Vec<usize>,
}

/// One input of a model: `rows` times the input's columns, row by row.
#[derive(Debug)]
pub enum Tensor<'a> {
    /// NaN where a value is missing.
    Float32(Vec<f32>),
    /// NaN where a value is missing.
    Float64(Vec<f64>),
    /// Whole numbers.
    Int64(Vec<i64>),
    /// Text.
    String(Vec<&'a str>),
    /// Truth values.
    Bool(Vec<bool>),
}

/// A batch with a row for each action that has one, and for each action whether it has.
pub(crate) fn assemble<'a>(
    bundle: &'a Bundle,
    features: &'a [Value<'_>],
    model: &'a Model,
    actions: impl Iterator<Item = ActionId>,
) -> (Batch<'a>, Vec<bool>) {
    let mut inputs: Vec<Input<'a>> = model
        .inputs
        .iter()
        .map(|input| Input::new(input, features))
        .collect();
    let mut complete = Vec::new();
    let mut columns = Vec::new();
    let mut rows = 0;
    for action in actions {
        let whole = inputs.iter_mut().all(|input| input.push_row(bundle, action));
        if whole {
            rows += 1;
            columns.push(
                bundle.actions[action]
                    .model_column
                    .unwrap_or(model.positive_column),
            );
        } else {
            for input in &mut inputs {
                input.tensor.truncate(rows * input.columns.len());
            }
        }
        complete.push(whole);
    }
    (
        Batch {
            rows,
            inputs: inputs.into_iter().map(|input| input.tensor).collect(),
            columns,
        },
        complete,
    )
}

/// A tensor that grows by a row an action, and where its columns come from.
struct Input<'a> {
    element_type: ElementType,
    columns: Vec<Origin<'a>>,
    tensor: Tensor<'a>,
}

/// Where a column's elements come from. A feature is the same for all actions, and so is looked at once.
enum Origin<'a> {
    Feature(Option<Cell<'a>>),
    /// Position in the action's attributes, and the value for a missing one.
    Action(usize, Option<Cell<'a>>),
}

impl<'a> Input<'a> {
    fn new(input: &'a ModelInput, features: &'a [Value<'_>]) -> Self {
        let element_type = input.element_type;
        let columns = input
            .columns
            .iter()
            .map(|column| Origin::new(column, element_type, features))
            .collect();
        Self {
            element_type,
            columns,
            tensor: Tensor::new(element_type),
        }
    }

    /// Appends a row; false if an element is missing and has no replacement. The row is then incomplete.
    fn push_row(&mut self, bundle: &'a Bundle, action: ActionId) -> bool {
        let Self {
            element_type,
            columns,
            tensor,
        } = self;
        columns.iter().all(|origin| {
            let cell = match origin {
                Origin::Feature(cell) => *cell,
                Origin::Action(index, stand_in) => bundle.actions[action]
                    .attributes
                    .get(*index)
                    .and_then(Option::as_ref)
                    .and_then(|kind| constant_cell(*element_type, kind))
                    .or(*stand_in),
            };
            tensor.push(cell)
        })
    }
}

impl<'a> Origin<'a> {
    fn new(column: &'a Column, element_type: ElementType, features: &'a [Value<'_>]) -> Self {
        let stand_in = column
            .stand_in
            .as_ref()
            .and_then(|kind| constant_cell(element_type, kind));
        match column.source {
            ColumnSource::Feature(feature) => {
                let value = features.get(feature.index());
                Self::Feature(
                    value
                        .and_then(|value| feature_cell(element_type, value))
                        .or(stand_in),
                )
            }
            ColumnSource::ActionAttribute(index) => Self::Action(index, stand_in),
        }
    }
}

impl<'a> Tensor<'a> {
    fn new(element_type: ElementType) -> Self {
        match element_type {
            ElementType::Float32 => Self::Float32(Vec::new()),
            ElementType::Float64 => Self::Float64(Vec::new()),
            ElementType::Int64 => Self::Int64(Vec::new()),
            ElementType::String => Self::String(Vec::new()),
            ElementType::Bool => Self::Bool(Vec::new()),
        }
    }

    /// Appends an element, NaN for a missing float; false for any other that is missing.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "models of float tensors take the nearest float"
    )]
    fn push(&mut self, cell: Option<Cell<'a>>) -> bool {
        match (self, cell) {
            (Self::Float32(items), Some(Cell::Float(value))) => items.push(value as f32),
            (Self::Float32(items), None) => items.push(f32::NAN),
            (Self::Float64(items), Some(Cell::Float(value))) => items.push(value),
            (Self::Float64(items), None) => items.push(f64::NAN),
            (Self::Int64(items), Some(Cell::Int(value))) => items.push(value),
            (Self::String(items), Some(Cell::String(value))) => items.push(value),
            (Self::Bool(items), Some(Cell::Bool(value))) => items.push(value),
            _ => return false,
        }
        true
    }

    fn truncate(&mut self, length: usize) {
        match self {
            Self::Float32(items) => items.truncate(length),
            Self::Float64(items) => items.truncate(length),
            Self::Int64(items) => items.truncate(length),
            Self::String(items) => items.truncate(length),
            Self::Bool(items) => items.truncate(length),
        }
    }
}
