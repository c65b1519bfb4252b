//! Texts, whole numbers or floats -> a few cells each.

use std::borrow::Borrow;

use nextbest_proto::v1;

use crate::error::BundleError;

/// A dictionary of one kind of key.
#[derive(Debug)]
pub(super) struct Dictionary {
    keys: Keys,
    pub(super) width: usize,
    /// `width` for each key.
    values: Vec<f32>,
    /// `width`, or none.
    otherwise: Vec<f32>,
}

/// Sorted, each with its number: dictionaries are short.
#[derive(Debug)]
enum Keys {
    Texts(Vec<(Box<str>, usize)>),
    Ints(Vec<(i64, usize)>),
    /// By their bits.
    Floats(Vec<(u32, usize)>),
}

/// What a dictionary is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Float,
}

impl Dictionary {
    pub(super) fn check(message: v1::NativeDictionary) -> Result<Self, BundleError> {
        let width = message.width as usize;
        let counts = [message.texts.len(), message.ints.len(), message.floats.len()];
        let count = counts.iter().sum::<usize>();
        let values = width.checked_mul(count);
        let fits = width > 0
            && counts.iter().filter(|count| **count > 0).count() == 1
            && values == Some(message.values.len())
            && (message.otherwise.is_empty() || message.otherwise.len() == width);
        if !fits {
            return Err(BundleError::malformed(
                "a dictionary whose sizes do not agree".to_owned(),
            ));
        }
        let keys = if counts[0] > 0 {
            numbered(message.texts.into_iter().map(String::into_boxed_str)).map(Keys::Texts)
        } else if counts[1] > 0 {
            numbered(message.ints.into_iter()).map(Keys::Ints)
        } else {
            numbered(message.floats.into_iter().map(bits)).map(Keys::Floats)
        };
        Ok(Self {
            keys: keys.ok_or_else(|| BundleError::malformed("a dictionary with a key twice".to_owned()))?,
            width,
            values: message.values,
            otherwise: message.otherwise,
        })
    }

    pub(super) fn kind(&self) -> Kind {
        match self.keys {
            Keys::Texts(_) => Kind::Text,
            Keys::Ints(_) => Kind::Int,
            Keys::Floats(_) => Kind::Float,
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<&[f32]> {
        let Keys::Texts(keys) = &self.keys else {
            return None;
        };
        self.values(number(keys, key))
    }

    pub(super) fn int(&self, key: i64) -> Option<&[f32]> {
        let Keys::Ints(keys) = &self.keys else { return None };
        self.values(number(keys, &key))
    }

    pub(super) fn float(&self, key: f32) -> Option<&[f32]> {
        let Keys::Floats(keys) = &self.keys else {
            return None;
        };
        self.values(number(keys, &bits(key)))
    }

    fn values(&self, number: Option<usize>) -> Option<&[f32]> {
        let Some(number) = number else {
            return (!self.otherwise.is_empty()).then_some(&self.otherwise);
        };
        let start = number * self.width;
        self.values.get(start..start + self.width)
    }
}

/// Sorted; none if a key occurs twice.
fn numbered<K: Ord>(keys: impl Iterator<Item = K>) -> Option<Vec<(K, usize)>> {
    let mut keys: Vec<(K, usize)> = keys.zip(0..).collect();
    keys.sort_unstable();
    keys.is_sorted_by(|left, right| left.0 < right.0).then_some(keys)
}

fn number<K: Borrow<Q>, Q: Ord + ?Sized>(keys: &[(K, usize)], key: &Q) -> Option<usize> {
    let index = keys.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
    keys.get(index).map(|(_, number)| *number)
}

/// Zero and minus zero are one key, and so are all that are not numbers.
fn bits(key: f32) -> u32 {
    if key.is_nan() {
        f32::NAN.to_bits()
    } else if key == 0.0 {
        0
    } else {
        key.to_bits()
    }
}
