//! A tree as it is written.

/// Nodes in an order in which children come after their parents, leaves from left to right.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    /// Leaves: one more than nodes.
    pub(crate) leaves: usize,
}

/// Goes left when the slot is at most the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) slot: u16,
    /// Not NaN. Everything but what is missing is at most infinity.
    pub(crate) threshold: f32,
    pub(crate) left: Child,
    pub(crate) right: Child,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Child {
    Node(usize),
    Leaf(usize),
}

/// Nodes and leaves of one tree.
pub(crate) const TREE_ENTRIES_MAX: usize = 65_535;

/// One leaf.
impl Default for Tree {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            leaves: 1,
        }
    }
}

impl Tree {
    pub(crate) fn root(&self) -> Child {
        if self.nodes.is_empty() {
            Child::Leaf(0)
        } else {
            Child::Node(0)
        }
    }

    /// Whether every node is met once on the way from the root, and leaves are met from left to right.
    pub(super) fn is_sound(&self, slots: usize) -> bool {
        if self.leaves != self.nodes.len() + 1 || self.leaves + self.nodes.len() > TREE_ENTRIES_MAX {
            return false;
        }
        // Children after parents: there is no way round in circles, and this ends.
        let mut pending = vec![(self.root(), 0)];
        let (mut met_nodes, mut met_leaves) = (0, 0);
        while let Some((child, at_least)) = pending.pop() {
            match child {
                Child::Leaf(leaf) => {
                    if leaf != met_leaves {
                        return false;
                    }
                    met_leaves += 1;
                }
                Child::Node(number) => {
                    let Some(node) = self.nodes.get(number).filter(|_| number >= at_least) else {
                        return false;
                    };
                    if usize::from(node.slot) >= slots || node.threshold.is_nan() {
                        return false;
                    }
                    met_nodes += 1;
                    pending.push((node.right, number + 1));
                    pending.push((node.left, number + 1));
                }
            }
            if met_nodes > self.nodes.len() || met_leaves > self.leaves {
                return false;
            }
        }
        // As many as there are, each leaf once: so each node once as well.
        met_nodes == self.nodes.len() && met_leaves == self.leaves
    }

    /// Nodes on the longest way from the root to a leaf.
    pub(super) fn depth(&self) -> usize {
        let mut depths = vec![1_usize; self.nodes.len()];
        let mut deepest = 0;
        for (number, node) in self.nodes.iter().enumerate() {
            let depth = depths.get(number).copied().unwrap_or(1);
            deepest = deepest.max(depth);
            for child in [node.left, node.right] {
                if let Child::Node(child) = child
                    && let Some(below) = depths.get_mut(child)
                {
                    *below = depth + 1;
                }
            }
        }
        deepest
    }
}
