//! Exact contributions of shallow trees: computed when the model is opened, looked up for a row.
//!
//! A leaf gives each owner of its path one of few amounts: all that counts is which of these owners fail its
//! conditions, a bit each. Leaves that share parents, a *twig* of at most three nodes, share one table: the
//! bits of the owners on the way to it, then the bits of its nodes, are the number of a line, and the line is
//! the sum of what its leaves give each owner. So 64 leaves are 16 lines of seven numbers.

use super::{
    covered::{CoveredNode, CoveredTree},
    quadrature::Rule,
};
use crate::kernel::Child;

/// Nodes of a twig.
const TWIG_NODES_MAX: usize = 3;
/// Bits of a line's number: lines of a table double with each.
const BITS_MAX: usize = 12;
/// Of one tree; beyond it reading the tables takes longer than computing what they hold.
const TREE_BYTES_MAX: usize = 384 << 10;
/// Points that integrate the polynomials of a table's paths: of at most `BITS_MAX` owners.
const POINTS: usize = BITS_MAX / 2;

/// The tables of one tree.
#[derive(Debug)]
pub(super) struct LeafTables {
    /// Nodes above the twigs, children after parents; then come the twigs.
    trunk: Vec<Fork>,
    twigs: Vec<Twig>,
    /// Of all twigs.
    owners: Vec<u16>,
    lines: Vec<f32>,
}

/// A node of the trunk.
#[derive(Debug)]
struct Fork {
    slot: u16,
    key: u32,
    /// The bit of its owner.
    bit: u8,
    /// Among forks and twigs.
    children: [u16; 2],
}

#[derive(Debug)]
struct Twig {
    slots: [u16; TWIG_NODES_MAX],
    /// Of a node that is not there: the greatest, which no number is above.
    keys: [u32; TWIG_NODES_MAX],
    /// Owners on the way to it.
    bits: u8,
    /// How many numbers a line has.
    width: u8,
    /// Of its owners, and of its first line.
    first_owner: u32,
    first_number: u32,
}

impl LeafTables {
    /// The tables of a tree; none where they would take more than `bytes_max`, or more than is of use.
    pub(super) fn new(tree: &CoveredTree, weights: &[f32], bytes_max: usize) -> Option<Self> {
        let sketch = Sketch::of(tree)?;
        if sketch.bytes() > TREE_BYTES_MAX.min(bytes_max) {
            return None;
        }
        sketch.fill(tree, weights)
    }

    /// Memory that they take.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.lines.as_slice())
    }

    /// Adds what the tree gives each owner for the row with these keys. `failed` is overwritten.
    pub(super) fn add(&self, keys: &[u32], failed: &mut Vec<u32>, into: &mut [f64]) {
        failed.clear();
        failed.resize(self.trunk.len() + self.twigs.len(), 0);
        let is_above =
            |slot: u16, than: u32| u32::from(keys.get(usize::from(slot)).is_some_and(|key| *key > than));
        for (number, fork) in self.trunk.iter().enumerate() {
            let goes_right = is_above(fork.slot, fork.key);
            let before = failed.get(number).copied().unwrap_or(0);
            for (child, fails) in fork.children.iter().zip([goes_right, 1 - goes_right]) {
                if let Some(failed) = failed.get_mut(usize::from(*child)) {
                    *failed = before | fails << fork.bit;
                }
            }
        }
        let failed = failed.get(self.trunk.len()..).unwrap_or_default();
        for (twig, failed) in self.twigs.iter().zip(failed) {
            let mut rights = 0;
            for (bit, (slot, key)) in twig.slots.iter().zip(&twig.keys).enumerate() {
                rights |= is_above(*slot, *key) << bit;
            }
            let line = (failed | rights << twig.bits) as usize;
            let width = usize::from(twig.width);
            let first = twig.first_number as usize + line * width;
            let numbers = self.lines.get(first..first + width).unwrap_or_default();
            let first = twig.first_owner as usize;
            let owners = self.owners.get(first..first + width).unwrap_or_default();
            for (owner, number) in owners.iter().zip(numbers) {
                if let Some(into) = into.get_mut(usize::from(*owner)) {
                    *into += f64::from(*number);
                }
            }
        }
    }
}

