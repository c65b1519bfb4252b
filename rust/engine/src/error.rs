//! Why a bundle cannot be opened, for operators.

use std::fmt;

use crate::limits::FORMAT;

/// Why a bundle cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BundleError {
    /// It does not begin like a bundle.
    NotABundle,
    /// It was written for a later engine.
    NewerFormat {
        /// The format it is of.
        format: u32,
    },
    /// It is larger than any bundle may be.
    Oversized {
        /// Size of the file.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Its end is missing.
    Truncated {
        /// How much is missing, at least.
        missing_bytes: u64,
    },
    /// It is not what was written: its checksum differs.
    Damaged,
    /// It is whole, but its payload is no bundle message.
    Undecodable,
    /// It holds more of something than the engine takes.
    TooMany {
        /// Of what: `actions`.
        what: String,
        /// How many.
        count: usize,
        /// The limit.
        count_max: usize,
    },
    /// The index of its policies would take more memory than it may.
    IndexTooLarge {
        /// What it takes so far.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// An index, a type or a value that must not be.
    Malformed {
        /// Path of the entry: `actions[3].group`.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl BundleError {
    /// A stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotABundle => "not-a-bundle",
            Self::NewerFormat { .. } => "newer-format",
            Self::Oversized { .. } => "oversized",
            Self::Truncated { .. } => "truncated",
            Self::Damaged => "damaged",
            Self::Undecodable => "undecodable",
            Self::TooMany { .. } => "too-many",
            Self::IndexTooLarge { .. } => "index-too-large",
            Self::Malformed { .. } => "malformed",
        }
    }

    pub(crate) fn malformed(problem: String) -> Self {
        Self::Malformed {
            place: String::new(),
            problem,
        }
    }

    /// Refuses more than `count_max`.
    pub(crate) fn limit(what: &str, count: usize, count_max: usize) -> Result<(), Self> {
        if count <= count_max {
            return Ok(());
        }
        Err(Self::TooMany {
            what: what.to_owned(),
            count,
            count_max,
        })
    }

    /// The same, seen from the entry around it.
    pub(crate) fn within(self, outer: impl Into<String>) -> Self {
        let outer = outer.into();
        let join = |inner: String| {
            if inner.is_empty() {
                outer.clone()
            } else {
                format!("{outer}.{inner}")
            }
        };
        match self {
            Self::TooMany {
                what,
                count,
                count_max,
            } => Self::TooMany {
                what: join(what),
                count,
                count_max,
            },
            Self::Malformed { place, problem } => Self::Malformed {
                place: join(place),
                problem,
            },
            other => other,
        }
    }
}

/// A lower-case sentence on one line.
impl fmt::Display for BundleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotABundle => formatter.write_str("not a bundle: it does not begin with `nextbest`"),
            Self::NewerFormat { format } => {
                write!(
                    formatter,
                    "a bundle of format {format}: this server reads format {FORMAT}"
                )
            }
            Self::Oversized { bytes, bytes_max } => {
                write!(
                    formatter,
                    "the bundle has {bytes} bytes: at most {bytes_max} are read"
                )
            }
            Self::Truncated { missing_bytes } => {
                write!(
                    formatter,
                    "the bundle is truncated: at least {missing_bytes} bytes are missing"
                )
            }
            Self::Damaged => formatter.write_str("the bundle is damaged: its checksum differs"),
            Self::Undecodable => formatter.write_str("the bundle's payload cannot be decoded"),
            Self::TooMany {
                what,
                count,
                count_max,
            } => {
                write!(
                    formatter,
                    "the bundle has {count} {what}: at most {count_max} are taken"
                )
            }
            Self::IndexTooLarge { bytes, bytes_max } => {
                write!(
                    formatter,
                    "the index of the bundle's policies takes at least {bytes} bytes: at most {bytes_max} are allowed"
                )
            }
            Self::Malformed { place, problem } => {
                write!(formatter, "the bundle is malformed: `{place}`: {problem}")
            }
        }
    }
}

impl std::error::Error for BundleError {}

/// Checks each row of a table; an error names the row.
pub(crate) fn check_rows<M, T>(
    table: &str,
    messages: Vec<M>,
    mut row: impl FnMut(M) -> Result<T, BundleError>,
) -> Result<Vec<T>, BundleError> {
    messages
        .into_iter()
        .enumerate()
        .map(|(index, message)| row(message).map_err(|error| error.within(format!("{table}[{index}]"))))
        .collect()
}
