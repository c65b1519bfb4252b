//! A connection's bytes, with header blocks that would end it replaced by such as end their request alone.
//!
//! HTTP/2 allows a malformed header block to fail its stream (RFC 9113, section 8.1.1), and a proxy sends the calls of
//! many callers over one connection: what one of them writes into a header must not cost the others theirs. The library
//! that speaks HTTP/2 here ends the connection for a header name or value that it cannot represent, and for lists of
//! headers far beyond the limit. So blocks are looked at before it sees them.
//!
//! Valid data is not copied: bytes are read to the library's buffer, and checked there. An incomplete frame
//! waits here. A block with broken compression is passed on unchanged, with all that follows: the connection
//! has to end then.

mod block;
mod field;
mod frames;
mod huffman;
mod table;

use std::{
    cell::Cell,
    collections::VecDeque,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::frames::Frames;
pub use self::{block::HeaderError, field::Authorities};

/// Of one HTTP/2 frame.
pub const FRAME_BYTES_MAX: u32 = 16 * 1024;
/// Headers of one request, counted as HTTP/2 counts them.
pub const HEADER_LIST_BYTES_MAX: u32 = 16 * 1024;
/// An encoded block of headers, over all its frames.
pub const HEADER_BLOCK_BYTES_MAX: usize = 64 * 1024;
/// Frames of one block behind its first: empty ones could go on for ever.
pub const CONTINUATIONS_MAX: usize = 8;

/// The name of a field that records the changes to a block; no client has one of this name.
static MARK_NAME: HeaderName = HeaderName::from_static("~");

/// Whether a block of a connection was replaced for an error. Until then no request needs to be looked at.
pub type ErrorFlag = Rc<Cell<bool>>;

/// Why a request's header block was replaced; nothing where it was not.
#[must_use]
pub fn header_error(headers: &HeaderMap) -> Option<HeaderError> {
    let last = headers.get_all(&MARK_NAME).iter().next_back()?;
    Some(HeaderError::of_letter(last.as_bytes()))
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
    /// `has_errors` is set before the first request with an error can be read.
    pub fn new(stream: S, read: &[u8], authorities: Authorities, has_errors: ErrorFlag) -> Self {
        Self {
            stream,
            frames: Frames::new(authorities, has_errors),
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

#[cfg(test)]
mod tests;
