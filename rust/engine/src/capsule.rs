//! The customer as a value: all that is kept of one customer, and the same with a change applied.
//!
//! Pure: a store keeps capsules and returns them, and neither reads nor changes what is inside.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use nextbest_proto::v1::{Attribute, Value, value::Kind};
use prost::Message as _;

use crate::{
    error::CapsuleError,
    limits::{ATTRIBUTE_NAME_BYTES_MAX, CAPSULE_BYTES_MAX, CUSTOMER_ATTRIBUTES_MAX, VALUE_BYTES_MAX},
};

/// All that is kept of one customer. Immutable: a change makes a new one, so that a decision reads one state.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Capsule {
    // Invariant: sorted by name, names distinct, every value present.
    attributes: Vec<Attribute>,
}

/// What arrived about one customer, checked.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    // Invariant: sorted by name, names distinct, each within its bounds.
    attributes: Vec<&'a Attribute>,
}

impl<'a> Change<'a> {
    /// New values of attributes, in any order; one without a value is to be removed, and so is a null.
    ///
    /// # Errors
    /// When there are too many, a name is there twice, or a name or a value is beyond its bound.
    pub fn of_attributes(attributes: &'a [Attribute]) -> Result<Self, CapsuleError> {
        if attributes.len() > CUSTOMER_ATTRIBUTES_MAX {
            return Err(CapsuleError::AttributeCount {
                count: attributes.len(),
            });
        }
        attributes.iter().try_for_each(check)?;
        let mut attributes: Vec<&Attribute> = attributes.iter().collect();
        attributes.sort_by(|left, right| left.name.cmp(&right.name));
        let mut neighbours = attributes.iter().zip(attributes.iter().skip(1));
        if let Some((twice, _)) = neighbours.find(|(left, right)| left.name == right.name) {
            return Err(CapsuleError::AttributeTwice {
                attribute: twice.name.clone(),
            });
        }
        Ok(Self { attributes })
    }
}

impl Capsule {
    /// The attributes in the order of their names; each has a value.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// This capsule with a change on top: a value replaces the one of its name, no value removes it.
    ///
    /// # Errors
    /// When the result is beyond a bound.
    pub fn apply(&self, change: &Change<'_>) -> Result<Self, CapsuleError> {
        let attributes = merge_sorted(&self.attributes, &change.attributes);
        if attributes.len() > CUSTOMER_ATTRIBUTES_MAX {
            return Err(CapsuleError::AttributeCount {
                count: attributes.len(),
            });
        }
        let bytes = attributes.iter().map(Attribute::encoded_len).sum();
        if bytes > CAPSULE_BYTES_MAX {
            return Err(CapsuleError::CapsuleBytes { bytes });
        }
        Ok(Self { attributes })
    }
}

fn check(attribute: &Attribute) -> Result<(), CapsuleError> {
    let name = &attribute.name;
    if name.is_empty() || name.len() > ATTRIBUTE_NAME_BYTES_MAX {
        return Err(CapsuleError::AttributeName { bytes: name.len() });
    }
    let Some(value) = &attribute.value else {
        return Ok(());
    };
    if !is_finite(value) {
        return Err(CapsuleError::NotFinite {
            attribute: name.clone(),
        });
    }
    let bytes = value.encoded_len();
    if bytes > VALUE_BYTES_MAX {
        return Err(CapsuleError::ValueBytes {
            attribute: name.clone(),
            bytes,
        });
    }
    Ok(())
}

fn is_finite(value: &Value) -> bool {
    !matches!(value.kind, Some(Kind::Double(number)) if !number.is_finite())
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
