//! Bytes of a bundle file -> [`Bundle`]: verified once, relied upon ever after. `bundle.proto` has the file's form.

use nextbest_proto::v1;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::{Bundle, check};
use crate::{
    digest::sha256,
    error::BundleError,
    index::IndexOptions,
    limits::{BUNDLE_BYTES_MAX, FORMAT},
};

/// The first bytes of a bundle file.
pub const MAGIC: &[u8; 8] = b"nextbest";

const HEADER_BYTES: usize = 20;
const CHECKSUM_BYTES: usize = 32;

impl Bundle {
    /// Verifies and reads a bundle file.
    ///
    /// # Errors
    /// When the file is not whole, not of this format, or holds an index, type or size that must not be, and when the
    /// index of its policies would take too much memory.
    pub fn open(file: &[u8]) -> Result<Self, BundleError> {
        Self::open_with(file, IndexOptions::default())
    }

    /// The same, with a requested index.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with(file: &[u8], options: IndexOptions) -> Result<Self, BundleError> {
        let payload = payload(file)?;
        let message = v1::Bundle::decode(payload).map_err(|_| BundleError::Undecodable)?;
        check::check(message, sha256(file), options)
    }
}

/// The payload of a file whose header and checksum are right.
fn payload(file: &[u8]) -> Result<&[u8], BundleError> {
    if file.len() > BUNDLE_BYTES_MAX {
        return Err(BundleError::Oversized {
            bytes: file.len(),
            bytes_max: BUNDLE_BYTES_MAX,
        });
    }
    let (magic, rest) = file.split_first_chunk::<8>().ok_or_else(|| too_short(file))?;
    if magic != MAGIC {
        return Err(BundleError::NotABundle);
    }
    let (format, rest) = rest.split_first_chunk::<4>().ok_or_else(|| too_short(file))?;
    match u32::from_le_bytes(*format) {
        FORMAT => {}
        0 => return Err(BundleError::Damaged),
        format => return Err(BundleError::NewerFormat { format }),
    }
    let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(|| too_short(file))?;
    let length = u64::from_le_bytes(*length);
    let found = rest.len() as u64;
    let expected = length.saturating_add(CHECKSUM_BYTES as u64);
    if found < expected {
        return Err(BundleError::Truncated {
            missing_bytes: expected - found,
        });
    }
    if found > expected {
        return Err(BundleError::Damaged);
    }
    let (payload, checksum) = rest
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or(BundleError::Damaged)?;
    let (signed, _) = file.split_at(file.len() - CHECKSUM_BYTES);
    if Sha256::digest(signed).as_slice() != checksum {
        return Err(BundleError::Damaged);
    }
    Ok(payload)
}

/// A file that ends inside its header: truncated when it begins like a bundle.
fn too_short(file: &[u8]) -> BundleError {
    let begins_alike = file.iter().zip(MAGIC).all(|(found, expected)| found == expected);
    if begins_alike {
        BundleError::Truncated {
            missing_bytes: (HEADER_BYTES + CHECKSUM_BYTES - file.len()) as u64,
        }
    } else {
        BundleError::NotABundle
    }
}
