//! Texts that policies name -> their codes, found by one hash.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// The texts that policies compare a feature with, sorted; the code of one is its position.
#[derive(Debug)]
pub(super) struct Dictionary {
    texts: Vec<Box<str>>,
    codes: HashTable<u32>,
}

impl Dictionary {
    /// `texts` come sorted, without duplicates, and fewer than 2^32.
    pub(super) fn new(texts: Vec<Box<str>>) -> Self {
        let mut codes = HashTable::with_capacity(texts.len());
        for (code, text) in (0..).zip(&texts) {
            let rehash = |code: &u32| hash(texts.get(*code as usize).map_or("", |text| text));
            codes.insert_unique(hash(text), code, rehash);
        }
        Self { texts, codes }
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn code(&self, text: &str) -> Option<u32> {
        let is_it = |code: &u32| {
            self.texts
                .get(*code as usize)
                .is_some_and(|found| **found == *text)
        };
        self.codes.find(hash(text), is_it).copied()
    }
}

/// A caller that sends texts with equal hashes slows only its own request, by at most the length of the
/// dictionary: nothing is entered while deciding.
fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}
