//! Why a request is refused, for its caller.

use std::fmt;

/// Letters of a caller's name that a message repeats.
const NAME_LETTERS_MAX: usize = 64;

/// Why a request is refused: the caller's mistake, never the server's. It names fields and names, and never repeats
/// a value of an attribute, for it ends up in logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    field: String,
    problem: String,
}

impl Reject {
    pub(crate) fn new(field: &str, problem: String) -> Self {
        Self {
            field: field.to_owned(),
            problem,
        }
    }

    pub(crate) fn unknown(field: String, what: &str, name: &str, nearest: Option<&str>) -> Self {
        let name = shorten(name);
        let suggestion = nearest
            .map(|nearest| format!(": did you mean `{nearest}`?"))
            .unwrap_or_default();
        Self {
            field,
            problem: format!("no {what} `{name}`{suggestion}"),
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

fn shorten(name: &str) -> String {
    let mut letters = name.chars().filter(|letter| !letter.is_control());
    let mut short: String = letters.by_ref().take(NAME_LETTERS_MAX).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}

/// What is wrong with the field, without its path: "no placement of the channel `hreo`: did you mean `hero`?"
impl fmt::Display for Reject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.problem)
    }
}

impl std::error::Error for Reject {}
