//! A peer that writes HTTP/2 frames by hand, and so can write wrong ones.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use crate::{Address, Server};

/// For a server to say anything.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// For a server to take anything.
const STALL_MAX: Duration = Duration::from_millis(300);

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(super) const DECIDE: &str = "/nextbest.v1.DecisionService/Decide";

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With GOAWAY and this error code.
    GoAway(u32),
    /// Without a word.
    Closed,
}

/// A frame that arrived.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header block, its literals neither indexed nor compressed.
pub(super) fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [integer(text.len()), text.as_bytes().to_vec()].concat();
    let field = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    headers.iter().flat_map(field).collect()
}

/// An integer with a prefix of seven bits (RFC 7541, 5.1).
fn integer(number: usize) -> Vec<u8> {
    if number < 127 {
        return vec![u8::try_from(number).unwrap()];
    }
    let mut left = number - 127;
    let mut bytes = vec![127];
    while left >= 128 {
        bytes.push(u8::try_from(left % 128).unwrap() | 128);
        left /= 128;
    }
    bytes.push(u8::try_from(left).unwrap());
    bytes
}

pub(super) fn call_headers(path: &str) -> Vec<(&str, &str)> {
    vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "test"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ]
}

/// A connection that has sent exactly what the test sent.
pub(super) struct Peer {
    socket: TcpStream,
    next_stream: u32,
}

impl Peer {
    /// Connects, and sends nothing.
    pub(super) fn connect(server: &Server) -> Self {
        Self::at(server.decision_address())
    }

    /// The same, at the decision port or another.
    fn at(address: &Address) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(SILENCE_MAX)).unwrap();
        socket.set_write_timeout(Some(STALL_MAX)).unwrap();
        Self {
            socket,
            next_stream: 1,
        }
    }

    /// Connects, and sends its settings: pairs of identifier and value.
    pub(super) fn greet(server: &Server, settings: &[(u16, u32)]) -> Self {
        Self::connect(server).introduced(settings)
    }

    /// The same at the health port.
    pub(super) fn probe(server: &Server) -> Self {
        Self::at(server.health_address()).introduced(&[])
    }

    fn introduced(mut self, settings: &[(u16, u32)]) -> Self {
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(name, value)| [name.to_be_bytes().as_slice(), &value.to_be_bytes()].concat())
            .collect();
        self.send(&[PREFACE, &frame(SETTINGS, 0, 0, &payload)].concat());
        self
    }

    /// Writes bytes. False when the server has gone, or takes no more.
    pub(super) fn send(&mut self, bytes: &[u8]) -> bool {
        self.socket.write_all(bytes).is_ok()
    }

    /// Opens a stream with the headers of a call. Returns its number.
    pub(super) fn call(&mut self, path: &str, flags: u8) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        let block = block(&call_headers(path));
        self.send(&frame(HEADERS, END_HEADERS | flags, stream, &block));
        stream
    }

    /// The next frame; nothing when the server has closed. Answers neither pings nor settings.
    pub(super) fn receive(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.read(&mut head)?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.read(&mut payload)?;
        Some(Frame {
            kind,
            flags,
            stream: u32::from_be_bytes(stream),
            payload,
        })
    }

    fn read(&mut self, buffer: &mut [u8]) -> Option<()> {
        match self.socket.read_exact(buffer) {
            Ok(()) => Some(()),
            Err(error) => {
                assert!(
                    !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
                    "the server neither answers nor closes"
                );
                None
            }
        }
    }

    /// Reads to the end of the connection, and acknowledges what has to be.
    pub(super) fn end(&mut self) -> End {
        let mut end = End::Closed;
        while let Some(found) = self.receive() {
            match found.kind {
                GOAWAY => {
                    let code = found.payload[4..8].try_into().unwrap();
                    end = End::GoAway(u32::from_be_bytes(code));
                }
                PING | SETTINGS if found.flags & ACK == 0 => {
                    let payload = if found.kind == PING { found.payload } else { vec![] };
                    self.send(&frame(found.kind, ACK, 0, &payload));
                }
                _ => {}
            }
        }
        end
    }
}
