//! A tree ensemble of a lowered model: cells -> slots -> sums.

use nextbest_proto::v1;

use super::{
    axes::TestedAxes,
    codes::TestedCell,
    rows::{Rows, Scratch},
};
use crate::{
    error::BundleError,
    kernel::{AxisKind, Child, Factored, Forest, Kernel, KeySlots, LEFTMOST, Node, Tree},
};

const TREES_MAX: usize = 100_000;
/// Their keys are numbered in 16 bits: twice as many, those in gaps, and one for each set.
const SLOTS_MAX: usize = 1 << 16;
const TARGETS_MAX: usize = 100_000;
/// Rows whose keys are kept together, in a near cache: this number, or fewer if each has many keys.
const ROWS_AT_ONCE: usize = 64;
const ROWS_AT_ONCE_MIN: usize = 16;
const KEYS_AT_ONCE: usize = 1 << 16;

#[derive(Debug)]
pub(super) struct Ensemble {
    /// Cells that nodes test, ascending.
    cells: Vec<usize>,
    axes: TestedAxes,
    trees: Vec<Tree>,
    /// `targets` for each leaf, tree by tree.
    weights: Vec<f32>,
    /// One for each target, or none.
    base_values: Vec<f32>,
    divisor: Option<f32>,
    /// Rows of the background sample that come to each leaf, tree by tree; or none.
    covers: Vec<f32>,
    forest: Forest,
}

/// An ensemble of one target, factored for a number of rows.
#[derive(Debug)]
pub(super) struct FactoredEnsemble {
    axes: TestedAxes,
    /// Of own and mixed keys.
    row_slots: KeySlots,
    /// Mixed axes, and the positions of their cells among those of a row.
    mixed: Vec<(usize, usize)>,
    factored: Factored,
}

