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

use http::{Request, Response};
use hyper::{body::Incoming, service::Service};
use nextbest_proto::v1::{
    customer_service_server::{self, CustomerServiceServer},
    decision_service_server::{self, DecisionServiceServer},
};
use tonic::{Status, body::Body, codegen::Service as _};
use tonic_health::pb::health_server::{self, HealthServer};

use crate::{
    call::Arrival,
    decide::Desk,
    health::Health,
    limits::{CUSTOMERS_BYTES_MAX, DECIDE_BYTES_MAX, HEALTH_BYTES_MAX},
};

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// The services of one port.
#[derive(Clone)]
pub(crate) enum Services {
    Decisions(DecisionServiceServer<Desk>, CustomerServiceServer<Desk>),
    Health(HealthServer<Health>),
}

impl Services {
    pub(crate) fn decisions(desk: Desk) -> Self {
        let desk = Arc::new(desk);
        Self::Decisions(
            DecisionServiceServer::from_arc(Arc::clone(&desk)).max_decoding_message_size(DECIDE_BYTES_MAX),
            CustomerServiceServer::from_arc(desk).max_decoding_message_size(CUSTOMERS_BYTES_MAX),
        )
    }

    pub(crate) fn health(health: Health) -> Self {
        Self::Health(HealthServer::new(health).max_decoding_message_size(HEALTH_BYTES_MAX))
    }

    fn call(&self, request: Request<Incoming>) -> Answer {
        let name = request.uri().path().split('/').nth(1).unwrap_or_default();
        match (self, name) {
            (Self::Decisions(decisions, _), decision_service_server::SERVICE_NAME) => {
                decisions.clone().call(request)
            }
            (Self::Decisions(_, customers), customer_service_server::SERVICE_NAME) => {
                customers.clone().call(request)
            }
            (Self::Health(health), health_server::SERVICE_NAME) => health.clone().call(request),
            _ => Box::pin(async { Ok(Status::unimplemented("no such service on this port").into_http()) }),
        }
    }
}

/// The services as one connection sees them, with a count of its requests.
#[derive(Clone)]
pub(crate) struct Routes {
    services: Services,
    open: Rc<Cell<usize>>,
}

impl Routes {
    pub(crate) fn new(services: Services) -> Self {
        Self {
            services,
            open: Rc::default(),
        }
    }

    /// Requests that have arrived and have no response yet.
    pub(crate) fn open_requests(&self) -> usize {
        self.open.get()
    }
}

impl Service<Request<Incoming>> for Routes {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = OpenRequest;

    fn call(&self, mut request: Request<Incoming>) -> OpenRequest {
        request.extensions_mut().insert(Arrival(Instant::now()));
        self.open.set(self.open.get() + 1);
        OpenRequest {
            answer: self.services.call(request),
            open: Rc::clone(&self.open),
        }
    }
}

/// A request until it has its response, or its caller has gone.
pub(crate) struct OpenRequest {
    answer: Answer,
    open: Rc<Cell<usize>>,
}

impl Future for OpenRequest {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.answer.as_mut().poll(context)
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.open.set(self.open.get().saturating_sub(1));
    }
}
