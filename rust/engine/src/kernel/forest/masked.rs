//! Trees whose leaves fit a word, for many rows: the masks of own nodes, joined ahead of time, those of shared nodes, and
//! the sums of the leaves that all of them leave.

#[cfg(target_arch = "x86_64")]
use super::avx512;
use super::{
    Kernel, KeySlots, SIDE_BY_SIDE, Set, Tested, Tree,
    block::{BLOCK, LEAVES_MAX, LeafMasks, Totals, Weights},
    has_rank_kernel,
    ranks::{Lane, Lanes, Masks, Tests},
    scan::Scan,
};

/// What an axis is the same for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AxisKind {
    /// All rows.
    Shared,
    /// All time, in one row.
    Own,
    /// Nothing.
    Mixed,
}

/// Trees of up to 64 leaves that test more than shared axes.
#[derive(Debug)]
pub(super) struct Masked {
    pub(super) count: usize,
    shared: Scan,
    mixed: Scan,
    /// Of each row in blocks: `[block][tree][row]`, what its own nodes leave.
    // Invariant: `count` for each block.
    pub(super) own: Vec<LeafMasks>,
    /// For each tree, the weight of each leaf.
    // Invariant: `count` of them.
    pub(super) weights: Vec<Weights>,
    /// Eight trees each, for machines with AVX-512.
    ranked: Option<SharedRanks>,
}

/// Shared nodes as tests of ranks, of eight trees each.
#[derive(Debug)]
struct SharedRanks {
    lanes: Vec<Lane>,
    groups: Vec<(Box<Tests>, Box<Masks>)>,
}

pub(super) fn kind(slot: u16, slots: KeySlots, kinds: &[AxisKind]) -> AxisKind {
    let kind = kinds.get(slots.axis(slot).0);
    kind.copied().unwrap_or(AxisKind::Mixed)
}

impl Masked {
    pub(super) fn new(
        (trees, weights): (&[Tree], &[f32]),
        tested: Tested<'_>,
        is_coded: bool,
        kinds: &[AxisKind],
        (row_slots, own_keys): (KeySlots, &[u32]),
    ) -> Option<Self> {
        let of = |wanted: AxisKind| move |slot: u16| kind(slot, tested.slots, kinds) == wanted;
        let scan = |wanted: AxisKind| Scan::new(trees, tested, is_coded, of(wanted));
        let own = scan(AxisKind::Own)?;
        let count = trees.len();
        let rows = own_keys.len().checked_div(row_slots.count()).unwrap_or(0);
        let mut lines = vec![LeafMasks([u64::MAX; BLOCK]); rows.div_ceil(BLOCK) * count];
        for (row, keys) in own_keys.chunks_exact(row_slots.count().max(1)).enumerate() {
            own.go(keys, |tree, mask| {
                let line = lines.get_mut(row / BLOCK * count + tree);
                if let Some(left) = line.and_then(|line| line.0.get_mut(row % BLOCK)) {
                    *left &= mask;
                }
            });
        }
        let mut tables = Vec::with_capacity(count);
        let mut leaves = weights;
        for tree in trees {
            let (own, rest) = leaves.split_at_checked(tree.leaves)?;
            leaves = rest;
            let mut table = Weights([0.0; LEAVES_MAX]);
            table.0.get_mut(..own.len())?.copy_from_slice(own);
            tables.push(table);
        }
        let is_ranked = has_rank_kernel() && (is_coded || tested.slots.sets == 0);
        Some(Self {
            count,
            shared: scan(AxisKind::Shared)?,
            mixed: scan(AxisKind::Mixed)?,
            own: lines,
            weights: tables,
            ranked: if is_ranked {
                ranked(trees, tested, of(AxisKind::Shared))
            } else {
                None
            },
        })
    }

    /// What the shared nodes of each tree leave.
    pub(super) fn share(&self, kernel: Kernel, slots: KeySlots, keys: &[u32], masks: &mut [u64]) {
        if keys.len() < slots.count() {
            return;
        }
        match (kernel.0, &self.ranked) {
            #[cfg(target_arch = "x86_64")]
            (Set::Avx512, Some(SharedRanks { lanes, groups })) => {
                // SAFETY: ranks exist only where the machine has the instructions; there is a key for each slot.
                unsafe { avx512::share(lanes, slots, groups, keys.as_ptr(), masks) };
                self.shared.go_coded(keys, |tree, mask| keep(masks, tree, mask));
            }
            _ => self.shared.go(keys, |tree, mask| keep(masks, tree, mask)),
        }
    }

