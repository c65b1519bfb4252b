//! What HTTP/2 reads of inspected connections, beside what the peer meant: sound requests come through as they were
//! sent, unsound ones are marked, whatever was in the table before and however the bytes are cut.

use std::{collections::VecDeque, future::poll_fn, task::Poll};

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use tokio::{io::AsyncWriteExt as _, task::unconstrained};

use super::*;
use crate::frames::{CONTINUATION, END_HEADERS, HEADERS, Head};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const OVERHEAD: usize = 32;

/// How the peer writes a field.
#[derive(Debug, Clone, Copy)]
enum Written {
    Literal,
    Never,
    Added,
    /// By index where its table has the field, or else as `Added`.
    Indexed,
}

type Sent = (Vec<u8>, Vec<u8>);

/// A peer's encoder, as simple as can be.
#[derive(Default)]
struct Encoder {
    table: VecDeque<Sent>,
}

impl Encoder {
    fn write(&mut self, (name, value): &Sent, written: Written, block: &mut Vec<u8>) {
        let found = self
            .table
            .iter()
            .position(|field| *field == (name.clone(), value.clone()));
        if let (Written::Indexed, Some(place)) = (written, found) {
            return put(0x80, 7, 62 + place, block);
        }
        let named = self.table.iter().position(|(known, _)| known == name);
        let (first, bits) = match written {
            Written::Literal => (0x00, 4),
            Written::Never => (0x10, 4),
            Written::Added | Written::Indexed => (0x40, 6),
        };
        put(first, bits, named.map_or(0, |place| 62 + place), block);
        if named.is_none() {
            put(0, 7, name.len(), block);
            block.extend(name);
        }
        put(0, 7, value.len(), block);
        block.extend(value);
        if first == 0x40 {
            self.table.push_front((name.clone(), value.clone()));
            let size = |(name, value): &Sent| name.len() + value.len() + OVERHEAD;
            while self.table.iter().map(size).sum::<usize>() > 4_096 {
                self.table.pop_back();
            }
        }
    }
}

fn put(first: u8, bits: u32, number: usize, block: &mut Vec<u8>) {
    let most = (1 << bits) - 1;
    if number < most {
        return block.push(first | u8::try_from(number).unwrap());
    }
    block.push(first | u8::try_from(most).unwrap());
    let mut left = number - most;
    while left >= 128 {
        block.push(u8::try_from(left % 128).unwrap() | 128);
        left /= 128;
    }
    block.push(u8::try_from(left).unwrap());
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![];
    let head = Head {
        payload_bytes: payload.len(),
        kind,
        flags,
        stream: stream.to_be_bytes(),
    };
    head.write(&mut frame);
    frame.extend(payload);
    frame
}

fn pseudo() -> Vec<(Sent, Written)> {
    [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/service/method"),
        (":authority", "host"),
    ]
    .map(|(name, value)| ((name.into(), value.into()), Written::Indexed))
    .to_vec()
}

fn is_sound((name, value): &Sent) -> bool {
    let is_of_connection = [
        "connection",
        "upgrade",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
    ]
    .iter()
    .any(|known| known.as_bytes() == name);
    !is_of_connection
        && (name != b"te" || value == b"trailers")
        && HeaderName::from_lowercase(name).is_ok()
        && HeaderValue::from_bytes(value).is_ok()
}

/// What HTTP/2 made of each request: its fields, or nothing where it was marked.
fn read_by_http2(bytes: &[u8], chunk: usize) -> Vec<Option<Vec<Sent>>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut peer, socket) = tokio::io::duplex(1 << 22);
        for part in bytes.chunks(chunk) {
            peer.write_all(part).await.unwrap();
        }
        let stream = Inspected::new(socket, PREFACE, Authorities::Valid, ErrorFlag::default());
        let mut builder = h2::server::Builder::new();
        builder
            .max_header_list_size(HEADER_LIST_BYTES_MAX)
            .max_concurrent_streams(10_000);
        let mut connection = builder.handshake::<_, bytes::Bytes>(stream).await.unwrap();
        let mut requests = vec![];
        // Unconstrained: a socket that makes way for other tasks would look like the end here.
        let mut next = async || {
            let polled = poll_fn(|context| Poll::Ready(connection.poll_accept(context)));
            unconstrained(polled).await
        };
        while let Poll::Ready(Some(request)) = next().await {
            let (request, _) = request.expect("the connection goes on");
            let headers = request.headers();
            let fields = headers
                .iter()
                .map(|(name, value)| (name.as_str().into(), value.as_bytes().into()));
            requests.push(header_error(headers).is_none().then(|| fields.collect()));
        }
        requests
    })
}

fn text(letters: &'static str) -> impl Strategy<Value = Vec<u8>> {
    letters.prop_map(String::into_bytes)
}

fn any_field() -> impl Strategy<Value = Sent> {
    let name = prop_oneof![
        8 => text("[a-c]{1,2}"),
        1 => text("[A-C]{1,2}"),
        1 => text("te|connection|:later|:status|x y"),
    ];
    let value = prop_oneof![
        8 => text("[a-z]{0,40}"),
        1 => text("trailers"),
        2 => prop::collection::vec(any::<u8>(), 0..200),
    ];
    (name, value)
}

fn any_written() -> impl Strategy<Value = Written> {
    prop_oneof![
        1 => Just(Written::Literal),
        1 => Just(Written::Never),
        1 => Just(Written::Added),
        3 => Just(Written::Indexed),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn sound_requests_come_through_and_others_are_marked(
        requests in prop::collection::vec(prop::collection::vec((any_field(), any_written()), 0..12), 1..40),
        chunk in 1_usize..400,
        cut in 1_usize..100,
    ) {
        let mut encoder = Encoder::default();
        let mut bytes = frame(4, 0, 0, &[]);
        for (index, fields) in requests.iter().enumerate() {
            let mut block = vec![];
            for (field, written) in pseudo().iter().chain(fields) {
                encoder.write(field, *written, &mut block);
            }
            let stream = u32::try_from(2 * index + 1).unwrap();
            let (first, second) = block.split_at(cut.min(block.len()));
            if index % 3 == 0 {
                bytes.extend(frame(HEADERS, 1, stream, first));
                bytes.extend(frame(CONTINUATION, END_HEADERS, stream, second));
            } else {
                bytes.extend(frame(HEADERS, END_HEADERS | 1, stream, &block));
            }
        }
        let read = read_by_http2(&bytes, chunk);
        prop_assert_eq!(read.len(), requests.len());
        // A name that was malformed once is taken for malformed wherever the peer refers to it.
        for (fields, read) in requests.iter().zip(read) {
            let mut sent: Vec<Sent> = fields.iter().map(|(field, _)| field.clone()).collect();
            if let Some(mut read) = read {
                prop_assert!(sent.iter().all(is_sound));
                sent.sort();
                read.sort();
                prop_assert_eq!(sent, read);
            } else {
                let may_refer = sent.iter().any(|(name, _)| name == b"te");
                prop_assert!(may_refer || !sent.iter().all(is_sound), "{:?}", sent);
            }
        }
    }
}
