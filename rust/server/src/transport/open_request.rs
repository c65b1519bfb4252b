//! A request from its arrival to the head of its response: answered, refused, or compressed on the way.

use std::{
    cell::Cell,
    convert::Infallible,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use http::Response;
use tonic::{Status, body::Body};

use crate::{
    failures::Followed,
    load_shedding::load_shedder::{LoadShedder, Permit},
    transport::{
        compression::Compression,
        delivery::{Deliveries, Delivery},
    },
};

/// A service's answer to one call.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

pub(crate) enum Answering {
    Call(Answer),
    // Taken by the first poll.
    Refused(Option<Response<Body>>),
    // Taken when it is done.
    Compressed(Option<Box<Compressing>>),
}

/// A response whose message is being compressed.
pub(crate) struct Compressing {
    response: Response<Delivery>,
    compression: Compression,
}

impl Compressing {
    fn finish(self) -> Response<Delivery> {
        let Self {
            mut response,
            compression,
        } = self;
        if let Some(compressed) = compression.finish(response.headers_mut()) {
            response.body_mut().replace(compressed);
        }
        response
    }
}

/// What a request counts for among those that its worker has to answer.
pub(crate) enum Counted {
    Admitted(
        Arc<LoadShedder>,
        #[expect(dead_code, reason = "given back when dropped")] Permit,
    ),
    Refused(Arc<LoadShedder>),
    /// A health check: in memory, and nothing that others wait for.
    Probe(#[expect(dead_code, reason = "given back when dropped")] Permit),
}

impl Drop for Counted {
    fn drop(&mut self) {
        match self {
            Self::Admitted(load_shedder, _) => load_shedder.finished(),
            Self::Refused(load_shedder) => load_shedder.refusal_sent(),
            Self::Probe(_) => {}
        }
    }
}

/// A request until it has its response, or its caller has gone.
pub(crate) struct OpenRequest {
    pub(crate) answer: Answering,
    /// Whether a long answer is compressed.
    pub(crate) compresses: bool,
    pub(crate) followed: Option<Followed>,
    pub(crate) deliveries: Rc<Deliveries>,
    pub(crate) open: Rc<Cell<usize>>,
    pub(crate) _counted: Option<Counted>,
}

impl Future for OpenRequest {
    type Output = Result<Response<Delivery>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Answering::Compressed(compressing) = &mut self.answer {
            let Some(compressing) = compressing.take_if(|compressing| compressing.compression.step()) else {
                context.waker().wake_by_ref();
                return Poll::Pending;
            };
            return Poll::Ready(Ok(self.finish(compressing.finish())));
        }
        let answered = match &mut self.answer {
            Answering::Compressed(_) => Poll::Pending,
            Answering::Call(answer) => answer.as_mut().poll(context),
            Answering::Refused(response) => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
        };
        let Poll::Ready(Ok(response)) = answered else {
            return Poll::Pending;
        };
        let (head, body) = response.into_parts();
        let mut delivery = Delivery::new(body, Rc::clone(&self.deliveries));
        let response = match delivery.encode(context) {
            Ok(()) => {
                let compression = self
                    .compresses
                    .then(|| Compression::of(delivery.encoded()))
                    .flatten();
                if let Some(compression) = compression {
                    let response = Response::from_parts(head, delivery);
                    self.answer = Answering::Compressed(Some(Box::new(Compressing {
                        response,
                        compression,
                    })));
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Response::from_parts(head, delivery)
            }
            // The answer goes, with all that it holds.
            Err(refusal) => {
                drop(delivery);
                let refused = Status::from(refusal).into_http();
                refused.map(|body| Delivery::new(body, Rc::clone(&self.deliveries)))
            }
        };
        Poll::Ready(Ok(self.finish(response)))
    }
}

impl OpenRequest {
    fn finish(&mut self, response: Response<Delivery>) -> Response<Delivery> {
        // What the headers do not say, the trailers will.
        let followed = self.followed.take();
        let followed = followed.filter(|followed| !followed.ends(response.headers()));
        response.map(|delivery| delivery.followed_by(followed))
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.open.set(self.open.get().saturating_sub(1));
    }
}
