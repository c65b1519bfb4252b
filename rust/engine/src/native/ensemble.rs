//! A tree ensemble of a lowered model: cells -> slots -> sums.

use nextbest_proto::v1;

use super::{
    axes::{Axes, Slot},
    rows::Rows,
};
use crate::{
    bundle::BundleFault,
    kernel::{Child, Forest, Kernel, Node, Tree},
};

const TREES_MAX: usize = 100_000;
/// Keys, twice as many at most and those in gaps, are numbered in 16 bits.
const SLOTS_MAX: usize = 6_000;
const TARGETS_MAX: usize = 100_000;

#[derive(Debug)]
pub(super) struct Ensemble {
    /// The last cell that is read.
    last_cell: Option<usize>,
    axes: Axes,
    forest: Forest,
}

impl Ensemble {
    pub(super) fn check(message: v1::TreeEnsemble, cells: usize) -> Result<Self, BundleFault> {
        let malformed = |problem: &str| BundleFault::malformed(problem.to_owned());
        let targets = message.targets as usize;
        BundleFault::limit("trees", message.tree_nodes.len(), TREES_MAX)?;
        BundleFault::limit("slots", message.slots.len(), SLOTS_MAX)?;
        BundleFault::limit("targets", targets, TARGETS_MAX)?;
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
            .collect::<Option<Vec<Slot>>>()
            .ok_or_else(|| malformed("a slot of no cell, or with members that are none"))?;
        let (axes, places) = Axes::of(&slots);
        let trees = trees(
            &message.tree_nodes,
            &message.node_slots,
            &places,
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
            axes.slots(),
            targets,
            message.leaf_weights,
            message.base_values,
            divisor,
        )
        .ok_or_else(|| malformed("trees that are none"))?;
        Ok(Self {
            last_cell: slots.iter().map(|slot| slot.cell).max(),
            axes,
            forest,
        })
    }

    pub(super) fn targets(&self) -> usize {
        self.forest.targets()
    }

    pub(super) fn tree_count(&self) -> usize {
        self.forest.tree_count()
    }

    /// Whether all that it reads stands before a cell.
    pub(super) fn reads_before(&self, cell: usize) -> bool {
        self.last_cell.is_none_or(|last| last < cell)
    }

    /// Writes the sums of all rows from cell `out` on.
    pub(super) fn run(&self, kernel: Kernel, rows: &mut Rows<'_>, out: usize) {
        let count = rows.count();
        let (cells, stride) = rows.cells_mut();
        let mut keys = Vec::with_capacity(count * self.axes.slots().count());
        for row in cells.chunks_exact(stride) {
            self.axes.append(row, &mut keys);
        }
        let targets = self.targets();
        let mut sums = vec![0.0; count * targets];
        self.forest.sum(kernel, &keys, &mut sums);
        for (row, sums) in cells.chunks_exact_mut(stride).zip(sums.chunks_exact(targets)) {
            if let Some(out) = row.get_mut(out..out + targets) {
                out.copy_from_slice(sums);
            }
        }
    }
}

fn check_slot(message: v1::TreeSlot, cells: usize) -> Option<Slot> {
    let cell = message.cell as usize;
    let mut members = message.members;
    if cell >= cells || members.iter().any(|member| member.is_nan()) {
        return None;
    }
    members.sort_by(f32::total_cmp);
    Some(Slot {
        cell,
        missing_left: message.missing_left,
        members,
        missing_is_member: message.missing_is_member,
    })
}

fn trees(
    counts: &[u32],
    slots: &[u32],
    places: &[usize],
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
                    slot: u16::try_from(*places.get(*slot as usize)?).ok()?,
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
