//! Sums by ranks: sixteen rows at a time, or one row and many groups of trees.

use super::{
    Forest, Kernel, KeySlots, SIDE_BY_SIDE,
    avx512::{self, Ends, ROWS, Ranks, RowWords},
    block::Totals,
    group::{Form, RankTests, TreeGroup},
    ranks::{RankTables, Words},
};

/// With at most this number of rows, each is summed separately.
const FEW_ROWS: usize = 2;

impl TreeGroup {
    /// How the leaves of ranked trees are found for many rows.
    fn ends(&self) -> Option<Ends<'_>> {
        let ranked = self.ranked.as_ref()?;
        Some(match (&self.form, &ranked.masks) {
            (Form::Heap(heap), _) => Ends::Complete {
                depth: heap.depth(),
                weights: heap.tables(),
            },
            (Form::Walk(_), masks) => Ends::Masks(masks.as_deref()?),
        })
    }
}

/// Up to sixteen rows that have been ranked.
struct RankedRows<'a> {
    tables: &'a RankTables,
    slots: KeySlots,
    keys: &'a [u32],
    ranks: [Ranks; ROWS],
    is_missing: bool,
}

impl RankedRows<'_> {
    /// What the nodes of a group that test sets say of a row.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "has to become a part of what has the instructions"
    )]
    fn sets(&self, row: usize, number: usize, columns: &[usize]) -> Words {
        let start = row * self.slots.count() + self.slots.first_code();
        let codes = self.keys.get(start..start + self.slots.columns);
        self.tables.words(number, columns, codes.unwrap_or_default())
    }
}

impl Forest {
    /// Adds the weights of all trees for each row.
    ///
    /// # Safety
    /// The machine must have the instructions that ranks need, and `keys` all slots of each row.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vl,avx512cd,avx512vbmi")]
    pub(super) unsafe fn sum_avx512(&self, kernel: Kernel, keys: &[u32], sums: &mut [f32]) {
        let Some(tables) = &self.ranks else { return };
        let slots = self.slots(kernel);
        let (mut keys, mut sums) = (keys, sums);
        while !sums.is_empty() {
            let count = ROWS.min(sums.len() / self.targets);
            let (some_keys, later_keys) = keys.split_at(count * slots.count());
            let (some_sums, later_sums) = sums.split_at_mut(count * self.targets);
            (keys, sums) = (later_keys, later_sums);
            let mut rows = RankedRows {
                tables,
                slots,
                keys: some_keys,
                ranks: [Ranks::NONE; ROWS],
                is_missing: false,
            };
            let ranked = rows.ranks.get_mut(..count).unwrap_or_default();
            // SAFETY: the caller's.
            unsafe {
                rows.is_missing = avx512::rank(&tables.lanes, slots, some_keys.as_ptr(), ranked);
                if self.targets == 1 && count > FEW_ROWS {
                    self.sum_side_by_side(&rows, some_sums);
                } else {
                    self.sum_one_by_one(&rows, some_sums);
                }
            }
        }
    }

    /// With one target: up to sixteen rows, as if all of them were there.
    ///
    /// # Safety
    /// As for `sum_avx512`.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vl,avx512cd,avx512vbmi")]
    unsafe fn sum_side_by_side(&self, rows: &RankedRows<'_>, sums: &mut [f32]) {
        let mut words = [RowWords::NONE; SIDE_BY_SIDE];
        let mut totals = Totals([0.0; ROWS]);
        let none = [Words::NONE; ROWS];
        let mut sets = none;
        for (number, group) in self.groups.iter().enumerate() {
            if let (Some(ends), Some(ranked)) = (group.ends(), &group.ranked) {
                for (row, sets) in sets.iter_mut().take(sums.len()).enumerate() {
                    if !ranked.columns.is_empty() {
                        *sets = rows.sets(row, number, &ranked.columns);
                    }
                }
                let sets = if ranked.columns.is_empty() { &none } else { &sets };
                let ranks = (&rows.ranks, rows.is_missing);
                avx512::add_to_rows(&ranked.tests, ends, ranks, sets, &mut words, &mut totals);
            } else {
                let totals = totals.0.get_mut(..sums.len()).unwrap_or_default();
                // SAFETY: the caller's; rows have all slots where a group is not ranked.
                unsafe { self.add_group(group, rows.keys, totals) };
            }
        }
        for (sum, total) in sums.iter_mut().zip(totals.0) {
            *sum = total;
        }
    }

    /// Any targets. All words are made before any leaf is searched, because words that were just stored in
    /// parts cannot be loaded as a whole at once: with enough groups that a single row fills its words as
    /// well.
    ///
    /// # Safety
    /// As for `sum_avx512`.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vl,avx512cd,avx512vbmi")]
    unsafe fn sum_one_by_one(&self, rows: &RankedRows<'_>, sums: &mut [f32]) {
        let mut words = [Words::NONE; ROWS];
        let count = sums.len() / self.targets;
        let at_once = ROWS / count.max(1);
        for (chunk, groups) in self.groups.chunks(at_once).enumerate() {
            let mut filled = words.iter_mut();
            for (index, group) in groups.iter().enumerate() {
                for ((row, ranks), words) in rows.ranks.iter().enumerate().take(count).zip(&mut filled) {
                    if let Some(ranked) = &group.ranked {
                        let sets = rows.sets(row, chunk * at_once + index, &ranked.columns);
                        avx512::test(&ranked.tests, ranks, rows.is_missing, &sets, words);
                    }
                }
            }
            let mut filled = words.iter();
            for group in groups {
                for (row, sums) in sums.chunks_exact_mut(self.targets).enumerate() {
                    let Some(words) = filled.next() else { break };
                    let indices = match (&group.ranked, &group.form) {
                        (
                            Some(RankTests {
                                masks: Some(masks), ..
                            }),
                            Form::Walk(walk),
                        ) => walk.leaf_places(avx512::left_over(words, masks)),
                        (Some(_), Form::Heap(heap)) => avx512::descend(words, heap.depth()),
                        // SAFETY: the caller's.
                        _ => unsafe {
                            group
                                .form
                                .indices(rows.keys.as_ptr().add(row * self.slots.count()))
                        },
                    };
                    self.add(&group.form, indices, sums);
                }
            }
        }
    }
}
