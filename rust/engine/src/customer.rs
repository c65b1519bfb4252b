//! A customer to be stored + bundle -> the customer in the form in which it is stored, or the error.

use nextbest_proto::v1;

use crate::{
    bundle::Bundle,
    limits::CUSTOMER_ATTRIBUTES_MAX,
    request::{RequestError, check_attributes, check_customer_id},
    tables::Root,
};

/// Checks a customer that is to be stored: its id, and every attribute against the bundle's declarations.
/// Returns it as it should be stored: attributes in the order of their names, ints where a double is declared made
/// doubles. An attribute without a value stays: it asks for removal.
///
/// # Errors
/// The first thing that is wrong with it; the field's path starts at the customer.
pub fn check_customer(bundle: &Bundle, customer: v1::Customer) -> Result<v1::Customer, RequestError> {
    if customer.customer_id.is_empty() {
        return Err(RequestError::new("customer_id", "missing".to_owned()));
    }
    check_customer_id(&customer.customer_id)?;
    let mut sent = check_attributes(
        bundle,
        Root::Customer,
        "attributes",
        CUSTOMER_ATTRIBUTES_MAX,
        customer.attributes,
    )?;
    // Ids are in the order of names.
    sent.sort_unstable_by_key(|one| one.attribute);
    let attributes = sent
        .into_iter()
        .map(|one| v1::Attribute {
            name: bundle.attributes[one.attribute].name.clone(),
            value: one.value.map(|kind| v1::Value { kind: Some(kind) }),
        })
        .collect();
    Ok(v1::Customer {
        customer_id: customer.customer_id,
        attributes,
    })
}
