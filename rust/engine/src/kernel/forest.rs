//! Trees whose leaves add up: which leaf of each tree a row comes to, and the sum of their weights.
//!
//! A row is a line of *slots*, numbers that are never NaN. All kernels come to the same leaves and add them in the same
//! order, that of the trees, so that sums have the same bits everywhere: those of ONNX Runtime on one thread.

mod walk;

#[cfg(test)]
mod tests;

use super::{Kernel, Set};
use walk::Walk;

/// A tree as it is written: nodes in an order in which children come after their parents, leaves from left to right.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    /// Leaves: one more than nodes.
    pub(crate) leaves: usize,
}

/// Goes left when the slot is at most the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) slot: u16,
    /// Finite.
    pub(crate) threshold: f32,
    pub(crate) left: Child,
    pub(crate) right: Child,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Child {
    Node(usize),
    Leaf(usize),
}

/// Nodes and leaves of one tree.
pub(crate) const TREE_ENTRIES_MAX: usize = 65_535;

/// Trees that have been checked, laid out for the kernels.
#[derive(Debug)]
pub(crate) struct Forest {
    slots: usize,
    targets: usize,
    /// One for each target, added last.
    base_values: Vec<f32>,
    /// Of the sum, before the base values are added.
    divisor: Option<f32>,
    // Invariant: as `Walk` wants it.
    walk: Walk,
}

impl Forest {
    /// Lays out trees. `weights` has `targets` numbers for each leaf, tree by tree. None when the trees are none: a child
    /// that is not there, is no later than its parent or has two parents, leaves out of order, a slot of `slots` that is
    /// not there, a threshold that is not finite, or numbers that do not agree.
    pub(crate) fn new(
        trees: &[Tree],
        slots: usize,
        targets: usize,
        weights: Vec<f32>,
        base_values: Vec<f32>,
        divisor: Option<f32>,
    ) -> Option<Self> {
        let leaves: usize = trees.iter().map(|tree| tree.leaves).sum();
        let fits = targets > 0
            && trees.iter().all(|tree| is_tree(tree, slots))
            && leaves.checked_mul(targets) == Some(weights.len())
            && (base_values.is_empty() || base_values.len() == targets);
        if !fits {
            return None;
        }
        Some(Self {
            slots,
            targets,
            base_values,
            divisor,
            walk: Walk::new(trees, targets, weights)?,
        })
    }

    pub(crate) fn targets(&self) -> usize {
        self.targets
    }

    pub(crate) fn tree_count(&self) -> usize {
        self.walk.tree_count()
    }

    /// The sums of each row. `slots` is row by row, none of it NaN; `sums` gets `targets` numbers for each row.
    pub(crate) fn sum(&self, kernel: Kernel, slots: &[f32], sums: &mut [f32]) {
        debug_assert!(slots.iter().all(|slot| !slot.is_nan()));
        sums.fill(0.0);
        match kernel.0 {
            Set::Portable => self.walk.sum(slots, self.slots, sums),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this machine has the instructions, or there were no such kernel.
            Set::Avx2 | Set::Avx512 => unsafe { self.walk.sum_avx2(slots, self.slots, sums) },
        }
        self.finish(sums);
    }

    fn finish(&self, sums: &mut [f32]) {
        for sums in sums.chunks_exact_mut(self.targets) {
            if let Some(divisor) = self.divisor {
                for sum in &mut *sums {
                    *sum /= divisor;
                }
            }
            for (sum, base) in sums.iter_mut().zip(&self.base_values) {
                *sum += base;
            }
        }
    }
}

/// Every node is met once on the way from the root, and leaves are met from left to right.
fn is_tree(tree: &Tree, slots: usize) -> bool {
    if tree.nodes.is_empty() {
        return tree.leaves == 1;
    }
    if tree.leaves != tree.nodes.len() + 1 || tree.leaves + tree.nodes.len() > TREE_ENTRIES_MAX {
        return false;
    }
    // Children after parents: there is no way round in circles, and this ends.
    let mut pending = vec![(Child::Node(0), 0)];
    let (mut met_nodes, mut met_leaves) = (0, 0);
    while let Some((child, at_least)) = pending.pop() {
        match child {
            Child::Leaf(leaf) => {
                if leaf != met_leaves {
                    return false;
                }
                met_leaves += 1;
            }
            Child::Node(number) => {
                let Some(node) = tree.nodes.get(number).filter(|_| number >= at_least) else {
                    return false;
                };
                if usize::from(node.slot) >= slots || !node.threshold.is_finite() {
                    return false;
                }
                met_nodes += 1;
                pending.push((node.right, number + 1));
                pending.push((node.left, number + 1));
            }
        }
        if met_nodes > tree.nodes.len() || met_leaves > tree.leaves {
            return false;
        }
    }
    // As many as there are, each leaf once: so each node once as well.
    met_nodes == tree.nodes.len() && met_leaves == tree.leaves
}
