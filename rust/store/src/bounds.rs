//! How much a store may hold.

/// Customers of one upsert.
pub const UPSERT_CUSTOMERS_MAX: usize = 1_000;
/// Customers in memory where the settings do not say.
pub const CUSTOMERS_MAX: usize = 10_000_000;
/// Memory of all customers where the settings do not say: two million of a kilobyte each.
pub const CUSTOMERS_BYTES_MAX: usize = 2 * 1024 * 1024 * 1024;

/// How much a store may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Customers.
    pub customers_max: usize,
    /// Memory of all of them, as [`crate::memory_bytes`] counts it.
    pub bytes_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            customers_max: CUSTOMERS_MAX,
            bytes_max: CUSTOMERS_BYTES_MAX,
        }
    }
}
