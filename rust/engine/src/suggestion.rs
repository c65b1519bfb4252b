//! A name that does not exist -> the nearest that does.

/// Letters of a name that are compared; longer ones get no suggestion.
const LETTERS_MAX: usize = 64;
/// Names that are looked at.
const NAMES_MAX: usize = 10_000;

/// The nearest of `names`, when it is near enough to be what was meant: a third of its letters may differ. The first
/// of equally near ones.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let letters: Vec<char> = name.chars().take(LETTERS_MAX + 1).collect();
    if letters.len() > LETTERS_MAX {
        return None;
    }
    names
        .take(NAMES_MAX)
        .filter(|candidate| candidate.len() <= 4 * LETTERS_MAX)
        .map(|candidate| (distance(&letters, candidate), candidate))
        .filter(|(distance, candidate)| distance * 3 <= candidate.chars().count().max(letters.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, remove or replace (Levenshtein).
fn distance(left: &[char], right: &str) -> usize {
    let mut row: Vec<usize> = (0..=left.len()).collect();
    for (place, letter) in right.chars().enumerate() {
        let mut diagonal = place;
        let mut previous = place + 1;
        for (other, cell) in left.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(*other != letter);
            diagonal = *cell;
            *cell = replaced.min(diagonal + 1).min(previous + 1);
            previous = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = place + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (left, right, expected) in [
            ("", "", 0),
            ("web", "", 3),
            ("", "web", 3),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
        ] {
            let letters: Vec<char> = left.chars().collect();
            assert_eq!(distance(&letters, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        let names = ["age", "income", "segment"];
        assert_eq!(nearest("incme", names.into_iter()), Some("income"));
        assert_eq!(nearest("agee", names.into_iter()), Some("age"));
        assert_eq!(nearest("balance", names.into_iter()), None);
    }
}
