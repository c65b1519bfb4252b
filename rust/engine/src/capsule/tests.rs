//! Changes in, capsules and errors out.

use std::collections::BTreeMap;

use nextbest_proto::v1::{Attribute, Value};
use proptest::prelude::*;

use super::{Capsule, Change};
use crate::{
    CapsuleError,
    limits::{CAPSULE_BYTES_MAX, CUSTOMER_ATTRIBUTES_MAX, VALUE_BYTES_MAX},
    testing::{attribute, double, int, string},
};

fn absent(name: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value: None,
    }
}

fn changed(capsule: &Capsule, attributes: &[Attribute]) -> Result<Capsule, CapsuleError> {
    capsule.apply(&Change::of_attributes(attributes)?)
}

#[test]
fn a_change_is_on_top_of_what_is_kept() {
    let first = changed(
        &Capsule::default(),
        &[attribute("b", int(1)), attribute("a", int(2))],
    )
    .unwrap();
    assert_eq!(
        first.attributes(),
        [attribute("a", int(2)), attribute("b", int(1))]
    );
    let null = Attribute {
        value: Some(Value { kind: None }),
        ..absent("b")
    };
    let second = changed(&first, &[attribute("c", int(3)), null, absent("never")]).unwrap();
    assert_eq!(
        second.attributes(),
        [attribute("a", int(2)), attribute("c", int(3))]
    );
    // A change makes a new capsule: readers of the first one continue to read it.
    assert_eq!(first.attributes().len(), 2);
}

#[test]
fn what_is_beyond_a_bound_is_refused_with_its_field() {
    let long = "x".repeat(VALUE_BYTES_MAX);
    let cases: [(Vec<Attribute>, &str, &str); 5] = [
        (
            vec![attribute("", int(1))],
            "an attribute name of 0 bytes: 1 to 128",
            "attributes.name",
        ),
        (
            vec![attribute("a", double(f64::NAN))],
            "attribute `a` is not a finite number",
            "attributes.value",
        ),
        (
            vec![attribute("a", string(&long))],
            "attribute `a` has a value of 16388 bytes: at most 16384",
            "attributes.value",
        ),
        (
            vec![attribute("a", int(1)), attribute("a", int(2))],
            "attribute `a` is there twice for one customer",
            "attributes",
        ),
        (
            (0..=CUSTOMER_ATTRIBUTES_MAX)
                .map(|number| attribute(&number.to_string(), int(1)))
                .collect(),
            "513 attributes for one customer: at most 512",
            "attributes",
        ),
    ];
    for (attributes, message, field) in cases {
        let error = changed(&Capsule::default(), &attributes).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.field()), (message, field));
    }
}

#[test]
fn a_capsule_has_a_size() {
    let text = "x".repeat(VALUE_BYTES_MAX - 8);
    let large: Vec<Attribute> = ["a", "b", "c", "d"]
        .map(|name| attribute(name, string(&text)))
        .to_vec();
    let kept = changed(&Capsule::default(), &large[..3]).unwrap();
    let refused = changed(&kept, &large[3..]).unwrap_err();
    assert!(
        matches!(refused, CapsuleError::CapsuleBytes { bytes } if bytes > CAPSULE_BYTES_MAX),
        "{refused}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// Any changes, one after the other, keep what a map of names and values would.
    #[test]
    fn changes_keep_what_a_map_would(
        changes in prop::collection::vec(prop::collection::btree_map("[a-e]", prop::option::of(any::<i64>()), 0..5), 0..6),
    ) {
        let mut capsule = Capsule::default();
        let mut map: BTreeMap<String, i64> = BTreeMap::new();
        for change in changes {
            let attributes: Vec<Attribute> = change
                .iter()
                .rev()
                .map(|(name, value)| value.map_or_else(|| absent(name), |number| attribute(name, int(number))))
                .collect();
            capsule = changed(&capsule, &attributes).unwrap();
            for (name, value) in change {
                match value {
                    Some(value) => map.insert(name, value),
                    None => map.remove(&name),
                };
            }
            let expected: Vec<Attribute> = map.iter().map(|(name, value)| attribute(name, int(*value))).collect();
            prop_assert_eq!(capsule.attributes(), expected);
        }
    }
}
