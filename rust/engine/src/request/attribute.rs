//! `Attribute` messages -> [`Sent`] values: declared, of their type, in their range.

use nextbest_proto::v1::{self, value::Kind};

use super::{RequestError, id, limit};
use crate::{
    bundle::Bundle,
    id::{AttributeId, Id as _},
    limits::{LIST_ITEMS_MAX, STRING_BYTES_MAX},
    tables::{Attribute, Root},
    value::{Relation, TIMESTAMP_US_MAX, TIMESTAMP_US_MIN, Type, Value},
};

/// Allowed values that a message lists.
const LISTED_MAX: usize = 5;

/// An attribute that a request brings, or a customer to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) attribute: AttributeId,
    /// Absent: unknown, whatever is stored.
    pub(crate) value: Option<Kind>,
}

/// Checks attributes of one root; their order does not matter. An int where a double is declared becomes one,
/// and an empty list is of either type.
pub(crate) fn check_attributes(
    bundle: &Bundle,
    root: Root,
    field: &str,
    count_max: usize,
    messages: Vec<v1::Attribute>,
) -> Result<Vec<Sent>, RequestError> {
    limit(field, messages.len(), count_max)?;
    let mut sent = Vec::with_capacity(messages.len());
    for (index, message) in messages.into_iter().enumerate() {
        let one =
            attribute(bundle, root, message).map_err(|error| error.within(&format!("{field}[{index}]")))?;
        sent.push(one);
    }
    let mut seen: Vec<(AttributeId, usize)> = sent
        .iter()
        .zip(0..)
        .map(|(one, index)| (one.attribute, index))
        .collect();
    seen.sort_unstable();
    for pair in seen.windows(2) {
        if let [(first, _), (second, index)] = pair
            && first == second
        {
            let name = &bundle.attributes[*first].name;
            return Err(RequestError::duplicate(format!("{field}[{index}].name"), name));
        }
    }
    Ok(sent)
}

/// Looks an attribute up by its name.
fn find(bundle: &Bundle, root: Root, name: &str) -> Option<AttributeId> {
    let found = bundle
        .attributes
        .rows()
        .binary_search_by(|row| row.root.cmp(&root).then_with(|| row.name.as_str().cmp(name)));
    found.ok().map(id)
}

/// The same where names mostly come in their order: the one behind `before` is looked at first.
pub(crate) fn find_next(
    bundle: &Bundle,
    root: Root,
    name: &str,
    before: Option<AttributeId>,
) -> Option<AttributeId> {
    let index = before.map_or(0, |before| before.index() + 1);
    let next = bundle.attributes.rows().get(index);
    if next.is_some_and(|row| row.root == root && row.name == name) {
        return Some(id(index));
    }
    find(bundle, root, name)
}

fn attribute(bundle: &Bundle, root: Root, message: v1::Attribute) -> Result<Sent, RequestError> {
    let Some(attribute) = find(bundle, root, &message.name) else {
        let rows = bundle.attributes.rows().iter().filter(|row| row.root == root);
        let names = rows.map(|row| row.name.as_str());
        let what = format!("{} attribute", root.name());
        return Err(RequestError::unknown(
            "name".to_owned(),
            &what,
            &message.name,
            names,
        ));
    };
    let declared = &bundle.attributes[attribute];
    let value = match message.value.and_then(|value| value.kind) {
        Some(kind) => Some(checked(declared, kind).map_err(|problem| {
            RequestError::new("value", format!("`{}.{}` {problem}", root.name(), declared.name))
        })?),
        None => None,
    };
    Ok(Sent { attribute, value })
}

/// The value in the engine's type; else the reason against it, to follow the attribute's name.
fn checked(declared: &Attribute, kind: Kind) -> Result<Kind, String> {
    let kind = match (kind, declared.kind) {
        #[expect(clippy::cast_precision_loss, reason = "CEL converts ints to doubles so")]
        (Kind::Int(value), Type::Double) => Kind::Double(value as f64),
        // An empty list has no elements that show its type, and clients in some languages cannot know it
        // either.
        (Kind::Strings(list), Type::IntList) if list.items.is_empty() => Kind::Ints(v1::IntList::default()),
        (Kind::Ints(list), Type::StringList) if list.items.is_empty() => {
            Kind::Strings(v1::StringList::default())
        }
        (kind, _) => kind,
    };
    let found = Type::of(&kind);
    if found != declared.kind {
        return Err(format!(
            "is {}: {} was sent",
            declared.kind.phrase(),
            found.phrase()
        ));
    }
    check_form(&kind)?;
    check_range(declared, &kind)?;
    Ok(kind)
}

/// Whether a request may bring this value, of the declared type.
pub(crate) fn accepts(declared: &Attribute, kind: &Kind) -> bool {
    check_form(kind).is_ok() && check_range(declared, kind).is_ok()
}

fn check_form(kind: &Kind) -> Result<(), String> {
    let long = |text: &String| text.len() > STRING_BYTES_MAX;
    let many = |count: usize| count > LIST_ITEMS_MAX;
    match kind {
        Kind::Double(value) if !value.is_finite() => Err("is not a finite number".to_owned()),
        Kind::String(text) if long(text) => Err(format!("is longer than {STRING_BYTES_MAX} bytes")),
        Kind::TimestampUs(value) if !(TIMESTAMP_US_MIN..=TIMESTAMP_US_MAX).contains(value) => {
            Err("is outside the years 0001 to 9999".to_owned())
        }
        Kind::Strings(list) if many(list.items.len()) => {
            Err(format!("has more than {LIST_ITEMS_MAX} elements"))
        }
        Kind::Ints(list) if many(list.items.len()) => Err(format!("has more than {LIST_ITEMS_MAX} elements")),
        Kind::Strings(list) if list.items.iter().any(long) => {
            Err(format!("has an element longer than {STRING_BYTES_MAX} bytes"))
        }
        _ => Ok(()),
    }
}

fn check_range(declared: &Attribute, kind: &Kind) -> Result<(), String> {
    use std::cmp::Ordering::{Greater, Less};
    let value = Value::of(kind);
    if let Some(minimum) = &declared.minimum
        && value.relation(&Value::of(minimum)) == Relation::Ordered(Less)
    {
        return Err(format!("is below its minimum, {}", Value::of(minimum)));
    }
    if let Some(maximum) = &declared.maximum
        && value.relation(&Value::of(maximum)) == Relation::Ordered(Greater)
    {
        return Err(format!("is above its maximum, {}", Value::of(maximum)));
    }
    if declared.allowed.is_empty() {
        return Ok(());
    }
    let is_allowed = |value: &Value<'_>| {
        declared
            .allowed
            .iter()
            .any(|allowed| value.equals(&Value::of(allowed)))
    };
    let (all_allowed, whose) = match &value {
        Value::List(list) => (
            list.iter().all(|element| is_allowed(&element)),
            "has an element that is",
        ),
        value => (is_allowed(value), "is"),
    };
    if all_allowed {
        return Ok(());
    }
    let listed: Vec<String> = declared
        .allowed
        .iter()
        .take(LISTED_MAX)
        .map(|allowed| Value::of(allowed).to_string())
        .collect();
    let rest = declared.allowed.len().saturating_sub(LISTED_MAX);
    let more = if rest == 0 {
        String::new()
    } else {
        format!(" and {rest} more")
    };
    Err(format!(
        "{whose} not one of its allowed values: {}{more}",
        listed.join(", ")
    ))
}
