//! An action's row of a lowered model -> what each attribute adds to its propensity.

use super::{
    ColumnSource, ElementType, ModelInput,
    cell::{constant_cell, feature_cell},
    input::{InputPosition, set},
    lowered::Lowered,
    sources::Sources,
};
use crate::{
    id::Id,
    kernel::Kernel,
    native::{Attributed, Method, Rows},
    tables::Action,
    value::Value,
};

impl Lowered {
    /// What each attribute adds to the score that an action, which is bound to it, has in a column of the output; with the
    /// attributes in the order of the contributions.
    ///
    /// # Errors
    /// Why there is nothing to say, in a sentence.
    pub(crate) fn explain(
        &self,
        kernel: Kernel,
        features: &[Value<'_>],
        inputs: &[ModelInput],
        (action, column): (&Action, u32),
        method: Method,
    ) -> Result<(&[ColumnSource], Attributed), String> {
        let Sources {
            sources,
            attributions,
        } = &self.sources;
        if let Some(refusal) = attributions.refusal(column) {
            return Err(refusal.to_string());
        }
        let mut rows = Rows::new(&self.model, 1);
        let mut lengths = [0; 3];
        for input in inputs {
            for column in &input.columns {
                let (line, index): (_, fn(usize) -> InputPosition) = match input.element_type {
                    ElementType::Int64 => (1, InputPosition::Int),
                    ElementType::String => (2, InputPosition::Text),
                    ElementType::Float32 | ElementType::Float64 | ElementType::Bool => {
                        (0, InputPosition::Float)
                    }
                };
                let Some(length) = lengths.get_mut(line) else {
                    continue;
                };
                let index = index(*length);
                *length += 1;
                let cell = match column.source {
                    ColumnSource::Feature(feature) => features
                        .get(feature.index())
                        .and_then(|value| feature_cell(input.element_type, value)),
                    ColumnSource::ActionAttribute(attribute) => action
                        .attributes
                        .get(attribute)
                        .and_then(Option::as_ref)
                        .and_then(|kind| constant_cell(input.element_type, kind)),
                };
                let stand_in = || {
                    let kind = column.stand_in.as_ref();
                    kind.and_then(|kind| constant_cell(input.element_type, kind))
                };
                if !set(&mut rows, 0, index, cell.or_else(stand_in)) {
                    return Err("an input of the model is missing".to_owned());
                }
            }
        }
        self.model.run(kernel, &mut rows);
        let found = attributions.explain(&self.model, method, column, &rows, 0);
        let found = found.ok_or_else(|| "the model has no result".to_owned())?;
        Ok((sources, found))
    }
}
