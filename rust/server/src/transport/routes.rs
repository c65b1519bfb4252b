//! HTTP requests turned into calls of services, by the service's name in their path.

use std::{cell::Cell, convert::Infallible, rc::Rc, sync::Arc, time::Instant};

use http::{HeaderMap, Request, Response};
use hyper::{body::Incoming, service::Service};
use nextbest_inspection::ErrorFlag;
use nextbest_pipeline::MemoryBudget;
use nextbest_proto::v1::{
    customer_service_server::{self, CustomerServiceServer},
    decision_service_server::{self, DecisionServiceServer},
};
use tokio::sync::watch;
use tonic::{Code, Status, body::Body, codec::CompressionEncoding, codegen::Service as _};
use tonic_health::pb::health_server::{self, HealthServer};

use crate::{
    access::{Role, Roles},
    call::Arrival,
    call_error::CallError,
    failures::{Followed, method},
    handler::Handler,
    identity::Identity,
    limits::{BATCH_BYTES_MAX, CUSTOMERS_BYTES_MAX, DECIDE_BYTES_MAX, HEALTH_BYTES_MAX},
    load_shedding::load_shedder::InFlight,
    services::{health::Health, stream::Leaving},
    transport::{
        arriving::Arriving,
        compression,
        delivery::{Deliveries, Delivery},
        extras::{Extras, Reflection},
        intake::{Expected, Intake, Pace},
        open_request::{Answer, Answering, Counted, OpenRequest},
        rejection::Rejection,
    },
};

/// The services of one port.
#[derive(Clone)]
pub(crate) enum Services {
    Decisions(Arc<Decisions>),
    Health(HealthServer<Health>),
}

/// Those of the decision port, as one worker offers them.
pub(crate) struct Decisions {
    calls: DecisionServiceServer<Handler>,
    // The same, with larger messages.
    batches: DecisionServiceServer<Handler>,
    customers: CustomerServiceServer<Handler>,
    extras: Extras,
    handler: Arc<Handler>,
    gate: Gate,
    // Of every refusal for overload: made once, as they have to be cheap.
    overload: HeaderMap,
}

/// What all requests of the decision port have to pass.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) intake: Arc<MemoryBudget>,
    pub(crate) pace: Pace,
}

impl Services {
    pub(crate) fn decisions(handler: Handler, gate: Gate, extras: Extras) -> Self {
        let handler = Arc::new(handler);
        let serve = |bytes_max| {
            DecisionServiceServer::from_arc(Arc::clone(&handler))
                .max_decoding_message_size(bytes_max)
                .accept_compressed(CompressionEncoding::Gzip)
        };
        let customers = CustomerServiceServer::from_arc(Arc::clone(&handler))
            .accept_compressed(CompressionEncoding::Gzip);
        Self::Decisions(Arc::new(Decisions {
            calls: serve(DECIDE_BYTES_MAX),
            batches: serve(BATCH_BYTES_MAX),
            customers: customers.max_decoding_message_size(CUSTOMERS_BYTES_MAX),
            extras,
            handler,
            gate,
            overload: Status::from(CallError::Overload)
                .into_http::<Body>()
                .headers()
                .clone(),
        }))
    }

    /// What answers a health check here; nothing for any other request.
    fn health_of(&self, target: Target) -> Option<HealthServer<Health>> {
        if target != Target::Health {
            return None;
        }
        match self {
            Self::Decisions(decisions) => decisions.extras.health().cloned(),
            Self::Health(health) => Some(health.clone()),
        }
    }

    fn reject(&self, rejection: Rejection) -> (Answering, Option<Counted>) {
        let answering = Answering::Refused(Some(rejection.answer()));
        match self {
            Self::Decisions(decisions) => {
                decisions.handler.shared.stats.not_calls.add();
                (answering, Some(decisions.turn_away()))
            }
            Self::Health(_) => (answering, None),
        }
    }

    pub(crate) fn health(health: Health) -> Self {
        Self::Health(HealthServer::new(health).max_decoding_message_size(HEALTH_BYTES_MAX))
    }
}

