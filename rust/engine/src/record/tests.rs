//! What is kept of a decision comes back as it was, and nothing else is taken for it.

use nextbest_proto::v1;
use proptest::prelude::*;
use prost::Message as _;

use super::Record;
use crate::{
    Bundle, Capsule, Change, Moment, NoModels, RecordError, Request, decide, features,
    program::machine::Machine,
    testing::{
        AGE, BALANCE, PRODUCTS, SEGMENT, TestBundle, at_least, attribute, constant, double, int, ints,
        program, read, request, step, string, strings,
    },
};

/// Breaks a record.
type Edit = fn(&mut v1::Record);

/// Rules that read some attributes and not others, a derived feature, a fallback and a value that may be missing.
fn sample() -> TestBundle {
    let mut bundle = TestBundle::new();
    let adult = bundle.test(AGE, at_least(18));
    let rich = bundle.test(BALANCE, at_least(1_000));
    let private = bundle.test(
        SEGMENT,
        v1::literal::Test::OneOf(v1::OneOf {
            values: vec![string("private")],
        }),
    );
    let gold = bundle.test(PRODUCTS, v1::literal::Test::Contains(string("gold")));
    for (name, clauses) in [
        ("fund", vec![rich]),
        ("gold", vec![adult, gold]),
        ("iron", vec![]),
        ("silver", vec![private]),
    ] {
        bundle.action(name, 10.0).eligibility = clauses;
    }
    let doubled = program(vec![
        read(BALANCE),
        constant(double(2.0)),
        step(v1::Operation::Mul, &[0, 1]),
    ]);
    bundle.action("tin", 1.0).value = Some(v1::action::Value::ValueProgram(doubled));
    for placement in &mut bundle.message.channels[1].placements {
        placement.fallback = Some(2);
    }
    bundle
}

fn stored(attributes: &[v1::Attribute]) -> Capsule {
    let change = Change::of_attributes(attributes).unwrap();
    Capsule::default().apply(&change).unwrap()
}

fn open() -> Bundle {
    Bundle::open(&sample().seal()).unwrap()
}

/// A record of a customer of age 30.
fn recorded(bundle: &Bundle) -> Vec<u8> {
    let request = Request::check(bundle, request(&["hero"], vec![attribute("age", int(30))])).unwrap();
    let moment = Moment { now_us: 0, seed: 0 };
    decide(bundle, &request, None, moment, &mut NoModels)
        .record()
        .encode(bundle)
}

#[test]
fn a_record_has_what_the_bundle_reads_and_nothing_else() {
    let mut bundle = sample();
    let unread = v1::AttributeDeclaration {
        root: v1::Root::Context.into(),
        name: "weather".to_owned(),
        r#type: v1::Type::String.into(),
        ..v1::AttributeDeclaration::default()
    };
    bundle.message.attributes.insert(9, unread);
    let bundle = Bundle::open(&bundle.seal()).unwrap();
    let mut message = request(&["hero", "sidebar"], vec![attribute("age", int(31))]);
    message.context = vec![
        attribute("weather", string("rain")),
        attribute("recent", ints(&[])),
    ];
    "anna".clone_into(&mut message.customer_id);
    let request = Request::check(&bundle, message).unwrap();
    let capsule = stored(&[attribute("age", int(30)), attribute("balance", double(1.5))]);
    let moment = Moment { now_us: 0, seed: 0 };
    let decision = decide(&bundle, &request, Some(&capsule), moment, &mut NoModels);
    let message = v1::Record::decode(decision.record().encode(&bundle).as_slice()).unwrap();
    assert_eq!(
        (message.customer_id.as_str(), message.bundle_digest.as_str()),
        ("anna", bundle.digest())
    );
    let inputs: Vec<(&str, &v1::Value)> = message
        .inputs
        .iter()
        .map(|input| {
            let row = &bundle.attributes.rows()[input.attribute as usize];
            (row.name.as_str(), input.value.as_ref().unwrap())
        })
        .collect();
    let nothing = strings(&[]);
    assert_eq!(
        inputs,
        [("age", &int(31)), ("balance", &double(1.5)), ("recent", &nothing)]
    );
    let read = Record::decode(&bundle, &message.encode_to_vec()).unwrap();
    assert_eq!(read.encode(&bundle), message.encode_to_vec());
}

