//! An expression -> the attributes that it reads, with their values.

use std::collections::BTreeSet;

use nextbest_proto::v1;

use super::naming::{LISTED_MAX, label, named, shortened};
use crate::{decision::Decision, id::FeatureId, program::Program, tables::Source};

/// Attributes that are listed for one expression.
const READS_MAX: usize = 20;

/// Each attribute once, in the order in which the expression reads them.
pub(super) fn reads(decision: &Decision<'_>, program: &Program) -> Vec<v1::ReadAttribute> {
    let read = |feature: FeatureId| v1::ReadAttribute {
        name: decision.bundle.features[feature].name.clone(),
        label: label(decision, feature).to_owned(),
        value: decision.feature(feature).message(),
    };
    attributes(decision, program)
        .into_iter()
        .take(READS_MAX)
        .map(read)
        .collect()
}

/// "`customer.a` is 7, `customer.b` is 3".
pub(super) fn sentence(decision: &Decision<'_>, program: &Program) -> String {
    let read = attributes(decision, program);
    let listed = read.iter().take(LISTED_MAX).map(|feature| {
        let value = decision.feature(*feature);
        format!("{} is {}", named(decision, *feature), shortened(decision, value))
    });
    let listed = listed.collect::<Vec<String>>().join(", ");
    match read.len().saturating_sub(LISTED_MAX) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}

/// The attributes that an expression reads, those of features that it reads too.
pub(super) fn attributes(decision: &Decision<'_>, program: &Program) -> Vec<FeatureId> {
    let mut seen = BTreeSet::new();
    let mut read = Vec::new();
    let mut open: Vec<FeatureId> = program.touched().collect();
    open.reverse();
    while let Some(feature) = open.pop() {
        if !seen.insert(feature) {
            continue;
        }
        match &decision.bundle.features[feature].source {
            Source::Attribute(_) => read.push(feature),
            Source::Derived(program) => {
                let first = open.len();
                open.extend(program.touched());
                if let Some(added) = open.get_mut(first..) {
                    added.reverse();
                }
            }
            Source::Now => {}
        }
    }
    read
}
