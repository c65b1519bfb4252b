//! Header blocks that HTTP/2 ends connections for: here they end their request, and those beside it are answered.

use prost::Message as _;

use crate::{
    Server, Settings,
    limits::LOCAL_ERROR_RESETS_MAX,
    tests::{
        caller::enframe,
        fixture::{age, request, settings, start},
        wire::{
            ACK, CONTINUATION, DECIDE, END_HEADERS, End, GOAWAY, HEADERS, PING, Peer, RST_STREAM, SETTINGS,
            WINDOW_UPDATE, block, call_headers, frame,
        },
    },
};

const DATA: u8 = 0;
const END_STREAM: u8 = 1;
const PRIORITY: u8 = 0x20;
const PROTOCOL_ERROR: u32 = 1;
/// `:status` as the static table has it.
const OK: &[u8] = &[0x88];
const BAD_REQUEST: &[u8] = &[0x8c];
/// `:status: 431`, which it does not have: a literal of a known name.
const TOO_LARGE: &[u8] = &[0x48];

fn message() -> Vec<u8> {
    enframe(&request("", vec![age(30)]).encode_to_vec()).to_vec()
}

/// What a connection has answered.
#[derive(Debug, Default)]
struct Answers {
    /// By stream: how its first response began.
    statuses: Vec<(u32, Vec<u8>)>,
    resets: Vec<(u32, u32)>,
    /// Streams with a decision.
    decided: Vec<u32>,
    is_over: bool,
}

/// Reads until a stream has ended, or the connection.
fn read(peer: &mut Peer, last: u32) -> Answers {
    let mut answers = Answers::default();
    loop {
        let Some(found) = peer.receive() else {
            answers.is_over = true;
            return answers;
        };
        let ends = found.flags & END_STREAM != 0;
        match found.kind {
            HEADERS if !ends => answers.statuses.push((found.stream, found.payload)),
            DATA if found.payload.windows(9).any(|text| text == b"gold-card") => {
                answers.decided.push(found.stream);
            }
            RST_STREAM => {
                let code = u32::from_be_bytes(found.payload.try_into().unwrap());
                answers.resets.push((found.stream, code));
                if found.stream == last {
                    return answers;
                }
            }
            GOAWAY => answers.is_over = true,
            PING | SETTINGS if found.flags & ACK == 0 => {
                let payload = if found.kind == PING { found.payload } else { vec![] };
                peer.send(&frame(found.kind, ACK, 0, &payload));
            }
            _ => {}
        }
        if found.stream == last && ends && matches!(found.kind, HEADERS | DATA) {
            return answers;
        }
    }
}

fn server() -> Server {
    start(Settings {
        workers: 1,
        ..settings()
    })
}

/// An honest call's headers, other frames, and then the honest call's message.
fn beside(frames: &[u8]) -> Answers {
    let server = server();
    let mut peer = Peer::greet(&server, &[]);
    let honest = peer.call(DECIDE, 0);
    peer.send(frames);
    peer.send(&frame(DATA, END_STREAM, honest, &message()));
    let answers = read(&mut peer, honest);
    assert_eq!(server.status().panics, 0);
    answers
}

fn status(answers: &Answers, stream: u32) -> &[u8] {
    let found = answers.statuses.iter().find(|(asked, _)| *asked == stream);
    found.map(|(_, block)| &block[..1]).unwrap_or_default()
}

/// A call on stream 3 with more fields, and its message.
fn call_with(fields: &[u8]) -> Vec<u8> {
    let headers = [block(&call_headers(DECIDE)), fields.to_vec()].concat();
    [
        frame(HEADERS, END_HEADERS, 3, &headers),
        frame(DATA, END_STREAM, 3, &message()),
    ]
    .concat()
}

fn literal(first: u8, name: &[u8], value: &[u8]) -> Vec<u8> {
    let text = |text: &[u8]| [&[u8::try_from(text.len()).unwrap()], text].concat();
    [vec![first], text(name), text(value)].concat()
}