impl Decisions {
    /// # Errors
    /// When the caller may not do this, or the worker has too much to do.
    fn admit(
        &self,
        identity: &Identity,
        request: &Request<Arriving>,
        target: Target,
    ) -> Result<(Counted, Roles), CallError> {
        // A service that this port does not have is unimplemented, whatever roles its methods have elsewhere.
        let role = || {
            let (service, method) = split(request.uri().path());
            (target != Target::Unknown)
                .then(|| Role::of_method(service, method))
                .flatten()
        };
        let roles = identity.check(request.headers(), role)?;
        let counted = self.enter().ok_or(CallError::Overload)?;
        Ok((counted, roles))
    }

    fn enter(&self) -> Option<Counted> {
        let load_shedder = &self.handler.load_shedder;
        let permit = load_shedder
            .admits()
            .then(|| self.gate.in_flight.enter())
            .flatten()?;
        load_shedder.admitted();
        Some(Counted::Admitted(Arc::clone(load_shedder), permit))
    }

    fn turn_away(&self) -> Counted {
        let load_shedder = &self.handler.load_shedder;
        load_shedder.refused();
        Counted::Refused(Arc::clone(load_shedder))
    }

    fn refuse(&self, request: &Request<Arriving>, refusal: CallError) -> Response<Body> {
        let stats = &self.handler.shared.stats;
        match refusal {
            CallError::Overload => {
                stats.shed.add();
                self.handler.failures.refused(request, Code::ResourceExhausted);
                let mut response = Response::new(Body::empty());
                *response.headers_mut() = self.overload.clone();
                return response;
            }
            CallError::PermissionDenied { .. } => stats.permission_denied.add(),
            _ => stats.unauthenticated.add(),
        }
        let refused = Status::from(refusal);
        self.handler.failures.refused(request, refused.code());
        refused.into_http()
    }

    fn take_in(&self, request: Request<Arriving>, expected: Expected) -> Request<Intake> {
        let Gate { intake, pace, .. } = &self.gate;
        request.map(|body| Intake::new(body, intake, *pace, expected))
    }

    fn call(
        &self,
        request: Request<Arriving>,
        target: Target,
        roles: Roles,
        leaving: &watch::Sender<bool>,
    ) -> (Answer, Option<Followed>) {
        let method = method(request.uri().path());
        let followed = self.handler.failures.follow(&request, method);
        let is_stream = target.is_stream();
        let expected = Expected {
            is_stream,
            bytes_max: target.bytes_max(),
        };
        let mut request = self.take_in(request, expected);
        let at = Instant::now();
        request.extensions_mut().insert(Arrival { at, method, roles });
        if is_stream {
            request.extensions_mut().insert(Leaving(leaving.subscribe()));
        }
        let answer: Answer = match target {
            Target::Batch => self.batches.clone().call(request),
            Target::Stream | Target::Call => self.calls.clone().call(request),
            Target::Customers => self.customers.clone().call(request),
            Target::Reflection(version) => self
                .extras
                .reflect(version, request)
                .unwrap_or_else(unimplemented),
            Target::Health | Target::Unknown => unimplemented(),
        };
        (answer, followed)
    }
}

/// What a request of the decision port is served by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Batch,
    Stream,
    /// Any other method of the decision service, and those that it does not have.
    Call,
    Customers,
    Reflection(Reflection),
    Health,
    Unknown,
}

impl Target {
    /// Of one message.
    fn bytes_max(self) -> usize {
        match self {
            Self::Batch => BATCH_BYTES_MAX,
            Self::Customers => CUSTOMERS_BYTES_MAX,
            Self::Stream | Self::Call | Self::Reflection(_) | Self::Health | Self::Unknown => {
                DECIDE_BYTES_MAX
            }
        }
    }

    fn of(path: &str) -> Self {
        match split(path) {
            (decision_service_server::SERVICE_NAME, "DecideBatch") => Self::Batch,
            (decision_service_server::SERVICE_NAME, "DecideStream") => Self::Stream,
            (decision_service_server::SERVICE_NAME, _) => Self::Call,
            (customer_service_server::SERVICE_NAME, _) => Self::Customers,
            (health_server::SERVICE_NAME, _) => Self::Health,
            (service, _) => Reflection::named(service).map_or(Self::Unknown, Self::Reflection),
        }
    }

