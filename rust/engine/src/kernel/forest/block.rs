//! Rows that are added up side by side: what is left of each tree for them, and their sums.

/// Rows of a block.
pub(super) const BLOCK: usize = 16;
/// Of a tree that has masks.
pub(super) const LEAVES_MAX: usize = 64;

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct LeafMasks(pub(super) [u64; BLOCK]);

#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Weights(pub(super) [f32; LEAVES_MAX]);

#[repr(align(64))]
pub(super) struct Totals(pub(super) [f32; BLOCK]);
