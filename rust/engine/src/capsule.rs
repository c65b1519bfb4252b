//! Stored and sent attributes -> [`Capsule`]: the value of every declared attribute, as one decision reads it.

use nextbest_proto::v1;

use crate::{
    bundle::Bundle,
    id::{AttributeId, Id},
    limits::CUSTOMER_ATTRIBUTES_MAX,
    request::{Request, RequestError, check_attributes, check_customer_id, find_next_attribute},
    tables::Root,
    value::Value,
};

/// A value for each declared attribute; most of them missing.
#[derive(Debug)]
pub(crate) struct Capsule<'a> {
    values: Vec<Value<'a>>,
}

impl<'a> Capsule<'a> {
    pub(crate) fn get(&self, attribute: AttributeId) -> Value<'a> {
        self.values
            .get(attribute.place())
            .cloned()
            .unwrap_or(Value::Missing)
    }

    fn set(&mut self, attribute: AttributeId, value: Value<'a>) {
        if let Some(slot) = self.values.get_mut(attribute.place()) {
            *slot = value;
        }
    }
}

/// Joins what is stored and what was sent; the latter takes precedence, also where it says that a value is unknown.
/// Stored attributes that the bundle does not declare, or declares with another type, are ignored: a new bundle may
/// come before the attributes do.
pub(crate) fn assemble<'a>(
    bundle: &'a Bundle,
    request: &'a Request,
    stored: Option<&'a [v1::Attribute]>,
) -> Capsule<'a> {
    let mut capsule = Capsule {
        values: vec![Value::Missing; bundle.attributes.len()],
    };
    let mut last = None;
    for message in stored.unwrap_or_default() {
        if let Some(kind) = message.value.as_ref().and_then(|value| value.kind.as_ref())
            && let Some(attribute) = find_next_attribute(bundle, Root::Customer, &message.name, last)
        {
            last = Some(attribute);
            capsule.set(attribute, Value::of_type(kind, bundle.attributes[attribute].kind));
        }
    }
    for sent in &request.sent {
        capsule.set(
            sent.attribute,
            sent.value.as_ref().map_or(Value::Missing, Value::of),
        );
    }
    capsule
}

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
    // Ids stand in the order of names.
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
