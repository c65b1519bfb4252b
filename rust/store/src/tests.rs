//! Upserts in, capsules and errors out.

use std::collections::BTreeMap;

use proptest::prelude::*;

use nextbest_proto::v1::{Attribute, Customer, StringList, Value, value::Kind};

use nextbest_engine::{CUSTOMER_ATTRIBUTES_MAX, CUSTOMER_ID_BYTES_MAX, CapsuleError, VALUE_BYTES_MAX};

use crate::{Bounds, Store, StoreError, UPSERT_CUSTOMERS_MAX, memory_bytes};

fn store_of(customers_max: usize) -> Store {
    Store::new(Bounds {
        customers_max,
        ..Bounds::default()
    })
}

fn int(name: &str, number: i64) -> Attribute {
    Attribute {
        name: name.into(),
        value: Some(Value {
            kind: Some(Kind::Int(number)),
        }),
    }
}

fn absent(name: &str) -> Attribute {
    Attribute {
        name: name.into(),
        value: None,
    }
}

fn customer(id: &str, attributes: &[Attribute]) -> Customer {
    Customer {
        customer_id: id.into(),
        attributes: attributes.to_vec(),
    }
}

fn stored(store: &Store, id: &str) -> Vec<Attribute> {
    store.get(id).expect("known").attributes().to_vec()
}

#[test]
fn attributes_merge_in_the_order_of_their_names() {
    let store = store_of(10);
    store
        .upsert(&[customer("a", &[int("b", 1), int("a", 2), int("d", 4)])])
        .unwrap();
    store
        .upsert(&[customer(
            "a",
            &[int("c", 3), int("b", 7), absent("d"), absent("never")],
        )])
        .unwrap();
    assert_eq!(stored(&store, "a"), [int("a", 2), int("b", 7), int("c", 3)]);
    assert_eq!(store.count(), 1);
}

#[test]
fn null_is_absent() {
    let store = store_of(10);
    let null = Attribute {
        name: "a".into(),
        value: Some(Value { kind: None }),
    };
    store.upsert(&[customer("a", &[int("a", 1)])]).unwrap();
    store.upsert(&[customer("a", &[null])]).unwrap();
    assert_eq!(stored(&store, "a"), []);
}

#[test]
fn a_customer_twice_in_one_upsert_is_merged_in_order() {
    let store = store_of(1);
    let sent = [
        customer("a", &[int("x", 1), int("y", 1)]),
        customer("a", &[int("x", 2)]),
    ];
    assert_eq!(store.upsert(&sent), Ok(2));
    assert_eq!(stored(&store, "a"), [int("x", 2), int("y", 1)]);
    assert_eq!(store.count(), 1);
}

#[test]
fn one_bad_attribute_refuses_the_whole_upsert() {
    let store = store_of(10);
    let nan = Attribute {
        name: "b".into(),
        value: Some(Value {
            kind: Some(Kind::Double(f64::NAN)),
        }),
    };
    let refused = store
        .upsert(&[customer("good", &[int("a", 1)]), customer("bad", &[nan])])
        .unwrap_err();
    assert_eq!(refused.to_string(), "attribute `b` is not a finite number");
    assert_eq!(refused.field(), "customers.attributes.value");
    assert_eq!(store.count(), 0);
    assert!(store.get("good").is_none());
}

#[test]
fn bounds_are_kept() {
    let many: Vec<_> = (0..=CUSTOMER_ATTRIBUTES_MAX)
        .map(|number| int(&format!("a{number}"), 1))
        .collect();
    let long = Attribute {
        name: "long".into(),
        value: Some(Value {
            kind: Some(Kind::Strings(StringList {
                items: vec!["x".repeat(VALUE_BYTES_MAX)],
            })),
        }),
    };
    let crowd: Vec<_> = (0..=UPSERT_CUSTOMERS_MAX).map(|_| customer("a", &[])).collect();
    let cases: [(&[Customer], &str); 7] = [
        (&[customer("", &[])], "a customer id of 0 bytes: 1 to 256"),
        (
            &[customer(&"i".repeat(CUSTOMER_ID_BYTES_MAX + 1), &[])],
            "a customer id of 257 bytes: 1 to 256",
        ),
        (
            &[customer("a", &[int("", 1)])],
            "an attribute name of 0 bytes: 1 to 128",
        ),
        (
            &[customer("a", &[int("x", 1), int("x", 1)])],
            "attribute `x` is there twice for one customer",
        ),
        (
            &[customer("a", &many)],
            "513 attributes for one customer: at most 512",
        ),
        (
            &[customer("a", &[long])],
            "attribute `long` has a value of 16392 bytes: at most 16384",
        ),
        (&crowd, "1001 customers in one upsert: at most 1000"),
    ];
    for (sent, message) in cases {
        let store = store_of(10);
        assert_eq!(store.upsert(sent).unwrap_err().to_string(), message);
        assert_eq!(store.count(), 0);
    }
}

