//! Decisions without a server.

use nextbest_engine::Moment;
use nextbest_proto::v1;
use prost::Message as _;

use crate::{
    Offline,
    testing::{age, bundle, int, placed, request},
};

const MOMENT: Moment = Moment {
    now_us: 1_780_315_200_000_000,
    seed: 7,
};

fn open() -> Offline {
    Offline::open(&bundle("gold-card"), None).unwrap()
}

#[test]
fn a_stored_customer_is_decided_about() {
    let customer = v1::Customer {
        customer_id: "c".into(),
        attributes: vec![age(30)],
    }
    .encode_to_vec();
    let question = request("c", vec![]).encode_to_vec();
    let answer = open().decide(&question, Some(&customer), MOMENT).unwrap();
    assert_eq!(open().decide(&question, Some(&customer), MOMENT).unwrap(), answer);
    let answer = v1::DecideResponse::decode(answer.as_slice()).unwrap();
    assert_eq!(
        (placed(&answer), answer.now_us, answer.seed),
        (vec!["gold-card"], MOMENT.now_us, 7)
    );
    assert!(answer.degradations.is_empty());
}

#[test]
fn an_explanation_is_encoded_too() {
    let question = v1::ExplainRequest {
        decide: Some(request("", vec![])),
        actions: vec![],
    };
    let answer = open().explain(&question.encode_to_vec(), None, MOMENT).unwrap();
    let decision = v1::ExplainResponse::decode(answer.as_slice())
        .unwrap()
        .decision
        .unwrap();
    assert_eq!(decision.explanation.unwrap().actions[0].action, "gold-card");
}

#[test]
fn what_is_wrong_is_named() {
    let question = request("c", vec![]).encode_to_vec();
    let refused = open().decide(&[0xff], None, MOMENT).unwrap_err();
    assert_eq!(
        (refused.message.as_str(), refused.field.as_str()),
        ("the request is not an encoded message of its type", "")
    );
    let bad = v1::Attribute {
        name: "agee".into(),
        value: Some(int(1)),
    };
    let customer = v1::Customer {
        customer_id: "c".into(),
        attributes: vec![bad],
    }
    .encode_to_vec();
    let refused = open().decide(&question, Some(&customer), MOMENT).unwrap_err();
    assert!(refused.field.starts_with("customer.attributes[0]"), "{refused:?}");
}
