//! What the decision port answers beside its own services, where an operator asks for it: health and reflection.
//!
//! Off by default: health has a separate port, and a production server need not describe itself. Load
//! balancers that know only one port, and tools such as grpcurl, need both here.

use std::sync::Arc;

use http::Request;
use nextbest_proto::{
    DESCRIPTORS,
    v1::{customer_service_server, decision_service_server},
};
use tonic::codegen::Service as _;
use tonic_health::pb::health_server::{self, HealthServer};
use tonic_reflection::server::{Builder, Error};

use crate::{
    limits::{HEALTH_BYTES_MAX, REFLECTION_BYTES_MAX},
    services::health::Health,
    settings::Settings,
    transport::{intake::Intake, open_request::Answer},
};

const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";
const REFLECTION_ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";

type Reflect = Arc<dyn Fn(Request<Intake>) -> Answer + Send + Sync>;

/// Those that are turned on.
#[derive(Clone, Default)]
pub(crate) struct Extras {
    health: Option<HealthServer<Health>>,
    reflection: Option<Reflect>,
    reflection_alpha: Option<Reflect>,
}

/// A version of reflection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reflection {
    V1,
    V1Alpha,
}

impl Reflection {
    pub(crate) fn named(service: &str) -> Option<Self> {
        match service {
            REFLECTION => Some(Self::V1),
            REFLECTION_ALPHA => Some(Self::V1Alpha),
            _ => None,
        }
    }
}

impl Extras {
    /// # Errors
    /// When the contract that this program carries cannot be read.
    pub(crate) fn of(settings: &Settings, health: Health) -> Result<Self, Error> {
        let mut extras = Self::default();
        let mut described = vec![
            decision_service_server::SERVICE_NAME,
            customer_service_server::SERVICE_NAME,
        ];
        if settings.health_on_decisions {
            described.push(health_server::SERVICE_NAME);
            extras.health = Some(HealthServer::new(health).max_decoding_message_size(HEALTH_BYTES_MAX));
        }
        if settings.reflection_on_decisions {
            let builder = || {
                let builder = Builder::configure()
                    .register_encoded_file_descriptor_set(DESCRIPTORS)
                    .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
                described
                    .iter()
                    .fold(builder, |builder, service| builder.with_service_name(*service))
            };
            let server = builder()
                .with_service_name(REFLECTION)
                .build_v1()?
                .max_decoding_message_size(REFLECTION_BYTES_MAX);
            extras.reflection = Some(Arc::new(move |request| server.clone().call(request)));
            let server = builder()
                .with_service_name(REFLECTION_ALPHA)
                .build_v1alpha()?
                .max_decoding_message_size(REFLECTION_BYTES_MAX);
            extras.reflection_alpha = Some(Arc::new(move |request| server.clone().call(request)));
        }
        Ok(extras)
    }

    /// Health checks are for everybody, and answered however much there is to do. Nothing where they are turned off.
    pub(crate) fn health(&self) -> Option<&HealthServer<Health>> {
        self.health.as_ref()
    }

    /// Nothing where it is turned off.
    pub(crate) fn reflect(&self, version: Reflection, request: Request<Intake>) -> Option<Answer> {
        let reflect = match version {
            Reflection::V1 => &self.reflection,
            Reflection::V1Alpha => &self.reflection_alpha,
        };
        Some(reflect.as_ref()?(request))
    }
}
