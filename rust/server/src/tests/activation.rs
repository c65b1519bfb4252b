//! Bundles swapped under load, and bundles refused.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nextbest_pipeline::OpenError;

use crate::{
    Server, ServerError,
    tests::fixture::{Client, age, bundle, placed, request, settings, start},
};

#[test]
fn a_request_sees_exactly_one_bundle() {
    let server = start(settings());
    let gold = server.status().bundle_digest;
    let (done, bundles_seen) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let client = Client::connect(&server);
            let mut seen = std::collections::BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                let answer = client.decide(request("", vec![age(30)])).unwrap();
                let expected = if answer.bundle_digest == gold {
                    "gold-card"
                } else {
                    "silver-card"
                };
                assert_eq!(placed(&answer), [expected]);
                seen.insert(answer.bundle_digest);
                bundles_seen.store(seen.len(), Ordering::Relaxed);
            }
        });
        // On a busy machine the asking thread may sleep through any number of activations.
        for round in 0.. {
            if asking.is_finished() || (round >= 20 && bundles_seen.load(Ordering::Relaxed) == 2) {
                break;
            }
            let action = if round % 2 == 0 {
                "silver-card"
            } else {
                "gold-card"
            };
            let before = server.status().bundle_digest;
            let activation = server.activate(bundle(action)).unwrap();
            assert_eq!(activation.previous, before);
            assert_eq!(activation.digest, server.status().bundle_digest);
        }
        done.store(true, Ordering::Relaxed);
        asking.join().unwrap();
    });
    assert_eq!(bundles_seen.into_inner(), 2);
}

#[test]
fn a_bundle_that_cannot_be_opened_changes_nothing() {
    let server = start(settings());
    let before = server.status();
    let mut damaged = bundle("silver-card");
    damaged[30] ^= 1;
    assert!(matches!(
        server.activate(damaged),
        Err(ServerError::Open(OpenError::Bundle(_)))
    ));
    assert!(matches!(
        server.activate(Vec::new()),
        Err(ServerError::Open(OpenError::Bundle(_)))
    ));
    assert_eq!(server.status().bundle_digest, before.bundle_digest);
    assert_eq!(server.status().activated_at_us, before.activated_at_us);
}

#[test]
fn a_server_that_cannot_start_leaves_nothing_behind() {
    assert!(matches!(
        Server::start(b"no bundle".to_vec(), settings()),
        Err(ServerError::Open(OpenError::Bundle(_)))
    ));
    let taken = start(settings());
    let same = crate::Settings {
        address: taken.decision_address().to_string(),
        ..settings()
    };
    let fault = Server::start(bundle("gold-card"), same).unwrap_err();
    assert!(
        fault.to_string().starts_with("cannot listen on `127.0.0.1:"),
        "{fault}"
    );
    let processor = Some(nextbest_otlp::Settings::new("collector"));
    let fault = Server::start(
        bundle("gold-card"),
        crate::Settings {
            processor,
            ..settings()
        },
    )
    .unwrap_err();
    assert!(matches!(fault, ServerError::SpanProcessor(_)), "{fault}");
}
