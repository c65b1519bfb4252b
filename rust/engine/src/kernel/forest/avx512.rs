//! The loops over ranks, for machines with AVX-512 and its instructions for bytes.

use std::arch::x86_64::{
    __m512, __m512i, _mm512_add_epi32, _mm512_add_epi64, _mm512_add_ps, _mm512_and_si512,
    _mm512_castsi256_si512, _mm512_cmpgt_epu8_mask, _mm512_cmplt_epu32_mask, _mm512_cvtepi64_epi32,
    _mm512_inserti64x4, _mm512_load_epi64, _mm512_load_ps, _mm512_load_si512, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_lzcnt_epi64, _mm512_mask_and_epi64, _mm512_mask_blend_ps,
    _mm512_permutex2var_epi8, _mm512_permutex2var_epi32, _mm512_permutex2var_ps, _mm512_permutexvar_epi8,
    _mm512_reduce_and_epi64, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setr_epi32, _mm512_srlv_epi32,
    _mm512_srlv_epi64, _mm512_store_ps, _mm512_storeu_si512, _mm512_sub_epi32, _mm512_sub_epi64,
    _mm512_ternarylogic_epi32, _mm512_test_epi32_mask, _mm512_test_epi64_mask,
};

use super::{
    KeySlots, LEFTMOST, SIDE_BY_SIDE,
    block::{LeafMasks, Totals, Weights},
    ranks::{LANES_MAX, Lane, Masks, Tests, Words},
};

/// The ranks of a row: of one side, then of the other.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Ranks([u8; 2 * LANES_MAX]);

impl Ranks {
    pub(super) const NONE: Self = Self([0; 2 * LANES_MAX]);
}

/// The ranks of some rows' keys; returns whether the sides of any of them differ, because something is missing.
///
/// # Safety
/// `keys` must have all slots of each row.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
pub(super) unsafe fn rank(lanes: &[Lane], slots: KeySlots, keys: *const u32, ranks: &mut [Ranks]) -> bool {
    // Lane by lane, so that one lane's cuts stay in the nearest cache for all rows.
    for (number, lane) in lanes.iter().enumerate().take(LANES_MAX) {
        // SAFETY: 16 numbers, aligned to as many bytes.
        let pivots = unsafe { _mm512_load_si512(lane.pivots.as_ptr().cast()) };
        for (row, ranks) in ranks.iter_mut().enumerate() {
            // SAFETY: the caller's; a lane's axis is one of the slots.
            let key = unsafe { *keys.add(row * slots.count() + lane.axis) };
            let wanted = _mm512_set1_epi32(key.cast_signed());
            let block = _mm512_cmplt_epu32_mask(pivots, wanted).count_ones();
            // SAFETY: of 16 pivots the last is the largest key there is, which none is above: at most 15 blocks are full.
            let cuts = unsafe { _mm512_load_si512(lane.blocks.as_ptr().add(block as usize).cast()) };
            let rank = 16 * block + _mm512_cmplt_epu32_mask(cuts, wanted).count_ones();
            #[expect(clippy::cast_possible_truncation, reason = "a lane has at most 255 cuts")]
            let rank = rank as u8;
            // SAFETY: there are at least as many ranks as lanes.
            unsafe { *ranks.0.get_unchecked_mut(number) = rank };
        }
    }
    let mut is_missing = false;
    for (row, ranks) in ranks.iter_mut().enumerate() {
        // SAFETY: the caller's.
        let keys = unsafe { std::slice::from_raw_parts(keys.add(row * slots.count()), slots.axes) };
        if slots.is_paired && keys.contains(&LEFTMOST) {
            is_missing = true;
            let (near, far) = ranks.0.split_at_mut(LANES_MAX);
            for ((lane, near), far) in lanes.iter().zip(near).zip(far) {
                let is_missing = keys.get(lane.axis) == Some(&LEFTMOST);
                *far = if is_missing { u8::MAX } else { *near };
            }
        } else {
            ranks.0.copy_within(..LANES_MAX, LANES_MAX);
        }
    }
    is_missing
}

