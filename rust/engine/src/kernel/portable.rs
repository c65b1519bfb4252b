//! The loops in plain Rust: for every machine, and what the others are compared with.

use super::{Line, keys::KeyLine};

pub(super) fn count_in_line(keys: &KeyLine, key: i64) -> u32 {
    keys.0.iter().map(|other| u32::from(*other <= key)).sum()
}

pub(super) fn and_rows(into: &mut [Line], pool: &[Line], starts: &[u32]) {
    for start in starts {
        let row = pool
            .get(*start as usize..)
            .and_then(|rest| rest.get(..into.len()));
        for (line, of_row) in into.iter_mut().zip(row.unwrap_or_default()) {
            for (word, of_row) in line.0.iter_mut().zip(&of_row.0) {
                *word &= of_row;
            }
        }
    }
}

/// Inlined where counting bits is an instruction.
#[inline]
pub(super) fn pass(words: &mut [u64], truth: &[Line], not_false: &[Line]) -> u32 {
    let mut unknown = 0;
    for ((words, truth), not_false) in words.chunks_mut(8).zip(truth).zip(not_false) {
        for ((word, truth), not_false) in words.iter_mut().zip(truth.0).zip(not_false.0) {
            unknown += (*word & not_false & !truth).count_ones();
            *word &= truth;
        }
    }
    unknown
}

pub(super) fn gather_marks(marks: &[u8; 64]) -> (u64, u64) {
    let (mut low, mut high) = (0, 0);
    for eight in marks.as_chunks::<8>().0.iter().rev() {
        let eight = u64::from_le_bytes(*eight);
        low = low << 8 | gather(eight);
        high = high << 8 | gather(eight >> 1);
    }
    (low, high)
}

/// The lowest bit of each of eight bytes. The product moves bit 8i to bit 56 + i; no two sums of one bit of each factor
/// are the same, so that nothing is carried.
fn gather(bytes: u64) -> u64 {
    (bytes & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
}
