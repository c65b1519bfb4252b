//! Responses on their way to a peer that has to read them.
//!
//! A peer that grants no window keeps every response that it asked for in memory. Bodies are handed to the
//! transport in pieces, so that at most one of them waits there, and each body knows since when the next one
//! was not taken: a connection with one that waits for too long is closed.
//!
//! A response is encoded as soon as it is there, and the bytes count as memory of answers until the transport has taken
//! the last of them. What the transport has taken is bounded by stream: see the send buffer of a connection.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use hyper::body::{Body as _, Bytes, Frame, SizeHint};
use slab::Slab;
use tonic::{Status, body::Body};

use crate::{
    call_error::CallError,
    failures::Followed,
    limits::{ANSWER_BUFFER_BYTES, ENCODED_FACTOR, PIECE_BYTES_MAX},
    shared::Shared,
};

/// The responses of one connection, and time as its watch counts it: a clock for each piece would cost more than the
/// piece.
#[derive(Default)]
pub(crate) struct Deliveries {
    ticks: Cell<u64>,
    // Where memory of answers is counted; nothing on a port whose answers are all short.
    shared: Option<Arc<Shared>>,
    // By response: when its last piece was handed over; nothing while the response itself has no more to give.
    handed_over: RefCell<Slab<Option<u64>>>,
}

impl Deliveries {
    /// Those of a port whose answers count as memory.
    pub(crate) fn counted(shared: Arc<Shared>) -> Self {
        Self {
            shared: Some(shared),
            ..Self::default()
        }
    }

    /// Whether there is memory for this number of additional bytes.
    fn take(&self, bytes: usize) -> bool {
        self.shared
            .as_ref()
            .is_none_or(|shared| shared.answers.take(bytes))
    }

    fn give_back(&self, bytes: usize) {
        if let Some(shared) = &self.shared {
            shared.answers.give_back(bytes);
        }
    }

    /// One more tick. Returns how many the response that has waited longest has been waiting.
    pub(crate) fn tick(&self) -> u64 {
        let now = self.ticks.get() + 1;
        self.ticks.set(now);
        let handed_over = self.handed_over.borrow();
        let waits = handed_over
            .iter()
            .filter_map(|(_, since)| *since)
            .map(|since| now - since);
        waits.max().unwrap_or(0)
    }

    pub(crate) fn open(&self) -> usize {
        self.handed_over.borrow().len()
    }
}

/// The body of one response.
pub(crate) struct Delivery {
    body: Body,
    // Of a chunk that has not gone yet.
    rest: Bytes,
    // Memory that is held for it.
    held_bytes: usize,
    // What came in place of a chunk before the transport asked for it.
    next: Option<Result<Frame<Bytes>, Status>>,
    place: usize,
    deliveries: Rc<Deliveries>,
    // Until its trailers say how the call has ended.
    followed: Option<Followed>,
}

impl Delivery {
    pub(crate) fn new(body: Body, deliveries: Rc<Deliveries>) -> Self {
        let place = deliveries
            .handed_over
            .borrow_mut()
            .insert(Some(deliveries.ticks.get()));
        Self {
            body,
            rest: Bytes::new(),
            held_bytes: 0,
            next: None,
            place,
            deliveries,
            followed: None,
        }
    }

    /// Encodes what there is to send, and holds memory for it until the transport has taken it.
    ///
    /// # Errors
    /// When no memory is left for answers.
    pub(crate) fn encode(&mut self, context: &mut Context<'_>) -> Result<(), CallError> {
        if self.body.is_end_stream() {
            return Ok(());
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => {
                    self.rest = data;
                    return self.hold();
                }
                Err(trailers) => self.next = Some(Ok(trailers)),
            },
            Poll::Ready(Some(Err(status))) => self.next = Some(Err(status)),
            Poll::Ready(None) => {}
            Poll::Pending => self.note(None),
        }
        Ok(())
    }

    /// What is encoded and has not gone.
    pub(crate) fn encoded(&self) -> &Bytes {
        &self.rest
    }

    /// Sends something shorter in its place.
    pub(crate) fn replace(&mut self, encoded: Bytes) {
        self.rest = encoded;
    }

    /// Holds memory for the buffer of a chunk; all of it stays until the last piece has gone.
    fn hold(&mut self) -> Result<(), CallError> {
        let bytes = (ENCODED_FACTOR * self.rest.len()).max(ANSWER_BUFFER_BYTES);
        if !self.deliveries.take(bytes) {
            return Err(CallError::Overload);
        }
        self.held_bytes = bytes;
        Ok(())
    }

    /// Tells how the call has ended when its trailers say so.
    pub(crate) fn followed_by(mut self, followed: Option<Followed>) -> Self {
        self.followed = followed;
        self.next = self
            .next
            .take()
            .map(|next| next.inspect(|trailers| self.follow(trailers)));
        self
    }

    fn follow(&mut self, trailers: &Frame<Bytes>) {
        if let (Some(followed), Some(trailers)) = (self.followed.take(), trailers.trailers_ref()) {
            followed.ends(trailers);
        }
    }

    fn release(&mut self) {
        if self.held_bytes > 0 {
            self.deliveries.give_back(self.held_bytes);
            self.held_bytes = 0;
        }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        let piece = self.rest.split_to(self.rest.len().min(PIECE_BYTES_MAX));
        Frame::data(piece)
    }

    fn note(&self, handed_over: Option<u64>) {
        if let Some(place) = self.deliveries.handed_over.borrow_mut().get_mut(self.place) {
            *place = handed_over;
        }
    }
}