/// Tests all nodes of eight trees. Where nothing is missing both sides are alike, and one is looked at. `sets` is what
/// the nodes say that test sets.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn test(tests: &Tests, ranks: &Ranks, is_missing: bool, sets: &Words, words: &mut Words) {
    if is_missing {
        test_sides::<true>(tests, ranks, sets, &mut words.0);
    } else {
        test_sides::<false>(tests, ranks, sets, &mut words.0);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn test_sides<'w, const BOTH: bool>(
    tests: &Tests,
    ranks: &Ranks,
    sets: &Words,
    words: impl IntoIterator<Item = &'w mut u64>,
) {
    let ranks = std::ptr::from_ref(ranks).cast::<__m512i>();
    // SAFETY: twice 64 bytes, aligned to as many.
    let (near, far) = unsafe { (_mm512_load_si512(ranks), _mm512_load_si512(ranks.add(1))) };
    let tests = tests.lanes.iter().zip(&tests.cuts).zip(sets.0);
    for (((lanes, cuts), set), word) in tests.zip(words) {
        // SAFETY: 64 bytes each, aligned to as many.
        let (lanes, cuts) = unsafe {
            (
                _mm512_load_si512(lanes.as_ptr().cast()),
                _mm512_load_si512(cuts.as_ptr().cast()),
            )
        };
        let ranks = if BOTH {
            _mm512_permutex2var_epi8(near, lanes, far)
        } else {
            // Looks at six bits of a lane: those that both sides have.
            _mm512_permutexvar_epi8(lanes, near)
        };
        *word = _mm512_cmpgt_epu8_mask(ranks, cuts) | set;
    }
}

/// Where a row ends in each of eight complete trees: counted from the leftmost place of that depth, at most 6.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn descend(words: &Words, depth: usize) -> [usize; SIDE_BY_SIDE] {
    let one = _mm512_set1_epi64(1);
    // SAFETY: 64 bytes, aligned to as many.
    let words = unsafe { _mm512_load_si512(words.0.as_ptr().cast()) };
    let mut at = one;
    for _ in 0..depth {
        let right = _mm512_and_si512(_mm512_srlv_epi64(words, at), one);
        at = _mm512_add_epi64(_mm512_add_epi64(at, at), right);
    }
    at = _mm512_sub_epi64(at, _mm512_set1_epi64(1 << depth));
    let mut indices = [0; SIDE_BY_SIDE];
    // SAFETY: 64 bytes.
    unsafe { _mm512_storeu_si512(indices.as_mut_ptr().cast(), at) };
    indices
}

/// The leaves of eight trees that no mask has ruled out.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn left_over(words: &Words, masks: &Masks) -> [u64; SIDE_BY_SIDE] {
    let mut leaves = [0; SIDE_BY_SIDE];
    for (((leaves, word), masks), lines) in leaves.iter_mut().zip(words.0).zip(&masks.nodes).zip(masks.lines)
    {
        let mut left = _mm512_set1_epi64(-1);
        let (groups, _) = masks.as_chunks::<8>();
        for (line, masks) in groups.iter().enumerate().take(lines) {
            #[expect(clippy::cast_possible_truncation, reason = "eight nodes of the word")]
            let nodes = (word >> (8 * line)) as u8;
            // SAFETY: 64 bytes.
            let masks = unsafe { _mm512_loadu_si512(masks.as_ptr().cast()) };
            left = _mm512_mask_and_epi64(left, nodes, left, masks);
        }
        *leaves = _mm512_reduce_and_epi64(left).cast_unsigned();
    }
    leaves
}

