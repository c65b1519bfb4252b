//! Parts of answers that show stored values: on which calls they are given.

use nextbest_proto::v1::{self, ContributionLevel, ExplanationLevel, streamed_response::Result as Answer};
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::tests::fixture::{Client, batch, request, settings, start};

/// A question for each level.
fn questions() -> Vec<(&'static str, v1::DecideRequest)> {
    let explained = |level: ExplanationLevel| v1::DecideRequest {
        explanation: level.into(),
        ..request("", vec![])
    };
    let contributed = |level: ContributionLevel| v1::DecideRequest {
        contributions: level.into(),
        ..request("", vec![])
    };
    vec![
        ("", explained(ExplanationLevel::None)),
        ("", explained(ExplanationLevel::Funnel)),
        ("explanation", explained(ExplanationLevel::Full)),
        ("", contributed(ContributionLevel::None)),
        ("contributions", contributed(ContributionLevel::Fast)),
        ("contributions", contributed(ContributionLevel::Exact)),
    ]
}

#[test]
fn many_decisions_have_no_details() {
    let server = start(settings());
    let client = Client::connect(&server);
    let mut decided = 0;
    for (field, question) in questions() {
        let asked = v1::DecideBatchRequest {
            question: Some(question),
            ..batch(3)
        };
        let answer = client.run(client.decisions.clone().decide_batch(asked));
        if field.is_empty() {
            decided += 3;
            assert_eq!(answer.unwrap().into_inner().decisions.len(), 3);
        } else {
            let status = answer.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument);
            assert!(status.message().starts_with(&format!("{field}: ")), "{status}");
            assert!(status.message().contains("`Explain`"), "{status}");
        }
        assert_eq!(server.status().decisions, decided);
    }
}

#[test]
fn a_question_that_asks_for_details_fails_alone_on_a_stream() {
    let server = start(settings());
    let client = Client::connect(&server);
    let fields: Vec<_> = questions().iter().map(|(field, _)| *field).collect();
    let asked = (0..)
        .zip(questions())
        .map(|(request_id, (_, decide))| v1::StreamedRequest {
            request_id,
            decide: Some(decide),
        });
    let asked: Vec<_> = asked.collect();
    let answers = client.run(async {
        let answers = client
            .decisions
            .clone()
            .decide_stream(tokio_stream::iter(asked))
            .await;
        let answers = answers.unwrap().into_inner();
        answers.map(Result::unwrap).collect::<Vec<_>>().await
    });
    let found: Vec<_> = answers
        .iter()
        .map(|answer| match &answer.result {
            Some(Answer::Failure(failure)) => {
                assert!(failure.message.contains("`Explain`"), "{failure:?}");
                failure.field.as_str()
            }
            _ => "",
        })
        .collect();
    assert_eq!(found, fields);
}