/// Where a tree is cut into trunk and twigs.
struct Sketch {
    trunk: Vec<Fork>,
    twigs: Vec<Cut>,
}

/// A twig before its table is filled.
struct Cut {
    root: Child,
    /// Its nodes: parents first.
    nodes: Vec<usize>,
    /// Owners on the way to it, and then those that only its nodes have.
    owners: Vec<u16>,
    /// Of each owner on the way: the share of the background rows that meets its conditions.
    shares: Vec<f64>,
}

impl Cut {
    fn lines(&self) -> usize {
        1 << (self.shares.len() + self.nodes.len())
    }
}

/// A child that is still to be placed: the fork and side that lead to it, and its way.
struct Pending {
    child: Child,
    from: Option<(usize, usize)>,
    owners: Vec<u16>,
    shares: Vec<f64>,
}

impl Sketch {
    fn of(tree: &CoveredTree) -> Option<Self> {
        let sizes = sizes(tree);
        let root = if tree.nodes.is_empty() {
            Child::Leaf(0)
        } else {
            Child::Node(0)
        };
        let mut pending = vec![Pending {
            child: root,
            from: None,
            owners: Vec::new(),
            shares: Vec::new(),
        }];
        let (mut trunk, mut twigs): (Vec<Fork>, Vec<Cut>) = (Vec::new(), Vec::new());
        // Which fork or twig each fork's sides lead to; twigs are numbered behind the forks once these are counted.
        let mut ends: Vec<[Option<usize>; 2]> = Vec::new();
        let mut twig_ends: Vec<(usize, usize, usize)> = Vec::new();
        while let Some(next) = pending.pop() {
            let size = match next.child {
                Child::Leaf(_) => 0,
                Child::Node(node) => sizes.get(node).copied()?,
            };
            if next.shares.len() + size.min(TWIG_NODES_MAX) > BITS_MAX {
                return None;
            }
            if size <= TWIG_NODES_MAX {
                if let Some((fork, side)) = next.from {
                    twig_ends.push((fork, side, twigs.len()));
                }
                twigs.push(cut(tree, next));
                continue;
            }
            let Child::Node(number) = next.child else {
                return None;
            };
            let node = tree.nodes.get(number)?;
            if let Some((fork, side)) = next.from {
                *ends.get_mut(fork)?.get_mut(side)? = Some(trunk.len());
            }
            let Pending {
                mut owners, shares, ..
            } = next;
            let index = owners.iter().position(|owner| *owner == node.owner);
            let bit = index.unwrap_or(owners.len());
            if index.is_none() {
                owners.push(node.owner);
            }
            for (side, (child, share)) in node.sides().into_iter().enumerate() {
                let mut shares = shares.clone();
                match index.and_then(|index| shares.get_mut(index)) {
                    Some(known) => *known *= share,
                    None => shares.push(share),
                }
                pending.push(Pending {
                    child,
                    from: Some((trunk.len(), side)),
                    owners: owners.clone(),
                    shares,
                });
            }
            ends.push([None; 2]);
            trunk.push(Fork {
                slot: node.slot,
                key: node.key,
                bit: u8::try_from(bit).ok()?,
                children: [0; 2],
            });
        }
        for (fork, side, twig) in twig_ends {
            *ends.get_mut(fork)?.get_mut(side)? = Some(trunk.len() + twig);
        }
        for (fork, ends) in trunk.iter_mut().zip(ends) {
            for (child, end) in fork.children.iter_mut().zip(ends) {
                *child = u16::try_from(end?).ok()?;
            }
        }
        Some(Self { trunk, twigs })
    }

    fn bytes(&self) -> usize {
        let numbers = self.twigs.iter().map(|cut| cut.lines() * cut.owners.len());
        numbers.sum::<usize>() * size_of::<f32>()
    }

