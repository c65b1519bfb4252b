//! From node to node, several trees or rows side by side, without a branch that depends on data.

use super::{Child, Tree};

/// Trees, or rows, that are walked side by side: each step waits for the one before it, but not for its neighbours'.
const SIDE_BY_SIDE: usize = 8;

/// A node or a leaf. Siblings are neighbours; a leaf is its own left child.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Infinite in a leaf.
    threshold: f32,
    slot: u16,
    /// From an entry to its left child.
    step: u16,
}

#[derive(Clone, Copy, Debug)]
struct Root {
    entry: u32,
    depth: u32,
}

/// The entries of all trees.
#[derive(Debug)]
pub(super) struct Walk {
    // Invariants: `entry + step` and the one after it are inside, except that a leaf (whose step is 0) may be the last
    // entry: its threshold is infinite, so that it never goes right. Slots are below the `slots` of the forest.
    entries: Vec<Entry>,
    /// The leaf (of all trees) that an entry is; 0 for nodes.
    leaves: Vec<u32>,
    // Invariant: `entry` is inside `entries`.
    roots: Vec<Root>,
    targets: usize,
    // Invariant: `targets` for each leaf.
    weights: Vec<f32>,
    /// With one target: the weight of the leaf that an entry is.
    entry_weights: Vec<f32>,
}

impl Walk {
    /// Trees and weights that have been checked; none where there are too many of them to count.
    pub(super) fn new(trees: &[Tree], targets: usize, weights: Vec<f32>) -> Option<Self> {
        let mut walk = Self {
            entries: Vec::new(),
            leaves: Vec::new(),
            roots: Vec::new(),
            targets,
            weights,
            entry_weights: Vec::new(),
        };
        let mut first_leaf = 0;
        for tree in trees {
            walk.add(tree, first_leaf)?;
            first_leaf += tree.leaves;
        }
        if targets == 1 {
            let weight = |leaf: &u32| walk.weights.get(*leaf as usize).copied();
            walk.entry_weights = walk.leaves.iter().map(weight).collect::<Option<_>>()?;
        }
        Some(walk)
    }

    /// Level by level: so children are never far from their parents, and siblings are neighbours.
    fn add(&mut self, tree: &Tree, first_leaf: usize) -> Option<()> {
        let first = self.entries.len();
        let root = if tree.nodes.is_empty() {
            Child::Leaf(0)
        } else {
            Child::Node(0)
        };
        let mut level = vec![root];
        let mut depth = 0;
        loop {
            let next_level = first + (self.entries.len() - first) + level.len();
            let mut children = Vec::new();
            for child in &level {
                let (entry, leaf) = match child {
                    Child::Leaf(leaf) => {
                        let entry = Entry {
                            threshold: f32::INFINITY,
                            slot: 0,
                            step: 0,
                        };
                        (entry, u32::try_from(first_leaf + leaf).ok()?)
                    }
                    Child::Node(node) => {
                        let node = tree.nodes.get(*node)?;
                        let left = next_level + children.len();
                        children.extend([node.left, node.right]);
                        let entry = Entry {
                            threshold: node.threshold,
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
        self.roots.push(Root {
            entry: u32::try_from(first).ok()?,
            depth,
        });
        Some(())
    }

    pub(super) fn tree_count(&self) -> usize {
        self.roots.len()
    }

    /// Adds the weights of the leaves of each row to its sums, tree by tree.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    pub(super) fn sum(&self, slots: &[f32], slot_count: usize, sums: &mut [f32]) {
        let rows = sums.len() / self.targets;
        // SAFETY (of what follows): rows are whole, so that all slots that entries name are there.
        if slots.len() != rows * slot_count {
            return;
        }
        let mut row = 0;
        while row + SIDE_BY_SIDE <= rows {
            let slots = slots.get(row * slot_count..).unwrap_or_default();
            let sums = sums.get_mut(row * self.targets..).unwrap_or_default();
            // SAFETY: eight rows of `slot_count` slots are there, and eight of sums.
            unsafe { self.sum_eight(slots, slot_count, sums) };
            row += SIDE_BY_SIDE;
        }
        for row in row..rows {
            let slots = slots
                .get(row * slot_count..(row + 1) * slot_count)
                .unwrap_or_default();
            let sums = sums
                .get_mut(row * self.targets..(row + 1) * self.targets)
                .unwrap_or_default();
            // SAFETY: one row of `slot_count` slots is there.
            unsafe { self.sum_one(slots, sums) };
        }
    }

    /// The same with the instructions of AVX2's time.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    pub(super) fn sum_avx2(&self, slots: &[f32], slot_count: usize, sums: &mut [f32]) {
        self.sum(slots, slot_count, sums);
    }

    /// One row, eight trees side by side.
    ///
    /// # Safety
    /// `slots` must have all slots of the forest.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    unsafe fn sum_one(&self, slots: &[f32], sums: &mut [f32]) {
        let (groups, rest) = self.roots.as_chunks::<SIDE_BY_SIDE>();
        for roots in groups {
            let depth = roots.iter().map(|root| root.depth).max().unwrap_or(0);
            let mut at = roots.map(|root| root.entry as usize);
            for _ in 0..depth {
                for at in &mut at {
                    // SAFETY: the caller's, and the invariants of `entries`.
                    *at = unsafe { self.step(*at, slots.as_ptr()) };
                }
            }
            for at in at {
                self.add_weights(at, sums);
            }
        }
        for root in rest {
            let mut at = root.entry as usize;
            for _ in 0..root.depth {
                // SAFETY: as above.
                at = unsafe { self.step(at, slots.as_ptr()) };
            }
            self.add_weights(at, sums);
        }
    }

    /// Eight rows side by side, one tree after the other.
    ///
    /// # Safety
    /// `slots` must have eight rows of `slot_count` slots, all those of the forest.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    unsafe fn sum_eight(&self, slots: &[f32], slot_count: usize, sums: &mut [f32]) {
        for root in &self.roots {
            let mut at = [root.entry as usize; SIDE_BY_SIDE];
            for _ in 0..root.depth {
                for (row, at) in at.iter_mut().enumerate() {
                    // SAFETY: the caller's, and the invariants of `entries`.
                    *at = unsafe { self.step(*at, slots.as_ptr().add(row * slot_count)) };
                }
            }
            for (at, sums) in at.into_iter().zip(sums.chunks_exact_mut(self.targets)) {
                self.add_weights(at, sums);
            }
        }
    }

    /// From an entry to the one below it; a leaf stays where it is.
    ///
    /// # Safety
    /// `at` must be inside `entries`, and `slots` have all slots of the forest.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    unsafe fn step(&self, at: usize, slots: *const f32) -> usize {
        // SAFETY: the caller's.
        let entry = unsafe { self.entries.get_unchecked(at) };
        // SAFETY: an entry's slot is one of the forest.
        let slot = unsafe { *slots.add(usize::from(entry.slot)) };
        at + usize::from(entry.step) + usize::from(slot > entry.threshold)
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    fn add_weights(&self, at: usize, sums: &mut [f32]) {
        if let [sum] = sums {
            // SAFETY: there is one for each entry, and `at` is one.
            *sum += unsafe { self.entry_weights.get_unchecked(at) };
            return;
        }
        let leaf = self.leaves.get(at).copied().unwrap_or_default() as usize;
        let weights = self.weights.get(leaf * self.targets..).unwrap_or_default();
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += weight;
        }
    }
}
