//! The engine's tensors -> ONNX Runtime's values, and its output -> propensities.

use nextbest_engine::{Batch, ElementType, Model, Tensor};
use ort::{
    session::SessionInputValue,
    value::{DynValue, Tensor as OrtTensor, TensorElementType, TensorRef},
};

/// The input value; numbers and truth values are borrowed.
pub(crate) fn encode<'a>(
    tensor: &'a Tensor<'_>,
    rows: usize,
    columns: usize,
) -> Result<SessionInputValue<'a>, ort::Error> {
    let shape = [rows, columns];
    Ok(match tensor {
        Tensor::Float32(items) => TensorRef::from_array_view((shape, items.as_slice()))?.into(),
        Tensor::Float64(items) => TensorRef::from_array_view((shape, items.as_slice()))?.into(),
        Tensor::Int64(items) => TensorRef::from_array_view((shape, items.as_slice()))?.into(),
        Tensor::Bool(items) => TensorRef::from_array_view((shape, items.as_slice()))?.into(),
        Tensor::String(items) => {
            // The crate asks for texts that live as long as the process, or are its own.
            let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
            OrtTensor::from_string_array((shape, items.as_slice()))?.into()
        }
    })
}

/// Appends the positive class of each row of an output of shape `[rows, columns]` or `[rows]`.
pub(crate) fn probabilities(
    output: &DynValue,
    rows: usize,
    positive_column: usize,
    propensities: &mut Vec<f64>,
) -> Result<(), String> {
    if let Ok((shape, items)) = output.try_extract_tensor::<f32>() {
        let column = column(shape, rows, positive_column, items)?;
        propensities.extend(column.map(|item| f64::from(*item)));
        return Ok(());
    }
    let Ok((shape, items)) = output.try_extract_tensor::<f64>() else {
        return Err("its output is no tensor of floats or doubles".to_owned());
    };
    propensities.extend(column(shape, rows, positive_column, items)?);
    Ok(())
}

fn column<'a, T>(
    shape: &[i64],
    rows: usize,
    positive_column: usize,
    items: &'a [T],
) -> Result<impl Iterator<Item = &'a T>, String> {
    let columns = match shape {
        [_] => 1,
        [_, columns] => usize::try_from(*columns).unwrap_or(0),
        _ => 0,
    };
    if positive_column >= columns || Some(items.len()) != rows.checked_mul(columns) {
        return Err(format!(
            "its output has the shape {shape:?} for {rows} rows, and column {positive_column} is asked for"
        ));
    }
    Ok(items.iter().skip(positive_column).step_by(columns))
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
    }
}
