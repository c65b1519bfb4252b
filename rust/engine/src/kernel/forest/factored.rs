//! One row of many: what all rows share is looked at once, what each has of its own was looked at before.
//!
//! Rows agree in some axes (the customer's) and each brings others that never change (its action's). Each node has a mask
//! of the leaves that are left when a row goes right there, and the leaf of a row is the leftmost that all masks leave
//! (Lucchese et al., "`QuickScorer`", SIGIR 2015): so the masks of one's own nodes can be joined ahead of time, those of the
//! shared nodes once for all rows, and a row costs an AND and a look-up a tree. Axes that are neither are joined row by row.
//!
//! Trees whose leaves do not fit a word of 64 are walked for each row, unless they test shared axes alone.

use super::{
    Forest, Kernel, LEFTMOST, SIDE_BY_SIDE, Sets, Slots, Tested, Tree,
    ranks::{Lane, Lanes, Masks, Tests, left_behind},
};

/// Rows that are added up side by side.
const BLOCK: usize = 16;
const LEAVES_MAX: usize = 64;
/// Memory for what the nodes of one tree after the other say of each code, while it is put together.
const CODE_BYTES_MAX: usize = 64 << 20;

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

/// Trees of one target, factored for a number of rows.
#[derive(Debug)]
pub(crate) struct Factored {
    slots: Slots,
    /// Of own and mixed keys.
    row_slots: Slots,
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

/// Trees of up to 64 leaves that test more than shared axes.
#[derive(Debug)]
struct Masked {
    count: usize,
    shared: Scan,
    mixed: Scan,
    /// Of each row in blocks: `[block][tree][row]`, what its own nodes leave.
    // Invariant: `count` for each block.
    own: Vec<Line>,
    /// For each tree, the weight of each leaf.
    // Invariant: `count` of them.
    weights: Vec<Weights>,
    /// Eight trees each, for machines with AVX-512.
    ranked: Option<Ranked>,
}

/// Shared nodes as tests of ranks, of eight trees each.
#[derive(Debug)]
struct Ranked {
    lanes: Vec<Lane>,
    groups: Vec<(Box<Tests>, Box<Masks>)>,
}

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [u64; BLOCK]);

#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Weights(pub(super) [f32; LEAVES_MAX]);

/// Nodes by axis, with rising thresholds: so those where a row goes right come first. Nodes that test sets by code.
#[derive(Debug)]
struct Scan {
    is_paired: bool,
    /// Slot, first node and number of nodes.
    axes: Vec<(usize, usize, usize)>,
    keys: Vec<u32>,
    /// Tree and mask.
    nodes: Vec<(u32, u64)>,
    /// Whether a missing number goes right at the node.
    missing_right: Vec<bool>,
    columns: Vec<CodedNodes>,
}

/// What is left behind by nodes that test a column for sets.
#[derive(Debug)]
struct CodedNodes {
    /// Of the column's code.
    slot: usize,
    /// For each code, the first of its masks; and where those of the last one end.
    starts: Vec<usize>,
    /// Tree and mask.
    masks: Vec<(u32, u64)>,
}

/// Whether masks are kept for each code: else sets are axes like others.
fn are_coded(sets: &Sets, trees: usize) -> bool {
    sets.code_count().saturating_mul(trees * size_of::<u64>()) <= CODE_BYTES_MAX
}

impl Scan {
    fn new(
        trees: &[Tree],
        tested: Tested<'_>,
        is_coded: bool,
        is_wanted: impl Fn(u16) -> bool,
    ) -> Option<Self> {
        let slots = tested.slots;
        let mut nodes = Vec::new();
        let mut columns = vec![Vec::new(); tested.sets.column_count()];
        for (number, tree) in trees.iter().enumerate() {
            for (node, mask) in tree.nodes.iter().zip(left_behind(tree)?) {
                if !is_wanted(node.slot) {
                    continue;
                }
                let set = slots.set(node.slot).filter(|_| is_coded);
                if let Some(set) = set {
                    let column = columns.get_mut(tested.sets.column(set))?;
                    column.push((set, *node, number, mask));
                    continue;
                }
                let (axis, is_far) = slots.axis(node.slot);
                let key = super::key(node.threshold, LEFTMOST);
                nodes.push((axis, key, u32::try_from(number).ok()?, mask, is_far));
            }
        }
        nodes.sort_unstable();
        let mut scan = Self {
            is_paired: slots.is_paired,
            axes: Vec::new(),
            keys: Vec::new(),
            nodes: Vec::new(),
            missing_right: Vec::new(),
            columns: Vec::new(),
        };
        for some in nodes.chunk_by(|left, right| left.0 == right.0) {
            let (axis, ..) = some.first()?;
            scan.axes
                .push((slots.first_slot(*axis), scan.keys.len(), some.len()));
            for (_, key, tree, mask, is_far) in some {
                scan.keys.push(*key);
                scan.nodes.push((*tree, *mask));
                scan.missing_right.push(*is_far);
            }
        }
        for (column, nodes) in columns
            .into_iter()
            .enumerate()
            .filter(|(_, nodes)| !nodes.is_empty())
        {
            let mut left = vec![u64::MAX; tested.sets.codes(column) * trees.len()];
            for (set, node, tree, mask) in nodes {
                let left = left.iter_mut().skip(tree).step_by(trees.len());
                for (left, goes_right) in left.zip(tested.sets.goes_right(set, &node)) {
                    *left &= if goes_right { mask } else { u64::MAX };
                }
            }
            let slot = slots.first_code() + column;
            scan.columns.push(CodedNodes::new(slot, &left, trees.len()));
        }
        Some(scan)
    }

