//! The body of a request that may be answered before it has come.
//!
//! Dropping a body that has not ended resets its stream. What is still on its way then breaks the protocol in the eyes of
//! the library behind, which counts such mistakes for the whole life of a connection and ends it at the thousandth: a caller
//! whose calls are refused early would take those of others with him, through a proxy. So the rest of a body is read and
//! dropped, for a while.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::{runtime::Handle, time::timeout};

use crate::limits::{UNREAD_BYTES_MAX, UNREAD_TIME_MAX};

/// A body that is read to its end after it was dropped.
pub(crate) struct Arriving {
    body: Option<Incoming>,
    is_stream: bool,
}

impl Arriving {
    pub(crate) fn new(body: Incoming) -> Self {
        Self {
            body: Some(body),
            is_stream: false,
        }
    }

    /// That of a call with any number of messages: its caller may have no end in mind, and learns from a reset that the
    /// call is over.
    pub(crate) fn of_stream(mut self) -> Self {
        self.is_stream = true;
        self
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::new, Incoming::size_hint)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take().filter(|body| !body.is_end_stream()) else {
            return;
        };
        if self.is_stream {
            return;
        }
        // As a rule all of it is there already.
        if poll_rest(&mut body, &mut 0, &mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
        // Without an event loop the connection has gone, too.
        if let Ok(event_loop) = Handle::try_current() {
            event_loop.spawn(timeout(UNREAD_TIME_MAX, async move {
                let mut bytes = 0;
                std::future::poll_fn(|context| poll_rest(&mut body, &mut bytes, context)).await;
            }));
        }
    }
}

/// Ready at the end of the body, or when more has come than is read for nothing.
fn poll_rest(body: &mut Incoming, bytes: &mut usize, context: &mut Context<'_>) -> Poll<()> {
    while *bytes < UNREAD_BYTES_MAX {
        match Pin::new(&mut *body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => *bytes += frame.data_ref().map_or(0, Bytes::len),
            Poll::Ready(_) => break,
            Poll::Pending => return Poll::Pending,
        }
    }
    Poll::Ready(())
}
