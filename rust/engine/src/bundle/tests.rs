//! Files that are whole, and files that are not.

use nextbest_proto::v1;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::digest::sha256;
use crate::testing::{AGE, TestBundle, at_least, constant, int, program, seal, step};

fn sample() -> TestBundle {
    let mut bundle = TestBundle::new();
    let adult = bundle.test(AGE, at_least(18));
    bundle.action("gold", 120.0).eligibility = vec![adult];
    bundle.action("silver", 60.0).suitability = vec![adult];
    bundle.message.context_weights = vec![v1::ContextWeight {
        clauses: vec![adult],
        percent: 40.0,
        scope: Some(v1::context_weight::Scope::Group(0)),
        text: "customer.age >= 18".to_owned(),
    }];
    bundle
}

fn error(file: &[u8]) -> BundleError {
    Bundle::open(file).expect_err("not a bundle to open")
}

#[test]
fn a_whole_file_opens_and_is_named_by_its_hash() {
    let file = sample().seal();
    let bundle = Bundle::open(&file).unwrap();
    assert_eq!(bundle.digest(), sha256(&file));
    assert_eq!((bundle.action_count(), bundle.workspace()), (2, "test"));
}

#[test]
fn files_that_are_not_whole_say_what_they_are() {
    let file = sample().seal();
    let damaged = |at: usize| {
        let mut file = file.clone();
        file[at] ^= 1;
        error(&file).code()
    };
    assert_eq!(error(b"").code(), "truncated");
    assert_eq!(error(b"PK\x03\x04 a zip file").code(), "not-a-bundle");
    assert_eq!(
        error(&file[..file.len() - 1]),
        BundleError::Truncated { missing_bytes: 1 }
    );
    assert_eq!(damaged(0), "not-a-bundle");
    assert_eq!(damaged(30), "damaged");
    assert_eq!(damaged(file.len() - 1), "damaged");
    let longer: Vec<u8> = file.iter().copied().chain([0]).collect();
    assert_eq!(error(&longer).code(), "damaged");
    let mut newer = file.clone();
    newer[8] = 2;
    assert_eq!(
        error(&newer).to_string(),
        "a bundle of format 2: this server reads format 1"
    );
    assert_eq!(error(&seal(b"\xff\xff")).code(), "undecodable");
}

/// Breaks a sample, and gives the text of the error.
fn broken(change: impl FnOnce(&mut v1::Bundle)) -> String {
    let mut bundle = sample();
    change(&mut bundle.message);
    error(&bundle.seal()).to_string()
}

#[test]
fn entries_that_must_not_be_are_named() {
    let prefix = "the bundle is malformed: ";
    let cases = [
        (
            broken(|bundle| bundle.actions[1].group = 9),
            "`actions[1].group`: index 9 of 2",
        ),
        (
            broken(|bundle| bundle.actions[0].eligibility[0] = 7),
            "`actions[0].eligibility`: index 7 of 1",
        ),
        (
            broken(|bundle| bundle.actions[0].prior = f64::NAN),
            "`actions[0].prior`: not 0.0 to 1.0",
        ),
        (
            broken(|bundle| bundle.actions.swap(0, 1)),
            "`actions`: not sorted, or a name twice",
        ),
        (
            broken(|bundle| bundle.literals[0].feature = 99),
            "`literals[0].feature`: index 99 of 10",
        ),
        (
            broken(|bundle| bundle.literals[0].feature = crate::testing::SEGMENT),
            "`literals[0]`: the test does not fit the feature's type",
        ),
        (
            broken(|bundle| bundle.clauses[0].literals[0] = 1),
            "`clauses[0].literals`: index 1 of 1",
        ),
        (
            broken(|bundle| bundle.context_weights[0].percent = f64::INFINITY),
            "`context_weights[0].percent`: not a finite number",
        ),
        (
            broken(|bundle| bundle.channels[1].placements[0].fallback = Some(5)),
            "`channels[1].placements[0].fallback`: index 5 of 2",
        ),
        (
            broken(|bundle| bundle.actions[0].treatments[0].placement = Some(2)),
            "`actions[0].treatments[0].placement`: index 2 of 2",
        ),
        (
            broken(|bundle| bundle.actions[0].model = Some(0)),
            "`actions[0].model`: index 0 of 0",
        ),
        (
            broken(|bundle| {
                bundle.features[0].source =
                    Some(v1::feature::Source::Derived(program(vec![crate::testing::read(
                        0,
                    )])));
            }),
            "`features[0].derived.instructions[0]`: feature 0 is not among the 0 before",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, format!("{prefix}{expected}"));
    }
}

