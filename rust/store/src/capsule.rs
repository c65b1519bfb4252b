//! Attributes as they arrive, merged into what is kept of one customer.

use std::cmp::Ordering;

use nextbest_proto::v1::Attribute;
use prost::Message as _;

use crate::{
    Refusal,
    bounds::{ATTRIBUTES_MAX, CAPSULE_BYTES_MAX},
};

/// All that is kept of one customer. Immutable: a change makes a new one, so that a decision reads one state.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Capsule {
    // Invariant: sorted by name, names distinct, every value present.
    attributes: Vec<Attribute>,
}

impl Capsule {
    /// The attributes in the order of their names; each has a value.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// This capsule with `changes` on top: a value replaces the one of its name, no value removes it.
    ///
    /// # Errors
    /// When a name stands twice in `changes`, or the result is beyond a bound.
    pub(crate) fn merge(&self, changes: &[Attribute]) -> Result<Self, Refusal> {
        let mut changes: Vec<&Attribute> = changes.iter().collect();
        changes.sort_by(|left, right| left.name.cmp(&right.name));
        if let Some(twice) = changes
            .iter()
            .zip(changes.iter().skip(1))
            .find(|(left, right)| left.name == right.name)
        {
            return Err(Refusal::AttributeTwice {
                attribute: twice.0.name.clone(),
            });
        }
        let merged = Self {
            attributes: merge_sorted(&self.attributes, &changes),
        };
        merged.check()?;
        Ok(merged)
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.attributes.len() > ATTRIBUTES_MAX {
            return Err(Refusal::AttributeCount {
                count: self.attributes.len(),
            });
        }
        let bytes = self.attributes.iter().map(Attribute::encoded_len).sum();
        if bytes > CAPSULE_BYTES_MAX {
            return Err(Refusal::CapsuleBytes { bytes });
        }
        Ok(())
    }
}

/// A value without a kind is null, and null means absent.
fn is_present(attribute: &Attribute) -> bool {
    attribute.value.as_ref().is_some_and(|value| value.kind.is_some())
}

fn merge_sorted(kept: &[Attribute], changes: &[&Attribute]) -> Vec<Attribute> {
    let mut merged = Vec::with_capacity(kept.len() + changes.len());
    let mut kept = kept.iter().peekable();
    for change in changes {
        while let Some(attribute) = kept.next_if(|attribute| attribute.name < change.name) {
            merged.push(attribute.clone());
        }
        kept.next_if(|attribute| attribute.name.cmp(&change.name) == Ordering::Equal);
        if is_present(change) {
            merged.push((*change).clone());
        }
    }
    merged.extend(kept.cloned());
    // What is kept is counted by what it holds.
    merged.shrink_to_fit();
    merged
}