    fn is_empty(&self) -> bool {
        self.axes.is_empty() && self.columns.is_empty()
    }

    /// Shows the trees and masks of all nodes where a row goes right, those that test sets together.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    fn go(&self, keys: &[u32], mut show: impl FnMut(usize, u64)) {
        for (slot, first, count) in &self.axes {
            let key = keys.get(*slot).copied().unwrap_or(LEFTMOST);
            let span = *first..first + count;
            let nodes = self.nodes.get(span.clone()).unwrap_or_default();
            if self.is_paired && key == LEFTMOST {
                let sides = self.missing_right.get(span).unwrap_or_default();
                for ((tree, mask), _) in nodes.iter().zip(sides).filter(|(_, goes_right)| **goes_right) {
                    show(*tree as usize, *mask);
                }
                continue;
            }
            let limits = self.keys.get(span).unwrap_or_default();
            let below = limits.partition_point(|limit| *limit < key);
            for (tree, mask) in nodes.iter().take(below) {
                show(*tree as usize, *mask);
            }
        }
        self.go_coded(keys, show);
    }

    /// Of nodes that test sets alone.
    fn go_coded(&self, keys: &[u32], mut show: impl FnMut(usize, u64)) {
        for column in &self.columns {
            let code = keys.get(column.slot).map_or(0, |code| *code as usize);
            let Some([start, end]) = column.starts.get(code..code + 2) else {
                continue;
            };
            for (tree, mask) in column.masks.get(*start..*end).unwrap_or_default() {
                show(*tree as usize, *mask);
            }
        }
    }
}

impl CodedNodes {
    /// Of what is left for each code, and for each tree.
    fn new(slot: usize, left: &[u64], trees: usize) -> Self {
        let mut coded = Self {
            slot,
            starts: vec![0],
            masks: Vec::new(),
        };
        for left in left.chunks_exact(trees) {
            coded.masks.extend(
                (0..)
                    .zip(left.iter().copied())
                    .filter(|(_, mask)| *mask != u64::MAX),
            );
            coded.starts.push(coded.masks.len());
        }
        coded
    }
}

impl Factored {
    /// The keys that rows bring for these trees: those of sets only where a tree is walked for each row, or sets are too
    /// many for masks.
    pub(crate) fn row_slots(trees: &[Tree], tested: Tested<'_>, kinds: &[AxisKind]) -> Slots {
        let is_masked = |tree: &Tree| tree.leaves <= LEAVES_MAX || is_shared(tree, tested.slots, kinds);
        if are_coded(tested.sets, trees.len()) && trees.iter().all(is_masked) {
            tested.slots.without_sets()
        } else {
            tested.slots
        }
    }

