//! The server's phase turned into answers of `grpc.health.v1`.
//!
//! `""`, `nextbest.v1.DecisionService` and `nextbest.v1.CustomerService`: serving while a bundle is active and no shutdown
//! has begun. `startup` and `nextbest.v1.ControlService`: serving once there was a bundle. `liveness`: serving as long as
//! anything answers.

use std::{pin::Pin, sync::Arc, time::Instant};

use nextbest_proto::v1::{control_service_server, customer_service_server, decision_service_server};
use tokio::sync::watch;
use tokio_stream::{Stream, StreamExt as _, wrappers::WatchStream};
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server,
};

use crate::load_shedding::load_shedder::InFlight;

/// Where the server is between its start and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// No bundle yet.
    Starting,
    Serving,
    /// Still accepting, while load balancers look elsewhere.
    Leaving,
    /// No longer accepting; open requests have until then.
    Draining(Instant),
    /// All requests have ended.
    Ended,
}

#[derive(Clone, Copy)]
enum Subject {
    Decisions,
    Startup,
    Liveness,
}

impl Subject {
    fn parse(service: &str) -> Option<Self> {
        match service {
            "" | decision_service_server::SERVICE_NAME | customer_service_server::SERVICE_NAME => {
                Some(Self::Decisions)
            }
            "startup" | control_service_server::SERVICE_NAME => Some(Self::Startup),
            "liveness" => Some(Self::Liveness),
            _ => None,
        }
    }

    fn at(self, phase: Phase) -> HealthCheckResponse {
        let is_serving = match self {
            Self::Decisions => phase == Phase::Serving,
            Self::Startup => phase != Phase::Starting,
            Self::Liveness => true,
        };
        let status = if is_serving {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        HealthCheckResponse {
            status: status.into(),
        }
    }
}

/// Answers health checks.
pub(crate) struct Health {
    pub(crate) phase: watch::Receiver<Phase>,
    /// Watches that are open, on both ports.
    pub(crate) watches: Arc<InFlight>,
}

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let subject = Subject::parse(&request.get_ref().service).ok_or_else(|| {
            Status::not_found("no such service: ask for \"\", startup, liveness, or a service of nextbest.v1")
        })?;
        Ok(Response::new(subject.at(*self.phase.borrow())))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    /// One answer at once and one for each phase. A service that does not exist is unknown, and stays so.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let Some(permit) = self.watches.enter() else {
            return Err(Status::resource_exhausted(
                "too many watches are open: call Check, or try again later",
            ));
        };
        let subject = Subject::parse(&request.get_ref().service);
        let phases = WatchStream::new(self.phase.clone());
        let answers = phases.map(move |phase| {
            let _open = &permit;
            let unknown = HealthCheckResponse {
                status: ServingStatus::ServiceUnknown.into(),
            };
            Ok(subject.map_or(unknown, |subject| subject.at(phase)))
        });
        Ok(Response::new(Box::pin(answers)))
    }
}
