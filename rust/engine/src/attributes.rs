//! Stored and sent attributes -> [`Attributes`]: the value of every declared attribute, as one decision reads it.

use crate::{
    bundle::Bundle,
    capsule::Capsule,
    id::{AttributeId, Id},
    request::{Request, find_next_attribute},
    tables::Root,
    value::Value,
};

/// A value for each declared attribute; most of them missing.
#[derive(Debug)]
pub(crate) struct Attributes<'a> {
    values: Vec<Value<'a>>,
}

impl<'a> Attributes<'a> {
    /// All of them missing.
    pub(crate) fn missing(bundle: &Bundle) -> Self {
        Self {
            values: vec![Value::Missing; bundle.attributes.len()],
        }
    }

    pub(crate) fn get(&self, attribute: AttributeId) -> Value<'a> {
        self.values
            .get(attribute.index())
            .cloned()
            .unwrap_or(Value::Missing)
    }

    pub(crate) fn set(&mut self, attribute: AttributeId, value: Value<'a>) {
        if let Some(slot) = self.values.get_mut(attribute.index()) {
            *slot = value;
        }
    }

    /// The same with everything its own.
    pub(crate) fn into_owned(self) -> Attributes<'static> {
        Attributes {
            values: self.values.into_iter().map(Value::into_owned).collect(),
        }
    }
}

/// Joins the stored and the sent attributes; the sent ones take precedence, even if they set a value to
/// unknown. Stored attributes that the bundle does not declare, or declares with another type, are ignored: a
/// new bundle may come before the attributes do.
pub(crate) fn assemble<'a>(
    bundle: &'a Bundle,
    request: &'a Request,
    capsule: Option<&'a Capsule>,
) -> Attributes<'a> {
    let mut attributes = Attributes::missing(bundle);
    let mut last = None;
    for message in capsule.map(Capsule::attributes).unwrap_or_default() {
        if let Some(kind) = message.value.as_ref().and_then(|value| value.kind.as_ref())
            && let Some(attribute) = find_next_attribute(bundle, Root::Customer, &message.name, last)
        {
            last = Some(attribute);
            attributes.set(attribute, Value::of_type(kind, bundle.attributes[attribute].kind));
        }
    }
    for sent in &request.sent {
        attributes.set(
            sent.attribute,
            sent.value.as_ref().map_or(Value::Missing, Value::of),
        );
    }
    attributes
}
