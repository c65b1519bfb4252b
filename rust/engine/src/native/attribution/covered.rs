//! An ensemble and its covers -> trees whose nodes know whose cell they test, and which share of the rows goes left.

use super::{super::ensemble::Ensemble, AttributionError, owners::Owner};
use crate::kernel::{Child, RIGHTMOST, key};

/// A tree of an ensemble, for any of its targets.
#[derive(Debug)]
pub(super) struct CoveredTree {
    /// Children come after their parents; the first one is the root.
    pub(super) nodes: Vec<CoveredNode>,
    /// Leaves of the trees before it, and its own.
    pub(super) first_leaf: usize,
    pub(super) leaves: usize,
}

/// Goes left where the key of its slot is at most its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct CoveredNode {
    pub(super) slot: u16,
    pub(super) owner: u16,
    pub(super) key: u32,
    pub(super) left: Child,
    pub(super) right: Child,
    /// Of the background rows that come here, 0.0 to 1.0.
    pub(super) left_share: f64,
}

impl CoveredNode {
    pub(super) fn goes_right(&self, keys: &[u32]) -> bool {
        keys.get(usize::from(self.slot))
            .is_some_and(|key| *key > self.key)
    }

    /// The children, each with its share.
    pub(super) fn sides(&self) -> [(Child, f64); 2] {
        [(self.left, self.left_share), (self.right, 1.0 - self.left_share)]
    }
}

impl CoveredTree {
    /// The expected weight of each node, given the weights of the tree's leaves.
    pub(super) fn expected(&self, weights: &[f64]) -> Vec<f64> {
        let mut expected = vec![0.0; self.nodes.len()];
        for (number, node) in self.nodes.iter().enumerate().rev() {
            let of = |child: Child| match child {
                Child::Node(node) => expected.get(node),
                Child::Leaf(leaf) => weights.get(leaf),
            };
            let sum = node
                .sides()
                .map(|(child, share)| share * of(child).copied().unwrap_or(0.0));
            if let Some(slot) = expected.get_mut(number) {
                *slot = sum.iter().sum();
            }
        }
        expected
    }
}

/// The trees of an ensemble. `shared` owns the cells that are the same in every row.
pub(super) fn cover(
    ensemble: &Ensemble,
    owners: &[Owner],
    shared: u16,
) -> Result<Vec<CoveredTree>, AttributionError> {
    if ensemble.covers().is_empty() {
        return Err(AttributionError::new(
            "the model was compiled without a background sample",
        ));
    }
    let slots = ensemble.axes().slots();
    let axes: Vec<Owner> = ensemble
        .axes()
        .cells()
        .map(|cell| owners.get(cell).copied().unwrap_or_default())
        .collect();
    let owner = |slot: u16| match axes.get(slots.axis(slot).0) {
        Some(Owner::One(owner)) => Ok(*owner),
        Some(Owner::Unowned) | None => Ok(shared),
        Some(Owner::Several) => Err(AttributionError::new(
            "its trees test a number that is made of several attributes",
        )),
    };
    let mut covers = ensemble.covers();
    let mut first_leaf = 0;
    let mut trees = Vec::with_capacity(ensemble.trees().len());
    for tree in ensemble.trees() {
        let (own, rest) = covers.split_at_checked(tree.leaves).unwrap_or_default();
        covers = rest;
        let mut counts = vec![0.0; tree.nodes.len()];
        let mut nodes = Vec::with_capacity(tree.nodes.len());
        for (number, node) in tree.nodes.iter().enumerate().rev() {
            let count = |child: Child| match child {
                Child::Node(node) => counts.get(node).copied().unwrap_or(0.0),
                Child::Leaf(leaf) => own.get(leaf).copied().map_or(0.0, f64::from),
            };
            let (left, right) = (count(node.left), count(node.right));
            let all = left + right;
            if let Some(slot) = counts.get_mut(number) {
                *slot = all;
            }
            nodes.push(CoveredNode {
                slot: node.slot,
                owner: owner(node.slot)?,
                key: key(node.threshold, RIGHTMOST),
                left: node.left,
                right: node.right,
                // Where no row of the sample comes, neither side is likelier.
                left_share: if all > 0.0 { left / all } else { 0.5 },
            });
        }
        nodes.reverse();
        trees.push(CoveredTree {
            nodes,
            first_leaf,
            leaves: tree.leaves,
        });
        first_leaf += tree.leaves;
    }
    Ok(trees)
}
