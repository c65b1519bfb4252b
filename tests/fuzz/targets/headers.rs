//! Whatever a caller writes into header blocks, calls beside it are served: one that began before, and one that comes after.
//!
//! The bytes are blocks, each behind its length and a byte for how it is sent. An independent decoder
//! checks their compression; if it is broken, the connection may end.

#![no_main]

use std::{future::poll_fn, sync::LazyLock, task::Poll};

use bytes::Bytes;
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use nextbest_inspection::{Authorities, ErrorFlag, HEADER_LIST_BYTES_MAX, Inspected, header_error};
use tokio::{io::AsyncWriteExt, runtime::Runtime, task::unconstrained};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// An index of the static table each: POST, http, and /.
const REQUEST: [u8; 3] = [0x83, 0x86, 0x84];
const BLOCKS_MAX: usize = 8;
const BLOCK_BYTES_MAX: usize = 4_000;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("an event loop")
});

fuzz_target!(|data: &[u8]| {
    let blocks = blocks(data);
    let mut bytes = frame(SETTINGS, 0, 0, &[]);
    bytes.extend(frame(HEADERS, END_HEADERS, 1, &with_field("x-first")));
    for (index, (form, block)) in blocks.iter().enumerate() {
        let stream = 3 + 2 * u32::try_from(index).expect("few");
        if form & 1 == 0 {
            bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, block));
        } else {
            let (first, second) = block.split_at(block.len() / 2);
            bytes.extend(frame(HEADERS, END_STREAM, stream, first));
            bytes.extend(frame(CONTINUATION, END_HEADERS, stream, second));
        }
    }
    bytes.extend(frame(DATA, END_STREAM, 1, b"first"));
    bytes.extend(frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        101,
        &with_field("x-last"),
    ));
    let chunk = 1 + usize::from(data.first().copied().unwrap_or(255)) * 7;
    let (requests, ended) = RUNTIME.block_on(serve(&bytes, chunk));
    let is_sound = is_sound(&blocks);
    if let Some(error) = &ended {
        assert!(
            !is_sound,
            "the connection ended, and its compression is sound: {error}"
        );
    } else {
        assert_eq!(
            requests
                .first()
                .and_then(|headers| headers.get("x-first"))
                .map(|value| value.as_bytes()),
            Some(&b"kept"[..])
        );
        let last = requests.last().expect("the last call is served");
        assert_eq!(
            last.get("x-last").map(|value| value.as_bytes()),
            Some(&b"kept"[..])
        );
        assert_eq!(last.len(), 1);
        assert!(header_error(last).is_none());
    }
});

/// Blocks of a request each, with fields of the fuzzer's behind it.
fn blocks(mut data: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut blocks = vec![];
    while let [form, high, low, rest @ ..] = data {
        let bytes = usize::from(u16::from_be_bytes([*high, *low])) % BLOCK_BYTES_MAX;
        let (block, behind) = rest.split_at(bytes.min(rest.len()));
        // Pseudo-headers come first as a rule, and now and then not at all.
        let request = if form & 2 == 0 { &REQUEST[..] } else { &[] };
        blocks.push((*form, [request, block].concat()));
        if blocks.len() == BLOCKS_MAX {
            break;
        }
        data = behind;
    }
    blocks
}

fn is_sound(blocks: &[(u8, Vec<u8>)]) -> bool {
    let mut decoder = loona_hpack::Decoder::new();
    decoder.set_max_allowed_table_size(4_096);
    let mut all = vec![with_field("x-first")];
    all.extend(blocks.iter().map(|(_, block)| block.clone()));
    all.iter().all(|block| {
        // An entry without name and value is the one that cannot be replaced.
        let mut has_nothing = false;
        let decoded = decoder.decode_with_cb(block, |name, value| {
            has_nothing |= name.is_empty() && value.is_empty()
        });
        decoded.is_ok() && !has_nothing && !resizes_late(block)
    })
}

/// Whether a block changes the size of the table behind its first field, which the decoder allows and RFC 7541 does not.
fn resizes_late(block: &[u8]) -> bool {
    let mut rest = block;
    let mut has_field = false;
    while let Some(first) = rest.first().copied() {
        let (bits, texts) = match first {
            0x80.. => (7, 0),
            0x40.. => (6, 1),
            0x20.. if has_field => return true,
            0x20.. => (5, 0),
            _ => (4, 1),
        };
        has_field |= bits != 5;
        let Some(index) = integer(&mut rest, bits) else {
            return false;
        };
        for _ in 0..texts + usize::from(texts == 1 && index == 0) {
            let Some(length) = integer(&mut rest, 7) else {
                return false;
            };
            rest = rest.get(length..).unwrap_or_default();
        }
    }
    false
}

fn integer(rest: &mut &[u8], bits: u32) -> Option<usize> {
    let most = (1 << bits) - 1;
    let (first, mut behind) = rest.split_first()?;
    let mut number = usize::from(*first) & most;
    let mut shift = 0;
    while number >= most && shift <= 28 {
        let (byte, more) = behind.split_first()?;
        behind = more;
        number += usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    *rest = behind;
    Some(number)
}

/// The headers of the requests that are served, and what has ended the connection.
async fn serve(bytes: &[u8], chunk: usize) -> (Vec<HeaderMap>, Option<h2::Error>) {
    let (mut peer, socket) = tokio::io::duplex(1 << 20);
    for part in bytes.chunks(chunk) {
        peer.write_all(part).await.expect("there is room");
    }
    let mut builder = h2::server::Builder::new();
    builder.max_header_list_size(HEADER_LIST_BYTES_MAX);
    let stream = Inspected::new(socket, PREFACE, Authorities::Valid, ErrorFlag::default());
    let mut connection = builder
        .handshake::<_, Bytes>(stream)
        .await
        .expect("the preface is sound");
    let mut requests = vec![];
    let mut first = None;
    loop {
        let polled = unconstrained(poll_fn(|context| Poll::Ready(connection.poll_accept(context)))).await;
        match polled {
            Poll::Pending | Poll::Ready(None) => break,
            Poll::Ready(Some(Err(error))) => return (requests, Some(error)),
            Poll::Ready(Some(Ok((request, respond)))) => {
                let (parts, body) = request.into_parts();
                requests.push(parts.headers);
                first.get_or_insert((body, respond));
            }
        }
    }
    let (mut body, _respond) = first.expect("the first call is served");
    let message = unconstrained(poll_fn(|context| Poll::Ready(body.poll_data(context)))).await;
    let message = match message {
        Poll::Ready(Some(Ok(message))) => message,
        other => panic!("the first call lost its message: {other:?}"),
    };
    assert_eq!(message, &b"first"[..]);
    (requests, None)
}

fn with_field(name: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    [REQUEST.to_vec(), vec![0x40], text(name), text("kept")].concat()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
