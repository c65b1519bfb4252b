//! One row of many: the shared part is evaluated once, the part of each row was evaluated before.
//!
//! Rows agree in some axes (the customer's) and each brings others that never change (its action's). Each
//! node has a mask of the leaves that remain when a row goes right there, and the leaf of a row is the
//! leftmost that all masks leave (Lucchese et al., "`QuickScorer`", SIGIR 2015): so the masks of a row's
//! nodes can be joined ahead of time, those of the shared nodes once for all rows, and a row costs an AND and
//! a look-up per tree. Axes that are neither are joined row by row.
//!
//! Trees whose leaves do not fit a word of 64 are walked for each row, unless they test shared axes alone.

use super::{
    Forest, Kernel, KeySlots, LEFTMOST, SIDE_BY_SIDE, Sets, Tested, Tree,
    block::{BLOCK, LEAVES_MAX, LeafMasks, Totals},
    masked::{AxisKind, Masked, add_masked, kind},
};

/// Memory for what the nodes of one tree after the other say of each code, while it is put together.
const CODE_BYTES_MAX: usize = 64 << 20;

/// Trees of one target, factored for a number of rows.
#[derive(Debug)]
pub(crate) struct Factored {
    slots: KeySlots,
    /// Of own and mixed keys.
    row_slots: KeySlots,
    /// In the order in which trees are added.
    entries: Vec<Entry>,
    shared: Forest,
    walked: Option<Forest>,
    /// Keys of all rows, for what is walked.
    own_keys: Vec<u32>,
    kinds: Vec<AxisKind>,
    masked: Masked,
    base_value: f32,
    divisor: Option<f32>,
}

#[derive(Clone, Copy, Debug)]
enum Entry {
    /// The same leaf for all rows.
    Shared(usize),
    Masked(usize),
    Walked(usize),
}

/// Whether masks are kept for each code: else sets are axes like others.
fn are_coded(sets: &Sets, trees: usize) -> bool {
    sets.code_count().saturating_mul(trees * size_of::<u64>()) <= CODE_BYTES_MAX
}

impl Factored {
    /// The keys that rows bring for these trees: those of sets only where a tree is walked for each row, or sets are too
    /// many for masks.
    pub(crate) fn row_slots(trees: &[Tree], tested: Tested<'_>, kinds: &[AxisKind]) -> KeySlots {
        let is_masked = |tree: &Tree| tree.leaves <= LEAVES_MAX || is_shared(tree, tested.slots, kinds);
        if are_coded(tested.sets, trees.len()) && trees.iter().all(is_masked) {
            tested.slots.without_sets()
        } else {
            tested.slots
        }
    }

    /// Factors trees that make a forest of one target. `own_keys` are those of each row, one for each of
    /// `row_slots`, of which only the own ones count. None if the trees are not such a forest.
    pub(crate) fn new(
        trees: &[Tree],
        tested: Tested<'_>,
        weights: &[f32],
        (base_value, divisor): (f32, Option<f32>),
        kinds: Vec<AxisKind>,
        own_keys: Vec<u32>,
    ) -> Option<Self> {
        let row_slots = Self::row_slots(trees, tested, &kinds);
        let mut lists: [(Vec<Tree>, Vec<f32>); 3] = Default::default();
        let mut entries = Vec::with_capacity(trees.len());
        let mut leaves = weights;
        for tree in trees {
            let (own, rest) = leaves.split_at_checked(tree.leaves)?;
            leaves = rest;
            let [shared, masked, walked] = &mut lists;
            let (list, entry): (_, fn(usize) -> Entry) = if is_shared(tree, tested.slots, &kinds) {
                (shared, Entry::Shared)
            } else if tree.leaves <= LEAVES_MAX {
                (masked, Entry::Masked)
            } else {
                (walked, Entry::Walked)
            };
            entries.push(entry(list.0.len()));
            list.0.push(tree.clone());
            list.1.extend_from_slice(own);
        }
        let [shared, masked, walked] = lists;
        let forest = |(trees, weights): (Vec<Tree>, Vec<f32>)| {
            Forest::new(&trees, tested, 1, weights, Vec::new(), None)
        };
        let is_coded = are_coded(tested.sets, trees.len());
        let masked = Masked::new(
            (&masked.0, &masked.1),
            tested,
            is_coded,
            &kinds,
            (row_slots, &own_keys),
        )?;
        Some(Self {
            slots: tested.slots,
            row_slots,
            entries,
            shared: forest(shared)?,
            own_keys: if walked.0.is_empty() { Vec::new() } else { own_keys },
            walked: if walked.0.is_empty() {
                None
            } else {
                Some(forest(walked)?)
            },
            kinds,
            masked,
            base_value,
            divisor,
        })
    }

