//! The loops for machines with AVX2: half a line at a time.

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_castsi256_pd, _mm256_cmpgt_epi64, _mm256_load_si256,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_movemask_pd, _mm256_set1_epi64x, _mm256_slli_epi16,
    _mm256_store_si256,
};

use super::{Keys, Line, Marks, portable};

/// Halves of a line that are kept in registers: 12 of the 16 that there are.
const STRIP: usize = 12;

#[target_feature(enable = "avx2,popcnt")]
pub(super) fn count_up_to(keys: &Keys, wanted: &[i64], counts: &mut [u32]) {
    keys.count_up_to(wanted, counts, |line, key| {
        let key = _mm256_set1_epi64x(key);
        let halves = std::ptr::from_ref(line).cast::<__m256i>();
        // SAFETY: a line has two halves, aligned to 64 bytes.
        let (low, high) = unsafe { (_mm256_load_si256(halves), _mm256_load_si256(halves.add(1))) };
        let above =
            |half| _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(half, key))).cast_unsigned();
        8 - (above(low) | above(high) << 4).count_ones()
    });
}

#[target_feature(enable = "avx2")]
pub(super) fn and_rows(into: &mut [Line], pool: &[Line], starts: &[u32]) {
    let lines = into.len();
    let starts_max = pool.len().saturating_sub(lines);
    if pool.len() < lines || starts.iter().any(|start| *start as usize > starts_max) {
        // Never: what the other kernels do then.
        return portable::and_rows(into, pool, starts);
    }
    let halves = 2 * lines;
    let (into, pool) = (
        into.as_mut_ptr().cast::<__m256i>(),
        pool.as_ptr().cast::<__m256i>(),
    );
    let mut first = 0;
    while first + STRIP <= halves {
        // SAFETY: `first + STRIP` halves are inside `into`, and with it inside each row, whose end was looked at above.
        unsafe { strip::<STRIP>(into.add(first), pool.add(first), starts) };
        first += STRIP;
    }
    while first < halves {
        // SAFETY: as above; lines are whole, so that the number of halves is even.
        unsafe { strip::<2>(into.add(first), pool.add(first), starts) };
        first += 2;
    }
}

/// ANDs the same stretch of each row, in registers.
///
/// # Safety
/// `into`, and `pool` from twice each of `starts` on, must have WIDTH halves of lines, aligned to 32 bytes as lines are.
#[target_feature(enable = "avx2")]
unsafe fn strip<const WIDTH: usize>(into: *mut __m256i, pool: *const __m256i, starts: &[u32]) {
    // SAFETY: the caller's.
    let mut kept: [__m256i; WIDTH] = std::array::from_fn(|half| unsafe { _mm256_load_si256(into.add(half)) });
    for start in starts {
        // SAFETY: the caller's.
        let row = unsafe { pool.add(2 * *start as usize) };
        for (half, kept) in kept.iter_mut().enumerate() {
            // SAFETY: the caller's.
            *kept = _mm256_and_si256(*kept, unsafe { _mm256_load_si256(row.add(half)) });
        }
    }
    for (half, value) in kept.into_iter().enumerate() {
        // SAFETY: the caller's.
        unsafe { _mm256_store_si256(into.add(half), value) };
    }
}

#[target_feature(enable = "avx2,popcnt")]
pub(super) fn pass(words: &mut [u64], truth: &[Line], not_false: &[Line]) -> u32 {
    portable::pass(words, truth, not_false)
}

#[target_feature(enable = "avx2")]
pub(super) fn and_marks(marks: &mut Marks, not_false: &mut [Line], truth: &mut [Line]) {
    marks.and_into(not_false, truth, |marks| {
        let (mut low, mut high) = (0, 0);
        for half in marks.as_chunks::<32>().0.iter().rev() {
            // SAFETY: 32 bytes, of no alignment.
            let half = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
            // The highest bit of each byte is what is gathered.
            let gather = |bytes| u64::from(_mm256_movemask_epi8(bytes).cast_unsigned());
            low = low << 32 | gather(_mm256_slli_epi16::<7>(half));
            high = high << 32 | gather(_mm256_slli_epi16::<6>(half));
        }
        (low, high)
    });
}
