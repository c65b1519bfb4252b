//! The messages of a request as they come, bounded: a peer that begins one has to go on with it.
//!
//! The transport bounds what a peer may send before it is read, and the decoder how long one message may be. Left open
//! are messages that come a byte at a time, or never end: each keeps a request open, and its bytes in memory. Here they
//! have a time, and all of them together an amount of memory.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::body::{Body, Bytes, Frame};
use nextbest_pipeline::{MemoryBudget, Reservation};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

use crate::{call_error::CallError, transport::arriving::Arriving};

/// Of a gRPC message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;
/// Frames without content are how a peer keeps us busy with nothing.
const EMPTY_FRAMES_MAX: u32 = 64;

/// How long a message may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// From its first byte, or from the headers of the request, to its end.
    pub(crate) message: Duration,
    /// From one message to the next of a stream.
    pub(crate) between: Duration,
}

/// The position of a body between the messages in it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Framing {
    prefix: [u8; PREFIX_BYTES],
    prefix_bytes: usize,
    /// Of the message whose prefix is known.
    message_bytes: usize,
    message_left: usize,
    messages: u64,
}

impl Framing {
    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = if self.message_left == 0 {
                self.read_prefix(bytes)
            } else {
                self.message_left.min(bytes.len())
            };
            if self.message_left > 0 && self.prefix_bytes == 0 {
                self.message_left -= taken;
                self.messages += u64::from(self.message_left == 0);
            } else if self.prefix_bytes == PREFIX_BYTES {
                self.begin();
            }
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    fn read_prefix(&mut self, bytes: &[u8]) -> usize {
        let room = self.prefix.get_mut(self.prefix_bytes..).unwrap_or_default();
        let taken = room.len().min(bytes.len());
        room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.prefix_bytes += taken;
        taken
    }

    fn begin(&mut self) {
        let [_, length @ ..] = self.prefix;
        self.prefix_bytes = 0;
        self.message_left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        self.message_bytes = self.message_left;
        self.messages += u64::from(self.message_left == 0);
    }

    /// Bytes of a message that has begun and not ended.
    fn begun(&self) -> usize {
        if self.message_left == 0 {
            self.prefix_bytes
        } else {
            PREFIX_BYTES + self.message_bytes - self.message_left
        }
    }
}

/// What may come in a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    /// More than one message.
    pub(crate) is_stream: bool,
    /// Of one message.
    pub(crate) bytes_max: usize,
}

/// The body of one request.
pub(crate) struct Intake {
    body: Arriving,
    held: Reservation,
    framing: Framing,
    pace: Pace,
    /// Whether more than one message may come.
    is_stream: bool,
    empty_frames: u32,
    /// Of one message.
    bytes_max: usize,
    // Made when there is something to wait for, and that is seldom: a message usually comes with its headers.
    wait: Option<Pin<Box<Sleep>>>,
    /// Messages that had come when the wait began, and whether one more had begun.
    waited_after: (u64, bool),
}

impl Intake {
    pub(crate) fn new(body: Arriving, budget: &Arc<MemoryBudget>, pace: Pace, expected: Expected) -> Self {
        let body = if expected.is_stream {
            body.of_stream()
        } else {
            body
        };
        Self {
            body,
            held: Reservation::of(budget),
            framing: Framing::default(),
            pace,
            is_stream: expected.is_stream,
            bytes_max: expected.bytes_max,
            empty_frames: 0,
            wait: None,
            waited_after: (0, false),
        }
    }

    fn take(&mut self, data: &Bytes) -> Result<(), Status> {
        if data.is_empty() {
            self.empty_frames += 1;
            if self.empty_frames > EMPTY_FRAMES_MAX {
                return Err(Status::invalid_argument("too many frames without content"));
            }
        }
        self.framing.read(data);
        if self.framing.message_bytes > self.bytes_max {
            return Err(CallError::MessageTooLarge {
                bytes: self.framing.message_bytes,
                bytes_max: self.bytes_max,
            }
            .into());
        }
        if self.is_stream && self.stands() > self.waited_after {
            self.wait = None;
            self.empty_frames = 0;
        }
        // A message that waits needs room; one that arrived at once is decoded at once, and takes none.
        if self.held.bytes() > 0 || self.wait.is_some() {
            self.reserve()?;
        }
        Ok(())
    }

    fn reserve(&mut self) -> Result<(), Status> {
        if self.held.hold(self.framing.begun()) {
            Ok(())
        } else {
            Err(CallError::Overload.into())
        }
    }

    fn stands(&self) -> (u64, bool) {
        (self.framing.messages, self.framing.begun() > 0)
    }

    fn waits(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        let (_, has_begun) = self.stands();
        if self.wait.is_none() {
            self.waited_after = self.stands();
            let time = if has_begun || !self.is_stream {
                self.pace.message
            } else {
                self.pace.between
            };
            self.wait = Instant::now()
                .checked_add(time)
                .map(|until| Box::pin(sleep_until(until)));
            if let Err(status) = self.reserve() {
                return Poll::Ready(status);
            }
        }
        let Some(wait) = &mut self.wait else {
            return Poll::Pending;
        };
        wait.as_mut().poll(context).map(|()| {
            if has_begun || !self.is_stream {
                Status::deadline_exceeded("the message of the call did not arrive in time")
            } else {
                Status::unavailable("the call was idle for too long: open it again when it is needed")
            }
        })
    }
}

impl Body for Intake {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Pending => this.waits(context).map(|status| Some(Err(status))),
            Poll::Ready(Some(Ok(frame))) => {
                let taken = match (frame.data_ref(), frame.trailers_ref()) {
                    (Some(data), _) => this.take(data),
                    (None, Some(trailers)) if nextbest_inspection::header_error(trailers).is_some() => {
                        Err(Status::internal("the trailers of the call are malformed"))
                    }
                    _ => Ok(()),
                };
                Poll::Ready(Some(taken.map(|()| frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(Status::from_error(Box::new(error))))),
            Poll::Ready(None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(messages: &[Vec<u8>]) -> Vec<u8> {
        let frame = |message: &Vec<u8>| {
            let length = u32::try_from(message.len()).unwrap().to_be_bytes();
            [&[0], length.as_slice(), message].concat()
        };
        messages.iter().flat_map(frame).collect()
    }

    proptest! {
        /// However the bytes are cut, and wherever they end.
        #[test]
        fn messages_are_told_apart(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            begun in prop::collection::vec(any::<u8>(), 1..40),
            left in 1_usize..50,
            chunk in 1_usize..20,
        ) {
            let mut bytes = encode(&messages);
            let last = encode(&[[begun.clone(), vec![0; left]].concat()]);
            let cut = PREFIX_BYTES + begun.len();
            bytes.extend(&last[..cut]);
            let mut framing = Framing::default();
            bytes.chunks(chunk).for_each(|part| framing.read(part));
            prop_assert_eq!(framing.messages, messages.len() as u64);
            prop_assert_eq!(framing.begun(), cut);
            framing.read(&last[cut..]);
            prop_assert_eq!(framing.messages, messages.len() as u64 + 1);
            prop_assert_eq!(framing.begun(), 0);
            framing.read(&last[..3]);
            prop_assert_eq!(framing.begun(), 3);
        }
    }

    #[test]
    fn a_message_of_any_announced_length_is_counted_by_what_has_come() {
        let mut framing = Framing::default();
        framing.read(&[0, 0xff, 0xff, 0xff, 0xff, 1, 2]);
        assert_eq!(framing.begun(), 7);
        assert_eq!(framing.messages, 0);
    }
}
