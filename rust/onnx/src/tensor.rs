//! The engine's tensors -> ONNX Runtime's values, and its output -> propensities.

use std::ops::Range;

use nextbest_engine::{Batch, ElementType, Model, Tensor};
use ort::{
    session::SessionInputValue,
    value::{DynValue, Tensor as OrtTensor, TensorElementType, TensorRef},
};

/// The input value of some rows; numbers and truth values are borrowed. A vector has no axis of columns.
pub(crate) fn encode<'a>(
    tensor: &'a Tensor<'_>,
    rows: Range<usize>,
    columns: usize,
    is_vector: bool,
) -> Result<SessionInputValue<'a>, ort::Error> {
    let mut shape = vec![rows.len()];
    if !is_vector {
        shape.push(columns);
    }
    let items = rows.start * columns..rows.end * columns;
    Ok(match tensor {
        Tensor::Float32(all) => TensorRef::from_array_view((shape, some(all, items)))?.into(),
        Tensor::Float64(all) => TensorRef::from_array_view((shape, some(all, items)))?.into(),
        Tensor::Int64(all) => TensorRef::from_array_view((shape, some(all, items)))?.into(),
        Tensor::Bool(all) => TensorRef::from_array_view((shape, some(all, items)))?.into(),
        Tensor::String(all) => {
            // The crate asks for texts that live as long as the process, or are its own.
            let texts: Vec<String> = some(all, items).iter().map(|item| (*item).to_owned()).collect();
            OrtTensor::from_string_array((shape, texts.as_slice()))?.into()
        }
    })
}

/// The items of some rows; fewer than the shape asks for, which ONNX Runtime refuses, where there are fewer.
fn some<T>(all: &[T], items: Range<usize>) -> &[T] {
    all.get(items).unwrap_or_default()
}

/// Appends for each row the column that it wants of an output of shape `[rows, columns]` or `[rows]`.
pub(crate) fn probabilities(
    output: &DynValue,
    wanted: &[usize],
    propensities: &mut Vec<f64>,
) -> Result<(), String> {
    if let Ok((shape, items)) = output.try_extract_tensor::<f32>() {
        let columns = columns(shape, wanted, items.len())?;
        let rows = items.chunks_exact(columns).zip(wanted);
        propensities.extend(
            rows.filter_map(|(row, column)| row.get(*column))
                .map(|item| f64::from(*item)),
        );
        return Ok(());
    }
    let Ok((shape, items)) = output.try_extract_tensor::<f64>() else {
        return Err("its output is not a tensor of floats or doubles".to_owned());
    };
    let columns = columns(shape, wanted, items.len())?;
    let rows = items.chunks_exact(columns).zip(wanted);
    propensities.extend(rows.filter_map(|(row, column)| row.get(*column)));
    Ok(())
}

/// The columns of an output that has a row for each that is wanted, and all columns that are.
fn columns(shape: &[i64], wanted: &[usize], items: usize) -> Result<usize, String> {
    let columns = match shape {
        [_] => 1,
        [_, columns] => usize::try_from(*columns).unwrap_or(0),
        _ => 0,
    };
    let last = wanted.iter().max().copied().unwrap_or(0);
    if last >= columns || Some(items) != wanted.len().checked_mul(columns) {
        return Err(format!(
            "its output has the shape {shape:?} for {} rows, and column {last} is asked for",
            wanted.len()
        ));
    }
    Ok(columns)
}

/// ONNX Runtime's name of an element type.
pub(crate) fn element_name(element_type: ElementType) -> TensorElementType {
    match element_type {
        ElementType::Float32 => TensorElementType::Float32,
        ElementType::Float64 => TensorElementType::Float64,
        ElementType::Int64 => TensorElementType::Int64,
        ElementType::String => TensorElementType::String,
        ElementType::Bool => TensorElementType::Bool,
    }
}

/// One row of zeros and empty texts.
pub(crate) fn sample(model: &Model) -> Batch<'static> {
    let zeros = |input: &nextbest_engine::ModelInput| {
        let columns = input.column_count();
        match input.element_type {
            ElementType::Float32 => Tensor::Float32(vec![0.0; columns]),
            ElementType::Float64 => Tensor::Float64(vec![0.0; columns]),
            ElementType::Int64 => Tensor::Int64(vec![0; columns]),
            ElementType::String => Tensor::String(vec![""; columns]),
            ElementType::Bool => Tensor::Bool(vec![false; columns]),
        }
    };
    Batch {
        rows: 1,
        inputs: model.inputs.iter().map(zeros).collect(),
        columns: vec![model.positive_column],
    }
}
