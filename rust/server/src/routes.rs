//! HTTP requests turned into calls of services, by the service's name in their path.

use std::{
    cell::Cell,
    convert::Infallible,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use http::{HeaderMap, Request, Response};
use hyper::{body::Incoming, service::Service};
use nextbest_proto::v1::{
    customer_service_server::{self, CustomerServiceServer},
    decision_service_server::{self, DecisionServiceServer},
};
use tokio::sync::watch;
use tonic::{Status, body::Body, codegen::Service as _};
use tonic_health::pb::health_server::{self, HealthServer};

use crate::{
    backlog::{Backlog, InFlight, Room},
    call::Arrival,
    decide::Desk,
    health::Health,
    limits::{BATCH_BYTES_MAX, CUSTOMERS_BYTES_MAX, DECIDE_BYTES_MAX, HEALTH_BYTES_MAX},
    refusal::Refusal,
    stream::Leaving,
};

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// The services of one port.
#[derive(Clone)]
pub(crate) enum Services {
    Decisions(Decisions),
    Health(HealthServer<Health>),
}

/// Those of the decision port, as one worker offers them.
#[derive(Clone)]
pub(crate) struct Decisions {
    calls: DecisionServiceServer<Desk>,
    // The same with more room for a message.
    batches: DecisionServiceServer<Desk>,
    customers: CustomerServiceServer<Desk>,
    desk: Arc<Desk>,
    in_flight: Arc<InFlight>,
    // Of every refusal for overload: made once, as they have to be cheap.
    overload: HeaderMap,
}

impl Services {
    pub(crate) fn decisions(desk: Desk, in_flight: Arc<InFlight>) -> Self {
        let desk = Arc::new(desk);
        let serve = |bytes_max| {
            DecisionServiceServer::from_arc(Arc::clone(&desk)).max_decoding_message_size(bytes_max)
        };
        let customers = CustomerServiceServer::from_arc(Arc::clone(&desk));
        Self::Decisions(Decisions {
            calls: serve(DECIDE_BYTES_MAX),
            batches: serve(BATCH_BYTES_MAX),
            customers: customers.max_decoding_message_size(CUSTOMERS_BYTES_MAX),
            desk,
            in_flight,
            overload: Status::from(Refusal::Overload)
                .into_http::<Body>()
                .headers()
                .clone(),
        })
    }

    pub(crate) fn health(health: Health) -> Self {
        Self::Health(HealthServer::new(health).max_decoding_message_size(HEALTH_BYTES_MAX))
    }
}

impl Decisions {
    /// Nothing when the worker has too much to do.
    fn admit(&self) -> Option<Admitted> {
        let backlog = &self.desk.backlog;
        let room = backlog.admits().then(|| self.in_flight.enter()).flatten();
        if room.is_none() {
            self.desk.shared.stats.shed.add();
        }
        let room = room?;
        backlog.takes();
        Some(Admitted {
            backlog: Arc::clone(backlog),
            _room: room,
        })
    }

    fn refuse(&self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.headers_mut() = self.overload.clone();
        response
    }

    fn call(&self, request: Request<Incoming>) -> Answer {
        match split(request.uri().path()) {
            (decision_service_server::SERVICE_NAME, "DecideBatch") => self.batches.clone().call(request),
            (decision_service_server::SERVICE_NAME, _) => self.calls.clone().call(request),
            (customer_service_server::SERVICE_NAME, _) => self.customers.clone().call(request),
            _ => unimplemented(),
        }
    }
}

/// A path's service and method.
fn split(path: &str) -> (&str, &str) {
    let mut parts = path.split('/').skip(1);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn unimplemented() -> Answer {
    Box::pin(async { Ok(Status::unimplemented("no such service on this port").into_http()) })
}

/// The services as one connection sees them, with a count of its requests.
#[derive(Clone)]
pub(crate) struct Routes {
    services: Services,
    open: Rc<Cell<usize>>,
    leaving: watch::Sender<bool>,
}

impl Routes {
    pub(crate) fn new(services: Services) -> Self {
        Self {
            services,
            open: Rc::default(),
            leaving: watch::Sender::new(false),
        }
    }

    /// Requests that have arrived and have no response yet.
    pub(crate) fn open_requests(&self) -> usize {
        self.open.get()
    }

    /// Ends the connection's streams, once they have answered what they have read.
    pub(crate) fn leave(&self) {
        self.leaving.send_replace(true);
    }
}

impl Service<Request<Incoming>> for Routes {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = OpenRequest;

    fn call(&self, mut request: Request<Incoming>) -> OpenRequest {
        let (answer, admitted) = match &self.services {
            Services::Decisions(decisions) => match decisions.admit() {
                None => (Answering::Refused(Some(decisions.refuse())), None),
                admitted => {
                    request.extensions_mut().insert(Arrival(Instant::now()));
                    if request.uri().path().ends_with("/DecideStream") {
                        request.extensions_mut().insert(Leaving(self.leaving.subscribe()));
                    }
                    (Answering::Call(decisions.call(request)), admitted)
                }
            },
            Services::Health(health) => {
                let answer = match split(request.uri().path()) {
                    (health_server::SERVICE_NAME, _) => health.clone().call(request),
                    _ => unimplemented(),
                };
                (Answering::Call(answer), None)
            }
        };
        self.open.set(self.open.get() + 1);
        OpenRequest {
            answer,
            open: Rc::clone(&self.open),
            _admitted: admitted,
        }
    }
}

enum Answering {
    Call(Answer),
    // Taken by the first poll.
    Refused(Option<Response<Body>>),
}

/// What a request that was admitted counts for.
struct Admitted {
    backlog: Arc<Backlog>,
    _room: Room,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.backlog.ends();
    }
}

/// A request until it has its response, or its caller has gone.
pub(crate) struct OpenRequest {
    answer: Answering,
    open: Rc<Cell<usize>>,
    _admitted: Option<Admitted>,
}

impl Future for OpenRequest {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.answer {
            Answering::Call(answer) => answer.as_mut().poll(context),
            Answering::Refused(response) => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.open.set(self.open.get().saturating_sub(1));
    }
}
