//! The loops over ranks, for machines with AVX-512 and its instructions for bytes.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_add_ps, _mm512_and_si512, _mm512_castsi256_si512,
    _mm512_cmpgt_epu8_mask, _mm512_cmplt_epu32_mask, _mm512_cvtepi64_epi32, _mm512_inserti64x4,
    _mm512_load_epi64, _mm512_load_ps, _mm512_load_si512, _mm512_loadu_si512, _mm512_lzcnt_epi64,
    _mm512_mask_and_epi64, _mm512_mask_blend_ps, _mm512_permutex2var_epi8, _mm512_permutex2var_ps,
    _mm512_reduce_and_epi64, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_srlv_epi64, _mm512_store_ps,
    _mm512_storeu_si512, _mm512_sub_epi64, _mm512_test_epi32_mask,
};

use super::{
    LEFTMOST, SIDE_BY_SIDE, Slots,
    factored::{Line, Totals, Weights},
    ranks::{LANES_MAX, Lane, Masks, Tests},
};

/// The ranks of a row: of one side, then of the other.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Ranks([u8; 2 * LANES_MAX]);

/// For each of eight trees, a bit for each node: set where the row goes right.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Words([u64; SIDE_BY_SIDE]);

impl Ranks {
    pub(super) const NONE: Self = Self([0; 2 * LANES_MAX]);
}

impl Words {
    pub(super) const NONE: Self = Self([0; SIDE_BY_SIDE]);
}

/// The ranks of a row's keys.
///
/// # Safety
/// `keys` must have all slots.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
pub(super) unsafe fn rank(lanes: &[Lane], slots: Slots, keys: *const u32, ranks: &mut Ranks) {
    let (near, far) = ranks.0.split_at_mut(LANES_MAX);
    for ((lane, near), far) in lanes.iter().zip(near).zip(far) {
        // SAFETY: a lane's axis is one of the slots.
        let key = unsafe { *keys.add(lane.axis) };
        let wanted = _mm512_set1_epi32(key.cast_signed());
        // SAFETY: 16 numbers, aligned to as many bytes.
        let pivots = unsafe { _mm512_load_si512(lane.pivots.as_ptr().cast()) };
        let block = _mm512_cmplt_epu32_mask(pivots, wanted).count_ones();
        // SAFETY: of 16 pivots the last is the largest key there is, which none is above: at most 15 blocks are full.
        let cuts = unsafe { _mm512_loadu_si512(lane.blocks.as_ptr().add(block as usize).cast()) };
        let rank = 16 * block + _mm512_cmplt_epu32_mask(cuts, wanted).count_ones();
        #[expect(clippy::cast_possible_truncation, reason = "a lane has at most 255 cuts")]
        let rank = rank as u8;
        *near = rank;
        *far = if slots.is_paired && key == LEFTMOST {
            u8::MAX
        } else {
            rank
        };
    }
}

/// Tests all nodes of eight trees.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn test(tests: &Tests, ranks: &Ranks, words: &mut Words) {
    let ranks = std::ptr::from_ref(ranks).cast::<__m512i>();
    // SAFETY: twice 64 bytes, aligned to as many.
    let (near, far) = unsafe { (_mm512_load_si512(ranks), _mm512_load_si512(ranks.add(1))) };
    for ((lanes, cuts), word) in tests.lanes.iter().zip(&tests.cuts).zip(&mut words.0) {
        // SAFETY: 64 bytes each, aligned to as many.
        let (lanes, cuts) = unsafe {
            (
                _mm512_load_si512(lanes.as_ptr().cast()),
                _mm512_load_si512(cuts.as_ptr().cast()),
            )
        };
        *word = _mm512_cmpgt_epu8_mask(_mm512_permutex2var_epi8(near, lanes, far), cuts);
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
    let mut places = [0; SIDE_BY_SIDE];
    // SAFETY: 64 bytes.
    unsafe { _mm512_storeu_si512(places.as_mut_ptr().cast(), at) };
    places
}

/// The leaves of eight trees that no mask has ruled out.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn left_over(words: &Words, masks: &Masks) -> [u64; SIDE_BY_SIDE] {
    let mut leaves = [0; SIDE_BY_SIDE];
    for (((leaves, word), masks), lines) in leaves.iter_mut().zip(words.0).zip(&masks.masks).zip(masks.lines)
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

/// What the tested nodes of all trees leave, eight trees at a time.
///
/// # Safety
/// `keys` must have all slots.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,popcnt")]
pub(super) unsafe fn share(
    lanes: &[Lane],
    slots: Slots,
    groups: &[(Box<Tests>, Box<Masks>)],
    keys: *const u32,
    left: &mut [u64],
) {
    let mut ranks = Ranks::NONE;
    // SAFETY: the caller's.
    unsafe { rank(lanes, slots, keys, &mut ranks) };
    let (left, _) = left.as_chunks_mut::<SIDE_BY_SIDE>();
    // All words before any mask, since what was just stored by parts cannot be loaded as a whole at once.
    let mut words = [Words::NONE; 16];
    for (groups, left) in groups.chunks(words.len()).zip(left.chunks_mut(words.len())) {
        for ((tests, _), words) in groups.iter().zip(&mut words) {
            test(tests, &ranks, words);
        }
        for (((_, masks), words), left) in groups.iter().zip(&words).zip(left) {
            *left = left_over(words, masks);
        }
    }
}

/// Adds the weights of the leftmost leaves that are left, sixteen rows at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512cd")]
pub(super) fn add(masks: &[u64], own: &[Line], weights: &[Weights], totals: &mut Totals) {
    // SAFETY (of all loads and stores): lines, tables and totals are whole registers, aligned to as much.
    let mut sums = unsafe { _mm512_load_ps(totals.0.as_ptr()) };
    let half = _mm512_set1_epi32(32);
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
        let table = weights.0.as_ptr();
        // SAFETY: as above.
        let tables = unsafe {
            [
                _mm512_load_ps(table),
                _mm512_load_ps(table.add(16)),
                _mm512_load_ps(table.add(32)),
                _mm512_load_ps(table.add(48)),
            ]
        };
        let first = _mm512_permutex2var_ps(tables[0], leaves, tables[1]);
        let second = _mm512_permutex2var_ps(tables[2], leaves, tables[3]);
        let is_second = _mm512_test_epi32_mask(leaves, half);
        sums = _mm512_add_ps(sums, _mm512_mask_blend_ps(is_second, first, second));
    }
    // SAFETY: as above.
    unsafe { _mm512_store_ps(totals.0.as_mut_ptr(), sums) };
}
