//! Trees of few leaves, for machines with AVX-512: keys become ranks of a byte, and 64 nodes are tested at once.
//!
//! A node asks whether a key is above a threshold. Among the sorted thresholds of an axis it is enough to know how many of
//! them are below the key: its *rank*. After that, a tree's nodes are a permutation of the ranks, compared with as many
//! bytes; what is left is to find the leaf for a word of truth values. Machines that have the vector instructions for
//! bytes (VBMI) do both in a few cycles. The word's bit for a node is set where the row goes right.
//!
//! Leaves are found in one of two ways. Complete trees: by going down eight trees at a time. Others: each node has a mask of
//! the leaves that are left when a row goes right there; of those that all masks leave, the leftmost is the row's
//! (Lucchese et al., "`QuickScorer`", SIGIR 2015).

use super::{Child, Node, RIGHTMOST, SIDE_BY_SIDE, Sets, Tested, Tree, key};

/// Lanes that two registers hold.
pub(super) const LANES_MAX: usize = 64;
/// Of one lane: its ranks are 0 to 255, and the last is for what goes right everywhere.
const CUTS_MAX: usize = 255;
/// Nodes that are tested at once.
const WIDTH: usize = 64;
/// Nothing is above it.
const NEVER: u8 = u8::MAX;

/// Thresholds of an axis, or a stretch of them.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Lane {
    // Invariant: an axis of the forest.
    pub(super) axis: usize,
    /// The last of each block.
    pub(super) pivots: [u32; 16],
    /// Ascending; filled up with what nothing is above.
    pub(super) blocks: [[u32; 16]; 16],
}

/// Eight trees as tests of lanes.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Tests {
    /// Lanes; those of the other side are 64 further on.
    pub(super) lanes: [[u8; WIDTH]; SIDE_BY_SIDE],
    /// A row goes right when the rank is above it.
    pub(super) cuts: [[u8; WIDTH]; SIDE_BY_SIDE],
}

/// For trees that are not complete: which leaves are left when a row goes right at a node. The first leaf is the highest
/// bit.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Masks {
    pub(super) nodes: [[u64; WIDTH]; SIDE_BY_SIDE],
    /// Of eight nodes each, that have any.
    pub(super) lines: [usize; SIDE_BY_SIDE],
    /// With one target: what each leaf weighs.
    pub(super) weights: [[f32; WIDTH]; SIDE_BY_SIDE],
}

/// For each of eight trees, a bit for each node: set where the row goes right.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Words(pub(super) [u64; SIDE_BY_SIDE]);

impl Words {
    pub(super) const NONE: Self = Self([0; SIDE_BY_SIDE]);
}

/// A node of eight trees that tests a set, and its bit among those of its tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct SetTest {
    pub(super) column: usize,
    /// Of the set.
    number: usize,
    node: Node,
    tree: usize,
    index: usize,
}

/// What the rows of a forest are ranked and looked up in.
#[derive(Debug, Default)]
pub(super) struct RankTables {
    pub(super) lanes: Vec<Lane>,
    /// For each column that is tested for sets and each of its codes: what all nodes that test it say, group by group.
    // Invariant: `groups` for each code.
    words: Vec<Vec<Words>>,
    groups: usize,
}

/// Memory for the words of one forest.
const WORD_BYTES_MAX: usize = 64 << 20;

impl RankTables {
    /// Without lanes. None where the words would take too much memory.
    pub(super) fn new(tested: Tested<'_>, groups: usize) -> Option<Self> {
        let bytes = tested
            .sets
            .code_count()
            .checked_mul(groups * size_of::<Words>())?;
        let columns = 0..tested.sets.column_count();
        let words = columns.map(|column| vec![Words::NONE; tested.sets.codes(column) * groups]);
        (bytes <= WORD_BYTES_MAX).then(|| Self {
            lanes: Vec::new(),
            words: words.collect(),
            groups,
        })
    }

