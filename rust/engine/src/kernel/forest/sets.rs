//! Sets of a column's values: which of them a value is a member of.
//!
//! A column that trees test for sets has *codes*, one for all values that the same sets hold. A row brings the code of its
//! value, and what the sets say of it is known ahead: as bits here, as masks and words of truth values where a kernel keeps
//! them for its own trees.

use super::{
    Node,
    key::{KeySlots, SIGN, key},
};

/// The sets of all columns. Columns are numbered by the position of their codes among the slots, sets by the
/// position of their keys.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    first: usize,
    count: usize,
    codes: usize,
    /// Of a code.
    words: usize,
    /// For each code, a bit for each set.
    // Invariant: `words` for each code.
    bits: Vec<u32>,
}

/// What trees test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tested<'a> {
    pub(crate) slots: KeySlots,
    pub(crate) sets: &'a Sets,
}

/// The key of a set that does not hold a value: that of 0.0.
const ABSENT: u32 = SIGN;
/// That of 1.0.
const PRESENT: u32 = SIGN | 0x3f80_0000;
const WORD: usize = u32::BITS as usize;
impl Sets {
    /// Words of a code if a column has this number of sets.
    pub(crate) fn words(sets: usize) -> usize {
        sets.div_ceil(WORD).max(1)
    }

    /// Adds a column with this number of sets. `bits` has a line of words for each code, with a bit for each
    /// set.
    pub(crate) fn push(&mut self, sets: usize, bits: Vec<u32>) {
        let words = Self::words(sets);
        self.columns.push(Column {
            first: self.count(),
            count: sets,
            codes: bits.len() / words,
            words,
            bits,
        });
    }

    pub(crate) fn count(&self) -> usize {
        self.columns.last().map_or(0, |last| last.first + last.count)
    }

    pub(crate) fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// How many sets each column has.
    pub(crate) fn counts(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(|column| column.count)
    }

    pub(super) fn codes(&self, column: usize) -> usize {
        self.columns.get(column).map_or(0, |column| column.codes)
    }

    /// Codes of all columns.
    pub(super) fn code_count(&self) -> usize {
        self.columns.iter().map(|column| column.codes).sum()
    }

    /// The column of a set.
    pub(super) fn column(&self, set: usize) -> usize {
        self.columns
            .partition_point(|column| column.first <= set)
            .saturating_sub(1)
    }

    /// For each code of a set's column, whether a row with this code goes right at a node that tests the set.
    pub(super) fn goes_right(&self, set: usize, node: &Node) -> impl Iterator<Item = bool> {
        let column = self.columns.get(self.column(set));
        let (first, words, bits) = column.map_or((0, 1, &[][..]), |column| {
            (column.first, column.words, column.bits.as_slice())
        });
        let number = set - first;
        let limit = key(node.threshold, SIGN);
        bits.chunks_exact(words).map(move |line| {
            let word = line.get(number / WORD).copied().unwrap_or(0);
            let is_member = word >> (number % WORD) & 1 != 0;
            limit < if is_member { PRESENT } else { ABSENT }
        })
    }

    /// Writes the keys of a column's sets; `keys` has one for each set of all columns.
    pub(crate) fn expand(&self, column: usize, code: u32, keys: &mut [u32]) {
        let Some(column) = self.columns.get(column) else {
            return;
        };
        let line = code as usize * column.words;
        let line = column.bits.get(line..line + column.words).unwrap_or_default();
        let keys = keys.get_mut(column.first..column.first + column.count);
        // Compared with a table of bits, and not shifted: all bits of a word are found at once then.
        let bits: [u32; WORD] = std::array::from_fn(|bit| 1 << bit);
        for (keys, word) in keys.unwrap_or_default().chunks_mut(WORD).zip(line) {
            for (key, bit) in keys.iter_mut().zip(bits) {
                *key = if word & bit == 0 { ABSENT } else { PRESENT };
            }
        }
    }
}
