//! A name that does not exist -> the nearest that does.
//!
//! One measure for requests and for workspaces: the control plane asks through `nextbest._core.nearest`.

/// Letters of a name that are compared; longer ones get no suggestion.
const LETTERS_MAX: usize = 64;
/// Known names that are compared.
const NAMES_MAX: usize = 10_000;
/// Of names shorter than this, no letter may differ: most of them are one letter away from each other.
const LETTERS_MIN: usize = 3;

/// Returns the one of `names` that was probably meant, or nothing. The case of letters does not count.
///
/// Up to three letters of ten may differ, and one of three. Of several, the nearest, then the first in the order of
/// names. Without one, the only name that begins with `name`.
#[must_use]
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = lower_case(name)?;
    let mut best: Option<(usize, &str)> = None;
    let mut begun = Begun::None;
    for known in names.into_iter().take(NAMES_MAX) {
        if !name.is_empty() && known.starts_with(name) {
            begun = begun.and(known);
        }
        let Some(others) = lower_case(known) else {
            continue;
        };
        let differing_max = differing_max(letters.len().max(others.len()));
        if letters.len().abs_diff(others.len()) > differing_max {
            continue;
        }
        let found = (distance(&letters, &others), known);
        if found.0 <= differing_max && best.is_none_or(|best| found < best) {
            best = Some(found);
        }
    }
    match (best, begun) {
        (Some((_, nearest)), _) | (None, Begun::One(nearest)) => Some(nearest),
        (None, _) => None,
    }
}

/// The names that begin with what was written.
#[derive(Clone, Copy)]
enum Begun<'a> {
    None,
    One(&'a str),
    Several,
}

impl<'a> Begun<'a> {
    fn and(self, known: &'a str) -> Self {
        match self {
            Self::None => Self::One(known),
            Self::One(_) | Self::Several => Self::Several,
        }
    }
}

/// Nothing for a name that is too long.
fn lower_case(name: &str) -> Option<Vec<char>> {
    let letters: Vec<char> = name
        .chars()
        .flat_map(char::to_lowercase)
        .take(LETTERS_MAX + 1)
        .collect();
    (letters.len() <= LETTERS_MAX).then_some(letters)
}

fn differing_max(letters: usize) -> usize {
    if letters < LETTERS_MIN {
        return 0;
    }
    (letters * 3 / 10).max(1)
}

/// What is left of two names without the letters that both begin and end with: these never change the distance.
fn differing<'a>(left: &'a [char], right: &'a [char]) -> (&'a [char], &'a [char]) {
    let pairs = left.iter().zip(right);
    let begin = pairs.take_while(|(left, right)| left == right).count();
    let (left, right) = (left.split_at(begin).1, right.split_at(begin).1);
    let pairs = left.iter().rev().zip(right.iter().rev());
    let end = pairs.take_while(|(left, right)| left == right).count();
    (
        left.split_at(left.len() - end).0,
        right.split_at(right.len() - end).0,
    )
}

/// Letters to insert, remove, replace, or swap with their neighbour: the restricted Damerau-Levenshtein distance
/// (optimal string alignment).
fn distance(left: &[char], right: &[char]) -> usize {
    let (left, right) = differing(left, right);
    let mut before = vec![0; left.len() + 1];
    let mut row: Vec<usize> = (0..=left.len()).collect();
    for (index, letter) in right.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(index + 1);
        let mut last = (index + 1, None);
        let columns = left.iter().zip(row.windows(2)).enumerate();
        for (column, (other, cells)) in columns {
            let &[diagonal, above] = cells else { continue };
            let mut cost = (diagonal + usize::from(other != letter))
                .min(above + 1)
                .min(last.0 + 1);
            let previous = index.checked_sub(1).and_then(|index| right.get(index));
            if last.1 == Some(letter)
                && previous == Some(other)
                && let Some(swapped) = column.checked_sub(1).and_then(|column| before.get(column))
            {
                cost = cost.min(swapped + 1);
            }
            next.push(cost);
            last = (cost, Some(other));
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_optimal_string_alignment() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "web", 3),
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
            ("income", "icnome", 1),
            // A letter moves once: the unrestricted distance is 2.
            ("ca", "abc", 3),
        ] {
            let [left, right] = [left, right].map(|name| lower_case(name).unwrap());
            assert_eq!(distance(&left, &right), expected, "{left:?} {right:?}");
            assert_eq!(distance(&right, &left), expected, "{right:?} {left:?}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        let names = ["age", "income", "segment", "segments", "products-of-household"];
        for (name, expected) in [
            ("incme", Some("income")),
            ("INCOME", Some("income")),
            ("agee", Some("age")),
            ("aeg", Some("age")),
            ("segmnet", Some("segment")),
            ("products", Some("products-of-household")),
            ("seg", None),
            ("balance", None),
            ("ag", Some("age")),
            ("", None),
        ] {
            assert_eq!(nearest(name, names), expected, "{name}");
        }
        assert_eq!(
            nearest("b", ["a"]),
            None,
            "every name of one letter is one letter away"
        );
        assert_eq!(
            nearest("aex", ["aez", "aey"]),
            Some("aey"),
            "the first in the order of names"
        );
    }
}