#[test]
fn a_customer_grows_only_to_its_bounds() {
    let store = store_of(10);
    let half: Vec<_> = (0..CUSTOMER_ATTRIBUTES_MAX)
        .map(|number| int(&format!("a{number}"), 1))
        .collect();
    store.upsert(&[customer("a", &half)]).unwrap();
    let refused = store.upsert(&[customer("a", &[int("one more", 1)])]).unwrap_err();
    assert_eq!(
        refused,
        StoreError::Capsule(CapsuleError::AttributeCount {
            count: CUSTOMER_ATTRIBUTES_MAX + 1
        })
    );

    let wide = |name: &str| Attribute {
        name: name.into(),
        value: Some(Value {
            kind: Some(Kind::String("x".repeat(VALUE_BYTES_MAX - 8))),
        }),
    };
    store
        .upsert(&[customer("b", &[wide("a"), wide("b"), wide("c")])])
        .unwrap();
    let refused = store.upsert(&[customer("b", &[wide("d")])]).unwrap_err();
    assert!(
        matches!(refused, StoreError::Capsule(CapsuleError::CapsuleBytes { .. })),
        "{refused}"
    );
}

#[test]
fn a_full_store_still_updates_and_deletes() {
    let store = store_of(1);
    store.upsert(&[customer("a", &[int("x", 1)])]).unwrap();
    assert_eq!(
        store.upsert(&[customer("b", &[])]),
        Err(StoreError::StoreFull { customers_max: 1 })
    );
    store.upsert(&[customer("a", &[int("x", 2)])]).unwrap();
    assert!(store.delete("a"));
    assert!(!store.delete("a"));
    assert_eq!(store.count(), 0);
    store.upsert(&[customer("b", &[])]).unwrap();
    assert_eq!(store.count(), 1);
}

#[test]
fn a_reader_keeps_the_capsule_that_it_took() {
    let store = store_of(1);
    store.upsert(&[customer("a", &[int("x", 1)])]).unwrap();
    let taken = store.get("a").unwrap();
    store.upsert(&[customer("a", &[int("x", 2)])]).unwrap();
    assert_eq!(taken.attributes(), [int("x", 1)]);
}

#[test]
fn readers_and_writers_share_the_store() {
    let store = store_of(1_000);
    std::thread::scope(|scope| {
        for writer in 0..4_i64 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..200 {
                    let pair = [int("x", round), int("y", round)];
                    store
                        .upsert(&[customer(&format!("c{}", round % 50), &pair)])
                        .unwrap();
                    let taken = store.get(&format!("c{}", (round + writer) % 50));
                    if let Some(taken) = taken {
                        assert_eq!(taken.attributes()[0].value, taken.attributes()[1].value);
                    }
                }
            });
        }
    });
    assert_eq!(store.count(), 50);
}

fn text(name: &str, bytes: usize) -> Attribute {
    Attribute {
        name: name.into(),
        value: Some(Value {
            kind: Some(Kind::String("x".repeat(bytes))),
        }),
    }
}

/// The memory of all customers, added up again.
fn recounted(store: &Store, ids: &[String]) -> usize {
    let stored = |id: &String| {
        store
            .get(id)
            .map(|capsule| memory_bytes(id, capsule.attributes()))
    };
    ids.iter().filter_map(stored).sum()
}

#[test]
fn a_store_full_of_bytes_still_shrinks() {
    let one = memory_bytes("a", &[text("note", 1_000)]);
    let store = Store::new(Bounds {
        bytes_max: 2 * one,
        ..Bounds::default()
    });
    store.upsert(&[customer("a", &[text("note", 1_000)])]).unwrap();
    store.upsert(&[customer("b", &[text("note", 1_000)])]).unwrap();
    assert_eq!(store.bytes(), 2 * one);
    let refused = store
        .upsert(&[customer("a", &[text("note", 2_000)])])
        .unwrap_err();
    assert!(matches!(refused, StoreError::StoreBytes { bytes_max, .. } if bytes_max == 2 * one));
    assert!(
        refused.to_string().contains("NEXTBEST_CUSTOMERS_BYTES_MAX"),
        "{refused}"
    );
    assert!(store.upsert(&[customer("c", &[])]).is_err());
    assert_eq!((store.bytes(), store.count()), (2 * one, 2));
    store.upsert(&[customer("a", &[absent("note")])]).unwrap();
    assert!(store.bytes() < 2 * one);
    store.upsert(&[customer("c", &[])]).unwrap();
    assert!(store.delete("b"));
    store.upsert(&[customer("c", &[text("note", 1_000)])]).unwrap();
    assert!(store.delete("a") && store.delete("c"));
    assert_eq!((store.bytes(), store.count()), (0, 0));
}