#[test]
fn a_field_that_is_none_fails_its_call_alone() {
    let fields: [(&[u8], &[u8]); 14] = [
        (b"x-note", b"a\x01b"),
        (b"x-note", b"a\x7fb"),
        (b"x-note", b"a\0b"),
        (b"x-note", b"a\r\nb: c"),
        (b"X-Note", b"1"),
        (b"x note", b"1"),
        (b"", b"1"),
        (b"", b""),
        (b"\xff", b"1"),
        (b":later", b"1"),
        (b":status", b"no"),
        (b"te", b"gzip"),
        (b"connection", b"close"),
        (b"content-length", b"many"),
    ];
    for (name, value) in fields {
        for first in [0x00, 0x10, 0x40] {
            if first == 0x40 && name.len() + value.len() == 0 {
                continue;
            }
            let answers = beside(&call_with(&literal(first, name, value)));
            let shown = format!(
                "{:?}: {:?}, {first:#x}",
                name.escape_ascii(),
                value.escape_ascii()
            );
            assert_eq!(answers.decided, [1], "{shown}: {answers:?}");
            assert!(!answers.is_over, "{shown}");
            assert!(
                answers.resets.iter().all(|reset| *reset == (3, PROTOCOL_ERROR)),
                "{shown}"
            );
        }
    }
}

#[test]
fn who_sends_it_is_told_in_http() {
    let server = server();
    for (fields, expected) in [
        (literal(0, b"x-note", b"a\x01b"), BAD_REQUEST),
        (literal(0, b"X-Note", b"1"), BAD_REQUEST),
        (literal(0x40, b"te", b"gzip"), BAD_REQUEST),
        (literal(0, b"x-note", &[b'a'; 120]).repeat(120), TOO_LARGE),
        // Far beyond what the transport itself would put up with, in few bytes.
        (
            [literal(0x40, b"x", &[b'a'; 100]), vec![0xbe; 2_000]].concat(),
            TOO_LARGE,
        ),
        (literal(0, b"x-note", b"fine"), OK),
    ] {
        let mut peer = Peer::greet(&server, &[]);
        peer.send(&call_with(&fields));
        let answers = read(&mut peer, 3);
        assert_eq!(status(&answers, 3), expected, "{fields:?}");
        assert!(!answers.is_over);
        // A client that got the answer may ask again.
        peer.send(&frame(HEADERS, END_HEADERS, 5, &block(&call_headers(DECIDE))));
        peer.send(&frame(DATA, END_STREAM, 5, &message()));
        assert_eq!(read(&mut peer, 5).decided.last(), Some(&5), "{fields:?}");
    }
    assert_eq!(server.status().transport.unwrap().not_calls, 5);
}

#[test]
fn blocks_in_several_frames_are_judged_as_one() {
    let whole = [block(&call_headers(DECIDE)), literal(0, b"x-note", b"a\x01b")].concat();
    for cut in [1, 20, whole.len() - 1] {
        let (first, second) = whole.split_at(cut);
        let answers = beside(
            &[
                frame(HEADERS, END_STREAM, 3, first),
                frame(CONTINUATION, 0, 3, &[]),
                frame(CONTINUATION, END_HEADERS, 3, second),
            ]
            .concat(),
        );
        assert_eq!(status(&answers, 3), BAD_REQUEST, "{cut}");
        assert_eq!(answers.decided, [1]);
    }
}

#[test]
fn a_stream_that_depends_on_itself_fails_alone() {
    let priority = |stream: u8| vec![0, 0, 0, stream, 16];
    // A field that is put into the table, and the same from there.
    let (kept, again) = (literal(0x40, b"x-note", b"kept"), vec![0xbe]);
    let call = |stream: u8, fields: &[u8]| {
        let headers = [
            priority(1 + stream % 4),
            block(&call_headers(DECIDE)),
            fields.to_vec(),
        ]
        .concat();
        [
            frame(HEADERS, END_HEADERS | PRIORITY, stream.into(), &headers),
            frame(DATA, END_STREAM, stream.into(), &message()),
        ]
        .concat()
    };
    // 3 depends on 4, which is nothing; 6 does not come; 5 depends on 2.
    let itself = [
        frame(
            HEADERS,
            END_HEADERS | PRIORITY,
            3,
            &[priority(3), block(&call_headers(DECIDE)), kept].concat(),
        ),
        call(5, &again),
    ]
    .concat();
    let server = server();
    let mut peer = Peer::greet(&server, &[]);
    peer.send(&itself);
    let answers = read(&mut peer, 5);
    assert_eq!((answers.decided, answers.is_over), (vec![5], false));
}

