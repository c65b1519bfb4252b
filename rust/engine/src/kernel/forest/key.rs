//! Numbers -> keys, and where the keys of a row are.

/// The key of a number: keys compare as numbers do, and zero and minus zero are one. Of NaN: `missing`.
#[inline]
pub(crate) fn key(number: f32, missing: u32) -> u32 {
    // Minus zero becomes zero.
    let bits = (number + 0.0).to_bits();
    let key = bits ^ (bits.cast_signed() >> 31).cast_unsigned() | (!bits & SIGN);
    if number.is_nan() { missing } else { key }
}

pub(super) const SIGN: u32 = 1 << 31;
/// The key of what goes left at every node.
pub(crate) const LEFTMOST: u32 = 0;
/// The key of what goes right at every node.
pub(crate) const RIGHTMOST: u32 = u32::MAX;

/// The keys of a row: of each axis one; or two, of which the second differs only where something is missing, and is then
/// the rightmost instead of the leftmost. Then a code for each column that is tested for sets; and then, for those who do
/// not know sets by codes, a key for each set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeySlots {
    pub(crate) axes: usize,
    pub(crate) is_paired: bool,
    pub(crate) columns: usize,
    pub(crate) sets: usize,
}

impl KeySlots {
    pub(crate) fn count(self) -> usize {
        self.first_set() + self.sets
    }

    pub(crate) fn first_code(self) -> usize {
        if self.is_paired { 2 * self.axes } else { self.axes }
    }

    pub(crate) fn first_set(self) -> usize {
        self.first_code() + self.columns
    }

    /// The same keys, but those of sets.
    pub(crate) fn without_sets(self) -> Self {
        Self { sets: 0, ..self }
    }

    /// The axis of a slot, and whether it is the second of its pair. Codes and sets count as axes, after the others.
    pub(crate) fn axis(self, slot: u16) -> (usize, bool) {
        let slot = usize::from(slot);
        if slot < self.axes {
            (slot, false)
        } else if slot < self.first_code() {
            (slot - self.axes, true)
        } else {
            (slot - (self.first_code() - self.axes), false)
        }
    }

    /// The first slot of an axis.
    pub(crate) fn first_slot(self, axis: usize) -> usize {
        if axis < self.axes {
            axis
        } else {
            axis + self.first_code() - self.axes
        }
    }

    /// The set that a slot is.
    pub(crate) fn set(self, slot: u16) -> Option<usize> {
        usize::from(slot).checked_sub(self.first_set())
    }
}
