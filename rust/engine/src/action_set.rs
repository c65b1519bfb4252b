//! A set of a bundle's actions, a bit for each: what a stage leaves.

use crate::id::{ActionId, Id};

/// A set of actions. Iterates in the order of their ids, which is that of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActionSet {
    words: Vec<u64>,
}

impl ActionSet {
    /// The empty set over `actions` actions.
    pub(crate) fn empty(actions: usize) -> Self {
        Self {
            words: vec![0; actions.div_ceil(64)],
        }
    }

    pub(crate) fn insert(&mut self, action: ActionId) {
        if let Some(word) = self.words.get_mut(action.place() / 64) {
            *word |= 1 << (action.place() % 64);
        }
    }

    pub(crate) fn contains(&self, action: ActionId) -> bool {
        self.words
            .get(action.place() / 64)
            .is_some_and(|word| word & (1 << (action.place() % 64)) != 0)
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = ActionId> + '_ {
        (0_u32..).zip(&self.words).flat_map(|(place, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(ActionId::from_place(place * 64 + bit))
            })
        })
    }

    /// The actions of the set for which `keep` holds.
    pub(crate) fn filter(&self, mut keep: impl FnMut(ActionId) -> bool) -> Self {
        let mut kept = Self {
            words: vec![0; self.words.len()],
        };
        for action in self.iter() {
            if keep(action) {
                kept.insert(action);
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_keeps_order_over_word_borders() {
        let mut set = ActionSet::empty(130);
        for place in [129, 0, 64, 63] {
            set.insert(ActionId::from_place(place));
        }
        let places: Vec<usize> = set.iter().map(ActionId::place).collect();
        assert_eq!(places, [0, 63, 64, 129]);
        assert_eq!(set.count(), 4);
        assert_eq!(set.filter(|action| action.place() > 63).count(), 2);
        assert!(set.contains(ActionId::from_place(64)) && !set.contains(ActionId::from_place(65)));
    }
}