    /// Bytes that the masks of rows take.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.masked.own.as_slice()) + size_of_val(self.own_keys.as_slice())
    }

    /// The sums of some rows, ascending. `shared_keys` has a key for each slot, of which the shared ones count;
    /// `mixed_keys` has one for each of `row_slots`, for each of these rows, of which the mixed ones count; it may be empty where there are none.
    pub(crate) fn sum(
        &self,
        kernel: Kernel,
        shared_keys: &[u32],
        mixed_keys: &[u32],
        rows: &[u32],
        sums: &mut [f32],
    ) {
        let mut scratch = Scratch {
            shared: vec![0.0; self.shared.tree_count().next_multiple_of(SIDE_BY_SIDE)],
            masks: vec![u64::MAX; self.masked.count.next_multiple_of(SIDE_BY_SIDE)],
            own: Vec::new(),
            walked: Vec::new(),
        };
        self.shared.each(kernel, shared_keys, &mut scratch.shared);
        self.masked
            .share(kernel, self.slots, shared_keys, &mut scratch.masks);
        let mut sums = sums.iter_mut();
        let mut done = 0;
        for some in rows.chunk_by(|left, right| *left as usize / BLOCK == *right as usize / BLOCK) {
            let Some(first) = some.first() else { continue };
            let block = *first as usize / BLOCK;
            let stride = self.row_slots.count();
            let mixed_keys = mixed_keys.get(done * stride..).unwrap_or_default();
            self.masked.mix(block, some, mixed_keys, stride, &mut scratch.own);
            self.walk(kernel, shared_keys, mixed_keys, some, &mut scratch.walked);
            let last = some.last().map_or(0, |row| *row as usize % BLOCK);
            let totals = self.add(kernel, block, last + 1, &scratch);
            for row in some {
                let total = totals.get(*row as usize % BLOCK).copied().unwrap_or(f32::NAN);
                let total = self.divisor.map_or(total, |divisor| total / divisor) + self.base_value;
                if let Some(sum) = sums.next() {
                    *sum = total;
                }
            }
            done += some.len();
        }
    }

    /// Walks what has too many leaves, with all keys of each row.
    fn walk(&self, kernel: Kernel, shared: &[u32], mixed: &[u32], rows: &[u32], walked: &mut Vec<f32>) {
        let Some(forest) = &self.walked else { return };
        let stride = self.slots.count();
        let trees = forest.tree_count().next_multiple_of(SIDE_BY_SIDE);
        walked.clear();
        walked.resize(BLOCK * trees, 0.0);
        let mut keys = vec![0; stride];
        for (index, row) in rows.iter().enumerate() {
            let own = self.own_keys.get(*row as usize * stride..).unwrap_or_default();
            let mixed = mixed.get(index * stride..).unwrap_or_default();
            for (slot, key) in keys.iter_mut().enumerate() {
                let axis = u16::try_from(slot).map(|slot| self.slots.axis(slot).0);
                let from = match axis.ok().and_then(|axis| self.kinds.get(axis)) {
                    Some(AxisKind::Shared) => shared,
                    Some(AxisKind::Own) => own,
                    _ => mixed,
                };
                *key = from.get(slot).copied().unwrap_or(LEFTMOST);
            }
            let start = *row as usize % BLOCK * trees;
            if let Some(weights) = walked.get_mut(start..start + trees) {
                forest.each(kernel, &keys, weights);
            }
        }
    }

    /// The sums of the first rows of a block, one tree after the other: the order is part of the meaning.
    fn add(&self, kernel: Kernel, block: usize, rows: usize, scratch: &Scratch) -> [f32; BLOCK] {
        let own = if scratch.own.is_empty() {
            let start = block * self.masked.count;
            self.masked
                .own
                .get(start..start + self.masked.count)
                .unwrap_or_default()
        } else {
            &scratch.own
        };
        let walked = self
            .walked
            .as_ref()
            .map_or(0, Forest::tree_count)
            .next_multiple_of(SIDE_BY_SIDE);
        let mut totals = Totals([0.0; BLOCK]);
        for run in self
            .entries
            .chunk_by(|left, right| matches!((left, right), (Entry::Masked(_), Entry::Masked(_))))
        {
            match run {
                [Entry::Masked(first), ..] => {
                    let span = *first..first + run.len();
                    let masks = scratch.masks.get(span.clone()).unwrap_or_default();
                    let own = own.get(span.clone()).unwrap_or_default();
                    let weights = self.masked.weights.get(span).unwrap_or_default();
                    add_masked(kernel, masks, own, weights, rows, &mut totals);
                }
                [Entry::Shared(tree), ..] => {
                    let weight = scratch.shared.get(*tree).copied().unwrap_or(0.0);
                    for total in &mut totals.0 {
                        *total += weight;
                    }
                }
                [Entry::Walked(tree), ..] => {
                    for (total, weights) in totals.0.iter_mut().zip(scratch.walked.chunks_exact(walked)) {
                        *total += weights.get(*tree).copied().unwrap_or(0.0);
                    }
                }
                [] => {}
            }
        }
        totals.0
    }
}

/// What one call needs besides.
struct Scratch {
    /// The weight of each shared tree.
    shared: Vec<f32>,
    /// What the shared nodes of each masked tree leave.
    masks: Vec<u64>,
    /// The leaves that own and mixed nodes leave, for the rows of one block; empty if there are no mixed
    /// nodes.
    own: Vec<LeafMasks>,
    /// The weights of walked trees, for the rows of one block.
    walked: Vec<f32>,
}

/// Whether a tree tests shared axes alone.
fn is_shared(tree: &Tree, slots: KeySlots, kinds: &[AxisKind]) -> bool {
    tree.nodes
        .iter()
        .all(|node| kind(node.slot, slots, kinds) == AxisKind::Shared)
}
