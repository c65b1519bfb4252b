//! A decision's propensities -> the counters of its models' histograms that it adds to.

use nextbest_proto::v1::PropensitySource;

use super::Propensity;
use crate::{
    bundle::Bundle,
    id::{Id, ModelId, narrow},
    model::DECISIONS,
    value::Value,
};

/// Names the counters that a decision adds to, each with its model: of every model that had candidates.
///
/// A score counts where it is of the model's positive column: an action that takes another column of the output takes
/// what the reference is not of.
pub(crate) fn tally(
    bundle: &Bundle,
    features: &[Value<'_>],
    propensities: &[Propensity],
    mut count: impl FnMut(ModelId, usize),
) {
    let mut asked = vec![false; bundle.models.len()];
    for propensity in propensities {
        let action = &bundle.actions[propensity.action];
        let Some(model) = action.model else { continue };
        if let Some(asked) = asked.get_mut(model.index()) {
            *asked = true;
        }
        let row = &bundle.models[model];
        let is_positive = action
            .model_column
            .is_none_or(|column| column == row.positive_column);
        if is_positive && propensity.source == PropensitySource::Model {
            count(model, row.histograms.score(propensity.value));
        }
    }
    for (index, _) in asked.iter().enumerate().filter(|(_, asked)| **asked) {
        let model = ModelId::from_index(narrow(index));
        count(model, DECISIONS);
        let histograms = &bundle.models[model].histograms;
        histograms.features(features, |counter| count(model, counter));
    }
}