#[test]
fn what_would_take_all_memory_is_refused_before_it_does() {
    let many = broken(|bundle| {
        let placement = |number: usize| v1::PlacementDeclaration {
            name: format!("placement-{number}"),
            count: 1,
            fallback: None,
        };
        for channel in &mut bundle.channels {
            channel.placements = (0..9_000).map(placement).collect();
        }
    });
    assert_eq!(many, "the bundle has 18000 placements: at most 10000 are taken");
    let long = broken(|bundle| bundle.clauses[0].literals = vec![0; 65]);
    assert_eq!(
        long,
        "the bundle has 65 clauses[0].literals: at most 64 are taken"
    );
}

/// The fault of a program, as its feature reports it.
fn program_fault(instructions: Vec<v1::Instruction>) -> String {
    let mut bundle = sample();
    bundle.derived("derived", v1::Type::Bool, program(instructions));
    error(&bundle.seal())
        .to_string()
        .rsplit(": ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn programs_that_must_not_be_are_refused() {
    use v1::Operation;
    let matches = |pattern: &str| v1::Instruction {
        constant: Some(crate::testing::string(pattern)),
        ..step(Operation::Matches, &[0])
    };
    let exists = |body| v1::Instruction {
        body,
        ..step(Operation::Exists, &[0])
    };
    let list = || constant(crate::testing::strings(&["a"]));
    let element = || step(Operation::Element, &[]);
    assert_eq!(
        program_fault(vec![step(Operation::Not, &[0])]),
        "register 0 is not below 0"
    );
    assert_eq!(
        program_fault(vec![element()]),
        "ELEMENT is only allowed at the start of a body"
    );
    assert_eq!(
        program_fault(vec![step(Operation::Input, &[])]),
        "INPUT outside the arbitration formula"
    );
    assert_eq!(
        program_fault(vec![constant(int(1)), step(Operation::Add, &[0])]),
        "1 operands where 2 are needed"
    );
    assert_eq!(
        program_fault(vec![list(), exists(2), element()]),
        "a body of 2 instructions does not fit here"
    );
    let outside = program_fault(vec![list(), exists(1), element(), step(Operation::Not, &[2])]);
    assert_eq!(outside, "register 2 is inside a body that has ended");
    assert!(
        program_fault(vec![list(), matches("(")]).ends_with("is not a regular expression, or is too large")
    );
    assert!(program_fault(vec![list(), matches("(a{1000}){1000}")]).ends_with("is too large"));
    let zone = v1::Instruction {
        constant: Some(crate::testing::string("Mars/Olympus")),
        ..step(Operation::GetHours, &[0])
    };
    assert_eq!(
        program_fault(vec![list(), zone]),
        "\"Mars/Olympus\" is not a time zone"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a file holds, opening it gives a bundle or an error.
    #[test]
    fn damaged_files_never_stop_the_engine(flips in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 1..4), cut in any::<prop::sample::Index>()) {
        let mut file = sample().seal();
        for (at, bit) in flips {
            let at = at.index(file.len());
            file[at] ^= 1 << bit;
        }
        let cut = cut.index(file.len());
        let _ = Bundle::open(&file);
        prop_assert!(Bundle::open(&file[..cut]).is_err());
    }

    /// The checksum only keeps accidents away: payloads that were changed before sealing are checked as well, and
    /// one that opens can be decided on.
    #[test]
    fn changed_payloads_never_stop_the_engine(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut payload = sample().message.encode_to_vec();
        for (at, byte) in flips {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        if let Ok(bundle) = Bundle::open(&seal(&payload)) {
            let mut message = crate::testing::request(&["hero", "sidebar"], vec![crate::testing::attribute("age", int(30))]);
            message.explanation = v1::ExplanationLevel::Full.into();
            if let Ok(request) = crate::Request::check(&bundle, message) {
                let moment = crate::Moment { now_us: 0, seed: 0 };
                let mut decision = crate::decide(&bundle, &request, None, moment, &mut crate::NoModels);
                decision.advise(&mut crate::NoModels);
                let _ = decision.respond(usize::MAX);
            }
        }
    }
}
