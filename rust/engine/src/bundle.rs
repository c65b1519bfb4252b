//! What a server runs: the tables of a bundle, its models, and the index of its policies.
//!
//! `open` reads it from a file and `check` verifies every row. Nothing but these makes ids, so that an id is always
//! inside its table.

pub(crate) mod open;

mod check;

#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;

use crate::{
    error::BundleError,
    id::{
        ActionId, AttributeId, ChannelId, ClauseId, ConditionId, ContextWeightId, FeatureId, GroupId,
        IssueId, Lists, LiteralId, ModelId, PlacementId, Table, TreatmentId,
    },
    index::{Index, IndexOptions, IndexReport, IndexedTables},
    model::Model,
    tables::{
        Action, Arbitration, Attribute, Channel, Clause, Condition, ContextWeight, Feature, Group, Issue,
        Literal, PolicyTable,
    },
};

/// What a server runs: a compiled workspace and its models. Immutable; share it behind an `Arc`.
#[derive(Debug)]
pub struct Bundle {
    pub(crate) digest: String,
    pub(crate) workspace: String,
    /// Of values; empty where the workspace names none.
    pub(crate) currency: String,
    /// In which people are shown times; windows and programs have it built in.
    pub(crate) time_zone: TimeZone,
    pub(crate) files: Vec<String>,
    /// Sorted by root, then name.
    pub(crate) attributes: Table<AttributeId, Attribute>,
    pub(crate) features: Table<FeatureId, Feature>,
    pub(crate) literals: Table<LiteralId, Literal>,
    pub(crate) literal_texts: Table<LiteralId, String>,
    pub(crate) conditions: Table<ConditionId, Condition>,
    pub(crate) clauses: Table<ClauseId, Clause>,
    pub(crate) clause_literals: Lists<ClauseId, LiteralId>,
    pub(crate) issues: Table<IssueId, Issue>,
    pub(crate) groups: Table<GroupId, Group>,
    /// Sorted by name.
    pub(crate) actions: Table<ActionId, Action>,
    pub(crate) policies: PolicyTable,
    /// Sorted by name.
    pub(crate) channels: Table<ChannelId, Channel>,
    /// Sorted by name.
    pub(crate) models: Table<ModelId, Model>,
    pub(crate) context_weights: Table<ContextWeightId, ContextWeight>,
    pub(crate) arbitration: Arbitration,
    pub(crate) index: Index,
}

impl Bundle {
    /// Makes the index again.
    ///
    /// # Errors
    /// When it would take too much memory; the index is then the one from before.
    pub fn reindex(&mut self, options: IndexOptions) -> Result<(), BundleError> {
        self.index = Index::new(&self.tables(), options)?;
        Ok(())
    }

    pub(crate) fn tables(&self) -> IndexedTables<'_> {
        IndexedTables {
            features: &self.features,
            literals: &self.literals,
            clause_literals: &self.clause_literals,
            policies: &self.policies,
            actions: &self.actions,
            channels: &self.channels,
            context_weights: &self.context_weights,
        }
    }

    /// What the index of its policies takes.
    #[must_use]
    pub fn index_report(&self) -> IndexReport {
        self.index.report()
    }

    /// SHA-256 of the file, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The workspace's name.
    #[must_use]
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// Number of actions.
    #[must_use]
    pub fn action_count(&self) -> usize {
        self.actions.len()
    }

    /// Number of models.
    #[must_use]
    pub fn model_count(&self) -> usize {
        self.models.len()
    }

    /// The models, in the order of their ids.
    pub fn models(&self) -> impl Iterator<Item = (ModelId, &Model)> {
        self.models.iter()
    }

    /// Name of an action of this bundle. Ids of another bundle are a mistake of the caller, here and below: they
    /// name something else, or panic.
    #[must_use]
    pub fn action_name(&self, action: ActionId) -> &str {
        &self.actions[action].name
    }

    /// Name of an action's group.
    #[must_use]
    pub fn group_name(&self, action: ActionId) -> &str {
        &self.groups[self.actions[action].group].name
    }

    /// Name of an action's issue.
    #[must_use]
    pub fn issue_name(&self, action: ActionId) -> &str {
        &self.issues[self.groups[self.actions[action].group].issue].name
    }

    /// The model bound to an action.
    #[must_use]
    pub fn action_model(&self, action: ActionId) -> Option<ModelId> {
        self.actions[action].model
    }

    /// Name of a treatment.
    #[must_use]
    pub fn treatment_name(&self, action: ActionId, treatment: TreatmentId) -> &str {
        &self.actions[action].treatments[treatment].name
    }

    /// Name of a channel.
    #[must_use]
    pub fn channel_name(&self, channel: ChannelId) -> &str {
        &self.channels[channel].name
    }

    /// Name of a placement.
    #[must_use]
    pub fn placement_name(&self, channel: ChannelId, placement: PlacementId) -> &str {
        &self.channels[channel].placements[placement].name
    }

    /// Name of a model.
    #[must_use]
    pub fn model_name(&self, model: ModelId) -> &str {
        &self.models[model].name
    }
}
