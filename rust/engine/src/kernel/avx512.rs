//! The loops for machines with AVX-512 (F and BW): a line at a time.

use std::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_cmple_epi64_mask, _mm512_load_si512, _mm512_loadu_si512,
    _mm512_set1_epi8, _mm512_set1_epi64, _mm512_store_si512, _mm512_test_epi8_mask,
};

use super::{Keys, Line, Marks, portable};

/// Lines that are kept in registers, of which there are 32: the number of lines of a tile, so that each row
/// is read in one run.
const STRIP: usize = 20;

#[target_feature(enable = "avx512f,avx512bw,popcnt")]
pub(super) fn count_up_to(keys: &Keys, wanted: &[i64], counts: &mut [u32]) {
    keys.count_up_to(wanted, counts, |line, key| {
        // SAFETY: a line is 64 bytes, aligned to as many.
        let line = unsafe { _mm512_load_si512(std::ptr::from_ref(line).cast()) };
        u32::from(_mm512_cmple_epi64_mask(line, _mm512_set1_epi64(key))).count_ones()
    });
}

#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn and_rows(into: &mut [Line], pool: &[Line], starts: &[u32]) {
    let lines = into.len();
    let starts_max = pool.len().saturating_sub(lines);
    if pool.len() < lines || starts.iter().any(|start| *start as usize > starts_max) {
        // Never: what the other kernels do then.
        return portable::and_rows(into, pool, starts);
    }
    let (into, pool) = (
        into.as_mut_ptr().cast::<__m512i>(),
        pool.as_ptr().cast::<__m512i>(),
    );
    let mut first = 0;
    while first + STRIP <= lines {
        // SAFETY: `first + STRIP` lines are inside `into`, and with it inside each row, whose end was looked at above.
        unsafe { strip::<STRIP>(into.add(first), pool.add(first), starts) };
        first += STRIP;
    }
    while first + 4 <= lines {
        // SAFETY: as above.
        unsafe { strip::<4>(into.add(first), pool.add(first), starts) };
        first += 4;
    }
    while first < lines {
        // SAFETY: as above.
        unsafe { strip::<1>(into.add(first), pool.add(first), starts) };
        first += 1;
    }
}

/// ANDs the same stretch of each row, in registers.
///
/// # Safety
/// `into`, and `pool` from each of `starts` on, must have WIDTH lines.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn strip<const WIDTH: usize>(into: *mut __m512i, pool: *const __m512i, starts: &[u32]) {
    // SAFETY: the caller's; lines are aligned to 64 bytes.
    let mut kept: [__m512i; WIDTH] = std::array::from_fn(|line| unsafe { _mm512_load_si512(into.add(line)) });
    for start in starts {
        // SAFETY: the caller's.
        let row = unsafe { pool.add(*start as usize) };
        for (line, kept) in kept.iter_mut().enumerate() {
            // SAFETY: the caller's.
            *kept = _mm512_and_si512(*kept, unsafe { _mm512_load_si512(row.add(line)) });
        }
    }
    for (line, value) in kept.into_iter().enumerate() {
        // SAFETY: the caller's.
        unsafe { _mm512_store_si512(into.add(line), value) };
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn and_marks(marks: &mut Marks, not_false: &mut [Line], truth: &mut [Line]) {
    marks.and_into(not_false, truth, |marks| {
        // SAFETY: 64 bytes, of no alignment.
        let marks = unsafe { _mm512_loadu_si512(marks.as_ptr().cast()) };
        let gather = |bit| _mm512_test_epi8_mask(marks, _mm512_set1_epi8(bit));
        (gather(0b01), gather(0b10))
    });
}
