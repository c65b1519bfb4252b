//! Long answers are compressed for callers that ask, short answers never.

use std::io::Read as _;

use flate2::read::GzDecoder;
use nextbest_proto::v1;
use prost::Message as _;

use crate::{
    limits::COMPRESSED_BYTES_MIN,
    tests::{
        caller::Caller,
        fixture::{age, batch, request, settings, start},
        wire::DECIDE,
    },
};

const BATCH: &str = "/nextbest.v1.DecisionService/DecideBatch";
const ACCEPTS: [(&str, &str); 1] = [("grpc-accept-encoding", "identity,deflate,gzip")];

#[test]
fn long_answers_are_compressed_for_those_who_ask() {
    let server = start(settings());
    let mut caller = Caller::connect(&server, 1 << 20);
    let asked = caller.ask_with(BATCH, &ACCEPTS, &batch(400));
    let (headers, compressed) = caller.answer(asked);
    assert_eq!(headers["grpc-encoding"], "gzip");
    assert_eq!(compressed[0], 1);
    let mut unfolded = vec![];
    GzDecoder::new(&compressed[5..])
        .read_to_end(&mut unfolded)
        .unwrap();
    assert!(unfolded.len() > COMPRESSED_BYTES_MIN && compressed.len() * 2 < unfolded.len());
    let decisions = v1::DecideBatchResponse::decode(unfolded.as_slice())
        .unwrap()
        .decoded()
        .unwrap();
    assert_eq!(decisions.len(), 400);
    assert_eq!(server.status().answer_bytes, 0);
}

#[test]
fn others_get_them_as_they_are() {
    let server = start(settings());
    let mut caller = Caller::connect(&server, 1 << 20);
    let asked = [
        caller.ask_with(BATCH, &[], &batch(400)),
        caller.ask_with(BATCH, &ACCEPTS, &batch(2)),
        caller.ask_with(DECIDE, &ACCEPTS, &request("", vec![age(30)])),
    ];
    for opened in asked {
        let (headers, answer) = caller.answer(opened);
        assert!(!headers.contains_key("grpc-encoding"));
        assert_eq!(answer[0], 0);
    }
}
