//! Eight trees side by side: laid out in the form that suits them, and as tests of ranks.

use super::{
    SIDE_BY_SIDE, Tree,
    heap::Heap,
    ranks::{Lanes, Masks, SetTest, Tests},
    walk::Walk,
};

/// Eight trees, in the form that suits the largest of them.
#[derive(Debug)]
pub(super) struct TreeGroup {
    pub(super) form: Form,
    pub(super) ranked: Option<RankTests>,
}

#[derive(Debug)]
pub(super) enum Form {
    Heap(Box<Heap>),
    Walk(Box<Walk>),
}

impl Form {
    /// Where a row ends in each of the trees.
    ///
    /// # Safety
    /// `keys` must have all slots of the forest.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    pub(super) unsafe fn indices(&self, keys: *const u32) -> [usize; SIDE_BY_SIDE] {
        // SAFETY: the caller's.
        unsafe {
            match self {
                Self::Heap(heap) => heap.indices(keys),
                Self::Walk(walk) => walk.indices(keys),
            }
        }
    }

    /// With one target: the weights of the leaves with these indices.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    pub(super) fn weights(&self, indices: [usize; SIDE_BY_SIDE]) -> [f32; SIDE_BY_SIDE] {
        match self {
            Self::Heap(heap) => heap.weights(indices),
            Self::Walk(walk) => walk.weights(indices),
        }
    }

    /// The leaves with these indices.
    pub(super) fn leaves(&self, indices: [usize; SIDE_BY_SIDE]) -> [u32; SIDE_BY_SIDE] {
        match self {
            Self::Heap(heap) => heap.leaves(indices),
            Self::Walk(walk) => walk.leaves(indices),
        }
    }
}

/// The same trees as tests of ranks.
#[derive(Debug)]
pub(super) struct RankTests {
    pub(super) tests: Box<Tests>,
    /// Of trees that are not laid out as complete ones.
    pub(super) masks: Option<Box<Masks>>,
    /// Columns that are tested for sets.
    pub(super) columns: Vec<usize>,
}

impl TreeGroup {
    /// Also the nodes of ranked trees that test sets.
    pub(super) fn new(
        trees: &[(&Tree, u32); SIDE_BY_SIDE],
        targets: usize,
        weights: &[f32],
        lanes: Option<&Lanes<'_>>,
    ) -> Option<(Self, Vec<SetTest>)> {
        let (form, ranked) = if let Some(heap) = Heap::new(trees, targets, weights) {
            let ranked = lanes.and_then(|lanes| {
                let (tests, sets) = Tests::complete(trees, lanes)?;
                Some((tests, None, sets))
            });
            (Form::Heap(Box::new(heap)), ranked)
        } else {
            let walk = Walk::new(trees, targets, weights)?;
            let ranked = lanes.and_then(|lanes| {
                let weights = if targets == 1 { weights } else { &[] };
                let (tests, masks, sets) = Tests::any(trees, lanes, |_| true, weights)?;
                Some((tests, Some(masks), sets))
            });
            (Form::Walk(Box::new(walk)), ranked)
        };
        let Some((tests, masks, sets)) = ranked else {
            return Some((Self { form, ranked: None }, Vec::new()));
        };
        let mut columns: Vec<usize> = sets.iter().map(|test| test.column).collect();
        columns.sort_unstable();
        columns.dedup();
        let ranked = Some(RankTests {
            tests,
            masks,
            columns,
        });
        Some((Self { form, ranked }, sets))
    }
}