#[test]
fn a_record_of_another_bundle_is_refused() {
    let bundle = open();
    let mut other = sample();
    other.action("zinc", 1.0);
    let other = Bundle::open(&other.seal()).unwrap();
    let error = Record::decode(&other, &recorded(&bundle)).unwrap_err();
    assert_eq!(
        error,
        RecordError::OtherBundle {
            digest: bundle.digest().to_owned()
        }
    );
    assert_eq!(
        Record::decode(&bundle, b"\xff").unwrap_err(),
        RecordError::Undecodable
    );
}

#[test]
fn an_index_that_the_bundle_does_not_have_is_refused() {
    let bundle = open();
    let message = v1::Record::decode(recorded(&bundle).as_slice()).unwrap();
    let changes: [(&str, Edit); 8] = [
        ("channel", |record| record.channel = 9),
        ("placements", |record| record.placements[0].placement = 9),
        ("inputs", |record| record.inputs[0].attribute = 99),
        ("stages", |record| {
            record.stages.as_mut().unwrap().eligible = vec![0, 1];
        }),
        ("ranked", |record| record.ranked[0].action = 9),
        ("refused", |record| record.refused = vec![9]),
        ("placed", |record| record.placed[0].rank = 2),
        ("degradations", |record| {
            record.degradations = vec![v1::record::Missed {
                model: Some(0),
                ..v1::record::Missed::default()
            }];
        }),
    ];
    for (field, change) in changes {
        let mut other = message.clone();
        change(&mut other);
        let error = Record::decode(&bundle, &other.encode_to_vec()).unwrap_err();
        assert_eq!(error, RecordError::Malformed { field });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    /// A record that is written and read has the same answer, the same bytes and the same features.
    #[test]
    fn a_record_comes_back_as_it_was(
        age in prop::option::of(0..130_i64),
        balance in prop::option::of(-1e6..1e6_f64),
        products in prop::collection::vec("gold|silver", 0..3),
        is_stored in any::<bool>(),
        customer_id in "[a-z]{0,8}",
        refused in prop::collection::vec(0..5_usize, 0..3),
    ) {
        let bundle = open();
        let names: Vec<&str> = products.iter().map(String::as_str).collect();
        let attributes: Vec<v1::Attribute> = [
            age.map(|age| attribute("age", int(age))),
            balance.map(|balance| attribute("balance", double(balance))),
            Some(attribute("products", strings(&names))),
            Some(attribute("segment", string("private"))),
        ]
        .into_iter()
        .flatten()
        .collect();
        let capsule = is_stored.then(|| stored(&attributes));
        let mut message = request(&["hero", "sidebar"], if is_stored { Vec::new() } else { attributes });
        message.customer_id = customer_id;
        let request = Request::check(&bundle, message).unwrap();
        let moment = Moment { now_us: 0, seed: 0 };
        let mut decision = decide(&bundle, &request, capsule.as_ref(), moment, &mut NoModels);
        let refused: Vec<_> = bundle.actions.ids().enumerate().filter(|(index, _)| refused.contains(index)).collect();
        decision.refill(&refused.iter().map(|(_, action)| *action).collect::<Vec<_>>());

        let record = decision.record();
        let bytes = record.encode(&bundle);
        let read = Record::decode(&bundle, &bytes).unwrap();
        prop_assert_eq!(read.encode(&bundle), bytes);
        prop_assert_eq!(
            crate::response::render(&bundle, &read),
            crate::response::render(&bundle, record)
        );
        prop_assert_eq!((read.funnel, read.unknown()), (record.funnel, record.unknown()));
        prop_assert_eq!((&read.ranked, &read.placed, &read.refused), (&record.ranked, &record.placed, &record.refused));
        let again = features::evaluate(&bundle, &read.inputs, read.now_us, &mut Machine::new());
        for (again, first) in again.iter().zip(&decision.features) {
            prop_assert_eq!(again.to_string(), first.to_string());
        }
    }

    /// Whatever bytes there are, they are a record of the bundle or refused.
    #[test]
    fn changed_bytes_never_stop_the_engine(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let bundle = open();
        let mut bytes = recorded(&bundle);
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(record) = Record::decode(&bundle, &bytes) {
            let _ = record.encode(&bundle);
            let _ = crate::response::render(&bundle, &record);
        }
    }
}
