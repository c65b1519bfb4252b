//! Peers that do not speak gRPC, or too much of it: each is dealt with alone.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use tonic::Code;

use crate::{
    Server, Settings,
    tests::{
        fixture::{Client, age, eventually, handler, placed, request, settings, start},
        wire::PREFACE,
    },
};

/// Sends bytes, and waits for the server to close the connection.
fn send(server: &Server, bytes: &[u8]) {
    let mut socket = TcpStream::connect(server.decision_address()).unwrap();
    // A server that has closed already is as good.
    let _ = socket.write_all(bytes);
    let _ = socket.shutdown(Shutdown::Write);
    let _ = socket.read_to_end(&mut Vec::new());
}

#[test]
fn bytes_that_are_no_http2_stop_nothing() {
    let server = start(settings());
    let oversized_frame = [0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1];
    let cases: [&[u8]; 7] = [
        b"",
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        &[0xff; 4_096],
        &PREFACE[..12],
        PREFACE,
        &[PREFACE, &[0xff; 64]].concat(),
        &[PREFACE, &oversized_frame].concat(),
    ];
    for bytes in cases {
        send(&server, bytes);
        let answer = Client::connect(&server)
            .decide(request("", vec![age(30)]))
            .unwrap();
        assert_eq!(placed(&answer), ["gold-card"]);
    }
    eventually(|| server.status().connections == 0);
    assert_eq!(server.status().panics, 0);
}

#[test]
fn a_message_that_does_not_decode_fails_alone() {
    let server = start(settings());
    let client = Client::connect(&server);
    // A customer id that is not UTF-8: the message of another type whose first field is `bytes`.
    let garbled = nextbest_proto::v1::ActivateRequest {
        bundle: vec![0xff, 0xfe],
    };
    let answer = client.run(async {
        let mut grpc = tonic::client::Grpc::new(client.channel.clone());
        grpc.ready().await.unwrap();
        let codec = tonic_codec();
        let path = http::uri::PathAndQuery::from_static("/nextbest.v1.DecisionService/Decide");
        grpc.unary(tonic::Request::new(garbled), path, codec).await
    });
    assert!(answer.is_err());
    client.decide(request("", vec![])).unwrap();
}

fn tonic_codec()
-> tonic_prost::ProstCodec<nextbest_proto::v1::ActivateRequest, nextbest_proto::v1::DecideResponse> {
    tonic_prost::ProstCodec::default()
}

#[test]
fn connections_beyond_the_bound_are_closed() {
    let server = start(Settings {
        connections_max: 1,
        ..settings()
    });
    let client = Client::connect(&server);
    client.decide(request("", vec![])).unwrap();
    let mut second = TcpStream::connect(server.decision_address()).unwrap();
    assert_eq!(second.read(&mut [0; 1]).unwrap_or(0), 0);
    assert_eq!(server.status().connections_refused, 1);
    client.decide(request("", vec![])).unwrap();
}

#[test]
fn a_panic_fails_one_request_and_is_counted() {
    let handler = handler();
    let status = handler
        .guard(|| -> Result<(), tonic::Status> { panic!("broken invariant") })
        .unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(!status.message().contains("invariant"));
    assert_eq!(
        (
            handler.shared.stats.panics.get(),
            handler.shared.stats.refused.get()
        ),
        (1, 0)
    );
    assert!(handler.guard(|| Ok(())).is_ok());
}
