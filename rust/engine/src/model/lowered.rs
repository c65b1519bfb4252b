//! A lowered model and the actions that are bound to it: features and candidates -> propensities.
//!
//! What an action brings to its row never changes, and is computed when the bundle is opened.

use nextbest_proto::v1;

use super::{
    ColumnSource, ElementType, ModelInput,
    cell::{constant_cell, feature_cell},
    input::{InputPosition, set},
    sources::Sources,
};
use crate::{
    error::BundleError,
    id::{ActionId, FeatureId, Id, Table, narrow},
    kernel::Kernel,
    native::{CellKind, Factoring, InputKinds, NativeModel, Rows},
    tables::Action,
    value::Value,
};

/// Cells of all rows of one model.
const ROW_CELLS_MAX: usize = 1 << 26;
/// Of all tables that contributions are looked up in: each of a bundle's models gets its share.
const TABLE_BYTES_MAX: usize = 512 << 20;
const UNBOUND: u32 = u32::MAX;

/// A lowered model of a bundle.
#[derive(Debug)]
pub struct Lowered {
    pub(super) model: NativeModel,
    factoring: Factoring,
    /// Inputs that come from features.
    shared: Vec<SharedInput>,
    /// For each action its row, or that it has none.
    rows: Vec<u32>,
    /// Rows whose action lacks an input without a replacement.
    incomplete: Vec<bool>,
    pub(super) sources: Sources,
}

#[derive(Debug)]
struct SharedInput {
    index: InputPosition,
    element_type: ElementType,
    feature: FeatureId,
    stand_in: Option<v1::value::Kind>,
}

/// A model's answer for an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Score {
    /// Not yet looked at whether it is a propensity.
    Propensity(f64),
    /// The row has no result.
    Failed,
    /// An input is missing and has no replacement.
    Incomplete,
}

impl Lowered {
    /// A model with the actions bound to it, in their order, each with the output column that it requests;
    /// one of several models.
    pub(crate) fn new(
        message: v1::NativeModel,
        inputs: &[ModelInput],
        actions: &Table<ActionId, Action>,
        bound: &[(ActionId, u32)],
        models: usize,
    ) -> Result<Self, BundleError> {
        let model = NativeModel::check(message)?;
        let mut kinds = InputKinds::default();
        let mut shared = Vec::new();
        let mut own = Vec::new();
        for input in inputs {
            for column in &input.columns {
                let (line, index): (_, fn(usize) -> InputPosition) = match input.element_type {
                    ElementType::Int64 => (&mut kinds.ints, InputPosition::Int),
                    ElementType::String => (&mut kinds.texts, InputPosition::Text),
                    ElementType::Float32 | ElementType::Float64 | ElementType::Bool => {
                        (&mut kinds.floats, InputPosition::Float)
                    }
                };
                let index = index(line.len());
                match column.source {
                    ColumnSource::Feature(feature) => {
                        line.push(CellKind::Shared);
                        shared.push(SharedInput {
                            index,
                            element_type: input.element_type,
                            feature,
                            stand_in: column.stand_in.clone(),
                        });
                    }
                    ColumnSource::ActionAttribute(attribute) => {
                        line.push(CellKind::Own);
                        own.push((index, input.element_type, attribute, column.stand_in.as_ref()));
                    }
                }
            }
        }
        let expected = model.inputs();
        let found = (kinds.floats.len(), kinds.ints.len(), kinds.texts.len());
        if found != (expected.floats, expected.ints, expected.texts) {
            return Err(BundleError::malformed(
                "a lowered model of other inputs".to_owned(),
            ));
        }
        BundleError::limit(
            "cells of a model's rows",
            bound.len().saturating_mul(model.cell_count()),
            ROW_CELLS_MAX,
        )?;
        let mut filled = Rows::new(&model, bound.len());
        let mut rows = vec![UNBOUND; actions.len()];
        let mut incomplete = vec![false; bound.len()];
        for (number, (action, _)) in bound.iter().enumerate() {
            if let Some(row) = rows.get_mut(action.index()) {
                *row = narrow(number);
            }
            for (index, element_type, attribute, stand_in) in &own {
                let value = actions[*action]
                    .attributes
                    .get(*attribute)
                    .and_then(Option::as_ref);
                let cell = value
                    .and_then(|kind| constant_cell(*element_type, kind))
                    .or_else(|| stand_in.and_then(|kind| constant_cell(*element_type, kind)));
                if !set(&mut filled, number, *index, cell)
                    && let Some(incomplete) = incomplete.get_mut(number)
                {
                    *incomplete = true;
                }
            }
        }
        let columns: Vec<u32> = bound.iter().map(|(_, column)| *column).collect();
        let factoring = Factoring::new(&model, &kinds, &mut filled, &columns)?;
        let sources = Sources::new(
            &model,
            inputs,
            columns.into_iter(),
            TABLE_BYTES_MAX / models.max(1),
        );
        Ok(Self {
            model,
            factoring,
            shared,
            rows,
            incomplete,
            sources,
        })
    }

    /// Scores actions that are bound to it, ascending; appends a score for each.
    pub(crate) fn score(
        &self,
        kernel: Kernel,
        features: &[Value<'_>],
        actions: impl Iterator<Item = ActionId>,
        scores: &mut Vec<Score>,
    ) {
        let rows: Vec<u32> = actions
            .filter_map(|action| self.rows.get(action.index()))
            .copied()
            .collect();
        let mut shared = Rows::new(&self.model, 1);
        let mut is_complete = true;
        for input in &self.shared {
            let cell = features
                .get(input.feature.index())
                .and_then(|value| feature_cell(input.element_type, value))
                .or_else(|| {
                    let stand_in = input.stand_in.as_ref();
                    stand_in.and_then(|kind| constant_cell(input.element_type, kind))
                });
            is_complete &= set(&mut shared, 0, input.index, cell);
        }
        if !is_complete {
            scores.resize(scores.len() + rows.len(), Score::Incomplete);
            return;
        }
        let mut found = Vec::with_capacity(rows.len());
        self.factoring.score(
            &self.model,
            kernel,
            &mut shared,
            &|_, _| f32::NAN,
            &rows,
            &mut found,
        );
        scores.extend(rows.iter().zip(found).map(|(row, score)| {
            if self.incomplete.get(*row as usize).copied().unwrap_or(true) {
                return Score::Incomplete;
            }
            score.map_or(Score::Failed, |score| Score::Propensity(f64::from(score)))
        }));
    }
}
