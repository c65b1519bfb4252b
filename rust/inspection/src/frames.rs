//! Splits the frames of a connection; header blocks are joined, checked and replaced.

use std::ops::Range;

use crate::{
    CONTINUATIONS_MAX, ErrorFlag, FRAME_BYTES_MAX, HEADER_BLOCK_BYTES_MAX,
    block::{HeaderError, Inspector, Verdict},
    field::Authorities,
};

const HEAD_BYTES: usize = 9;
pub(crate) const HEADERS: u8 = 0x1;
const WINDOW_UPDATE: u8 = 0x8;
pub(crate) const CONTINUATION: u8 = 0x9;
pub(crate) const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
const PRIORITY_BYTES: usize = 5;
/// `:method: GET` twice: a block that changes no table, and for which HTTP/2 resets its stream with `PROTOCOL_ERROR`.
const RESETTING_BLOCK: [u8; 2] = [0x82, 0x82];

/// How far bytes were walked.
pub(crate) struct Walked {
    /// This number of bytes from the beginning is passed on unchanged.
    pub(crate) passed: usize,
    /// This number of bytes is processed; those between are replaced.
    pub(crate) taken: usize,
    pub(crate) replacement: Option<Vec<u8>>,
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
pub(crate) struct Head {
    pub(crate) payload_bytes: usize,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: [u8; 4],
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

    pub(crate) fn write(self, frame: &mut Vec<u8>) {
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

/// The position of a connection between frames.
#[derive(Debug)]
pub(crate) struct Frames {
    inspector: Inspector,
    // Set when a block with an error was replaced.
    has_errors: ErrorFlag,
    // Of a frame that is passed on without being looked at.
    left: usize,
    begun: Option<Begun>,
    // The newest stream that the peer has opened.
    newest: u32,
    // The connection has to end: what else comes does not matter.
    is_over: bool,
}

impl Frames {
    pub(crate) fn new(authorities: Authorities, has_errors: ErrorFlag) -> Self {
        Self {
            inspector: Inspector::new(authorities),
            has_errors,
            left: 0,
            begun: None,
            newest: 0,
            is_over: false,
        }
    }

    /// Walks to the end of the bytes, to a frame that is not there as a whole, or to one that is replaced.
    pub(crate) fn walk(&mut self, bytes: &[u8]) -> Walked {
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
                self.has_errors.set(true);
                // HTTP/2 does not decode such a block, and would not understand the next.
                return Some(assemble(
                    head,
                    &self.inspector.rewrite(fragment, Some(HeaderError::Field)),
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
            Verdict::Rewrite(error) => {
                if error.is_some() {
                    self.has_errors.set(true);
                }
                Some(assemble(head, &self.inspector.rewrite(block, error)))
            }
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

/// The position of the block in the payload of its first frame.
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

/// A block as frames, without padding and priorities, which are not read here.
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