/// Adds the weights of eight trees to the sums of sixteen rows. Rows lie side by side in the registers, and a tree's tests
/// are loaded once for all of them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512vbmi")]
pub(super) fn add_to_rows(
    tests: &Tests,
    ends: Ends<'_>,
    (ranks, is_missing): (&[Ranks; ROWS], bool),
    sets: &[Words; ROWS],
    words: &mut [RowWords; SIDE_BY_SIDE],
    sums: &mut Totals,
) {
    for (row, (ranks, sets)) in ranks.iter().zip(sets).enumerate() {
        let words = words.iter_mut().filter_map(|words| words.0.get_mut(row));
        if is_missing {
            test_sides::<true>(tests, ranks, sets, words);
        } else {
            test_sides::<false>(tests, ranks, sets, words);
        }
    }
    // SAFETY: totals are a whole register, aligned to as much.
    let mut totals = unsafe { _mm512_load_ps(sums.0.as_ptr()) };
    match ends {
        Ends::Complete { depth, weights } => {
            for (words, weights) in words.iter().zip(weights) {
                totals = _mm512_add_ps(totals, pick(descend_rows(words, depth), weights));
            }
        }
        Ends::Masks(masks) => {
            for (tree, words) in words.iter().enumerate() {
                let (Some(nodes), Some(weights), Some(lines)) = (
                    masks.nodes.get(tree),
                    masks.weights.get(tree),
                    masks.lines.get(tree),
                ) else {
                    return;
                };
                totals = _mm512_add_ps(totals, pick(left_over_rows(words, nodes, 8 * lines), weights));
            }
        }
    }
    // SAFETY: as above.
    unsafe { _mm512_store_ps(sums.0.as_mut_ptr(), totals) };
}

/// For each of sixteen rows, a bit for each node of a tree: set where the row goes right.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct RowWords([u64; ROWS]);

impl RowWords {
    pub(super) const NONE: Self = Self([0; ROWS]);

    /// Those of the first eight rows, and of the others.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn halves(&self) -> (__m512i, __m512i) {
        let words = std::ptr::from_ref(self).cast::<__m512i>();
        // SAFETY: twice 64 bytes, aligned to as many.
        unsafe { (_mm512_load_si512(words), _mm512_load_si512(words.add(1))) }
    }
}

/// How the leaves of eight trees are found, and what they weigh.
#[derive(Clone, Copy)]
pub(super) enum Ends<'a> {
    Complete {
        depth: usize,
        weights: &'a [[f32; 64]; SIDE_BY_SIDE],
    },
    Masks(&'a Masks),
}

/// Rows that are summed side by side.
pub(super) const ROWS: usize = 16;

/// Numbers of 32 bits out of a table of 64, by the low six bits of each place.
#[inline]
#[target_feature(enable = "avx512f")]
fn pick(indices: __m512i, table: &[f32; 64]) -> __m512 {
    let table = table.as_ptr();
    // SAFETY: 64 numbers.
    let tables = unsafe {
        [
            _mm512_loadu_ps(table),
            _mm512_loadu_ps(table.add(16)),
            _mm512_loadu_ps(table.add(32)),
            _mm512_loadu_ps(table.add(48)),
        ]
    };
    let first = _mm512_permutex2var_ps(tables[0], indices, tables[1]);
    let second = _mm512_permutex2var_ps(tables[2], indices, tables[3]);
    let is_second = _mm512_test_epi32_mask(indices, _mm512_set1_epi32(32));
    _mm512_mask_blend_ps(is_second, first, second)
}

/// `descend` for one tree and sixteen rows.
#[inline]
#[target_feature(enable = "avx512f")]
fn descend_rows(words: &RowWords, depth: usize) -> __m512i {
    let (low, high) = words.halves();
    let evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let one = _mm512_set1_epi32(1);
    // Nodes 1 to 31, and 32 to 63, which are those of the sixth level.
    let upper = _mm512_permutex2var_epi32(low, evens, high);
    let lower = _mm512_permutex2var_epi32(low, _mm512_add_epi32(evens, one), high);
    let mut at = one;
    for _ in 0..depth.min(5) {
        at = down(at, _mm512_srlv_epi32(upper, at));
    }
    if depth > 5 {
        let index = _mm512_sub_epi32(at, _mm512_set1_epi32(32));
        at = down(at, _mm512_srlv_epi32(lower, index));
    }
    _mm512_sub_epi32(at, _mm512_set1_epi32(1 << depth))
}

