//! A customer's attributes -> the memory that they take, by a formula: allocators do not say what a value takes.

use std::mem::size_of;

use nextbest_proto::v1::{Attribute, Value, value::Kind};

/// Of the map of customers, for one of them: 16 bytes of its id's pointer, 8 of its capsule's and one of control, in a
/// table that is between seven sixteenths and seven eighths full.
const ENTRY_BYTES: usize = 40;
/// A capsule's list of attributes, and the counts of who reads it.
const CAPSULE_BYTES: usize = 48;
/// The least that is allocated, and what sizes are rounded to.
const ALLOCATION_BYTES: usize = 16;

/// What a customer takes in memory, from its id to its last value: within a quarter of what is really allocated.
#[must_use]
pub fn memory_bytes(customer_id: &str, attributes: &[Attribute]) -> usize {
    let values = attributes.iter().map(|attribute| {
        let value = attribute.value.as_ref().map_or(0, value_bytes);
        allocated(attribute.name.len()) + value
    });
    let list = allocated(size_of_val(attributes));
    ENTRY_BYTES + CAPSULE_BYTES + allocated(customer_id.len()) + list + values.sum::<usize>()
}

/// In addition to the value itself, which is in its list.
fn value_bytes(value: &Value) -> usize {
    match &value.kind {
        Some(Kind::String(text)) => allocated(text.len()),
        Some(Kind::Strings(list)) => {
            let texts = list.items.iter().map(|text| allocated(text.len()));
            allocated(list.items.len() * size_of::<String>()) + texts.sum::<usize>()
        }
        Some(Kind::Ints(list)) => allocated(list.items.len() * size_of::<i64>()),
        _ => 0,
    }
}

/// Allocators have classes of sizes, an eighth apart where they are large.
fn allocated(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        bytes => bytes.next_multiple_of(ALLOCATION_BYTES) + bytes / 16,
    }
}