    /// Whether several messages may come.
    fn is_stream(self) -> bool {
        matches!(self, Self::Stream | Self::Reflection(_))
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
    identity: Rc<Identity>,
    open: Rc<Cell<usize>>,
    called: Rc<Cell<u64>>,
    deliveries: Rc<Deliveries>,
    leaving: watch::Sender<bool>,
    has_errors: ErrorFlag,
}

impl Routes {
    pub(crate) fn new(services: Services, identity: Identity) -> Self {
        let deliveries = match &services {
            Services::Decisions(decisions) => Deliveries::counted(Arc::clone(&decisions.handler.shared)),
            Services::Health(_) => Deliveries::default(),
        };
        Self {
            services,
            identity: Rc::new(identity),
            open: Rc::default(),
            called: Rc::default(),
            deliveries: Rc::new(deliveries),
            leaving: watch::Sender::new(false),
            has_errors: ErrorFlag::default(),
        }
    }

    /// Requests that have arrived and whose response has not gone yet.
    pub(crate) fn open_requests(&self) -> usize {
        self.open.get() + self.deliveries.open()
    }

    /// Requests that have arrived so far.
    pub(crate) fn called(&self) -> u64 {
        self.called.get()
    }

    /// To be set when a header block of the connection was replaced.
    pub(crate) fn error_flag(&self) -> ErrorFlag {
        Rc::clone(&self.has_errors)
    }

    /// The responses on their way.
    pub(crate) fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }

    /// Ends the connection's streams, once they have answered what they have read.
    pub(crate) fn leave(&self) {
        self.leaving.send_replace(true);
    }
}

impl Routes {
    fn begin(
        &self,
        request: Request<Arriving>,
        target: Target,
    ) -> (Answering, Option<Counted>, Option<Followed>) {
        if let Some(rejection) = Rejection::of(&request, self.has_errors.get()) {
            let (answering, counted) = self.services.reject(rejection);
            return (answering, counted, None);
        }
        let health = self.services.health_of(target);
        let Services::Decisions(decisions) = &self.services else {
            let answer = health.map_or_else(unimplemented, |mut health| health.call(request));
            return (Answering::Call(answer), None, None);
        };
        if let Some(mut health) = health {
            let Some(permit) = decisions.gate.in_flight.enter() else {
                let refused = decisions.refuse(&request, CallError::Overload);
                return (
                    Answering::Refused(Some(refused)),
                    Some(decisions.turn_away()),
                    None,
                );
            };
            let expected = Expected {
                is_stream: false,
                bytes_max: HEALTH_BYTES_MAX,
            };
            let answer = health.call(decisions.take_in(request, expected));
            return (Answering::Call(answer), Some(Counted::Probe(permit)), None);
        }
        match decisions.admit(&self.identity, &request, target) {
            Err(refusal) => (
                Answering::Refused(Some(decisions.refuse(&request, refusal))),
                Some(decisions.turn_away()),
                None,
            ),
            Ok((admitted, roles)) => {
                let (answer, followed) = decisions.call(request, target, roles, &self.leaving);
                (Answering::Call(answer), Some(admitted), followed)
            }
        }
    }
}

impl Service<Request<Incoming>> for Routes {
    type Response = Response<Delivery>;
    type Error = Infallible;
    type Future = OpenRequest;

    fn call(&self, request: Request<Incoming>) -> OpenRequest {
        let target = Target::of(request.uri().path());
        let compresses = matches!(self.services, Services::Decisions(_))
            && !target.is_stream()
            && compression::is_accepted(request.headers());
        let (answer, counted, followed) = self.begin(request.map(Arriving::new), target);
        self.open.set(self.open.get() + 1);
        self.called.set(self.called.get() + 1);
        OpenRequest {
            answer,
            compresses,
            followed,
            deliveries: Rc::clone(&self.deliveries),
            open: Rc::clone(&self.open),
            _counted: counted,
        }
    }
}