impl Ensemble {
    pub(super) fn check(message: v1::TreeEnsemble, cells: usize) -> Result<Self, BundleError> {
        let malformed = |problem: &str| BundleError::malformed(problem.to_owned());
        let targets = message.targets as usize;
        BundleError::limit("trees", message.tree_nodes.len(), TREES_MAX)?;
        BundleError::limit("slots", message.slots.len(), SLOTS_MAX)?;
        BundleError::limit("targets", targets, TARGETS_MAX)?;
        let nodes: u64 = message.tree_nodes.iter().map(|nodes| u64::from(*nodes)).sum();
        let lengths = [
            message.node_slots.len(),
            message.node_thresholds.len(),
            message.node_lefts.len(),
            message.node_rights.len(),
        ];
        if lengths.iter().any(|length| *length as u64 != nodes) {
            return Err(malformed("lists of nodes that are not equally long"));
        }
        let slots = message.slots.into_iter().map(|slot| check_slot(slot, cells));
        let slots = slots
            .collect::<Option<Vec<TestedCell>>>()
            .ok_or_else(|| malformed("a slot without a cell, or with invalid members"))?;
        let (axes, indices) = TestedAxes::of(&slots)?;
        let trees = trees(
            &message.tree_nodes,
            &message.node_slots,
            &indices,
            &message.node_thresholds,
            &message.node_lefts,
            &message.node_rights,
        )
        .ok_or_else(|| malformed("a node of no slot"))?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "the graph takes the nearest float as well"
        )]
        let divisor = (message.divisor > 0).then_some(message.divisor as f32);
        let forest = Forest::new(
            &trees,
            axes.tested(),
            targets,
            message.leaf_weights.clone(),
            message.base_values.clone(),
            divisor,
        )
        .ok_or_else(|| malformed("invalid trees"))?;
        if !are_covers(&trees, &message.leaf_covers) {
            return Err(malformed("covers that do not belong to these trees"));
        }
        let mut cells: Vec<usize> = slots.iter().map(|slot| slot.cell).collect();
        cells.sort_unstable();
        cells.dedup();
        Ok(Self {
            cells,
            axes,
            trees,
            weights: message.leaf_weights,
            base_values: message.base_values,
            divisor,
            covers: message.leaf_covers,
            forest,
        })
    }

    pub(super) fn targets(&self) -> usize {
        self.forest.targets()
    }

    pub(super) fn tree_count(&self) -> usize {
        self.forest.tree_count()
    }

    /// Whether all its inputs come before a cell.
    pub(super) fn reads_before(&self, cell: usize) -> bool {
        self.cells.last().is_none_or(|last| *last < cell)
    }

    pub(super) fn axes(&self) -> &TestedAxes {
        &self.axes
    }

    /// Cells that nodes test, ascending.
    pub(super) fn tested_cells(&self) -> impl Iterator<Item = usize> {
        self.cells.iter().copied()
    }

    pub(super) fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// `targets` for each leaf, tree by tree.
    pub(super) fn weights(&self) -> &[f32] {
        &self.weights
    }

    pub(super) fn base_value(&self, target: usize) -> f32 {
        self.base_values.get(target).copied().unwrap_or(0.0)
    }

    pub(super) fn divisor(&self) -> Option<f32> {
        self.divisor
    }

    /// Rows of the background sample that reach each leaf, tree by tree; empty if they were not counted.
    pub(super) fn covers(&self) -> &[f32] {
        &self.covers
    }

    /// Writes the sums of all rows from cell `out` on. `cells` is row by row, `stride` each, and `axes` has
    /// the positions of the tested ones in a row.
    pub(super) fn run(
        &self,
        kernel: Kernel,
        axes: &TestedAxes,
        (cells, stride): (&mut [f32], usize),
        out: usize,
        scratch: &mut Scratch,
    ) {
        let targets = self.targets();
        let Scratch { keys, sums } = scratch;
        let slots = self.forest.slots(kernel);
        let at_once = (KEYS_AT_ONCE / slots.count().max(1)).clamp(ROWS_AT_ONCE_MIN, ROWS_AT_ONCE);
        sums.resize(targets * at_once.min(cells.len() / stride), 0.0);
        for rows in cells.chunks_mut(stride * at_once) {
            keys.clear();
            for row in rows.chunks_exact(stride) {
                axes.append(slots, row, keys);
            }
            let sums = sums.get_mut(..rows.len() / stride * targets).unwrap_or_default();
            self.forest.sum(kernel, keys, sums);
            for (row, sums) in rows.chunks_exact_mut(stride).zip(sums.chunks_exact(targets)) {
                if let Some(out) = row.get_mut(out..out + targets) {
                    out.copy_from_slice(sums);
                }
            }
        }
    }

    /// Factors it for the rows of `own`, of whose cells only the own ones count. `kind` gives the kind of a
    /// cell, `index` the position of a mixed one among those of a row.
    pub(super) fn factor(
        &self,
        kind: impl Fn(usize) -> AxisKind,
        index: impl Fn(usize) -> Option<usize>,
        own: &Rows<'_>,
    ) -> Option<FactoredEnsemble> {
        let kinds: Vec<AxisKind> = self.axes.cells().map(kind).collect();
        let is_mixed = |kind: &AxisKind| *kind == AxisKind::Mixed;
        let is_tested = |cell: &usize| self.cells.binary_search(cell).is_ok();
        let tested = self.axes.tested();
        let mixed = self.axes.cells().zip(&kinds).enumerate();
        let mixed = mixed
            // Keys of sets are written with the code.
            .take(tested.slots.axes + tested.slots.columns)
            .filter(|(_, (cell, kind))| is_mixed(kind) && is_tested(cell))
            .map(|(axis, (cell, _))| Some((axis, index(cell)?)))
            .collect::<Option<_>>()?;
        let row_slots = Factored::row_slots(&self.trees, tested, &kinds);
        let mut keys = Vec::new();
        for row in 0..own.count() {
            self.axes.append(row_slots, own.row_cells(row), &mut keys);
        }
        let base_value = self.base_values.first().copied().unwrap_or(0.0);
        let ends = (base_value, self.divisor);
        let factored = Factored::new(&self.trees, tested, &self.weights, ends, kinds, keys)?;
        Some(FactoredEnsemble {
            axes: self.axes.moved(Some)?,
            row_slots,
            mixed,
            factored,
        })
    }
}

