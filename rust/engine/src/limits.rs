//! Bounds of what the engine takes: bundles, requests, what is stored of a customer.
//!
//! A bound that one module alone knows is in that module.

/// The format of bundle files that this engine reads.
pub const FORMAT: u32 = 1;
/// Bytes of a bundle file.
pub const BUNDLE_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Default for the bytes that an index may take.
pub const INDEX_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Rows of one run of a model: a runtime's memory grows with the largest batch and never shrinks.
pub const BATCH_ROWS_MAX: usize = 1_024;

/// Bytes of a customer's id.
pub const CUSTOMER_ID_BYTES_MAX: usize = 256;
/// Customer attributes of one request, or of one stored customer.
pub const CUSTOMER_ATTRIBUTES_MAX: usize = 512;
/// Bytes of an attribute's name.
pub const ATTRIBUTE_NAME_BYTES_MAX: usize = 128;
/// One stored value in bytes as encoded.
pub const VALUE_BYTES_MAX: usize = 16 * 1024;
/// All that is kept of one customer, in bytes as encoded.
pub const CAPSULE_BYTES_MAX: usize = 64 * 1024;
/// Context attributes of one request.
pub const CONTEXT_ATTRIBUTES_MAX: usize = 128;
/// Bytes of one string of an attribute.
pub const STRING_BYTES_MAX: usize = 4_096;
/// Elements of one list of an attribute.
pub const LIST_ITEMS_MAX: usize = 1_000;

/// Placements of one request.
pub const PLACEMENTS_MAX: usize = 32;
/// Actions for one placement.
pub const PLACEMENT_COUNT_MAX: u32 = 100;

/// Actions that one `Explain` may name.
pub const EXPLAINED_ACTIONS_MAX: usize = 10_000;
/// Actions of one `Decide` whose contributions are reported.
pub const CONTRIBUTED_ACTIONS_MAX: u32 = 10;
/// The same where the request does not say.
pub const CONTRIBUTED_ACTIONS_DEFAULT: u32 = 3;
/// Actions of one `Explain` whose contributions are reported: each may take some hundred microseconds.
pub const EXPLAINED_CONTRIBUTIONS_MAX: usize = 100;