    fn fill(self, tree: &CoveredTree, weights: &[f32]) -> Option<LeafTables> {
        let rule = Rule::<POINTS>::new();
        let mut tables = LeafTables {
            trunk: self.trunk,
            twigs: Vec::with_capacity(self.twigs.len()),
            owners: Vec::new(),
            lines: Vec::new(),
        };
        for cut in &self.twigs {
            let nodes = cut.nodes.iter().map(|node| tree.nodes.get(*node));
            let mut twig = Twig {
                slots: [0; TWIG_NODES_MAX],
                keys: [u32::MAX; TWIG_NODES_MAX],
                bits: u8::try_from(cut.shares.len()).ok()?,
                width: u8::try_from(cut.owners.len()).ok()?,
                first_owner: u32::try_from(tables.owners.len()).ok()?,
                first_number: u32::try_from(tables.lines.len()).ok()?,
            };
            for ((slot, key), node) in twig.slots.iter_mut().zip(&mut twig.keys).zip(nodes) {
                let node = node?;
                (*slot, *key) = (node.slot, node.key);
            }
            for line in 0..cut.lines() {
                let numbers = given(&rule, tree, weights, cut, line);
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the model's own sums are floats of 32 bits"
                )]
                tables.lines.extend(numbers.iter().map(|number| *number as f32));
            }
            tables.owners.extend(&cut.owners);
            tables.twigs.push(twig);
        }
        Some(tables)
    }
}

/// Nodes at and below each node.
fn sizes(tree: &CoveredTree) -> Vec<usize> {
    let mut sizes = vec![1; tree.nodes.len()];
    for (number, node) in tree.nodes.iter().enumerate().rev() {
        let below = node.sides().map(|(child, _)| match child {
            Child::Node(child) => sizes.get(child).copied().unwrap_or(0),
            Child::Leaf(_) => 0,
        });
        if let Some(size) = sizes.get_mut(number) {
            *size += below.iter().sum::<usize>();
        }
    }
    sizes
}

fn cut(tree: &CoveredTree, from: Pending) -> Cut {
    let mut cut = Cut {
        root: from.child,
        nodes: Vec::new(),
        owners: from.owners,
        shares: from.shares,
    };
    let mut pending = vec![from.child];
    while let Some(child) = pending.pop() {
        if let Child::Node(number) = child
            && let Some(node) = tree.nodes.get(number)
        {
            cut.nodes.push(number);
            if !cut.owners.contains(&node.owner) {
                cut.owners.push(node.owner);
            }
            pending.extend([node.right, node.left]);
        }
    }
    cut
}

/// What the leaves of a twig give each of its owners, in the case of one line.
fn given(rule: &Rule<POINTS>, tree: &CoveredTree, weights: &[f32], cut: &Cut, line: usize) -> Vec<f64> {
    let mut given = vec![0.0; cut.owners.len()];
    let way = cut
        .shares
        .iter()
        .enumerate()
        .map(|(bit, share)| (line >> bit & 1 == 0, *share));
    let mut way: Vec<(bool, f64)> = way.collect();
    way.resize(cut.owners.len(), (true, 1.0));
    let goes_right = |number: usize| {
        let index = cut
            .nodes
            .iter()
            .position(|node| *node == number)
            .unwrap_or_default();
        line >> (cut.shares.len() + index) & 1 == 1
    };
    let mut pending = vec![(cut.root, way)];
    while let Some((child, way)) = pending.pop() {
        let node: Option<(usize, &CoveredNode)> = match child {
            Child::Leaf(leaf) => {
                let weight = weights.get(leaf).copied().map_or(0.0, f64::from);
                rule.add_leaf(&way, weight, &mut given);
                None
            }
            Child::Node(number) => tree.nodes.get(number).map(|node| (number, node)),
        };
        let Some((number, node)) = node else { continue };
        let rights = [false, true];
        for (is_right, (child, share)) in rights.into_iter().zip(node.sides()) {
            let mut way = way.clone();
            let index = cut.owners.iter().position(|owner| *owner == node.owner);
            if let Some((is_met, known)) = index.and_then(|index| way.get_mut(index)) {
                *is_met &= goes_right(number) == is_right;
                *known *= share;
            }
            pending.push((child, way));
        }
    }
    given
}