impl FactoredEnsemble {
    /// Writes the sums of some rows, ascending, to their cell `out`. `shared` are the cells of the shared row.
    pub(super) fn run(
        &self,
        kernel: Kernel,
        shared: &[f32],
        rows: &[u32],
        cells: &mut [f32],
        stride: usize,
        out: usize,
    ) {
        let slots = self.axes.slots();
        let mut shared_keys = Vec::with_capacity(slots.count());
        self.axes.append(slots, shared, &mut shared_keys);
        let mut mixed_keys = Vec::new();
        if !self.mixed.is_empty() {
            let key_count = self.row_slots.count();
            mixed_keys.resize(rows.len() * key_count, LEFTMOST);
            for (cells, keys) in cells
                .chunks_exact(stride)
                .zip(mixed_keys.chunks_exact_mut(key_count))
            {
                for (axis, index) in &self.mixed {
                    let cell = cells.get(*index).copied().unwrap_or(f32::NAN);
                    self.axes.write(self.row_slots, *axis, cell, keys);
                }
            }
        }
        let mut sums = vec![0.0; rows.len()];
        self.factored
            .sum(kernel, &shared_keys, &mixed_keys, rows, &mut sums);
        for (cells, sum) in cells.chunks_exact_mut(stride).zip(sums) {
            if let Some(cell) = cells.get_mut(out) {
                *cell = sum;
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.factored.bytes()
    }
}

/// Whether there are none, or one for each leaf, of which each tree has one above 0.
fn are_covers(trees: &[Tree], covers: &[f32]) -> bool {
    if covers.is_empty() {
        return true;
    }
    let mut rest = covers;
    for tree in trees {
        let Some((own, after)) = rest.split_at_checked(tree.leaves) else {
            return false;
        };
        let is_count = |cover: &f32| cover.is_finite() && *cover >= 0.0;
        if !own.iter().all(is_count) || own.iter().all(|cover| *cover == 0.0) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

fn check_slot(message: v1::TreeSlot, cells: usize) -> Option<TestedCell> {
    let cell = message.cell as usize;
    let mut members = message.members;
    if cell >= cells || members.iter().any(|member| member.is_nan()) {
        return None;
    }
    members.sort_by(f32::total_cmp);
    Some(TestedCell {
        cell,
        missing_left: message.missing_left,
        members,
        missing_is_member: message.missing_is_member,
    })
}

fn trees(
    counts: &[u32],
    slots: &[u32],
    indices: &[usize],
    thresholds: &[f32],
    lefts: &[i32],
    rights: &[i32],
) -> Option<Vec<Tree>> {
    let mut rows = slots.iter().zip(thresholds).zip(lefts).zip(rights);
    let mut trees = Vec::with_capacity(counts.len());
    for count in counts {
        let nodes = rows
            .by_ref()
            .take(*count as usize)
            .map(|(((slot, threshold), left), right)| {
                Some(Node {
                    slot: u16::try_from(*indices.get(*slot as usize)?).ok()?,
                    threshold: *threshold,
                    left: child(*left),
                    right: child(*right),
                })
            })
            .collect::<Option<Vec<_>>>()?;
        trees.push(Tree {
            leaves: nodes.len() + 1,
            nodes,
        });
    }
    Some(trees)
}

fn child(number: i32) -> Child {
    match usize::try_from(number) {
        Ok(node) => Child::Node(node),
        Err(_) => Child::Leaf(number.unsigned_abs() as usize - 1),
    }
}