    /// Adds what the nodes of a group say of each code.
    pub(super) fn add(&mut self, sets: &Sets, group: usize, tests: &[SetTest]) -> Option<()> {
        for test in tests {
            let words = self.words.get_mut(test.column)?.iter_mut();
            let words = words.skip(group).step_by(self.groups);
            for (words, goes_right) in words.zip(sets.goes_right(test.number, &test.node)) {
                *words.0.get_mut(test.tree)? |= u64::from(goes_right) << test.index;
            }
        }
        Some(())
    }

    pub(super) fn of(self, lanes: Vec<Lane>) -> Self {
        Self { lanes, ..self }
    }

    /// What the nodes of a group that test these columns for sets say of a row with these codes.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    pub(super) fn words(&self, group: usize, columns: &[usize], codes: &[u32]) -> Words {
        let mut words = Words::NONE;
        for column in columns {
            let code = codes.get(*column).map_or(0, |code| *code as usize);
            let line = self
                .words
                .get(*column)
                .and_then(|words| words.get(code * self.groups + group));
            for (word, own) in words
                .0
                .iter_mut()
                .zip(line.map_or([0; SIDE_BY_SIDE], |line| line.0))
            {
                *word |= own;
            }
        }
        words
    }
}

/// The lanes of a forest.
#[derive(Debug)]
pub(super) struct Lanes<'a> {
    pub(super) all: Vec<Lane>,
    tested: Tested<'a>,
    /// Sorted thresholds of each axis, and its first lane.
    axes: Vec<(Vec<u32>, usize)>,
}

impl<'a> Lanes<'a> {
    /// Of the slots that are tested; sets have none. None where there are too many thresholds.
    pub(super) fn new(trees: &[Tree], tested: Tested<'a>, is_tested: impl Fn(u16) -> bool) -> Option<Self> {
        let slots = tested.slots;
        let mut cuts: Vec<Vec<u32>> = vec![Vec::new(); slots.axes];
        let nodes = trees.iter().flat_map(|tree| &tree.nodes);
        for node in nodes.filter(|node| is_tested(node.slot) && slots.set(node.slot).is_none()) {
            cuts.get_mut(slots.axis(node.slot).0)?
                .push(key(node.threshold, RIGHTMOST));
        }
        let mut lanes = Vec::new();
        let mut axes = Vec::new();
        for (axis, mut cuts) in cuts.into_iter().enumerate() {
            cuts.sort_unstable();
            cuts.dedup();
            let first = lanes.len();
            lanes.extend(cuts.chunks(CUTS_MAX).map(|cuts| Lane::new(axis, cuts)));
            axes.push((cuts, first));
            if lanes.len() > LANES_MAX {
                return None;
            }
        }
        Some(Self {
            all: lanes,
            tested,
            axes,
        })
    }

    /// The lane of a node's slot and the number of its threshold in there.
    fn test(&self, node: &Node) -> Option<(u8, u8)> {
        let (axis, is_other_side) = self.tested.slots.axis(node.slot);
        let (cuts, first) = self.axes.get(axis)?;
        let cut = cuts.binary_search(&key(node.threshold, RIGHTMOST)).ok()?;
        let lane = first + cut / CUTS_MAX + if is_other_side { LANES_MAX } else { 0 };
        Some((u8::try_from(lane).ok()?, u8::try_from(cut % CUTS_MAX).ok()?))
    }
}

impl Lane {
    fn new(axis: usize, cuts: &[u32]) -> Self {
        let mut blocks = [[RIGHTMOST; 16]; 16];
        for (index, cut) in blocks.as_flattened_mut().iter_mut().zip(cuts) {
            *index = *cut;
        }
        Self {
            axis,
            pivots: blocks.map(|[.., last]| last),
            blocks,
        }
    }
}

impl Tests {
    fn nothing() -> Box<Self> {
        Box::new(Self {
            lanes: [[0; WIDTH]; SIDE_BY_SIDE],
            cuts: [[NEVER; WIDTH]; SIDE_BY_SIDE],
        })
    }

