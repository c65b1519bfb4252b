//! A set of a bundle's actions, a bit for each: what a stage leaves.

use crate::{
    id::{ActionId, Id},
    kernel::Line,
};

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

    /// The empty set over no actions, to which `append` adds up to `actions`.
    pub(crate) fn with_capacity(actions: usize) -> Self {
        Self {
            words: Vec::with_capacity(actions.div_ceil(64).next_multiple_of(8)),
        }
    }

    /// Goes on with the next `actions` actions, a bit for each; those before fill their words.
    pub(crate) fn append(&mut self, lines: &[Line], actions: usize) {
        let end = self.words.len() + actions.div_ceil(64);
        for line in lines {
            self.words.extend_from_slice(&line.0);
        }
        self.words.truncate(end);
    }

    /// The words for this number of actions, a multiple of 64.
    pub(crate) fn tiles_mut(&mut self, actions: usize) -> impl Iterator<Item = &mut [u64]> {
        self.words.chunks_mut(actions / 64)
    }

    /// The actions in both.
    pub(crate) fn intersection(mut self, other: &Self) -> Self {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
        self
    }

    /// The actions that are not in the other.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        let words = self.words.iter().zip(&other.words);
        Self {
            words: words.map(|(left, right)| left & !right).collect(),
        }
    }

    /// One action of every `step`, which is at least 1: here the first and there the third, so that what comes back at
    /// even distances is not taken for the rule. The same ones every time.
    pub(crate) fn one_of_every(&self, step: u32) -> impl Iterator<Item = ActionId> + '_ {
        // Multiples of the golden ratio are spread evenly (Knuth, volume 3, section 6.4).
        let offset = move |stretch: u32| (stretch.wrapping_mul(0x9E37_79B9) >> 8) % step;
        let mut stretch = 0;
        let mut skipped = offset(0);
        (0_u32..).zip(&self.words).flat_map(move |(index, word)| {
            let mut found = Vec::new();
            let mut rest = *word;
            while skipped < rest.count_ones() {
                for _ in 0..skipped {
                    rest &= rest - 1;
                }
                found.push(ActionId::from_index(index * 64 + rest.trailing_zeros()));
                rest &= rest - 1;
                skipped = step - 1 - offset(stretch) + offset(stretch + 1);
                stretch += 1;
            }
            skipped -= rest.count_ones();
            found
        })
    }

    /// A bit for each action, the lowest of the first byte first; without the zeros at the end.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let length = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        bytes.truncate(length);
        bytes
    }

    /// The set over `actions` actions that has such bytes; none where there is a bit beyond them.
    pub(crate) fn from_bytes(bytes: &[u8], actions: usize) -> Option<Self> {
        let mut set = Self::empty(actions);
        for (index, byte) in bytes.iter().enumerate() {
            for bit in (0..8).filter(|bit| byte & (1 << bit) != 0) {
                let action = 8 * index + bit;
                let word = set.words.get_mut(action / 64).filter(|_| action < actions)?;
                *word |= 1 << (action % 64);
            }
        }
        Some(set)
    }

    pub(crate) fn insert(&mut self, action: ActionId) {
        if let Some(word) = self.words.get_mut(action.index() / 64) {
            *word |= 1 << (action.index() % 64);
        }
    }

    pub(crate) fn contains(&self, action: ActionId) -> bool {
        self.words
            .get(action.index() / 64)
            .is_some_and(|word| word & (1 << (action.index() % 64)) != 0)
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
        (0_u32..).zip(&self.words).flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(ActionId::from_index(index * 64 + bit))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_keeps_order_over_word_borders() {
        let mut set = ActionSet::empty(130);
        for index in [129, 0, 64, 63] {
            set.insert(ActionId::from_index(index));
        }
        let indices: Vec<usize> = set.iter().map(ActionId::index).collect();
        assert_eq!(indices, [0, 63, 64, 129]);
        assert_eq!(set.count(), 4);
        assert!(set.contains(ActionId::from_index(64)) && !set.contains(ActionId::from_index(65)));
        let mut other = ActionSet::with_capacity(130);
        other.append(&[Line([0, 1, 2, 0, 0, 0, 0, 0])], 130);
        assert_eq!(other.count(), 2);
        let both: Vec<usize> = set
            .clone()
            .intersection(&other)
            .iter()
            .map(ActionId::index)
            .collect();
        assert_eq!(both, [64, 129]);
        let left: Vec<usize> = set.difference(&other).iter().map(ActionId::index).collect();
        assert_eq!(left, [0, 63]);
        let all: Vec<usize> = set.one_of_every(1).map(ActionId::index).collect();
        assert_eq!(all, [0, 63, 64, 129]);
    }

    #[test]
    fn one_of_every_so_many_is_taken() {
        let mut set = ActionSet::empty(10_000);
        (0..10_000)
            .filter(|index| index % 3 > 0)
            .for_each(|index| set.insert(ActionId::from_index(index)));
        let ranks: Vec<usize> = set.iter().map(ActionId::index).collect();
        for step in [2, 7, 64, 100] {
            let found: Vec<usize> = set.one_of_every(step).map(ActionId::index).collect();
            let stretches: Vec<usize> = found
                .iter()
                .map(|index| ranks.binary_search(index).unwrap() / step as usize)
                .collect();
            let expected: Vec<usize> = (0..found.len()).collect();
            assert_eq!(stretches, expected, "one of each stretch");
            assert!(found.len() >= ranks.len() / step as usize);
        }
    }
}
