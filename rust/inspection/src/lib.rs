//! A connection's bytes, with header blocks that would end it replaced by such as end their request alone.
//!
//! HTTP/2 allows a malformed header block to fail its stream (RFC 9113, section 8.1.1), and a proxy sends the calls of
//! many callers over one connection: what one of them writes into a header must not cost the others theirs. The library
//! that speaks HTTP/2 here ends the connection for a header name or value that it cannot represent, and for lists of
//! headers far beyond the limit. So blocks are looked at before it sees them.
//!
//! Nothing is copied where nothing is wrong: bytes are read to where the library wants them, and looked at there. A
//! frame that has not come whole waits here. A block whose compression is broken is passed on as it is, with all that
//! follows: the connection has to end then.

mod block;
mod field;
mod huffman;
mod table;

use std::{
    collections::VecDeque,
    io,
    ops::Range,
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::block::{Inspector, Verdict};
pub use self::{block::Fault, field::Authorities};

/// Of one HTTP/2 frame.
pub const FRAME_BYTES_MAX: u32 = 16 * 1024;
/// Headers of one request, counted as HTTP/2 counts them.
pub const HEADER_LIST_BYTES_MAX: u32 = 16 * 1024;
/// An encoded block of headers, over all its frames.
pub const HEADER_BLOCK_BYTES_MAX: usize = 64 * 1024;
/// Frames of one block behind its first: empty ones could go on for ever.
pub const CONTINUATIONS_MAX: usize = 8;

const HEAD_BYTES: usize = 9;
const HEADERS: u8 = 0x1;
const WINDOW_UPDATE: u8 = 0x8;
const CONTINUATION: u8 = 0x9;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
const PRIORITY_BYTES: usize = 5;
/// `:method: GET` twice: a block that changes no table, and for which HTTP/2 resets its stream with `PROTOCOL_ERROR`.
const RESETTING_BLOCK: [u8; 2] = [0x82, 0x82];

/// Of a field that tells what became of a block; no client has one of this name.
static MARK_NAME: HeaderName = HeaderName::from_static("~");

/// Why a request's header block was replaced; nothing where it was not.
#[must_use]
pub fn fault(headers: &HeaderMap) -> Option<Fault> {
    let last = headers.get_all(&MARK_NAME).iter().next_back()?;
    Some(Fault::of_letter(last.as_bytes()))
}

/// A connection whose header blocks are inspected.
#[derive(Debug)]
pub struct Inspected<S> {
    stream: S,
    frames: Frames,
    // To be read before anything else.
    ready: VecDeque<u8>,
    // Read from the stream, and not yet known to be whole.
    held: Vec<u8>,
}

impl<S> Inspected<S> {
    /// `read`: bytes that were taken from the stream already, and are read once more from here.
    pub fn new(stream: S, read: &[u8], authorities: Authorities) -> Self {
        Self {
            stream,
            frames: Frames::new(authorities),
            ready: read.iter().copied().collect(),
            held: Vec::new(),
        }
    }

    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let (front, _) = self.ready.as_slices();
        let count = front.len().min(buffer.remaining());
        buffer.put_slice(front.get(..count).unwrap_or_default());
        self.ready.drain(..count);
    }

    /// Takes what can be taken of the bytes that are held.
    fn work_off(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        let mut at = 0;
        loop {
            let rest = held.get(at..).unwrap_or_default();
            let walked = self.frames.walk(rest);
            self.ready.extend(rest.get(..walked.passed).unwrap_or_default());
            at += walked.taken;
            match walked.replacement {
                Some(replacement) => self.ready.extend(replacement),
                None => break,
            }
        }
        held.drain(..at);
        self.held = held;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Inspected<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.ready.is_empty() {
                this.give(buffer);
                return Poll::Ready(Ok(()));
            }
            let before = buffer.filled().len();
            match Pin::new(&mut this.stream).poll_read(context, buffer) {
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
            let fresh = buffer.filled().get(before..).unwrap_or_default();
            if fresh.is_empty() {
                // The end, or no room: what is held was not whole, and nothing can come of it.
                return Poll::Ready(Ok(()));
            }
            if this.held.is_empty() {
                let walked = this.frames.walk(fresh);
                this.held
                    .extend_from_slice(fresh.get(walked.taken..).unwrap_or_default());
                if let Some(replacement) = walked.replacement {
                    this.ready.extend(replacement);
                    this.work_off();
                }
                buffer.set_filled(before + walked.passed);
                if walked.passed > 0 {
                    return Poll::Ready(Ok(()));
                }
            } else {
                this.held.extend_from_slice(fresh);
                buffer.set_filled(before);
                this.work_off();
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Inspected<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// How far bytes were walked.
struct Walked {
    /// So many from the beginning go on as they are.
    passed: usize,
    /// So many are done with; those between are replaced.
    taken: usize,
    replacement: Option<Vec<u8>>,
}

impl Walked {
    fn passed(count: usize) -> Self {
        Self {
            passed: count,
            taken: count,
            replacement: None,
        }
    }
}

/// The head of a frame (RFC 9113, section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    payload_bytes: usize,
    kind: u8,
    flags: u8,
    stream: [u8; 4],
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = *bytes.first_chunk::<HEAD_BYTES>()?;
        Some(Self {
            payload_bytes: usize::from(l0) << 16 | usize::from(l1) << 8 | usize::from(l2),
            kind,
            flags,
            stream: [s0, s1, s2, s3],
        })
    }

    fn write(self, frame: &mut Vec<u8>) {
        let [.., l0, l1, l2] = self.payload_bytes.to_be_bytes();
        frame.extend_from_slice(&[l0, l1, l2, self.kind, self.flags]);
        frame.extend_from_slice(&self.stream);
    }

    /// Its number; of the connection itself, 0.
    fn stream(self) -> u32 {
        u32::from_be_bytes(self.stream) & (u32::MAX >> 1)
    }

    fn ends_headers(self) -> bool {
        self.flags & END_HEADERS != 0
    }
}

/// A header block that goes on in further frames.
#[derive(Debug)]
struct Begun {
    head: Head,
    // Without the heads of its frames.
    fragment: Vec<u8>,
    continuations: usize,
}

impl Begun {
    fn goes_on_with(&self, head: Head) -> bool {
        head.kind == CONTINUATION
            && head.stream == self.head.stream
            && head.payload_bytes <= FRAME_BYTES_MAX as usize
            && self.fragment.len() + head.payload_bytes <= HEADER_BLOCK_BYTES_MAX
            && self.continuations < CONTINUATIONS_MAX
    }

    /// What has come of it.
    fn unfinished(&self) -> Vec<u8> {
        let mut frames = Vec::new();
        put_frames(self.head, &self.fragment, false, &mut frames);
        frames
    }
}

/// Where a connection stands between frames.
#[derive(Debug)]
struct Frames {
    inspector: Inspector,
    // Of a frame that is passed on without being looked at.
    left: usize,
    begun: Option<Begun>,
    // The newest stream that the peer has opened.
    newest: u32,
    // The connection has to end: what else comes does not matter.
    is_over: bool,
}

impl Frames {
    fn new(authorities: Authorities) -> Self {
        Self {
            inspector: Inspector::new(authorities),
            left: 0,
            begun: None,
            newest: 0,
            is_over: false,
        }
    }

    /// Walks to the end of the bytes, to a frame that is not there as a whole, or to one that is replaced.
    fn walk(&mut self, bytes: &[u8]) -> Walked {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if self.is_over {
                return Walked::passed(bytes.len());
            }
            if self.left > 0 {
                let passed = self.left.min(rest.len());
                self.left -= passed;
                at += passed;
                if self.left > 0 {
                    return Walked::passed(at);
                }
                continue;
            }
            let Some(head) = Head::read(rest) else {
                return Walked::passed(at);
            };
            if let Some(begun) = self.begun.take_if(|begun| !begun.goes_on_with(head)) {
                // Nothing else may come within a block: HTTP/2 is given what came, and ends the connection.
                self.is_over = true;
                return Walked {
                    passed: at,
                    taken: at,
                    replacement: Some(begun.unfinished()),
                };
            }
            let is_read =
                matches!(head.kind, HEADERS) || self.begun.is_some() || self.is_window_of_a_stream(head);
            if !is_read || head.payload_bytes > FRAME_BYTES_MAX as usize {
                self.left = HEAD_BYTES + head.payload_bytes;
                continue;
            }
            let Some(payload) = rest.get(HEAD_BYTES..HEAD_BYTES + head.payload_bytes) else {
                return Walked::passed(at);
            };
            let taken = HEAD_BYTES + head.payload_bytes;
            let replacement = if head.kind == WINDOW_UPDATE {
                // RFC 9113, section 6.9: an error of the stream. The library ends the connection for it.
                let is_none = matches!(payload, [0 | 0x80, 0, 0, 0]);
                is_none.then(|| assemble(Head { flags: 0, ..head }, &RESETTING_BLOCK))
            } else {
                self.headers(head, payload)
            };
            match replacement {
                None => at += taken,
                Some(replacement) => {
                    return Walked {
                        passed: at,
                        taken: at + taken,
                        replacement: Some(replacement),
                    };
                }
            }
        }
    }

    /// Whether a frame gives a window to a stream that the peer has opened.
    fn is_window_of_a_stream(&self, head: Head) -> bool {
        head.kind == WINDOW_UPDATE
            && head.payload_bytes == 4
            && self.begun.is_none()
            && (1..=self.newest).contains(&head.stream())
    }

    /// What a frame of a header block is replaced by; nothing when it goes on as it is.
    fn headers(&mut self, head: Head, payload: &[u8]) -> Option<Vec<u8>> {
        if let Some(mut begun) = self.begun.take() {
            begun.fragment.extend_from_slice(payload);
            begun.continuations += 1;
            if !head.ends_headers() {
                self.begun = Some(begun);
                return Some(Vec::new());
            }
            return Some(
                self.block(begun.head, &begun.fragment)
                    .unwrap_or_else(|| assemble(begun.head, &begun.fragment)),
            );
        }
        let Some(range) = fragment(head, payload) else {
            // Padding that is longer than its frame ends the connection.
            self.is_over = true;
            return None;
        };
        let fragment = payload.get(range).unwrap_or_default();
        self.newest = self.newest.max(head.stream());
        if head.ends_headers() {
            let replacement = self.block(head, fragment);
            let has_priority = head.flags & PRIORITY != 0 && !self.is_over;
            if has_priority && depends_on_itself(head, payload) {
                // HTTP/2 does not decode such a block, and would not understand the next.
                return Some(assemble(
                    head,
                    &self.inspector.rewrite(fragment, Some(Fault::Field)),
                ));
            }
            return replacement;
        }
        self.begun = Some(Begun {
            head,
            fragment: fragment.to_vec(),
            continuations: 0,
        });
        Some(Vec::new())
    }

    /// What a whole block is replaced by.
    fn block(&mut self, head: Head, block: &[u8]) -> Option<Vec<u8>> {
        match self.inspector.inspect(block) {
            Verdict::Sound => None,
            Verdict::Rewrite(fault) => Some(assemble(head, &self.inspector.rewrite(block, fault))),
            Verdict::Broken => {
                self.is_over = true;
                None
            }
        }
    }
}

/// Whether a frame with a priority names its own stream as the one that it depends on (RFC 7540, section 5.3.1).
fn depends_on_itself(head: Head, payload: &[u8]) -> bool {
    let start = usize::from(head.flags & PADDED != 0);
    let dependency = payload.get(start..).and_then(|rest| rest.first_chunk::<4>());
    dependency.is_some_and(|bytes| u32::from_be_bytes(*bytes) & (u32::MAX >> 1) == head.stream())
}

/// Where the block stands in the payload of its first frame.
fn fragment(head: Head, payload: &[u8]) -> Option<Range<usize>> {
    let (mut start, mut end) = (0, payload.len());
    if head.flags & PADDED != 0 {
        end = end.checked_sub(usize::from(*payload.first()?))?;
        start = 1;
    }
    if head.flags & PRIORITY != 0 {
        start += PRIORITY_BYTES;
    }
    (start <= end).then_some(start..end)
}

/// A block as frames, without padding and priorities, which nobody here reads.
fn assemble(head: Head, block: &[u8]) -> Vec<u8> {
    let mut frames = Vec::with_capacity(block.len() + HEAD_BYTES);
    put_frames(head, block, true, &mut frames);
    frames
}

fn put_frames(head: Head, block: &[u8], ends: bool, frames: &mut Vec<u8>) {
    let mut fragments = block.chunks(FRAME_BYTES_MAX as usize).peekable();
    let (mut kind, mut flags) = (HEADERS, head.flags & !(PADDED | PRIORITY | END_HEADERS));
    loop {
        let fragment = fragments.next().unwrap_or_default();
        let is_last = fragments.peek().is_none();
        let head = Head {
            payload_bytes: fragment.len(),
            kind,
            flags: flags | if is_last && ends { END_HEADERS } else { 0 },
            stream: head.stream,
        };
        head.write(frames);
        frames.extend_from_slice(fragment);
        if is_last {
            return;
        }
        (kind, flags) = (CONTINUATION, 0);
    }
}

#[cfg(test)]
mod tests;
