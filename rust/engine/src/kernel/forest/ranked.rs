//! Sums by ranks: sixteen rows at a time, or one row and many groups of trees.

use super::{
    Forest, Form, Group, Ranked, SIDE_BY_SIDE,
    avx512::{self, Ends, ROWS, Ranks, RowWords, Words},
    factored::Totals,
};

/// With so many rows or fewer, each is summed by itself.
const FEW_ROWS: usize = 2;

impl Group {
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

impl Forest {
    /// Adds the weights of all trees for each row.
    ///
    /// # Safety
    /// The machine must have the instructions that ranks need, and `keys` all slots of each row.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vl,avx512cd,avx512vbmi")]
    pub(super) unsafe fn sum_avx512(&self, keys: &[u32], sums: &mut [f32]) {
        let (mut keys, mut sums) = (keys, sums);
        while !sums.is_empty() {
            let rows = ROWS.min(sums.len() / self.targets);
            let (some_keys, later_keys) = keys.split_at(rows * self.slots.count());
            let (some_sums, later_sums) = sums.split_at_mut(rows * self.targets);
            (keys, sums) = (later_keys, later_sums);
            let mut ranks = [Ranks::NONE; ROWS];
            let ranked_rows = ranks.get_mut(..rows).unwrap_or_default();
            // SAFETY: the caller's.
            unsafe {
                let is_missing = avx512::rank(&self.lanes, self.slots, some_keys.as_ptr(), ranked_rows);
                if self.targets == 1 && rows > FEW_ROWS {
                    self.sum_side_by_side(some_keys, &ranks, is_missing, some_sums);
                } else {
                    self.sum_one_by_one(some_keys, &ranks, is_missing, some_sums);
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
    unsafe fn sum_side_by_side(
        &self,
        keys: &[u32],
        ranks: &[Ranks; ROWS],
        is_missing: bool,
        sums: &mut [f32],
    ) {
        let mut words = [RowWords::NONE; SIDE_BY_SIDE];
        let mut totals = Totals([0.0; ROWS]);
        for group in &self.groups {
            if let (Some(ends), Some(ranked)) = (group.ends(), &group.ranked) {
                avx512::add_to_rows(&ranked.tests, ends, ranks, is_missing, &mut words, &mut totals);
            } else {
                let totals = totals.0.get_mut(..sums.len()).unwrap_or_default();
                // SAFETY: the caller's.
                unsafe { self.add_group(group, keys, totals) };
            }
        }
        for (sum, total) in sums.iter_mut().zip(totals.0) {
            *sum = total;
        }
    }

    /// Any targets. All words are made before any leaf is looked for, since what was just stored by parts cannot be loaded
    /// as a whole at once: of so many groups that a single row fills its words as well.
    ///
    /// # Safety
    /// As for `sum_avx512`.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vl,avx512cd,avx512vbmi")]
    unsafe fn sum_one_by_one(&self, keys: &[u32], ranks: &[Ranks; ROWS], is_missing: bool, sums: &mut [f32]) {
        let mut words = [Words::NONE; ROWS];
        let rows = sums.len() / self.targets;
        for groups in self.groups.chunks(ROWS / rows.max(1)) {
            let mut filled = words.iter_mut();
            for group in groups {
                for (ranks, words) in ranks.iter().take(rows).zip(&mut filled) {
                    if let Some(ranked) = &group.ranked {
                        avx512::test(&ranked.tests, ranks, is_missing, words);
                    }
                }
            }
            let mut filled = words.iter();
            for group in groups {
                for (row, sums) in sums.chunks_exact_mut(self.targets).enumerate() {
                    let Some(words) = filled.next() else { break };
                    let places = match (&group.ranked, &group.form) {
                        (
                            Some(Ranked {
                                masks: Some(masks), ..
                            }),
                            Form::Walk(walk),
                        ) => walk.leaf_places(avx512::left_over(words, masks)),
                        (Some(_), Form::Heap(heap)) => avx512::descend(words, heap.depth()),
                        // SAFETY: the caller's.
                        _ => unsafe { group.form.places(keys.as_ptr().add(row * self.slots.count())) },
                    };
                    self.add(&group.form, places, sums);
                }
            }
        }
    }
}
