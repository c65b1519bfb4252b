//! Trees whose leaves add up: which leaf of each tree a row comes to, and the sum of their weights.
//!
//! A row is a line of *slots*, numbers as order-preserving keys, so that they are compared as whole numbers
//! and a missing one can be below or above all others. All kernels come to the same leaves and add them in
//! the same order, that of the trees, so that sums have the same bits everywhere: those of ONNX Runtime on
//! one thread.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod block;
mod factored;
mod group;
mod heap;
mod key;
mod masked;
#[cfg(target_arch = "x86_64")]
mod ranked;
mod ranks;
mod scan;
mod sets;
mod tree;
mod walk;

#[cfg(test)]
pub(crate) mod tests;

use super::{Kernel, Set};
pub(crate) use factored::Factored;
use group::{Form, TreeGroup};
pub(crate) use key::{KeySlots, LEFTMOST, RIGHTMOST, key};
pub(crate) use masked::AxisKind;
use ranks::{Lanes, RankTables};
pub(crate) use sets::{Sets, Tested};
pub(crate) use tree::{Child, Node, Tree};

/// Trees that are gone through side by side: each step waits for the one before it, but not for its neighbours'.
const SIDE_BY_SIDE: usize = 8;

/// Trees that have been checked, laid out for the kernels.
#[derive(Debug)]
pub(crate) struct Forest {
    slots: KeySlots,
    targets: usize,
    trees: usize,
    /// Eight trees each, in their order; the last one is filled up with trees that weigh nothing.
    groups: Vec<TreeGroup>,
    /// None where trees have too many thresholds or sets, or this machine has no use for them.
    // Invariant: some only where the machine has the instructions that `avx512` needs.
    ranks: Option<RankTables>,
    // Invariant: `targets` for each leaf of all trees, and a last line of zeros.
    weights: Vec<f32>,
    /// One for each target, added last.
    base_values: Vec<f32>,
    /// Of the sum, before the base values are added.
    divisor: Option<f32>,
}

/// With fewer trees, making ranks takes longer than they save; and a decision that asks a hundred small models would read
/// the lanes of all of them, each 50 KB.
const RANKED_TREES_MIN: usize = 48;
/// With this number of sets, writing down the result of each for a row takes longer than computing ranks.
const RANKED_SETS_MIN: usize = 64;

/// Whether ranks are of use here.
fn has_rank_kernel() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        Kernel::available().iter().any(|kernel| kernel.0 == Set::Avx512)
            && is_x86_feature_detected!("avx512vbmi")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

impl Forest {
    /// Lays out trees. `weights` has `targets` numbers for each leaf, tree by tree. None if the trees are not
    /// valid: a child that does not exist, is not after its parent or has two parents, leaves out of order, a
    /// slot of `slots` that does not exist, a threshold that is not a number, or numbers that do not agree.
    pub(crate) fn new(
        trees: &[Tree],
        tested: Tested<'_>,
        targets: usize,
        mut weights: Vec<f32>,
        base_values: Vec<f32>,
        divisor: Option<f32>,
    ) -> Option<Self> {
        let leaves: usize = trees.iter().map(|tree| tree.leaves).sum();
        let fits = targets > 0
            && trees.iter().all(|tree| tree.is_sound(tested.slots.count()))
            && leaves.checked_mul(targets) == Some(weights.len())
            && (base_values.is_empty() || base_values.len() == targets);
        if !fits {
            return None;
        }
        weights.resize(weights.len() + targets, 0.0);
        let nothing = Tree::default();
        let is_worth_it = trees.len() >= RANKED_TREES_MIN || tested.sets.count() >= RANKED_SETS_MIN;
        let lanes = if (cfg!(test) || is_worth_it) && has_rank_kernel() {
            Lanes::new(trees, tested, |_| true)
        } else {
            None
        };
        let mut groups = Vec::new();
        let group_count = trees.len().div_ceil(SIDE_BY_SIDE);
        let mut tables = lanes.as_ref().and_then(|_| RankTables::new(tested, group_count));
        let lanes = lanes.filter(|_| tables.is_some());
        let mut first_leaf = 0;
        for (number, some) in trees.chunks(SIDE_BY_SIDE).enumerate() {
            let trees: [(&Tree, u32); SIDE_BY_SIDE] = std::array::from_fn(|index| match some.get(index) {
                Some(tree) => {
                    let first = first_leaf;
                    first_leaf += tree.leaves;
                    (tree, u32::try_from(first).unwrap_or(u32::MAX))
                }
                None => (&nothing, u32::try_from(leaves).unwrap_or(u32::MAX)),
            });
            let (group, sets) = TreeGroup::new(&trees, targets, &weights, lanes.as_ref())?;
            groups.push(group);
            if let Some(tables) = &mut tables {
                tables.add(tested.sets, number, &sets)?;
            }
        }
        let ranks = lanes.zip(tables).map(|(lanes, tables)| tables.of(lanes.all));
        Some(Self {
            slots: tested.slots,
            targets,
            trees: trees.len(),
            groups,
            ranks,
            weights,
            base_values,
            divisor,
        })
    }

