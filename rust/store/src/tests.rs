//! Upserts in, capsules and refusals out.

use nextbest_proto::v1::{Attribute, Customer, StringList, Value, value::Kind};

use crate::{ATTRIBUTES_MAX, CUSTOMER_ID_BYTES_MAX, Refusal, Store, UPSERT_CUSTOMERS_MAX, VALUE_BYTES_MAX};

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
    let store = Store::new(10);
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
    let store = Store::new(10);
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
    let store = Store::new(1);
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
    let store = Store::new(10);
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
    let many: Vec<_> = (0..=ATTRIBUTES_MAX)
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
            "attribute `x` stands twice for one customer",
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
        let store = Store::new(10);
        assert_eq!(store.upsert(sent).unwrap_err().to_string(), message);
        assert_eq!(store.count(), 0);
    }
}

#[test]
fn a_customer_grows_only_to_its_bounds() {
    let store = Store::new(10);
    let half: Vec<_> = (0..ATTRIBUTES_MAX)
        .map(|number| int(&format!("a{number}"), 1))
        .collect();
    store.upsert(&[customer("a", &half)]).unwrap();
    let refused = store.upsert(&[customer("a", &[int("one more", 1)])]).unwrap_err();
    assert_eq!(
        refused,
        Refusal::AttributeCount {
            count: ATTRIBUTES_MAX + 1
        }
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
    assert!(matches!(refused, Refusal::CapsuleBytes { .. }), "{refused}");
}

#[test]
fn a_full_store_still_updates_and_deletes() {
    let store = Store::new(1);
    store.upsert(&[customer("a", &[int("x", 1)])]).unwrap();
    assert_eq!(
        store.upsert(&[customer("b", &[])]),
        Err(Refusal::StoreFull { customers_max: 1 })
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
    let store = Store::new(1);
    store.upsert(&[customer("a", &[int("x", 1)])]).unwrap();
    let taken = store.get("a").unwrap();
    store.upsert(&[customer("a", &[int("x", 2)])]).unwrap();
    assert_eq!(taken.attributes(), [int("x", 1)]);
}

#[test]
fn readers_and_writers_share_the_store() {
    let store = Store::new(1_000);
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
