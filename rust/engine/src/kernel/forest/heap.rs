//! Eight shallow trees, each a complete one: children are found by arithmetic.

use super::{Child, RIGHTMOST, SIDE_BY_SIDE, Tree, key};

const DEPTH_MAX: usize = 6;
/// Nodes of a complete tree are at 1 to 63: the children of n at 2n and 2n + 1. Leaves at 64 to 127, or
/// higher up in trees that are not so deep.
const WIDTH: usize = 1 << DEPTH_MAX;

/// Eight trees of the same depth: shorter ways are filled up with nodes that everything goes left at.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Heap {
    // Invariant: slots are those of the forest.
    slots: [[u16; WIDTH]; SIDE_BY_SIDE],
    keys: [[u32; WIDTH]; SIDE_BY_SIDE],
    /// With one target: the weight of each leaf.
    weights: [[f32; WIDTH]; SIDE_BY_SIDE],
    /// Of all trees of the forest.
    leaves: [[u32; WIDTH]; SIDE_BY_SIDE],
    // Invariant: at most `DEPTH_MAX`.
    depth: usize,
}

impl Heap {
    /// Each tree with its first leaf; `weights` has `targets` for each leaf of the forest. None where one is too deep.
    pub(super) fn new(trees: &[(&Tree, u32); SIDE_BY_SIDE], targets: usize, weights: &[f32]) -> Option<Self> {
        let depth = trees.iter().map(|(tree, _)| tree.depth()).max()?;
        if depth > DEPTH_MAX {
            return None;
        }
        let mut heap = Self {
            slots: [[0; WIDTH]; SIDE_BY_SIDE],
            keys: [[RIGHTMOST; WIDTH]; SIDE_BY_SIDE],
            weights: [[0.0; WIDTH]; SIDE_BY_SIDE],
            leaves: [[0; WIDTH]; SIDE_BY_SIDE],
            depth,
        };
        for (index, (tree, first_leaf)) in trees.iter().enumerate() {
            heap.add(index, tree, *first_leaf, targets, weights)?;
        }
        Some(heap)
    }

    fn add(
        &mut self,
        index: usize,
        tree: &Tree,
        first_leaf: u32,
        targets: usize,
        weights: &[f32],
    ) -> Option<()> {
        let bottom = 1 << self.depth;
        let (slots, keys) = (self.slots.get_mut(index)?, self.keys.get_mut(index)?);
        let mut pending = vec![(tree.root(), 1_usize)];
        while let Some((child, at)) = pending.pop() {
            match child {
                Child::Node(number) => {
                    let node = tree.nodes.get(number)?;
                    *slots.get_mut(at)? = node.slot;
                    *keys.get_mut(at)? = key(node.threshold, RIGHTMOST);
                    pending.extend([(node.left, 2 * at), (node.right, 2 * at + 1)]);
                }
                Child::Leaf(leaf) => {
                    // The leftmost place below it: there is nothing but going left from here on.
                    let mut at = at;
                    while at < bottom {
                        at *= 2;
                    }
                    let leaf = first_leaf + u32::try_from(leaf).ok()?;
                    *self.leaves.get_mut(index)?.get_mut(at - bottom)? = leaf;
                    if targets == 1 {
                        *self.weights.get_mut(index)?.get_mut(at - bottom)? = *weights.get(leaf as usize)?;
                    }
                }
            }
        }
        Some(())
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// With one target: the weight of each place of each tree.
    pub(super) fn tables(&self) -> &[[f32; WIDTH]; SIDE_BY_SIDE] {
        &self.weights
    }

    /// With one target: the weights of the leaves at these places.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    pub(super) fn weights(&self, indices: [usize; SIDE_BY_SIDE]) -> [f32; SIDE_BY_SIDE] {
        let mut tables = self.weights.iter();
        indices.map(|index| {
            tables
                .next()
                .and_then(|table| table.get(index))
                .copied()
                .unwrap_or(0.0)
        })
    }

    /// The leaves at these places.
    pub(super) fn leaves(&self, indices: [usize; SIDE_BY_SIDE]) -> [u32; SIDE_BY_SIDE] {
        let mut tables = self.leaves.iter();
        indices.map(|index| {
            tables
                .next()
                .and_then(|table| table.get(index))
                .copied()
                .unwrap_or(0)
        })
    }

    /// Where a row ends in each tree, counted from the leftmost place of the depth.
    ///
    /// # Safety
    /// `keys` must have all slots of the forest.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    pub(super) unsafe fn indices(&self, keys: *const u32) -> [usize; SIDE_BY_SIDE] {
        // SAFETY: the caller's.
        unsafe {
            match self.depth {
                6 => self.descend::<6>(keys),
                5 => self.descend::<5>(keys),
                4 => self.descend::<4>(keys),
                3 => self.descend::<3>(keys),
                2 => self.descend::<2>(keys),
                1 => self.descend::<1>(keys),
                _ => [0; SIDE_BY_SIDE],
            }
        }
    }

    /// # Safety
    /// As for `places`; DEPTH is at most `DEPTH_MAX`.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    unsafe fn descend<const DEPTH: usize>(&self, keys: *const u32) -> [usize; SIDE_BY_SIDE] {
        let mut at = [1_usize; SIDE_BY_SIDE];
        for _ in 0..DEPTH {
            for ((at, slots), limits) in at.iter_mut().zip(&self.slots).zip(&self.keys) {
                // SAFETY: after n of at most 6 steps from 1, `at` is below 2 to the n + 1, and so below 64 before the
                // sixth; a slot is one of the forest.
                unsafe {
                    let key = *keys.add(usize::from(*slots.get_unchecked(*at)));
                    *at = *at + *at + usize::from(*limits.get_unchecked(*at) < key);
                }
            }
        }
        at.map(|at| at - (1 << DEPTH))
    }
}
