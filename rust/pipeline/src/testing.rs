//! A small bundle and requests for it: for the tests of this crate and of the server.

use nextbest_proto::v1::{self, comparison::Operator, literal, value::Kind};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

/// One action, for adults, in the web's hero.
#[must_use]
pub fn bundle(action: &str) -> Vec<u8> {
    seal(&message(action).encode_to_vec())
}

/// The same, not yet sealed.
#[must_use]
pub fn message(action: &str) -> v1::Bundle {
    let place = Some(v1::Position {
        file: 0,
        line: 4,
        column: 11,
    });
    v1::Bundle {
        workspace: "test".into(),
        files: vec!["actions/cards.yaml".into()],
        attributes: vec![v1::AttributeDeclaration {
            root: v1::Root::Customer.into(),
            name: "age".into(),
            r#type: v1::Type::Int.into(),
            ..v1::AttributeDeclaration::default()
        }],
        features: vec![v1::Feature {
            name: "customer.age".into(),
            r#type: v1::Type::Int.into(),
            source: Some(v1::feature::Source::Attribute(0)),
        }],
        literals: vec![v1::Literal {
            feature: 0,
            test: Some(literal::Test::Comparison(v1::Comparison {
                operator: Operator::Ge.into(),
                value: Some(int(18)),
            })),
            negated: false,
            text: "customer.age >= 18".into(),
        }],
        conditions: vec![v1::Condition {
            text: "customer.age >= 18".into(),
            reason: "a credit card needs an adult holder".into(),
            position: place,
        }],
        clauses: vec![v1::Clause {
            literals: vec![0],
            condition: 0,
            text: "customer.age >= 18".into(),
            position: place,
        }],
        issues: vec![v1::Issue {
            name: "sales".into(),
            lever_percent: 0.0,
        }],
        groups: vec![v1::Group {
            name: "cards".into(),
            ..v1::Group::default()
        }],
        actions: vec![v1::Action {
            name: action.into(),
            enabled: true,
            eligibility: vec![0],
            value: Some(v1::action::Value::ValueConstant(120.0)),
            prior: 0.5,
            treatments: vec![v1::Treatment {
                name: "hero".into(),
                placement: Some(0),
                content: "{}".into(),
                ..v1::Treatment::default()
            }],
            ..v1::Action::default()
        }],
        channels: vec![v1::Channel {
            name: "web".into(),
            placements: vec![v1::PlacementDeclaration {
                name: "hero".into(),
                count: 1,
                fallback: None,
            }],
        }],
        arbitration: Some(v1::Arbitration::default()),
        ..v1::Bundle::default()
    }
}

/// The bytes of a bundle file with this payload.
#[must_use]
pub fn seal(payload: &[u8]) -> Vec<u8> {
    let mut file = b"nextbest".to_vec();
    file.extend(1_u32.to_le_bytes());
    file.extend((payload.len() as u64).to_le_bytes());
    file.extend(payload);
    let checksum = Sha256::digest(&file);
    file.extend(checksum);
    file
}

/// A whole number.
#[must_use]
pub fn int(number: i64) -> v1::Value {
    v1::Value {
        kind: Some(Kind::Int(number)),
    }
}

/// A customer's age.
#[must_use]
pub fn age(age: i64) -> v1::Attribute {
    v1::Attribute {
        name: "age".into(),
        value: Some(int(age)),
    }
}

/// Asks for the web's hero.
#[must_use]
pub fn request(customer_id: &str, customer: Vec<v1::Attribute>) -> v1::DecideRequest {
    v1::DecideRequest {
        customer_id: customer_id.into(),
        customer,
        channel: "web".into(),
        placements: vec![v1::PlacementRequest {
            name: "hero".into(),
            count: 0,
        }],
        ..v1::DecideRequest::default()
    }
}

/// Names of the actions in the answer.
#[must_use]
pub fn placed(response: &v1::DecideResponse) -> Vec<&str> {
    response
        .placements
        .iter()
        .flat_map(|place| &place.actions)
        .map(|action| action.action.as_str())
        .collect()
}
