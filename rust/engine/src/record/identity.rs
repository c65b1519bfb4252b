//! Time, seed, customer and bundle -> the id of a decision: a dry run that repeats them repeats it.

use xxhash_rust::xxh3::xxh3_128;

use crate::request::Moment;

/// A UUID of version 7 in its text form. Its random bits are a hash (XXH3, 128 bits): the seed is what is random.
pub(super) fn decision_id(bundle_digest: &str, customer_id: &str, moment: Moment) -> String {
    let mut bytes = Vec::with_capacity(8 + 8 + bundle_digest.len() + customer_id.len());
    bytes.extend_from_slice(&moment.seed.to_le_bytes());
    bytes.extend_from_slice(&moment.now_us.to_le_bytes());
    bytes.extend_from_slice(bundle_digest.as_bytes());
    bytes.extend_from_slice(customer_id.as_bytes());
    // Before 1970, the time's 48 bits have no meaning: they are zero.
    let milliseconds = u128::try_from(moment.now_us / 1_000).unwrap_or(0) & ((1 << 48) - 1);
    let random = xxh3_128(&bytes);
    let high = (milliseconds << 16) | 0x7000 | ((random >> 64) & 0x0fff);
    let low = (0b10 << 62) | (random & ((1 << 62) - 1));
    let (first, second, third) = (high >> 32, (high >> 16) & 0xffff, high & 0xffff);
    format!(
        "{first:08x}-{second:04x}-{third:04x}-{:04x}-{:012x}",
        low >> 48,
        low & ((1 << 48) - 1)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_form_of_a_uuid_of_version_7() {
        let moment = Moment {
            now_us: 1_780_315_200_123_456,
            seed: 7,
        };
        let id = decision_id("digest", "anna", moment);
        assert_eq!(id.len(), 36);
        // 1,780,315,200,123 milliseconds.
        assert!(id.starts_with("019e830e-1a7b-7"), "{id}");
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
        assert_ne!(id, decision_id("digest", "bert", moment));
        assert_ne!(id, decision_id("digest", "anna", Moment { seed: 8, ..moment }));
        assert_eq!(id, decision_id("digest", "anna", moment));
    }
}