#[test]
fn a_block_that_is_broken_off_ends_the_connection() {
    let half = &block(&call_headers(DECIDE))[..20];
    let begun = frame(HEADERS, END_STREAM, 3, half);
    let endless: Vec<u8> = (0..20).flat_map(|_| frame(CONTINUATION, 0, 3, &[])).collect();
    for next in [
        frame(0x16, 0, 0, b"unknown"),
        frame(PING, 0, 0, &[7; 8]),
        frame(CONTINUATION, END_HEADERS, 5, half),
        frame(HEADERS, END_HEADERS, 5, half),
        endless,
    ] {
        let server = server();
        let mut peer = Peer::greet(&server, &[]);
        peer.send(&[begun.clone(), next].concat());
        assert!(matches!(peer.end(), End::GoAway(1 | 11)));
    }
}

#[test]
fn compression_that_is_broken_ends_the_connection() {
    for broken in [
        // An index of nothing, an index beyond the table, a table larger than allowed, a text beyond the block.
        vec![0x80],
        vec![0xff, 0xff, 0x03],
        vec![0x3f, 0xff, 0xff, 0x03],
        vec![0x00, 0x7e, b'a'],
    ] {
        let answers = beside(&frame(HEADERS, END_HEADERS | END_STREAM, 3, &broken));
        assert!(answers.is_over, "{broken:?}");
        assert!(answers.decided.is_empty());
    }
}

#[test]
fn trailers_that_are_none_fail_their_call_alone() {
    let trailers = literal(0x40, b"X-Note", b"a");
    let server = server();
    let mut peer = Peer::greet(&server, &[]);
    let (greedy, honest) = (peer.call(DECIDE, 0), peer.call(DECIDE, 0));
    peer.send(&frame(HEADERS, END_HEADERS | END_STREAM, greedy, &trailers));
    peer.send(&frame(DATA, END_STREAM, honest, &message()));
    let answers = read(&mut peer, honest);
    assert_eq!(answers.decided, [honest]);
    assert!(!answers.is_over);
}

#[test]
fn a_window_of_nothing_resets_its_stream_alone() {
    let server = server();
    let mut peer = Peer::greet(&server, &[]);
    let (greedy, honest) = (peer.call(DECIDE, 0), peer.call(DECIDE, 0));
    peer.send(&frame(WINDOW_UPDATE, 0, greedy, &[0; 4]));
    peer.send(&frame(DATA, END_STREAM, honest, &message()));
    let answers = read(&mut peer, honest);
    assert_eq!(answers.decided, [honest]);
    assert_eq!(answers.resets, [(greedy, PROTOCOL_ERROR)]);
    // Of a stream that has ended it changes nothing.
    peer.send(&frame(WINDOW_UPDATE, 0, honest, &[0; 4]));
    let last = peer.call(DECIDE, 0);
    peer.send(&frame(DATA, END_STREAM, last, &message()));
    let answers = read(&mut peer, last);
    assert_eq!((answers.decided, answers.is_over), (vec![last], false));
    // Of the connection, or of a stream that was never opened, it ends the connection.
    for stream in [0, last + 2] {
        let mut peer = Peer::greet(&server, &[]);
        peer.send(&frame(WINDOW_UPDATE, 0, stream, &[0; 4]));
        assert_eq!(peer.end(), End::GoAway(PROTOCOL_ERROR));
    }
}

#[test]
fn calls_that_are_refused_early_never_end_their_connection() {
    let server = server();
    let mut peer = Peer::greet(&server, &[]);
    // More than the library puts up with on one connection.
    for _ in 0..LOCAL_ERROR_RESETS_MAX + 200 {
        let refused = peer.call("/nextbest.v1.DecisionService/None", 0);
        let answers = read(&mut peer, refused);
        assert!(!answers.is_over && answers.resets.is_empty(), "{answers:?}");
        peer.send(&frame(DATA, END_STREAM, refused, &message()));
    }
    let honest = peer.call(DECIDE, 0);
    peer.send(&frame(DATA, END_STREAM, honest, &message()));
    assert_eq!(read(&mut peer, honest).decided, [honest]);
}
