//! Why a bundle cannot be opened, for operators, and why a change of a customer is refused.

use crate::limits::{
    ATTRIBUTE_NAME_BYTES_MAX, CAPSULE_BYTES_MAX, CUSTOMER_ATTRIBUTES_MAX, FORMAT, VALUE_BYTES_MAX,
};

/// Why a bundle cannot be opened: a lower-case sentence on one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// It does not begin like a bundle.
    #[error("not a bundle: it does not begin with `nextbest`")]
    NotABundle,
    /// It was written for a later engine.
    #[error("a bundle of format {format}: this server reads format {FORMAT}")]
    NewerFormat {
        /// The format it is of.
        format: u32,
    },
    /// It is larger than any bundle may be.
    #[error("the bundle has {bytes} bytes: at most {bytes_max} are read")]
    Oversized {
        /// Size of the file.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Its end is missing.
    #[error("the bundle is truncated: at least {missing_bytes} bytes are missing")]
    Truncated {
        /// How much is missing, at least.
        missing_bytes: u64,
    },
    /// It is not what was written: its checksum differs.
    #[error("the bundle is damaged: its checksum differs")]
    Damaged,
    /// It is complete, but its payload is not a bundle message.
    #[error("the bundle's payload cannot be decoded")]
    Undecodable,
    /// It holds more of something than the engine takes.
    #[error("the bundle has {count} {what}: at most {count_max} are taken")]
    TooMany {
        /// Of what: `actions`.
        what: String,
        /// How many.
        count: usize,
        /// The limit.
        count_max: usize,
    },
    /// The index of its policies would take more memory than it may.
    #[error(
        "the index of the bundle's policies takes at least {bytes} bytes: at most {bytes_max} are allowed"
    )]
    IndexTooLarge {
        /// What it takes so far.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// An index, a type or a value that must not be.
    #[error("the bundle is malformed: `{path}`: {problem}")]
    Malformed {
        /// Path of the entry: `actions[3].group`.
        path: String,
        /// The reason.
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
            path: String::new(),
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
            Self::Malformed { path, problem } => Self::Malformed {
                path: join(path),
                problem,
            },
            other => other,
        }
    }
}

/// Why a change of a customer is refused. Names of attributes are echoed, values never.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapsuleError {
    /// Empty or too long.
    #[error("an attribute name of {bytes} bytes: 1 to {ATTRIBUTE_NAME_BYTES_MAX}")]
    AttributeName {
        /// Its length.
        bytes: usize,
    },
    /// The same name more than once: which of the values counts would be a guess.
    #[error("attribute `{attribute}` is there twice for one customer")]
    AttributeTwice {
        /// Its name.
        attribute: String,
    },
    /// NaN or an infinity.
    #[error("attribute `{attribute}` is not a finite number")]
    NotFinite {
        /// Its name.
        attribute: String,
    },
    /// A value is too long.
    #[error("attribute `{attribute}` has a value of {bytes} bytes: at most {VALUE_BYTES_MAX}")]
    ValueBytes {
        /// Its name.
        attribute: String,
        /// Its length as encoded.
        bytes: usize,
    },
    /// Too many attributes.
    #[error("{count} attributes for one customer: at most {CUSTOMER_ATTRIBUTES_MAX}")]
    AttributeCount {
        /// As sent, or as the customer would have then.
        count: usize,
    },
    /// Too many bytes.
    #[error("{bytes} bytes for one customer: at most {CAPSULE_BYTES_MAX}")]
    CapsuleBytes {
        /// As the customer would have then.
        bytes: usize,
    },
}

impl CapsuleError {
    /// The field of a customer that it is about.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::AttributeName { .. } => "attributes.name",
            Self::NotFinite { .. } | Self::ValueBytes { .. } => "attributes.value",
            Self::AttributeTwice { .. } | Self::AttributeCount { .. } | Self::CapsuleBytes { .. } => {
                "attributes"
            }
        }
    }
}

/// Why the bytes of a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// They are not a `Record` message.
    #[error("the record cannot be decoded")]
    Undecodable,
    /// Another bundle decided.
    #[error("the record is of bundle {digest}")]
    OtherBundle {
        /// SHA-256 of that bundle, in hexadecimal.
        digest: String,
    },
    /// An index that the bundle does not have, or a rank of another action.
    #[error("the record is malformed: `{field}` points to nothing in its bundle")]
    Malformed {
        /// The record's field.
        field: &'static str,
    },
}

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
