//! Keeps capsules: one per customer, read once a decision, changed by upserts.
//!
//! Everything is kept in memory, and a restart forgets it. Whether an attribute is declared, and of which
//! type, is for the bundle to say; what a capsule may hold and how a change is applied, for the engine.

mod bounds;
mod error;
mod memory;
mod store;

pub use bounds::{Bounds, CUSTOMERS_BYTES_MAX, CUSTOMERS_MAX, UPSERT_CUSTOMERS_MAX};
pub use error::StoreError;
pub use memory::memory_bytes;
pub use store::Store;

#[cfg(test)]
mod tests;