    /// The keys that rows have for a kernel.
    pub(crate) fn slots(&self, kernel: Kernel) -> KeySlots {
        let is_ranked = self.ranks.is_some() && self.groups.iter().all(|group| group.ranked.is_some());
        match kernel.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 if is_ranked => self.slots.without_sets(),
            _ => self.slots,
        }
    }

    pub(crate) fn targets(&self) -> usize {
        self.targets
    }

    pub(crate) fn tree_count(&self) -> usize {
        self.trees
    }

    /// The sums of each row. `keys` is row by row, one for each slot of the kernel; `sums` gets `targets` numbers for each row.
    pub(crate) fn sum(&self, kernel: Kernel, keys: &[u32], sums: &mut [f32]) {
        sums.fill(0.0);
        // What follows relies on it.
        if keys.len() < sums.len() / self.targets * self.slots(kernel).count() {
            return;
        }
        match kernel.0 {
            // SAFETY: there are keys for each row.
            Set::Portable => unsafe { self.sum_here(keys, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this machine has the instructions, or there were no such lanes; there are keys for each row.
            Set::Avx512 if self.ranks.is_some() => unsafe { self.sum_avx512(kernel, keys, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this machine has the instructions, or there were no such kernel. There are keys for each row.
            Set::Avx2 | Set::Avx512 => unsafe { self.sum_avx2(keys, sums) },
        }
        self.finish(sums);
    }

    /// With one target: the weight of each tree for one row, without dividing or base values. `weights` has a place for
    /// each tree, in whole groups of eight.
    pub(crate) fn each(&self, kernel: Kernel, keys: &[u32], weights: &mut [f32]) {
        if keys.len() < self.slots.count() {
            return;
        }
        match kernel.0 {
            // SAFETY: there is a key for each slot.
            Set::Portable => unsafe { self.each_here(keys, weights) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this machine has the instructions, or there were no such kernel; there is a key for each slot.
            Set::Avx2 | Set::Avx512 => unsafe { self.each_avx2(keys, weights) },
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    unsafe fn each_avx2(&self, keys: &[u32], weights: &mut [f32]) {
        // SAFETY: the caller's.
        unsafe { self.each_here(keys, weights) };
    }

    /// # Safety
    /// `keys` must have all slots.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    unsafe fn each_here(&self, keys: &[u32], weights: &mut [f32]) {
        for (group, weights) in self.groups.iter().zip(weights.chunks_exact_mut(SIDE_BY_SIDE)) {
            // SAFETY: the caller's.
            let indices = unsafe { group.form.indices(keys.as_ptr()) };
            weights.copy_from_slice(&group.form.weights(indices));
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    unsafe fn sum_avx2(&self, keys: &[u32], sums: &mut [f32]) {
        // SAFETY: the caller's.
        unsafe { self.sum_here(keys, sums) };
    }

    /// Group by group, so that one group's trees stay in the nearest cache for all rows.
    ///
    /// # Safety
    /// `keys` must have all slots of each row.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    unsafe fn sum_here(&self, keys: &[u32], sums: &mut [f32]) {
        for group in &self.groups {
            // SAFETY: the caller's.
            unsafe { self.add_group(group, keys, sums) };
        }
    }

    /// Adds the weights of eight trees for each row.
    ///
    /// # Safety
    /// `keys` must have all slots of each row.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    unsafe fn add_group(&self, group: &TreeGroup, keys: &[u32], sums: &mut [f32]) {
        for (row, sums) in sums.chunks_exact_mut(self.targets).enumerate() {
            // SAFETY: the caller's; where there are no slots, none is read.
            let indices = unsafe { group.form.indices(keys.as_ptr().add(row * self.slots.count())) };
            self.add(&group.form, indices, sums);
        }
    }

    /// Adds the weights of the leaves at these places, one tree after the other: the order is part of the meaning.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    fn add(&self, form: &Form, indices: [usize; SIDE_BY_SIDE], sums: &mut [f32]) {
        if let [sum] = sums {
            for weight in form.weights(indices) {
                *sum += weight;
            }
            return;
        }
        for leaf in form.leaves(indices) {
            let weights = self
                .weights
                .get(leaf as usize * self.targets..)
                .unwrap_or_default();
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += weight;
            }
        }
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
