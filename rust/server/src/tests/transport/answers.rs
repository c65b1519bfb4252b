//! The maximum size of answers, and the memory of unread ones.

use nextbest_pipeline::EXPLAINED_FACTOR;
use nextbest_proto::v1::{self, ExplanationLevel, streamed_response::Result as Answer};
use prost::Message as _;
use tokio_stream::StreamExt as _;
use tonic::{Code, Status};

use crate::{
    Server, Settings,
    limits::{ANSWER_BUFFER_BYTES, ANSWER_BYTES_MAX},
    tests::{
        caller::Caller,
        fixture::{Client, age, batch, eventually, message, request, seal, settings, start},
    },
};

/// A server whose only action has so much content.
fn with_content(bytes: usize) -> Server {
    let mut bundle = message("gold-card");
    bundle.actions[0].treatments[0].content = "x".repeat(bytes);
    Server::start(seal(&bundle.encode_to_vec()), settings()).unwrap()
}

/// A server with this number of actions, each only for adults, for a reason of this number of bytes.
fn with_actions(count: usize, reason_bytes: usize) -> Server {
    let mut bundle = message("action-0000");
    bundle.conditions[0].reason = "r".repeat(reason_bytes);
    let action = bundle.actions.remove(0);
    bundle.actions = (0..count)
        .map(|number| v1::Action {
            name: format!("action-{number:04}"),
            ..action.clone()
        })
        .collect();
    Server::start(seal(&bundle.encode_to_vec()), settings()).unwrap()
}

fn decide_batch(client: &Client, customers: usize) -> Result<usize, Status> {
    let answer = client.run(client.decisions.clone().decide_batch(batch(customers)))?;
    Ok(answer.into_inner().decisions.len())
}

fn is_too_large(status: &Status, remedy: &str) -> bool {
    status.code() == Code::ResourceExhausted
        && status
            .message()
            .contains(&format!("more than {ANSWER_BYTES_MAX}"))
        && status.message().contains(remedy)
}

#[test]
fn an_answer_is_no_larger_than_a_client_takes() {
    let server = with_content(ANSWER_BYTES_MAX - 1_000);
    let client = Client::connect(&server);
    assert!(client.decide(request("", vec![age(30)])).is_ok());
    let server = with_content(ANSWER_BYTES_MAX);
    let client = Client::connect(&server);
    // The content is left out where the action is.
    assert!(client.decide(request("", vec![age(3)])).is_ok());
    let status = client.decide(request("", vec![age(30)])).unwrap_err();
    assert!(is_too_large(&status, "ask for fewer actions"), "{status}");
    // Of a stream, the question alone.
    let asked = [30_i64, 3].map(|years| v1::StreamedRequest {
        request_id: years.unsigned_abs(),
        decide: Some(request("", vec![age(years)])),
    });
    let answers = client.run(async {
        let answers = client
            .decisions
            .clone()
            .decide_stream(tokio_stream::iter(asked))
            .await;
        answers
            .unwrap()
            .into_inner()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
            .await
    });
    let codes = answers.iter().map(|answer| match &answer.result {
        Some(Answer::Failure(failure)) => failure.code,
        _ => 0,
    });
    assert_eq!(codes.collect::<Vec<_>>(), [Code::ResourceExhausted as i32, 0]);
    assert_eq!(server.status().answer_bytes, 0);
}

#[test]
fn a_batch_ends_where_its_answers_become_too_large() {
    let server = with_content(ANSWER_BYTES_MAX / 10);
    let client = Client::connect(&server);
    assert_eq!(decide_batch(&client, 9).unwrap(), 9);
    let status = decide_batch(&client, 1_000).unwrap_err();
    assert!(is_too_large(&status, "send at most 9 customers"), "{status}");
    assert!(server.status().decisions < 9 + 20, "it is not decided to its end");
    eventually(|| server.status().answer_bytes == 0);
}

#[test]
fn an_explanation_ends_where_it_becomes_too_large() {
    let server = with_actions(100, ANSWER_BYTES_MAX / 50);
    let client = Client::connect(&server);
    let explain = |actions: Vec<String>| {
        let asked = v1::ExplainRequest {
            decide: Some(request("", vec![age(3)])),
            actions,
        };
        client.run(client.decisions.clone().explain(asked))
    };
    let named = |count: usize| (0..count).map(|number| format!("action-{number:04}")).collect();
    assert!(explain(named(45)).is_ok());
    let status = explain(vec![]).unwrap_err();
    assert!(
        is_too_large(&status, "name at most 44 of them in `actions`"),
        "{status}"
    );
    let full = v1::DecideRequest {
        explanation: ExplanationLevel::Full.into(),
        ..request("", vec![age(3)])
    };
    let status = client.decide(full).unwrap_err();
    assert!(is_too_large(&status, "call `Explain`"), "{status}");
    assert_eq!(server.status().answer_bytes, 0);
}

#[test]
fn answers_that_nobody_reads_count_until_they_are_read() {
    let server = start(settings());
    let mut caller = Caller::connect(&server, 0);
    let asked = request("", vec![age(30)]);
    let unread: Vec<_> = (0..3).map(|_| caller.decide(&asked)).collect();
    eventually(|| server.status().answer_bytes == (3 * ANSWER_BUFFER_BYTES) as u64);
    drop(unread);
    // Their callers have gone.
    eventually(|| server.status().answer_bytes == 0);
    let unread: Vec<_> = (0..2).map(|_| caller.decide(&asked)).collect();
    eventually(|| server.status().answer_bytes == (2 * ANSWER_BUFFER_BYTES) as u64);
    drop((unread, caller));
    eventually(|| server.status().answer_bytes == 0);
}

#[test]
fn answers_that_nobody_reads_are_bounded() {
    let answer_bytes_max = 4 * ANSWER_BUFFER_BYTES;
    let server = start(Settings {
        answer_bytes_max,
        workers: 1,
        ..settings()
    });
    let mut silent = Caller::connect(&server, 0);
    let asked = request("", vec![age(30)]);
    let mut unread = vec![];
    for count in 1..=4 {
        unread.push(silent.decide(&asked));
        eventually(|| server.status().answer_bytes == (count * ANSWER_BUFFER_BYTES) as u64);
    }
    // Without content, it comes through a window of nothing.
    let refused = silent.decide(&asked);
    assert_eq!(silent.status(refused).unwrap(), Code::ResourceExhausted as u16);
    assert_eq!(server.status().answer_bytes, answer_bytes_max as u64);
    let client = Client::connect(&server);
    let status = client.decide(asked.clone()).unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    drop((unread, silent));
    eventually(|| server.status().answer_bytes == 0);
    assert!(client.decide(asked).is_ok());
}

#[test]
fn memory_for_answers_is_there_before_they_are_built() {
    let server = start(Settings {
        answer_bytes_max: EXPLAINED_FACTOR * ANSWER_BYTES_MAX - 1,
        ..settings()
    });
    let client = Client::connect(&server);
    let asked = v1::ExplainRequest {
        decide: Some(request("", vec![age(30)])),
        ..v1::ExplainRequest::default()
    };
    let status = client.run(client.decisions.clone().explain(asked)).unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(decide_batch(&client, 1_000).unwrap(), 1_000);
    eventually(|| server.status().answer_bytes == 0);

    let server = start(Settings {
        answer_bytes_max: 100_000,
        ..settings()
    });
    let client = Client::connect(&server);
    let status = decide_batch(&client, 1_000).unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(decide_batch(&client, 10).unwrap(), 10);
    eventually(|| server.status().answer_bytes == 0);
}
