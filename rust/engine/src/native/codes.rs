//! The values of a column that trees test for sets -> codes: one for all values that the same sets hold.

use std::collections::BTreeMap;

use crate::{error::BundleError, kernel::Sets};

/// Bits of all sets of a column.
const BYTES_MAX: usize = 64 << 20;
/// Whole numbers in a table, for each that a set holds; and the maximum in any case.
const SPARSE_MAX: usize = 16;
const DENSE_MIN: usize = 4_096;
/// Whole numbers up to here are exact as floats.
const EXACT_MAX: f32 = 16_777_216.0;

/// What a node of the message tests.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TestedCell {
    pub(super) cell: usize,
    /// Where NaN goes; of no meaning where there are members.
    pub(super) missing_left: bool,
    /// Not empty: the slot is whether the cell is one of these; sorted, none NaN.
    pub(super) members: Vec<f32>,
    pub(super) missing_is_member: bool,
}

/// Where a value's code is found.
#[derive(Debug)]
pub(super) struct Codes {
    lookup: Lookup,
    /// Of a value that no set holds.
    other: u32,
    /// Of NaN.
    missing: u32,
}

#[derive(Debug)]
enum Lookup {
    /// Of whole numbers from the first on.
    Dense { first: i64, codes: Vec<u32> },
    /// Ascending values, and their codes.
    Sorted { values: Vec<f32>, codes: Vec<u32> },
}

impl Codes {
    /// Numbers the values of a column, whose sets these are, and adds the column to `sets`.
    ///
    /// # Errors
    /// When the sets take more than 64 MiB.
    pub(super) fn of(column: &[&TestedCell], sets: &mut Sets) -> Result<Self, BundleError> {
        let mut values: Vec<f32> = column.iter().flat_map(|set| &set.members).copied().collect();
        values.sort_unstable_by(f32::total_cmp);
        values.dedup();
        let words = Sets::words(column.len());
        BundleError::limit(
            "bytes of sets",
            (values.len() + 2) * words * size_of::<u32>(),
            BYTES_MAX,
        )?;
        let mut lines = vec![vec![0_u32; words]; values.len() + 2];
        for (number, set) in column.iter().enumerate() {
            let mut add = |line: usize| {
                if let Some(word) = lines.get_mut(line).and_then(|line| line.get_mut(number / 32)) {
                    *word |= 1 << (number % 32);
                }
            };
            for member in &set.members {
                add(values.partition_point(|value| value < member));
            }
            if set.missing_is_member {
                add(values.len() + 1);
            }
        }
        let mut numbers = BTreeMap::new();
        let mut bits = Vec::new();
        let mut codes = Vec::with_capacity(lines.len());
        for line in lines {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            let code = *numbers.entry(line.clone()).or_insert(next);
            if code == next {
                bits.extend(line);
            }
            codes.push(code);
        }
        sets.push(column.len(), bits);
        let missing = codes.pop().unwrap_or_default();
        let other = codes.pop().unwrap_or_default();
        Ok(Self {
            lookup: Lookup::of(values, codes, other),
            other,
            missing,
        })
    }

    /// The code of a value.
    pub(super) fn code(&self, value: f32) -> u32 {
        if value.is_nan() {
            return self.missing;
        }
        match &self.lookup {
            Lookup::Dense { first, codes } => whole(value)
                .and_then(|whole| usize::try_from(whole - first).ok())
                .and_then(|index| codes.get(index).copied())
                .unwrap_or(self.other),
            Lookup::Sorted { values, codes } => {
                let index = values.partition_point(|other| *other < value);
                let is_found = values.get(index).is_some_and(|found| *found <= value);
                let code = codes.get(index).copied().filter(|_| is_found);
                code.unwrap_or(self.other)
            }
        }
    }
}

impl Lookup {
    fn of(values: Vec<f32>, codes: Vec<u32>, other: u32) -> Self {
        let ends = values
            .first()
            .copied()
            .and_then(whole)
            .zip(values.last().copied().and_then(whole));
        let is_whole = values
            .iter()
            .all(|value| value.abs() < EXACT_MAX && whole(*value).is_some());
        let Some((first, last)) = ends.filter(|_| is_whole) else {
            return Self::Sorted { values, codes };
        };
        let span = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
        if span > (values.len() * SPARSE_MAX).max(DENSE_MIN) {
            return Self::Sorted { values, codes };
        }
        let mut table = vec![other; span];
        for (value, code) in values.into_iter().zip(codes) {
            let index = whole(value).and_then(|whole| usize::try_from(whole - first).ok());
            if let Some(entry) = index.and_then(|index| table.get_mut(index)) {
                *entry = code;
            }
        }
        Self::Dense { first, codes: table }
    }
}

/// The whole number that a value is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "what changes is not a whole number, or out of range"
)]
fn whole(value: f32) -> Option<i64> {
    let whole = value as i32;
    (whole as f32 == value).then_some(i64::from(whole))
}
