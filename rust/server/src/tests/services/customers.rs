//! Upsert, Get and Delete.

use nextbest_proto::v1;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{
    limits::DECIDE_BYTES_MAX,
    tests::fixture::{Client, age, int, settings, start},
};

fn customer(id: &str, attributes: Vec<v1::Attribute>) -> v1::Customer {
    v1::Customer {
        customer_id: id.into(),
        attributes,
    }
}

#[test]
fn a_customer_is_stored_read_and_forgotten() {
    let server = start(settings());
    let client = Client::connect(&server);
    assert_eq!(
        client
            .upsert(vec![customer("a", vec![age(30)]), customer("b", vec![])])
            .unwrap(),
        2
    );
    assert_eq!(server.status().customers, 2);
    let get = |id: &str| {
        let question = v1::GetRequest {
            customer_id: id.into(),
        };
        client
            .run(client.customers.clone().get(question))
            .map(|answer| answer.into_inner().customer.unwrap())
    };
    assert_eq!(get("a").unwrap(), customer("a", vec![age(30)]));
    let delete = || {
        let question = v1::DeleteRequest {
            customer_id: "a".into(),
        };
        client
            .run(client.customers.clone().delete(question))
            .unwrap()
            .into_inner()
            .deleted
    };
    assert!(delete());
    assert!(!delete());
    assert_eq!(get("a").unwrap_err().code(), Code::NotFound);
}

#[test]
fn one_bad_attribute_refuses_all() {
    let server = start(settings());
    let client = Client::connect(&server);
    let bad = v1::Attribute {
        name: "agee".into(),
        value: Some(int(3)),
    };
    let status = client
        .upsert(vec![customer("a", vec![age(30)]), customer("b", vec![bad])])
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_details_bad_request().unwrap();
    assert!(
        details.field_violations[0]
            .field
            .starts_with("customers[1].attributes[0]"),
        "{details:?}"
    );
    assert_eq!(server.status().customers, 0);
}

#[test]
fn a_large_upsert_is_taken_and_too_many_customers_are_not() {
    let server = start(settings());
    let client = Client::connect(&server);
    let many = |count: usize| {
        (0..count)
            .map(|number| customer(&format!("{number:0>200}"), vec![age(30)]))
            .collect::<Vec<_>>()
    };
    let sent = many(1_000);
    assert!(200 * sent.len() < DECIDE_BYTES_MAX);
    assert_eq!(client.upsert(sent).unwrap(), 1_000);
    assert_eq!(
        client.upsert(many(1_001)).unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(server.status().customers, 1_000);
}

#[test]
fn a_full_store_is_exhausted() {
    let server = start(crate::Settings {
        customers: nextbest_store::Bounds {
            customers_max: 1,
            ..nextbest_store::Bounds::default()
        },
        ..settings()
    });
    let client = Client::connect(&server);
    client.upsert(vec![customer("a", vec![])]).unwrap();
    assert_eq!(
        client.upsert(vec![customer("b", vec![])]).unwrap_err().code(),
        Code::ResourceExhausted
    );
}
