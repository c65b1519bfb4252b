//! Propensities -> priorities -> ranks -> placements.
//!
//! `priority = propensity x context weight x value x lever`, each factor switchable, or the workspace's formula.
//! Mandatory actions come first and pass every threshold, also without a priority: it is 0 then. Ties break on a hash of
//! customer and action.

mod fill;
mod weight;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use nextbest_proto::v1;
use xxhash_rust::xxh3::xxh3_64;

pub(crate) use fill::{Order, below_priority, fallbacks_of, fill, fill_by_rank, in_placement, won_by};
pub(crate) use weight::{Weighing, applies};

use crate::{
    bundle::Bundle,
    id::{ActionId, TreatmentId},
    propensity::Propensity,
};

/// An action that reached arbitration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Which.
    pub action: ActionId,
    /// What its priority is made of.
    pub factors: Factors,
}

/// What a priority is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// 0.0 to 1.0.
    pub propensity: f64,
    /// Where the propensity comes from.
    pub propensity_source: v1::PropensitySource,
    /// At least 0.0.
    pub context_weight: f64,
    /// In the workspace's currency; finite. 0.0 where it has no result.
    pub value: f64,
    /// At least 0.0.
    pub lever: f64,
    /// Finite. 0.0 for a mandatory action whose value or priority has no result.
    pub priority: f64,
}

/// An action in a placement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Index in `Record::placements`, from 0.
    pub requested: usize,
    /// Which action.
    pub action: ActionId,
    /// In which of its treatments.
    pub treatment: TreatmentId,
    /// From 1; 0 for a fallback.
    pub rank: u32,
    /// Why it is placed there.
    pub reason: v1::Reason,
    /// Absent for a fallback.
    pub factors: Option<Factors>,
}

/// The outcome for the candidates: each is in one of the three, and a mandatory one without a priority in the
/// first and the last. Those of the last two are in the bundle's order.
#[derive(Debug)]
pub(crate) struct Ranking {
    /// Best first.
    pub(crate) ranked: Vec<Ranked>,
    pub(crate) below_propensity: Vec<Ranked>,
    /// Without value or priority.
    pub(crate) valueless: Vec<ActionId>,
}

/// Weighs the candidates and puts them in order.
pub(crate) fn rank(
    bundle: &Bundle,
    customer_id: &str,
    propensities: &[Propensity],
    weighing: &mut Weighing<'_, '_>,
) -> Ranking {
    let mut ranking = Ranking {
        ranked: Vec::new(),
        below_propensity: Vec::new(),
        valueless: Vec::new(),
    };
    let mut others = Vec::with_capacity(propensities.len());
    let threshold = bundle.arbitration.propensity_threshold;
    for propensity in propensities {
        let mandatory = bundle.actions[propensity.action].mandatory;
        let known = weighing.factors(propensity);
        if known.is_none() {
            ranking.valueless.push(propensity.action);
        }
        let factors = match known {
            Some(factors) => factors,
            None if mandatory => weighing.factors_without_priority(propensity),
            None => continue,
        };
        let ranked = Ranked {
            action: propensity.action,
            factors,
        };
        if mandatory {
            ranking.ranked.push(ranked);
        } else if threshold.is_some_and(|least| factors.propensity < least) {
            ranking.below_propensity.push(ranked);
        } else {
            others.push(ranked);
        }
    }
    order(bundle, customer_id, &mut ranking.ranked);
    order(bundle, customer_id, &mut others);
    ranking.ranked.append(&mut others);
    ranking
}

/// By priority, then by hash, then by name. Zero and minus zero tie.
fn order(bundle: &Bundle, customer_id: &str, ranked: &mut [Ranked]) {
    ranked.sort_unstable_by(|left, right| compare(left, right).then(left.action.cmp(&right.action)));
    // Hashes are made for ties alone, and once each: with few distinct values, ties are what costs.
    for tied in ranked.chunk_by_mut(|left, right| compare(left, right) == Ordering::Equal) {
        if tied.len() > 1 {
            tied.sort_by_cached_key(|ranked| tie_hash(customer_id, bundle.action_name(ranked.action)));
        }
    }
}

/// The higher priority first; priorities are finite.
fn compare(left: &Ranked, right: &Ranked) -> Ordering {
    right
        .factors
        .priority
        .partial_cmp(&left.factors.priority)
        .unwrap_or(Ordering::Equal)
}

/// XXH3 (64 bits, no seed) of the customer's id, a zero byte and the action's name: the same for the same customer,
/// and another order for another customer.
fn tie_hash(customer_id: &str, action: &str) -> u64 {
    let mut bytes = Vec::with_capacity(customer_id.len() + 1 + action.len());
    bytes.extend_from_slice(customer_id.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(action.as_bytes());
    xxh3_64(&bytes)
}
