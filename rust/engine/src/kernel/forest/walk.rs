//! Eight trees of any shape: from entry to entry.

use super::{Child, RIGHTMOST, SIDE_BY_SIDE, Tree, key};

/// A node or a leaf. Siblings are neighbours; a leaf is its own left child.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
struct Entry {
    /// That of the threshold; in a leaf nothing is above it.
    key: u32,
    slot: u16,
    /// From an entry to its left child.
    step: u16,
}

/// The entries of eight trees.
#[derive(Debug)]
pub(super) struct Walk {
    // Invariants: `entry + step` and the one after it are inside, except that a leaf (whose step is 0) may be the last
    // entry: it never goes right. Slots are those of the forest.
    entries: Vec<Entry>,
    /// The leaf (of all trees) that an entry is; 0 for nodes.
    leaves: Vec<u32>,
    /// With one target: the weight of the leaf that an entry is.
    weights: Vec<f32>,
    /// The entry of each of a tree's leaves.
    leaf_places: [Vec<u32>; SIDE_BY_SIDE],
    // Invariant: each is inside `entries`.
    roots: [usize; SIDE_BY_SIDE],
    depth: usize,
}

impl Walk {
    /// Each tree with its first leaf; `weights` has `targets` for each leaf of the forest.
    pub(super) fn new(trees: &[(&Tree, u32); SIDE_BY_SIDE], targets: usize, weights: &[f32]) -> Option<Self> {
        let mut walk = Self {
            entries: Vec::new(),
            leaves: Vec::new(),
            weights: Vec::new(),
            leaf_places: Default::default(),
            roots: [0; SIDE_BY_SIDE],
            depth: 0,
        };
        for (index, (tree, first_leaf)) in trees.iter().enumerate() {
            *walk.roots.get_mut(index)? = walk.entries.len();
            walk.add(index, tree, *first_leaf)?;
        }
        if targets == 1 {
            let weight = |leaf: &u32| weights.get(*leaf as usize).copied();
            walk.weights = walk.leaves.iter().map(weight).collect::<Option<_>>()?;
        }
        Some(walk)
    }

    /// Level by level: so children are never far from their parents, and siblings are neighbours.
    fn add(&mut self, index: usize, tree: &Tree, first_leaf: u32) -> Option<()> {
        let mut leaf_places = vec![0; tree.leaves];
        let mut level = vec![tree.root()];
        let mut depth = 0;
        loop {
            let next_level = self.entries.len() + level.len();
            let mut children = Vec::new();
            for child in &level {
                let (entry, leaf) = match child {
                    Child::Leaf(leaf) => {
                        let entry = Entry {
                            key: RIGHTMOST,
                            slot: 0,
                            step: 0,
                        };
                        *leaf_places.get_mut(*leaf)? = u32::try_from(self.entries.len()).ok()?;
                        (entry, first_leaf + u32::try_from(*leaf).ok()?)
                    }
                    Child::Node(node) => {
                        let node = tree.nodes.get(*node)?;
                        let left = next_level + children.len();
                        children.extend([node.left, node.right]);
                        let entry = Entry {
                            key: key(node.threshold, RIGHTMOST),
                            slot: node.slot,
                            step: u16::try_from(left - self.entries.len()).ok()?,
                        };
                        (entry, 0)
                    }
                };
                self.entries.push(entry);
                self.leaves.push(leaf);
            }
            if children.is_empty() {
                break;
            }
            depth += 1;
            level = children;
        }
        self.depth = self.depth.max(depth);
        *self.leaf_places.get_mut(index)? = leaf_places;
        Some(())
    }

    /// With one target: the weights of the leaves at these places.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    pub(super) fn weights(&self, indices: [usize; SIDE_BY_SIDE]) -> [f32; SIDE_BY_SIDE] {
        indices.map(|index| self.weights.get(index).copied().unwrap_or(0.0))
    }

    /// The leaves at these places.
    pub(super) fn leaves(&self, indices: [usize; SIDE_BY_SIDE]) -> [u32; SIDE_BY_SIDE] {
        indices.map(|index| self.leaves.get(index).copied().unwrap_or(0))
    }

    /// The places of the first leaves in words of leaves, of which the first is the highest bit.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    pub(super) fn leaf_places(&self, words: [u64; SIDE_BY_SIDE]) -> [usize; SIDE_BY_SIDE] {
        let mut leaf_places = self.leaf_places.iter();
        words.map(|word| {
            let indices = leaf_places
                .next()
                .map(|indices| indices.get(word.leading_zeros() as usize));
            indices.flatten().map_or(0, |index| *index as usize)
        })
    }

    /// Where a row ends in each tree.
    ///
    /// # Safety
    /// `keys` must have all slots of the forest.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    pub(super) unsafe fn indices(&self, keys: *const u32) -> [usize; SIDE_BY_SIDE] {
        let mut at = self.roots;
        for _ in 0..self.depth {
            for at in &mut at {
                // SAFETY: the caller's, and the invariants of `entries`.
                unsafe {
                    let entry = self.entries.get_unchecked(*at);
                    let key = *keys.add(usize::from(entry.slot));
                    *at = *at + usize::from(entry.step) + usize::from(entry.key < key);
                }
            }
        }
        at
    }
}