    /// Joins the masks of mixed nodes to a copy of a block's own ones; empty if there are no mixed nodes.
    pub(super) fn mix(
        &self,
        block: usize,
        rows: &[u32],
        keys: &[u32],
        stride: usize,
        own: &mut Vec<LeafMasks>,
    ) {
        if self.mixed.is_empty() {
            return;
        }
        own.clear();
        let start = block * self.count;
        own.extend_from_slice(self.own.get(start..start + self.count).unwrap_or_default());
        for (index, row) in rows.iter().enumerate() {
            let keys = keys.get(index * stride..).unwrap_or_default();
            self.mixed.go(keys, |tree, mask| {
                let line = own.get_mut(tree);
                if let Some(left) = line.and_then(|line| line.0.get_mut(*row as usize % BLOCK)) {
                    *left &= mask;
                }
            });
        }
    }
}

fn keep(masks: &mut [u64], tree: usize, mask: u64) {
    if let Some(left) = masks.get_mut(tree) {
        *left &= mask;
    }
}

/// The shared nodes of eight trees each that test no sets, as tests of ranks.
fn ranked(trees: &[Tree], tested: Tested<'_>, is_shared: impl Fn(u16) -> bool) -> Option<SharedRanks> {
    let is_tested = |slot: u16| is_shared(slot) && tested.slots.set(slot).is_none();
    let lanes = Lanes::new(trees, tested, is_tested)?;
    let nothing = Tree::default();
    let groups = trees.chunks(SIDE_BY_SIDE).map(|some| {
        let trees: [(&Tree, u32); SIDE_BY_SIDE] =
            std::array::from_fn(|index| (some.get(index).unwrap_or(&nothing), 0));
        let (tests, masks, _) = Tests::any(&trees, &lanes, is_tested, &[])?;
        Some((tests, masks))
    });
    let groups = groups.collect::<Option<_>>()?;
    Some(SharedRanks {
        lanes: lanes.all,
        groups,
    })
}

/// Adds the weights of the leftmost leaves that are left to the totals of the first rows, at least.
pub(super) fn add_masked(
    kernel: Kernel,
    masks: &[u64],
    own: &[LeafMasks],
    weights: &[Weights],
    rows: usize,
    totals: &mut Totals,
) {
    match kernel.0 {
        Set::Portable => add_here(masks, own, weights, rows, totals),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this machine has the instructions, or there were no such kernel.
        Set::Avx2 => unsafe { add_avx2(masks, own, weights, rows, totals) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Set::Avx512 => unsafe { avx512::add(masks, own, weights, totals) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn add_avx2(masks: &[u64], own: &[LeafMasks], weights: &[Weights], rows: usize, totals: &mut Totals) {
    add_here(masks, own, weights, rows, totals);
}

#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "has to become a part of what has the instructions"
)]
fn add_here(masks: &[u64], own: &[LeafMasks], weights: &[Weights], rows: usize, totals: &mut Totals) {
    match rows {
        0..=4 => add_first::<4>(masks, own, weights, totals),
        5..=8 => add_first::<8>(masks, own, weights, totals),
        _ => add_first::<BLOCK>(masks, own, weights, totals),
    }
}

#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "has to become a part of what has the instructions"
)]
fn add_first<const ROWS: usize>(masks: &[u64], own: &[LeafMasks], weights: &[Weights], totals: &mut Totals) {
    let Some(totals) = totals.0.first_chunk_mut::<ROWS>() else {
        return;
    };
    let mut sums = *totals;
    for ((mask, own), weights) in masks.iter().zip(own).zip(weights) {
        for (sum, own) in sums.iter_mut().zip(&own.0) {
            // A leaf is always left: the one that the row comes to. The last bit represents the last leaf, or
            // no leaf, and no mask removes it if it would be the first.
            let leaf = ((mask & own) | 1).leading_zeros() as usize;
            *sum += weights.0.get(leaf).copied().unwrap_or(0.0);
        }
    }
    *totals = sums;
}
