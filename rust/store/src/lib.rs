//! Turns attributes of customers into capsules: one per customer, read once a decision.
//!
//! Everything is kept in memory, and a restart forgets it. Whether an attribute is declared, and of which
//! type, is for the bundle to say; the store holds what it is given within the bounds below.

mod bounds;
mod capsule;
mod memory;
mod store;

pub use bounds::{
    ATTRIBUTE_NAME_BYTES_MAX, ATTRIBUTES_MAX, CAPSULE_BYTES_MAX, CUSTOMER_ID_BYTES_MAX, CUSTOMERS_BYTES_MAX,
    CUSTOMERS_MAX, UPSERT_CUSTOMERS_MAX, VALUE_BYTES_MAX,
};
pub use capsule::Capsule;
pub use memory::memory_bytes;
pub use store::{Bounds, Refusal, Store};

#[cfg(test)]
mod tests;
