//! Nodes that rows go right at -> the masks of the leaves that are left behind, axis by axis.

use super::{LEFTMOST, Tested, Tree, key, ranks::left_behind};

/// Nodes by axis, with rising thresholds: so those where a row goes right come first. Nodes that test sets by code.
#[derive(Debug)]
pub(super) struct Scan {
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

impl Scan {
    pub(super) fn new(
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
                let key = key(node.threshold, LEFTMOST);
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

    pub(super) fn is_empty(&self) -> bool {
        self.axes.is_empty() && self.columns.is_empty()
    }

    /// Shows the trees and masks of all nodes where a row goes right, those that test sets together.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    pub(super) fn go(&self, keys: &[u32], mut show: impl FnMut(usize, u64)) {
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
    pub(super) fn go_coded(&self, keys: &[u32], mut show: impl FnMut(usize, u64)) {
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