    /// Sets the test of a node, or adds it to those of sets.
    fn set(
        &mut self,
        tree: usize,
        index: usize,
        node: &Node,
        lanes: &Lanes<'_>,
        sets: &mut Vec<SetTest>,
    ) -> Option<()> {
        if let Some(set) = lanes.tested.slots.set(node.slot) {
            sets.push(SetTest {
                column: lanes.tested.sets.column(set),
                number: set,
                node: *node,
                tree,
                index,
            });
            return Some(());
        }
        let (lane, cut) = lanes.test(node)?;
        *self.lanes.get_mut(tree)?.get_mut(index)? = lane;
        *self.cuts.get_mut(tree)?.get_mut(index)? = cut;
        Some(())
    }

    /// For complete trees: the children of n are at 2n and 2n + 1, the root at 1.
    pub(super) fn complete(
        trees: &[(&Tree, u32); SIDE_BY_SIDE],
        lanes: &Lanes<'_>,
    ) -> Option<(Box<Self>, Vec<SetTest>)> {
        let mut tests = Self::nothing();
        let mut sets = Vec::new();
        for (number, (tree, _)) in trees.iter().enumerate() {
            let mut pending = vec![(tree.root(), 1_usize)];
            while let Some((child, index)) = pending.pop() {
                if let Child::Node(node) = child {
                    let node = tree.nodes.get(node)?;
                    tests.set(number, index, node, lanes, &mut sets)?;
                    pending.extend([(node.left, 2 * index), (node.right, 2 * index + 1)]);
                }
            }
        }
        Some((tests, sets))
    }

    /// Of any trees of up to 64 leaves, and their masks; as if everything went left where a slot is not tested.
    /// `weights` has one for each leaf of the forest, or none.
    pub(super) fn any(
        trees: &[(&Tree, u32); SIDE_BY_SIDE],
        lanes: &Lanes<'_>,
        is_tested: impl Fn(u16) -> bool,
        weights: &[f32],
    ) -> Option<(Box<Self>, Box<Masks>, Vec<SetTest>)> {
        let mut tests = Self::nothing();
        let mut sets = Vec::new();
        let mut masks = Box::new(Masks {
            nodes: [[u64::MAX; WIDTH]; SIDE_BY_SIDE],
            lines: [0; SIDE_BY_SIDE],
            weights: [[0.0; WIDTH]; SIDE_BY_SIDE],
        });
        for (number, (tree, first_leaf)) in trees.iter().enumerate() {
            let left_behind = left_behind(tree)?;
            let leaves = weights.get(*first_leaf as usize..).unwrap_or_default();
            let table = masks.weights.get_mut(number)?;
            for (weight, leaf) in table.iter_mut().take(tree.leaves).zip(leaves) {
                *weight = *leaf;
            }
            *masks.lines.get_mut(number)? = tree.nodes.len().div_ceil(8);
            for (index, (node, mask)) in tree.nodes.iter().zip(left_behind).enumerate() {
                if !is_tested(node.slot) {
                    continue;
                }
                tests.set(number, index, node, lanes, &mut sets)?;
                *masks.nodes.get_mut(number)?.get_mut(index)? = mask;
            }
        }
        Some((tests, masks, sets))
    }
}

/// For each node, all leaves but those on its left side. None where there are more than 64.
pub(super) fn left_behind(tree: &Tree) -> Option<Vec<u64>> {
    if tree.leaves > WIDTH {
        return None;
    }
    // First leaf and number of leaves under each node; children come after parents, so this goes backwards.
    let mut spans = vec![(0, 0); tree.nodes.len()];
    let span = |child: Child, spans: &[(usize, usize)]| match child {
        Child::Leaf(leaf) => Some((leaf, 1)),
        Child::Node(node) => spans.get(node).copied(),
    };
    let mut masks = vec![u64::MAX; tree.nodes.len()];
    for (number, node) in tree.nodes.iter().enumerate().rev() {
        let (first, left) = span(node.left, &spans)?;
        let (_, right) = span(node.right, &spans)?;
        *spans.get_mut(number)? = (first, left + right);
        let leaves = u64::MAX
            .checked_shl(u32::try_from(WIDTH - left).ok()?)
            .unwrap_or(0);
        *masks.get_mut(number)? = !(leaves >> first);
    }
    Some(masks)
}
