//! Why a request is refused, for its caller.

use crate::suggestion::nearest;

/// Letters of a caller's name that a message repeats.
const NAME_LETTERS_MAX: usize = 64;
/// Known names that a message lists.
const KNOWN_MAX: usize = 5;

/// Why a request is refused: the caller's mistake, never the server's. It names fields and names, and never repeats
/// a value of an attribute, for it ends up in logs.
///
/// Its text is the error in the field, without its path: "no placement `hreo`: did you mean `hero`?"
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct RequestError {
    field: String,
    problem: String,
}

impl RequestError {
    pub(crate) fn new(field: &str, problem: String) -> Self {
        Self {
            field: field.to_owned(),
            problem,
        }
    }

    /// A name that is not one of `known`: with the nearest of them, or with all if there are few.
    pub(crate) fn unknown<'a>(
        field: String,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        let remedy = match nearest(name, known.clone()) {
            Some(nearest) => format!(": did you mean `{nearest}`?"),
            None => listed(known),
        };
        Self {
            field,
            problem: format!("no {what} `{}`{remedy}", shorten(name)),
        }
    }

    pub(crate) fn duplicate(field: String, name: &str) -> Self {
        Self {
            field,
            problem: format!("`{}` a second time", shorten(name)),
        }
    }

    /// Path of the field: `context[2].value`.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The same inside a larger message: `attributes[2].value` within `customers[7]` is
    /// `customers[7].attributes[2].value`.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        Self {
            field: format!("{outer}.{}", self.field),
            problem: self.problem,
        }
    }
}

/// All names if there are few, to follow the error; nothing if there are many, or none.
fn listed<'a>(known: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = known
        .take(KNOWN_MAX + 1)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.as_slice() {
        [only] => format!(": there is {only}"),
        [first @ .., last] if names.len() <= KNOWN_MAX => {
            format!(": there are {} and {last}", first.join(", "))
        }
        _ => String::new(),
    }
}

fn shorten(name: &str) -> String {
    let mut letters = name.chars().filter(|letter| !letter.is_control());
    let mut short: String = letters.by_ref().take(NAME_LETTERS_MAX).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}