impl hyper::body::Body for Delivery {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if !this.rest.is_empty() {
            this.note(Some(this.deliveries.ticks.get()));
            return Poll::Ready(Some(Ok(this.piece())));
        }
        // The transport comes for more when it has sent what was there: a piece waits in hyper until its stream has a window.
        this.release();
        if let Some(next) = this.next.take() {
            return Poll::Ready(Some(next));
        }
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                this.note(Some(this.deliveries.ticks.get()));
                match frame.into_data() {
                    Ok(data) => {
                        this.rest = data;
                        this.hold()?;
                        Poll::Ready(Some(Ok(this.piece())))
                    }
                    Err(trailers) => {
                        this.follow(&trailers);
                        Poll::Ready(Some(Ok(trailers)))
                    }
                }
            }
            Poll::Pending => {
                this.note(None);
                Poll::Pending
            }
            last @ Poll::Ready(_) => last,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.next.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.rest.is_empty() && self.next.is_none() {
            self.body.size_hint()
        } else {
            SizeHint::new()
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.release();
        self.deliveries.handed_over.borrow_mut().try_remove(self.place);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn poll(delivery: &mut Delivery) -> Poll<Option<usize>> {
        let mut context = Context::from_waker(Waker::noop());
        let frame = Pin::new(delivery).poll_frame(&mut context);
        frame.map(|frame| frame.map(|frame| frame.unwrap().into_data().map_or(0, |data| data.len())))
    }

    #[test]
    fn a_long_chunk_goes_in_pieces() {
        let deliveries = Rc::default();
        let chunk = Bytes::from(vec![7; 2 * PIECE_BYTES_MAX + 1]);
        let mut delivery = Delivery::new(Body::new(Once(Some(chunk))), Rc::clone(&deliveries));
        for piece in [PIECE_BYTES_MAX, PIECE_BYTES_MAX, 1] {
            assert!(!delivery.is_end_stream());
            assert_eq!(poll(&mut delivery), Poll::Ready(Some(piece)));
        }
        assert_eq!(poll(&mut delivery), Poll::Ready(None));
        assert_eq!(deliveries.open(), 1);
        drop(delivery);
        assert_eq!(deliveries.open(), 0);
    }

    #[test]
    fn only_pieces_that_nobody_comes_for_wait() {
        let deliveries = Rc::<Deliveries>::default();
        assert_eq!(deliveries.tick(), 0);
        let quick = Delivery::new(Body::empty(), Rc::clone(&deliveries));
        assert_eq!((deliveries.tick(), deliveries.tick()), (1, 2));
        drop(quick);
        assert_eq!(deliveries.tick(), 0);
        // A stream that has nothing to say is not waited for.
        let mut silent = Delivery::new(Body::new(Silent), Rc::clone(&deliveries));
        assert_eq!(poll(&mut silent), Poll::Pending);
        assert_eq!((deliveries.tick(), deliveries.tick()), (0, 0));
        let _first = Delivery::new(Body::empty(), Rc::clone(&deliveries));
        deliveries.tick();
        let _second = Delivery::new(Body::empty(), Rc::clone(&deliveries));
        assert_eq!(deliveries.tick(), 2);
    }

    struct Once(Option<Bytes>);

    impl hyper::body::Body for Once {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Ready(self.0.take().map(|data| Ok(Frame::data(data))))
        }
    }

    struct Silent;

    impl hyper::body::Body for Silent {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Pending
        }
    }
}
