//! The bounds of what is kept of customers, and the check of one customer against them.

use nextbest_proto::v1::{Attribute, Customer, Value, value::Kind};
use prost::Message as _;

use crate::Refusal;

/// A customer id in bytes.
pub const CUSTOMER_ID_BYTES_MAX: usize = 256;
/// An attribute's name in bytes.
pub const ATTRIBUTE_NAME_BYTES_MAX: usize = 128;
/// Attributes of one customer, as sent and as stored.
pub const ATTRIBUTES_MAX: usize = 512;
/// One value in bytes as encoded.
pub const VALUE_BYTES_MAX: usize = 16 * 1024;
/// All that is kept of one customer, in bytes as encoded.
pub const CAPSULE_BYTES_MAX: usize = 64 * 1024;
/// Customers of one upsert.
pub const UPSERT_CUSTOMERS_MAX: usize = 1_000;
/// Customers in memory where the settings do not say.
pub const CUSTOMERS_MAX: usize = 10_000_000;

/// Memory of all customers where the settings do not say: two million of a kilobyte each.
pub const CUSTOMERS_BYTES_MAX: usize = 2 * 1024 * 1024 * 1024;

/// Checks what is sent of one customer; what is then stored of it is for [`crate::Capsule`] to check.
pub(crate) fn check(customer: &Customer) -> Result<(), Refusal> {
    let id = &customer.customer_id;
    if id.is_empty() || id.len() > CUSTOMER_ID_BYTES_MAX {
        return Err(Refusal::CustomerId { bytes: id.len() });
    }
    if customer.attributes.len() > ATTRIBUTES_MAX {
        return Err(Refusal::AttributeCount {
            count: customer.attributes.len(),
        });
    }
    customer.attributes.iter().try_for_each(check_attribute)
}

fn check_attribute(attribute: &Attribute) -> Result<(), Refusal> {
    let name = &attribute.name;
    if name.is_empty() || name.len() > ATTRIBUTE_NAME_BYTES_MAX {
        return Err(Refusal::AttributeName { bytes: name.len() });
    }
    let Some(value) = &attribute.value else {
        return Ok(());
    };
    if !is_finite(value) {
        return Err(Refusal::NotFinite {
            attribute: name.clone(),
        });
    }
    let bytes = value.encoded_len();
    if bytes > VALUE_BYTES_MAX {
        return Err(Refusal::ValueBytes {
            attribute: name.clone(),
            bytes,
        });
    }
    Ok(())
}

fn is_finite(value: &Value) -> bool {
    !matches!(value.kind, Some(Kind::Double(number)) if !number.is_finite())
}
