//! A `Model` message -> [`Model`]: each column's source exists, and its value for missing attributes fits the
//! tensor.

use nextbest_proto::v1::{self, model_column, value::Kind};

use super::index;
use crate::{
    digest::sha256,
    error::{BundleError, check_rows},
    id::{ActionId, FeatureId, Id, Table, narrow},
    model::{Column, ColumnSource, ElementType, Histograms, Lowered, Model, ModelInput},
    tables::{Action, Feature},
    value::Type,
};

const INPUTS_MAX: usize = 1_000;
const COLUMNS_MAX: usize = 10_000;
const OUTPUT_COLUMNS_MAX: usize = 100_000;

/// The actions of each model, in the order of the models, and the output column that each requests, if it
/// does.
pub(super) fn bound(
    actions: &Table<ActionId, Action>,
    models: usize,
) -> impl Iterator<Item = Vec<(ActionId, Option<usize>)>> + use<> {
    let mut bound = vec![Vec::new(); models];
    for (action, row) in actions.iter() {
        if let Some(list) = row.model.and_then(|model| bound.get_mut(model.index())) {
            list.push((action, row.model_column));
        }
    }
    bound.into_iter()
}

/// `types` are those of the declared action attributes, `models` how many models there are.
pub(super) fn model(
    message: v1::Model,
    features: &[Feature],
    types: &[Type],
    actions: &Table<ActionId, Action>,
    bound: Vec<(ActionId, Option<usize>)>,
    models: usize,
) -> Result<Model, BundleError> {
    BundleError::limit("inputs", message.inputs.len(), INPUTS_MAX)?;
    let inputs = check_rows("inputs", message.inputs, |row| input(row, features, types))?;
    if inputs.is_empty() {
        return Err(BundleError::malformed("a model without inputs".to_owned()));
    }
    let positive_column = message.positive_column as usize;
    BundleError::limit("output columns", positive_column, OUTPUT_COLUMNS_MAX)?;
    let lowered = message.native.map(|native| {
        let bound: Vec<(ActionId, u32)> = bound
            .into_iter()
            .map(|(action, column)| (action, narrow(column.unwrap_or(positive_column))))
            .collect();
        Lowered::new(native, &inputs, actions, &bound, models).map_err(|error| error.within("native"))
    });
    let histograms =
        Histograms::new(message.reference, features).map_err(|error| error.within("reference"))?;
    Ok(Model {
        name: message.name,
        version: sha256(&message.onnx),
        histograms,
        onnx: message.onnx,
        lowered: lowered.transpose()?,
        inputs,
        output: message.output,
        positive_column,
        is_row_by_row: message.row_by_row,
    })
}

fn input(message: v1::ModelInput, features: &[Feature], types: &[Type]) -> Result<ModelInput, BundleError> {
    let element_type = match message.element_type() {
        v1::ElementType::Unspecified => return Err(BundleError::malformed("no element type".to_owned())),
        v1::ElementType::Float32 => ElementType::Float32,
        v1::ElementType::Float64 => ElementType::Float64,
        v1::ElementType::Int64 => ElementType::Int64,
        v1::ElementType::String => ElementType::String,
        v1::ElementType::Boolean => ElementType::Bool,
    };
    BundleError::limit("columns", message.columns.len(), COLUMNS_MAX)?;
    let columns = check_rows("columns", message.columns, |row| {
        column(row, element_type, features, types)
    })?;
    if columns.is_empty() {
        return Err(BundleError::malformed("an input without columns".to_owned()));
    }
    Ok(ModelInput {
        name: message.name,
        element_type,
        columns,
    })
}

fn column(
    message: v1::ModelColumn,
    element_type: ElementType,
    features: &[Feature],
    types: &[Type],
) -> Result<Column, BundleError> {
    let (source, kind) = match message.source {
        Some(model_column::Source::Feature(number)) => {
            let feature: FeatureId = index("feature", number, features.len())?;
            let kind = features.get(feature.index()).map(|feature| feature.kind);
            (ColumnSource::Feature(feature), kind)
        }
        Some(model_column::Source::ActionAttribute(number)) => (
            ColumnSource::ActionAttribute(number as usize),
            types.get(number as usize).copied(),
        ),
        None => (ColumnSource::ActionAttribute(0), None),
    };
    let stand_in = message.missing.and_then(|value| value.kind);
    let fits = kind.is_some_and(|kind| element_type.takes(kind))
        && stand_in
            .as_ref()
            .is_none_or(|kind: &Kind| element_type.takes(Type::of(kind)));
    if !fits {
        return Err(BundleError::malformed(
            "no source, or of a type that the input does not take".to_owned(),
        ));
    }
    Ok(Column { source, stand_in })
}

impl ElementType {
    /// Whether values of a type become elements of this one.
    fn takes(self, kind: Type) -> bool {
        match self {
            Self::Float32 | Self::Float64 => {
                matches!(
                    kind,
                    Type::Bool | Type::Int | Type::Double | Type::Timestamp | Type::Duration
                )
            }
            Self::Int64 => matches!(kind, Type::Bool | Type::Int | Type::Timestamp | Type::Duration),
            Self::String => kind == Type::String,
            Self::Bool => kind == Type::Bool,
        }
    }
}
