//! Bytes of a bundle file -> [`Bundle`]: verified once, relied upon ever after.
//!
//! The file's form stands in `bundle.proto`. Nothing but this module makes ids, so that an id is always inside its
//! table.

mod check;
mod fault;
pub(crate) mod tables;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use nextbest_proto::v1;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

pub(crate) use check::rows as check_rows;
pub use fault::BundleFault;

use crate::id::{
    ActionId, AttributeId, ChannelId, ClauseId, ConditionId, ContextWeightId, FeatureId, GroupId, IssueId,
    Lists, LiteralId, ModelId, PlacementId, Table, TreatmentId,
};
use crate::index::{Index, IndexOptions, IndexReport, Tables};
use tables::{
    Action, Arbitration, Attribute, Channel, Clause, Condition, ContextWeight, Feature, Group, Issue,
    Literal, Model, PolicyTable,
};

/// The first bytes of a bundle file.
pub const MAGIC: &[u8; 8] = b"nextbest";

/// The format that this engine reads.
pub const FORMAT: u32 = 1;

/// Bytes of a bundle file.
pub const BUNDLE_BYTES_MAX: usize = 512 * 1024 * 1024;

const HEADER_BYTES: usize = 20;
const CHECKSUM_BYTES: usize = 32;

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
    /// Verifies and reads a bundle file.
    ///
    /// # Errors
    /// When the file is not whole, not of this format, or holds an index, type or size that must not be, and when the
    /// index of its policies would take too much memory.
    pub fn open(file: &[u8]) -> Result<Self, BundleFault> {
        Self::open_with(file, IndexOptions::default())
    }

    /// The same, with an index as somebody asks for it.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with(file: &[u8], options: IndexOptions) -> Result<Self, BundleFault> {
        let payload = payload(file)?;
        let message = v1::Bundle::decode(payload).map_err(|_| BundleFault::Undecodable)?;
        check::check(message, hexadecimal(&Sha256::digest(file)), options)
    }

    /// Makes the index anew.
    ///
    /// # Errors
    /// When it would take too much memory; the index is then the one from before.
    pub fn reindex(&mut self, options: IndexOptions) -> Result<(), BundleFault> {
        self.index = Index::new(&self.tables(), options)?;
        Ok(())
    }

    pub(crate) fn tables(&self) -> Tables<'_> {
        Tables {
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

/// The payload of a file whose header and checksum are right.
fn payload(file: &[u8]) -> Result<&[u8], BundleFault> {
    if file.len() > BUNDLE_BYTES_MAX {
        return Err(BundleFault::Oversized {
            bytes: file.len(),
            bytes_max: BUNDLE_BYTES_MAX,
        });
    }
    let (magic, rest) = file.split_first_chunk::<8>().ok_or_else(|| too_short(file))?;
    if magic != MAGIC {
        return Err(BundleFault::NotABundle);
    }
    let (format, rest) = rest.split_first_chunk::<4>().ok_or_else(|| too_short(file))?;
    match u32::from_le_bytes(*format) {
        FORMAT => {}
        0 => return Err(BundleFault::Damaged),
        format => return Err(BundleFault::NewerFormat { format }),
    }
    let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(|| too_short(file))?;
    let length = u64::from_le_bytes(*length);
    let found = rest.len() as u64;
    let expected = length.saturating_add(CHECKSUM_BYTES as u64);
    if found < expected {
        return Err(BundleFault::Truncated {
            missing_bytes: expected - found,
        });
    }
    if found > expected {
        return Err(BundleFault::Damaged);
    }
    let (payload, checksum) = rest
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or(BundleFault::Damaged)?;
    let (signed, _) = file.split_at(file.len() - CHECKSUM_BYTES);
    if Sha256::digest(signed).as_slice() != checksum {
        return Err(BundleFault::Damaged);
    }
    Ok(payload)
}

/// A file that ends inside its header: truncated when it begins like a bundle.
fn too_short(file: &[u8]) -> BundleFault {
    let begins_alike = file.iter().zip(MAGIC).all(|(found, expected)| found == expected);
    if begins_alike {
        BundleFault::Truncated {
            missing_bytes: (HEADER_BYTES + CHECKSUM_BYTES - file.len()) as u64,
        }
    } else {
        BundleFault::NotABundle
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
