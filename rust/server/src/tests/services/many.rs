//! Many questions on one call: streams and batches.

use std::time::Duration;

use nextbest_proto::v1::{self, batched_decision, streamed_response};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Code, Request, Streaming};

use crate::{
    Server, Settings, Timeouts,
    limits::BATCH_CUSTOMERS_MAX,
    tests::fixture::{Client, age, bundle, int, placed, request, settings, start},
};

fn question(request_id: u64, years: i64) -> v1::StreamedRequest {
    v1::StreamedRequest {
        request_id,
        decide: Some(request("", vec![age(years)])),
    }
}

/// A stream under way: where questions go, and where answers come from.
fn open(client: &Client) -> (mpsc::Sender<v1::StreamedRequest>, Streaming<v1::StreamedResponse>) {
    let (ask, questions) = mpsc::channel(64);
    let mut decisions = client.decisions.clone();
    let answers = client.run(decisions.decide_stream(ReceiverStream::new(questions)));
    (ask, answers.unwrap().into_inner())
}

#[test]
fn a_stream_answers_each_question_under_its_id() {
    let server = start(settings());
    let client = Client::connect(&server);
    let (ask, answers) = open(&client);
    let answers = client.run(async {
        let asking = tokio::spawn(async move {
            for id in 0..1_000 {
                ask.send(question(id, if id % 3 == 0 { 17 } else { 30 }))
                    .await
                    .unwrap();
            }
        });
        let answers: Vec<_> = answers.map(Result::unwrap).collect().await;
        asking.await.unwrap();
        answers
    });
    assert_eq!(answers.len(), 1_000);
    for (id, answer) in (0..).zip(answers) {
        let Some(streamed_response::Result::Decided(decided)) = &answer.result else {
            panic!("{answer:?}")
        };
        let expected: &[&str] = if id % 3 == 0 { &[] } else { &["gold-card"] };
        assert_eq!((answer.request_id, placed(decided).as_slice()), (id, expected));
    }
    let status = server.status();
    assert_eq!((status.decisions, status.in_flight), (1_000, 0));
}

#[test]
fn what_is_wrong_with_one_question_ends_no_stream() {
    let server = start(settings());
    let client = Client::connect(&server);
    let (ask, mut answers) = open(&client);
    let wrong = v1::DecideRequest {
        channel: "fax".into(),
        ..request("", vec![])
    };
    let questions = [
        v1::StreamedRequest {
            request_id: 7,
            decide: Some(wrong),
        },
        v1::StreamedRequest {
            request_id: 8,
            decide: None,
        },
        question(9, 30),
    ];
    let answers = client.run(async {
        for question in questions {
            ask.send(question).await.unwrap();
        }
        let mut found = Vec::new();
        for _ in 0..3 {
            found.push(answers.next().await.unwrap().unwrap());
        }
        found
    });
    let failures: Vec<_> = answers
        .iter()
        .map(|answer| match &answer.result {
            Some(streamed_response::Result::Failure(failure)) => {
                (answer.request_id, failure.code, failure.field.as_str())
            }
            _ => (answer.request_id, 0, ""),
        })
        .collect();
    let invalid = Code::InvalidArgument.into();
    assert_eq!(failures, [(7, invalid, "channel"), (8, invalid, ""), (9, 0, "")]);
    assert_eq!(server.status().refused, 2);
}

#[test]
fn a_stopping_server_ends_streams_after_what_it_has_read() {
    let server = start(settings());
    let client = Client::connect(&server);
    let (ask, mut answers) = open(&client);
    client.run(async {
        for id in 0..3 {
            ask.send(question(id, 30)).await.unwrap();
            assert_eq!(answers.next().await.unwrap().unwrap().request_id, id);
        }
    });
    assert_eq!(server.shutdown(Duration::from_secs(20)), crate::Ended::default());
    let end = client.run(answers.next()).unwrap().unwrap_err();
    assert_eq!(end.code(), Code::Unavailable, "{end}");
    assert_eq!(server.status().decisions, 3);
}

#[test]
fn a_connection_that_grows_old_ends_its_streams() {
    let server = start(Settings {
        timeouts: Timeouts {
            age: Some(Duration::from_millis(200)),
            ..Timeouts::default()
        },
        ..settings()
    });
    let client = Client::connect(&server);
    let (ask, mut answers) = open(&client);
    let end = client.run(async {
        ask.send(question(1, 30)).await.unwrap();
        answers.next().await.unwrap().unwrap();
        answers.next().await.unwrap().unwrap_err()
    });
    assert_eq!(end.code(), Code::Unavailable, "{end}");
    client.decide(request("", vec![])).unwrap();
}

