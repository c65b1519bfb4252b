//! What is refused, and in which words.

use nextbest_proto::v1;

use super::*;
use crate::{
    check_customer,
    testing::{TestBundle, attribute, double, int, request, string, strings},
};

fn bundle() -> Bundle {
    let mut bundle = TestBundle::new();
    bundle.action("gold", 1.0);
    bundle.action("silver", 1.0);
    Bundle::open(&bundle.seal()).unwrap()
}

fn refused(change: impl FnOnce(&mut v1::DecideRequest)) -> String {
    let mut message = request(&["hero"], Vec::new());
    change(&mut message);
    let error = Request::check(&bundle(), message).expect_err("to be refused");
    format!("{}: {error}", error.field())
}

fn attribute_refused(name: &str, value: v1::Value) -> String {
    refused(|message| message.customer.push(attribute(name, value)))
}

#[test]
fn a_refusal_names_the_field_and_the_remedy() {
    let placement = |name: &str, count| v1::PlacementRequest {
        name: name.to_owned(),
        count,
    };
    let cases = [
        (
            refused(|message| message.channel = "wbe".into()),
            "channel: no channel `wbe`: did you mean `web`?",
        ),
        (
            refused(|message| message.channel = "webb".into()),
            "channel: no channel `webb`: did you mean `web`?",
        ),
        (refused(|message| message.channel.clear()), "channel: missing"),
        (
            refused(|message| message.placements.clear()),
            "placements: missing: name at least one",
        ),
        (
            refused(|message| message.placements = vec![placement("heros", 1)]),
            "placements[0].name: no placement `heros`: did you mean `hero`?",
        ),
        (
            refused(|message| message.placements = vec![placement("hero", 1), placement("hero", 1)]),
            "placements[1].name: `hero` a second time",
        ),
        (
            refused(|message| message.placements = vec![placement("hero", 101)]),
            "placements[0].count: 101: at most 100",
        ),
        (
            refused(|message| message.placements = vec![placement("hero", 1); 33]),
            "placements: 33 entries: at most 32",
        ),
        (
            refused(|message| message.customer_id = "x".repeat(257)),
            "customer_id: 257 bytes long: at most 256",
        ),
        (
            refused(|message| message.dry_run = false),
            "now_us: only with `dry_run`",
        ),
        (
            refused(|message| message.now_us = Some(i64::MAX)),
            "now_us: outside the years 0001 to 9999",
        ),
        (
            refused(|message| message.explanation = 9),
            "explanation: no level 9",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn an_attribute_is_refused_without_repeating_its_value() {
    let cases = [
        (
            attribute_refused("agee", int(18)),
            "customer[0].name: no customer attribute `agee`: did you mean `age`?",
        ),
        (
            refused(|message| message.context.push(attribute("age", int(18)))),
            "context[0].name: no context attribute `age`: did you mean `page`?",
        ),
        (
            attribute_refused("age", string("secret")),
            "customer[0].value: `customer.age` is a whole number: text was sent",
        ),
        (
            attribute_refused("age", double(18.0)),
            "customer[0].value: `customer.age` is a whole number: a number was sent",
        ),
        (
            attribute_refused("age", int(131)),
            "customer[0].value: `customer.age` is above its maximum, 130",
        ),
        (
            attribute_refused("age", int(-1)),
            "customer[0].value: `customer.age` is below its minimum, 0",
        ),
        (
            attribute_refused("segment", string("secret")),
            "customer[0].value: `customer.segment` is not one of its allowed values: \"affluent\", \"mass\", \
            \"private\"",
        ),
        (
            attribute_refused("balance", double(f64::NAN)),
            "customer[0].value: `customer.balance` is not a finite number",
        ),
        (
            refused(|message| {
                message
                    .context
                    .push(attribute("page", string(&"x".repeat(4_097))));
            }),
            "context[0].value: `context.page` is longer than 4096 bytes",
        ),
        (
            attribute_refused("products", strings(&vec!["x"; 1_001])),
            "customer[0].value: `customer.products` has more than 1000 elements",
        ),
        (
            refused(|message| message.customer = vec![attribute("age", int(1)), attribute("age", int(2))]),
            "customer[1].name: `age` a second time",
        ),
        (
            refused(|message| message.context = vec![attribute("page", string("x")); 129]),
            "context: 129 entries: at most 128",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
        assert!(!found.contains("secret"), "{found}");
    }
}

#[test]
fn a_long_name_is_not_repeated_whole() {
    let text = attribute_refused(&"x\n".repeat(500), int(1));
    assert!(text.len() < 200 && !text.contains('\n'), "{text}");
}

#[test]
fn an_explanation_names_actions_of_the_bundle() {
    let explain = |actions: &[&str]| v1::ExplainRequest {
        decide: Some(request(&["hero"], Vec::new())),
        actions: actions.iter().map(|name| (*name).to_owned()).collect(),
    };
    let bundle = bundle();
    let request = Request::check_explain(&bundle, explain(&["silver", "gold", "silver"])).unwrap();
    let names: Vec<&str> = request
        .explained
        .iter()
        .map(|action| bundle.action_name(*action))
        .collect();
    assert_eq!(names, ["gold", "silver"]);
    let error = Request::check_explain(&bundle, explain(&["gold", "sliver"])).unwrap_err();
    assert_eq!(
        (error.field(), error.to_string().as_str()),
        ("actions[1]", "no action `sliver`: did you mean `silver`?")
    );
    let nothing = v1::ExplainRequest::default();
    assert_eq!(
        Request::check_explain(&bundle, nothing).unwrap_err().field(),
        "decide"
    );
    let mut wrong = explain(&[]);
    wrong.decide.as_mut().unwrap().channel.clear();
    assert_eq!(
        Request::check_explain(&bundle, wrong).unwrap_err().field(),
        "decide.channel"
    );
}

#[test]
fn a_stored_customer_comes_out_sorted_and_typed() {
    let customer = |attributes| v1::Customer {
        customer_id: "anna".to_owned(),
        attributes,
    };
    let removal = v1::Attribute {
        name: "age".to_owned(),
        value: None,
    };
    let attributes = vec![
        attribute("vip", crate::testing::value(v1::value::Kind::Bool(true))),
        attribute("balance", int(5)),
        removal.clone(),
    ];
    let stored = check_customer(&bundle(), customer(attributes)).unwrap();
    let names: Vec<&str> = stored
        .attributes
        .iter()
        .map(|attribute| attribute.name.as_str())
        .collect();
    assert_eq!(names, ["age", "balance", "vip"]);
    assert_eq!(stored.attributes[0], removal);
    assert_eq!(stored.attributes[1], attribute("balance", double(5.0)));
    let error = check_customer(&bundle(), customer(vec![attribute("page", string("x"))])).unwrap_err();
    assert_eq!(
        error.within("customers[2]").field(),
        "customers[2].attributes[0].name"
    );
    let nameless = v1::Customer {
        customer_id: String::new(),
        attributes: Vec::new(),
    };
    assert_eq!(
        check_customer(&bundle(), nameless).unwrap_err().field(),
        "customer_id"
    );
}

#[test]
fn allowed_values_of_a_list_are_those_of_its_elements() {
    let mut bundle = TestBundle::new();
    let products = bundle
        .message
        .attributes
        .iter_mut()
        .find(|attribute| attribute.name == "products");
    products.unwrap().allowed = vec![string("card"), string("loan")];
    bundle.action("gold", 1.0);
    let bundle = Bundle::open(&bundle.seal()).unwrap();
    let check = |items: &[&str]| {
        Request::check(
            &bundle,
            request(&["hero"], vec![attribute("products", strings(items))]),
        )
    };
    assert!(check(&["loan", "card"]).is_ok());
    assert!(check(&[]).is_ok());
    assert_eq!(
        check(&["card", "boat"]).unwrap_err().to_string(),
        "`customer.products` has an element that is not one of its allowed values: \"card\", \"loan\""
    );
}

#[test]
fn an_empty_list_is_of_the_type_that_is_declared() {
    let empty = crate::testing::value(v1::value::Kind::Ints(v1::IntList::default()));
    let customer = v1::Customer {
        customer_id: "anna".to_owned(),
        attributes: vec![attribute("products", empty)],
    };
    let stored = check_customer(&bundle(), customer).unwrap();
    assert_eq!(stored.attributes, [attribute("products", strings(&[]))]);
}
