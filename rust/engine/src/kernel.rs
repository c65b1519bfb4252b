//! The loops that filter actions, once for each instruction set: AVX-512, AVX2, and portable code for all others.
//!
//! All of them give the same bits. The machine's best is chosen when a bundle is opened: compilers turn the same loop
//! into code that is 2 to 14 times slower when they vectorise it for a baseline that they do not know.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod dense;
pub(crate) mod forest;
mod keys;
mod portable;

#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use dense::Matrix;
pub(crate) use forest::{
    AxisKind, Child, Factored, Forest, KeySlots, LEFTMOST, Node, RIGHTMOST, Sets, Tested, Tree, key,
};
pub(crate) use keys::Keys;

/// 512 bits: of one slot each, in the order of the slots. What one instruction of AVX-512 takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(align(64))]
pub(crate) struct Line(pub(crate) [u64; 8]);

impl Line {
    /// Slots in one line.
    pub(crate) const SLOTS: usize = 512;
    pub(crate) const FULL: Self = Self([u64::MAX; 8]);
}

/// Bits of a mark. A slot that is false has neither.
pub(crate) const NOT_FALSE: u8 = 0b01;
/// True is not false either.
pub(crate) const TRUE: u8 = 0b11;

/// One byte for each slot: what kill lists write to.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    // Invariant: its length is 0 or a power of two, so that a masked slot number is inside.
    marks: Vec<u8>,
    /// Written, and not read and wiped since.
    is_written: bool,
}

impl Marks {
    /// All true, for this number of slots.
    pub(crate) fn prepare(&mut self, slots: usize) {
        let length = slots.next_power_of_two();
        if self.is_written || self.marks.len() < length {
            self.marks = vec![TRUE; length.max(self.marks.len())];
        }
        self.is_written = true;
    }

    /// Writes a mark for each slot of a kill list. A store a slot, which no instruction set does faster. A
    /// slot that does not exist is mapped to another.
    #[inline]
    pub(crate) fn write(&mut self, slots: &[u16], mark: u8) {
        let Some(within) = self.marks.len().checked_sub(1) else {
            return;
        };
        // SAFETY: the length is a power of two, so that one less is a mask that lets nothing else through.
        let mut write =
            |slot: u16| unsafe { *self.marks.get_unchecked_mut(usize::from(slot) & within) = mark };
        for eight in slots.as_chunks::<8>().0 {
            eight.iter().copied().for_each(&mut write);
        }
        // What is left, with some that were written before it: a loop of another length would be guessed wrongly.
        match slots.last_chunk::<8>() {
            Some(eight) => eight.iter().copied().for_each(write),
            None => slots.iter().copied().for_each(write),
        }
    }

    /// ANDs the bits of all marks into the lines of their slots, with one way of gathering 64 of them: whether each is not
    /// false, and whether it is true. Makes all marks true again.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    fn and_into(
        &mut self,
        not_false: &mut [Line],
        truth: &mut [Line],
        gather: impl Fn(&[u8; 64]) -> (u64, u64),
    ) {
        self.is_written = false;
        let lines = not_false.iter_mut().zip(truth);
        for (marks, (not_false, truth)) in self
            .marks
            .as_chunks_mut::<{ Line::SLOTS }>()
            .0
            .iter_mut()
            .zip(lines)
        {
            let words = not_false.0.iter_mut().zip(&mut truth.0);
            for (marks, (not_false, truth)) in marks.as_chunks::<64>().0.iter().zip(words) {
                let (low, high) = gather(marks);
                *not_false &= low;
                *truth &= high;
            }
            marks.fill(TRUE);
        }
    }
}

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kernel {
    /// Runs everywhere.
    pub const PORTABLE: Self = Self(Set::Portable);

    /// Those of this machine, the best first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        // Invariant: a `Kernel` of a set exists only where the machine has it. What follows relies on it.
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("popcnt") {
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512cd")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("bmi2")
                {
                    kernels.push(Self(Set::Avx512));
                }
                if is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("bmi2")
                    && is_x86_feature_detected!("lzcnt")
                {
                    kernels.push(Self(Set::Avx2));
                }
            }
        }
        kernels.push(Self::PORTABLE);
        kernels
    }

    /// The best of this machine.
    #[must_use]
    pub fn best() -> Self {
        Self::available().first().copied().unwrap_or(Self::PORTABLE)
    }

    /// The kernel of this name; none where this machine does not have it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::available().into_iter().find(|kernel| kernel.name() == name)
    }

    /// `avx512`, `avx2` or `portable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
        }
    }

    /// What it costs to AND a row, in nanoseconds for each line of 64 bytes, from the second level of the cache: measured
    /// on an Intel Xeon of 2023, in proportion to the others of `plan`.
    pub(crate) fn line_ns(self) -> f64 {
        match self.0 {
            Set::Portable => 2.0,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => 0.8,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => 0.45,
        }
    }

    /// For each of the rows of keys, how many are at or below the key at the same place of `wanted`.
    pub(crate) fn count_up_to(self, keys: &Keys, wanted: &[i64], counts: &mut [u32]) {
        match self.0 {
            Set::Portable => keys.count_up_to(wanted, counts, portable::count_in_line),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this machine has the instructions, or there were no such kernel.
            Set::Avx2 => unsafe { avx2::count_up_to(keys, wanted, counts) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Set::Avx512 => unsafe { avx512::count_up_to(keys, wanted, counts) },
        }
    }

    /// ANDs rows into `into`. A row begins at each of `starts` in `pool` and is as long as `into`; one that is not
    /// inside the pool is left out.
    pub(crate) fn and_rows(self, into: &mut [Line], pool: &[Line], starts: &[u32]) {
        match self.0 {
            Set::Portable => portable::and_rows(into, pool, starts),
            // SAFETY: this machine has the instructions, or there were no such kernel.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { avx2::and_rows(into, pool, starts) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { avx512::and_rows(into, pool, starts) },
        }
    }

    /// Leaves the bits of `words` that are in `truth`, and counts those that are not, but in `not_false`.
    pub(crate) fn pass(self, words: &mut [u64], truth: &[Line], not_false: &[Line]) -> u32 {
        match self.0 {
            Set::Portable => portable::pass(words, truth, not_false),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this machine has the instructions, or there were no such kernel; what has AVX-512 has AVX2.
            Set::Avx2 | Set::Avx512 => unsafe { avx2::pass(words, truth, not_false) },
        }
    }

    /// ANDs marks into the bits of the slots that they are of, a line for each 512 of them, and makes all true again. There
    /// are as many lines as were prepared.
    pub(crate) fn and_marks(self, marks: &mut Marks, not_false: &mut [Line], truth: &mut [Line]) {
        match self.0 {
            Set::Portable => marks.and_into(not_false, truth, portable::gather_marks),
            // SAFETY: this machine has the instructions, or there were no such kernel.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { avx2::and_marks(marks, not_false, truth) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { avx512::and_marks(marks, not_false, truth) },
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