fn batch(customers: impl IntoIterator<Item = (String, Vec<v1::Attribute>)>) -> v1::DecideBatchRequest {
    v1::DecideBatchRequest {
        question: Some(request("", vec![])),
        customers: customers
            .into_iter()
            .map(|(customer_id, customer)| v1::BatchedCustomer {
                customer_id,
                customer,
            })
            .collect(),
    }
}

fn decide_batch(
    client: &Client,
    batch: v1::DecideBatchRequest,
) -> Result<Vec<v1::BatchedDecision>, tonic::Status> {
    let answer = client.run(client.decisions.clone().decide_batch(batch))?;
    Ok(answer.into_inner().decoded().unwrap())
}

#[test]
fn a_batch_decides_for_each_customer_in_order() {
    let server = start(settings());
    let client = Client::connect(&server);
    let stored = v1::Customer {
        customer_id: "stored".into(),
        attributes: vec![age(40)],
    };
    client.upsert(vec![stored]).unwrap();
    let wrong = v1::Attribute {
        name: "height".into(),
        value: Some(int(180)),
    };
    let customers = [
        ("stored".into(), vec![]),
        ("stored".into(), vec![age(3)]),
        (String::new(), vec![age(30)]),
        (String::new(), vec![wrong]),
    ];
    let answer = decide_batch(&client, batch(customers)).unwrap();
    let found: Vec<_> = answer
        .iter()
        .map(|decision| match &decision.result {
            Some(batched_decision::Result::Decided(decided)) => placed(decided).concat(),
            Some(batched_decision::Result::Failure(failure)) => failure.field.clone(),
            None => "nothing".into(),
        })
        .collect();
    assert_eq!(found, ["gold-card", "", "gold-card", "customer[0].name"]);
    let status = server.status();
    assert_eq!((status.decisions, status.refused), (3, 1));
}

#[test]
fn a_batch_of_as_many_as_may_be() {
    let server = start(settings());
    let client = Client::connect(&server);
    // More than a single decision's message may have.
    let customers = (0..BATCH_CUSTOMERS_MAX).map(|place| (format!("{place:0>250}"), vec![age(30)]));
    let answer = decide_batch(&client, batch(customers)).unwrap();
    assert_eq!(answer.len(), BATCH_CUSTOMERS_MAX);
    let distinct: std::collections::BTreeSet<_> = answer
        .iter()
        .map(|decision| match &decision.result {
            Some(batched_decision::Result::Decided(decided)) => decided.decision_id.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(distinct.len(), BATCH_CUSTOMERS_MAX);
}

#[test]
fn a_batch_that_is_none_is_refused() {
    let server = start(settings());
    let client = Client::connect(&server);
    let with_customer = v1::DecideBatchRequest {
        question: Some(request("c", vec![])),
        ..batch([(String::new(), vec![])])
    };
    let without_question = v1::DecideBatchRequest {
        question: None,
        ..batch([(String::new(), vec![])])
    };
    let many = batch((0..=BATCH_CUSTOMERS_MAX).map(|_| (String::new(), vec![])));
    for (wrong, begins) in [
        (batch([]), "customers: 0"),
        (many, "customers: 1001"),
        (with_customer, "question: "),
        (without_question, "question: missing"),
    ] {
        let status = decide_batch(&client, wrong).unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with(begins), "{status}");
    }
}

#[test]
fn the_deadline_of_a_batch_is_that_of_all_its_decisions() {
    let handler = crate::tests::fixture::handler();
    let mut request = Request::new(batch((0..1_000).map(|_| (String::new(), vec![age(30)]))));
    request
        .metadata_mut()
        .insert("grpc-timeout", "200u".parse().unwrap());
    let event_loop = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = event_loop.block_on(v1::decision_service_server::DecisionService::decide_batch(
        &handler, request,
    ));
    assert_eq!(answer.unwrap_err().code(), Code::DeadlineExceeded);
    assert!(handler.shared.stats.decisions.get() < 1_000);
}

#[test]
fn a_batch_is_decided_by_one_bundle() {
    let server = start(settings());
    let client = Client::connect(&server);
    let activate = |server: &Server| {
        for round in 0..10 {
            let action = if round % 2 == 0 {
                "silver-card"
            } else {
                "gold-card"
            };
            server.activate(bundle(action)).unwrap();
        }
    };
    std::thread::scope(|scope| {
        let activating = scope.spawn(|| activate(&server));
        while !activating.is_finished() {
            let customers = (0..200).map(|_| (String::new(), vec![age(30)]));
            let answer = decide_batch(&client, batch(customers)).unwrap();
            let digests: std::collections::BTreeSet<_> = answer
                .iter()
                .map(|decision| match &decision.result {
                    Some(batched_decision::Result::Decided(decided)) => decided.bundle_digest.clone(),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(digests.len(), 1);
        }
    });
}