    /// Factors trees that make a forest of one target. `own_keys` are those of each row, one for each of `row_slots`, of
    /// which only the own ones count. None where the trees are no such forest.
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
        for (place, row) in rows.iter().enumerate() {
            let own = self.own_keys.get(*row as usize * stride..).unwrap_or_default();
            let mixed = mixed.get(place * stride..).unwrap_or_default();
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

#[repr(align(64))]
pub(super) struct Totals(pub(super) [f32; BLOCK]);

/// What one call needs besides.
struct Scratch {
    /// The weight of each shared tree.
    shared: Vec<f32>,
    /// What the shared nodes of each masked tree leave.
    masks: Vec<u64>,
    /// What own and mixed nodes leave, for the rows of one block; empty where nothing is mixed.
    own: Vec<Line>,
    /// The weights of walked trees, for the rows of one block.
    walked: Vec<f32>,
}

/// Whether a tree tests shared axes alone.
fn is_shared(tree: &Tree, slots: Slots, kinds: &[AxisKind]) -> bool {
    tree.nodes
        .iter()
        .all(|node| kind(node.slot, slots, kinds) == AxisKind::Shared)
}

fn kind(slot: u16, slots: Slots, kinds: &[AxisKind]) -> AxisKind {
    let kind = kinds.get(slots.axis(slot).0);
    kind.copied().unwrap_or(AxisKind::Mixed)
}

impl Masked {
    fn new(
        (trees, weights): (&[Tree], &[f32]),
        tested: Tested<'_>,
        is_coded: bool,
        kinds: &[AxisKind],
        (row_slots, own_keys): (Slots, &[u32]),
    ) -> Option<Self> {
        let of = |wanted: AxisKind| move |slot: u16| kind(slot, tested.slots, kinds) == wanted;
        let scan = |wanted: AxisKind| Scan::new(trees, tested, is_coded, of(wanted));
        let own = scan(AxisKind::Own)?;
        let count = trees.len();
        let rows = own_keys.len().checked_div(row_slots.count()).unwrap_or(0);
        let mut lines = vec![Line([u64::MAX; BLOCK]); rows.div_ceil(BLOCK) * count];
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
        let is_ranked = super::has_rank_kernel() && (is_coded || tested.slots.sets == 0);
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
    fn share(&self, kernel: Kernel, slots: Slots, keys: &[u32], masks: &mut [u64]) {
        if keys.len() < slots.count() {
            return;
        }
        match (kernel.0, &self.ranked) {
            #[cfg(target_arch = "x86_64")]
            (super::Set::Avx512, Some(Ranked { lanes, groups })) => {
                // SAFETY: ranks exist only where the machine has the instructions; there is a key for each slot.
                unsafe { super::avx512::share(lanes, slots, groups, keys.as_ptr(), masks) };
                self.shared.go_coded(keys, |tree, mask| keep(masks, tree, mask));
            }
            _ => self.shared.go(keys, |tree, mask| keep(masks, tree, mask)),
        }
    }

    /// Joins the masks of mixed nodes to a copy of a block's own ones; leaves nothing where nothing is mixed.
    fn mix(&self, block: usize, rows: &[u32], keys: &[u32], stride: usize, own: &mut Vec<Line>) {
        if self.mixed.is_empty() {
            return;
        }
        own.clear();
        let start = block * self.count;
        own.extend_from_slice(self.own.get(start..start + self.count).unwrap_or_default());
        for (place, row) in rows.iter().enumerate() {
            let keys = keys.get(place * stride..).unwrap_or_default();
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
fn ranked(trees: &[Tree], tested: Tested<'_>, is_shared: impl Fn(u16) -> bool) -> Option<Ranked> {
    let is_tested = |slot: u16| is_shared(slot) && tested.slots.set(slot).is_none();
    let lanes = Lanes::new(trees, tested, is_tested)?;
    let nothing = Tree::default();
    let groups = trees.chunks(SIDE_BY_SIDE).map(|some| {
        let trees: [(&Tree, u32); SIDE_BY_SIDE] =
            std::array::from_fn(|place| (some.get(place).unwrap_or(&nothing), 0));
        let (tests, masks, _) = Tests::any(&trees, &lanes, is_tested, &[])?;
        Some((tests, masks))
    });
    let groups = groups.collect::<Option<_>>()?;
    Some(Ranked {
        lanes: lanes.all,
        groups,
    })
}

/// Adds the weights of the leftmost leaves that are left to the totals of the first rows, at least.
fn add_masked(
    kernel: Kernel,
    masks: &[u64],
    own: &[Line],
    weights: &[Weights],
    rows: usize,
    totals: &mut Totals,
) {
    match kernel.0 {
        super::Set::Portable => add_here(masks, own, weights, rows, totals),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this machine has the instructions, or there were no such kernel.
        super::Set::Avx2 => unsafe { add_avx2(masks, own, weights, rows, totals) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        super::Set::Avx512 => unsafe { super::avx512::add(masks, own, weights, totals) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn add_avx2(masks: &[u64], own: &[Line], weights: &[Weights], rows: usize, totals: &mut Totals) {
    add_here(masks, own, weights, rows, totals);
}

#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "has to become a part of what has the instructions"
)]
fn add_here(masks: &[u64], own: &[Line], weights: &[Weights], rows: usize, totals: &mut Totals) {
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
fn add_first<const ROWS: usize>(masks: &[u64], own: &[Line], weights: &[Weights], totals: &mut Totals) {
    let Some(totals) = totals.0.first_chunk_mut::<ROWS>() else {
        return;
    };
    let mut sums = *totals;
    for ((mask, own), weights) in masks.iter().zip(own).zip(weights) {
        for (sum, own) in sums.iter_mut().zip(&own.0) {
            // A leaf is always left: the one that the row comes to. The last bit, when it comes to that, stands for the last
            // one or for none that there is, and no mask takes it away where it would be the first.
            let leaf = ((mask & own) | 1).leading_zeros() as usize;
            *sum += weights.0.get(leaf).copied().unwrap_or(0.0);
        }
    }
    *totals = sums;
}