/// One customer of an upsert: which, and for each attribute its length; none removes it.
type Change = (u8, Vec<(u8, Option<u16>)>);

fn changed((id, attributes): &Change) -> Customer {
    // A name occurs once for one customer.
    let attributes: BTreeMap<_, _> = attributes.iter().copied().collect();
    let attributes: Vec<_> = attributes
        .into_iter()
        .map(|(name, bytes)| match bytes {
            Some(bytes) => text(&format!("a{name}"), bytes.into()),
            None => absent(&format!("a{name}")),
        })
        .collect();
    customer(&format!("c{id}"), &attributes)
}

fn ids() -> Vec<String> {
    (0..8).map(|id| format!("c{id}")).collect()
}

fn changes() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let attributes = prop::collection::vec((0..4_u8, prop::option::of(0..600_u16)), 0..4);
    // An upsert without a customer represents a deletion.
    prop::collection::vec(prop::collection::vec((0..8_u8, attributes), 0..4), 1..40)
}

/// Does what the changes say. Returns the most that the store has held.
fn run(store: &Store, changes: &[Vec<Change>]) -> usize {
    let mut most = 0;
    for (number, upsert) in changes.iter().enumerate() {
        if upsert.is_empty() {
            store.delete(&format!("c{}", number % 8));
        } else {
            let _ = store.upsert(&upsert.iter().map(changed).collect::<Vec<_>>());
        }
        most = most.max(store.bytes());
    }
    most
}

/// The same without a store: all that is known, as it is sent.
fn model(changes: &[Vec<Change>], bytes_max: usize) -> BTreeMap<String, BTreeMap<String, Attribute>> {
    let bytes = |known: &BTreeMap<String, BTreeMap<String, Attribute>>| -> usize {
        known
            .iter()
            .map(|(id, of)| memory_bytes(id, &of.values().cloned().collect::<Vec<_>>()))
            .sum()
    };
    let mut known = BTreeMap::<String, BTreeMap<String, Attribute>>::new();
    for (number, upsert) in changes.iter().enumerate() {
        let mut next = known.clone();
        for customer in upsert.iter().map(changed) {
            let of = next.entry(customer.customer_id).or_default();
            for attribute in customer.attributes {
                match attribute.value {
                    Some(_) => of.insert(attribute.name.clone(), attribute),
                    None => of.remove(&attribute.name),
                };
            }
        }
        if upsert.is_empty() {
            next.remove(&format!("c{}", number % 8));
        }
        if bytes(&next) <= bytes_max || bytes(&next) <= bytes(&known) {
            known = next;
        }
    }
    known
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn bytes_are_those_of_a_naive_model(changes in changes(), bytes_max in 500..8_000_usize) {
        let store = Store::new(Bounds { bytes_max, ..Bounds::default() });
        prop_assert!(run(&store, &changes) <= bytes_max);
        let known = model(&changes, bytes_max);
        prop_assert_eq!(store.count(), known.len());
        for id in ids() {
            let expected = known.get(&id).map(|of| of.values().cloned().collect::<Vec<_>>());
            let found = store.get(&id).map(|capsule| capsule.attributes().to_vec());
            prop_assert_eq!(found, expected);
        }
        prop_assert_eq!(store.bytes(), recounted(&store, &ids()));
    }

    #[test]
    fn bytes_are_exact_when_many_write(changes in prop::collection::vec(changes(), 4), bytes_max in 500..8_000_usize) {
        let store = Store::new(Bounds { bytes_max, ..Bounds::default() });
        std::thread::scope(|scope| {
            for of_thread in &changes {
                scope.spawn(|| assert!(run(&store, of_thread) <= bytes_max));
            }
        });
        prop_assert_eq!(store.bytes(), recounted(&store, &ids()));
        prop_assert_eq!(store.count(), ids().iter().filter(|id| store.get(id).is_some()).count());
    }
}