/// From places to those below them: to the right where the last bit of `right` is set.
#[inline]
#[target_feature(enable = "avx512f")]
fn down(at: __m512i, right: __m512i) -> __m512i {
    /// The first, or else the second and the third.
    const OR_AND: i32 = 0xf8;
    _mm512_ternarylogic_epi32::<OR_AND>(_mm512_add_epi32(at, at), right, _mm512_set1_epi32(1))
}

/// The first remaining leaf, for one tree of at most this number of nodes and sixteen rows.
#[inline]
#[target_feature(enable = "avx512f,avx512cd")]
fn left_over_rows(words: &RowWords, masks: &[u64; 64], nodes: usize) -> __m512i {
    let (low, high) = words.halves();
    let mut left = [_mm512_set1_epi64(-1); 2];
    for (node, mask) in masks.iter().enumerate().take(nodes) {
        let bit = _mm512_set1_epi64(1 << node);
        let mask = _mm512_set1_epi64(mask.cast_signed());
        left[0] = _mm512_mask_and_epi64(left[0], _mm512_test_epi64_mask(low, bit), left[0], mask);
        left[1] = _mm512_mask_and_epi64(left[1], _mm512_test_epi64_mask(high, bit), left[1], mask);
    }
    let [low, high] = left.map(|left| _mm512_cvtepi64_epi32(_mm512_lzcnt_epi64(left)));
    _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1)
}

/// What the tested nodes of all trees leave, eight trees at a time.
///
/// # Safety
/// `keys` must have all slots.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,popcnt")]
pub(super) unsafe fn share(
    lanes: &[Lane],
    slots: KeySlots,
    groups: &[(Box<Tests>, Box<Masks>)],
    keys: *const u32,
    left: &mut [u64],
) {
    let mut ranks = [Ranks::NONE];
    // SAFETY: the caller's.
    let is_missing = unsafe { rank(lanes, slots, keys, &mut ranks) };
    let [ranks] = ranks;
    let (left, _) = left.as_chunks_mut::<SIDE_BY_SIDE>();
    // All words before any mask, since what was just stored by parts cannot be loaded as a whole at once.
    let mut words = [Words::NONE; 16];
    for (groups, left) in groups.chunks(words.len()).zip(left.chunks_mut(words.len())) {
        for ((tests, _), words) in groups.iter().zip(&mut words) {
            test(tests, &ranks, is_missing, &Words::NONE, words);
        }
        for (((_, masks), words), left) in groups.iter().zip(&words).zip(left) {
            *left = left_over(words, masks);
        }
    }
}

/// Adds the weights of the leftmost leaves that are left, sixteen rows at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512cd")]
pub(super) fn add(masks: &[u64], own: &[LeafMasks], weights: &[Weights], totals: &mut Totals) {
    // SAFETY (of all loads and stores): lines, tables and totals are whole registers, aligned to as much.
    let mut sums = unsafe { _mm512_load_ps(totals.0.as_ptr()) };
    for ((mask, own), weights) in masks.iter().zip(own).zip(weights) {
        let mask = _mm512_set1_epi64(mask.cast_signed());
        let own = own.0.as_ptr().cast::<i64>();
        // SAFETY: as above.
        let (low, high) = unsafe {
            (
                _mm512_and_si512(mask, _mm512_load_epi64(own)),
                _mm512_and_si512(mask, _mm512_load_epi64(own.add(8))),
            )
        };
        let low = _mm512_cvtepi64_epi32(_mm512_lzcnt_epi64(low));
        let high = _mm512_cvtepi64_epi32(_mm512_lzcnt_epi64(high));
        let leaves = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
        sums = _mm512_add_ps(sums, pick(leaves, &weights.0));
    }
    // SAFETY: as above.
    unsafe { _mm512_store_ps(totals.0.as_mut_ptr(), sums) };
}
