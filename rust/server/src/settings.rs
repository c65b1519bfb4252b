//! What an operator can set.

use std::{path::PathBuf, time::Duration};

use nextbest_engine::IndexOptions;
use nextbest_pipeline::{LateModels, Opening};

use crate::{
    access::Access,
    limits::{
        AGE_MAX, ANSWERS_BYTES_MAX, CONNECTIONS_MAX, HANDSHAKE_MAX, IDLE_MAX, IN_FLIGHT_MAX,
        INTAKE_BYTES_MAX, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, MESSAGE_TIME_MAX, PEER_CONNECTIONS_MAX,
        READING_TIME_MAX,
    },
    transport::tls::Tls,
};

/// One in this number of decisions is checked.
const HEALTH_SAMPLE: u32 = 8;

/// How long a server waits for its peers.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// From accepting a socket to the end of its HTTP/2 preface, TLS included.
    pub handshake: Duration,
    /// From the headers of a request to the end of its message; of a stream, from a message's first byte to its end.
    pub message: Duration,
    /// For a peer to read a piece of a response; its connection is closed then.
    pub reading: Duration,
    /// The time without a request on a connection, or a question on a stream, after which the server asks the
    /// client to leave.
    pub idle: Duration,
    /// Between pings on a connection.
    pub keepalive_interval: Duration,
    /// From a ping to giving the connection up.
    pub keepalive_timeout: Duration,
    /// The age at which the server asks the client to connect again, and so to resolve addresses and replicas
    /// again; up to a tenth earlier. Absent: any age.
    pub age: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: HANDSHAKE_MAX,
            message: MESSAGE_TIME_MAX,
            reading: READING_TIME_MAX,
            idle: IDLE_MAX,
            keepalive_interval: KEEPALIVE_INTERVAL,
            keepalive_timeout: KEEPALIVE_TIMEOUT,
            age: Some(AGE_MAX),
        }
    }
}

/// Settings of a server. `Default` is a server on this machine alone, without models and tracing.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `host:port` of the decision services, port 0 for a free one; or `unix:/path`.
    pub address: String,
    /// `host:port` or `unix:/path` of `grpc.health.v1`, in plain text.
    pub health_address: String,
    /// Whether the decision port answers health checks as well.
    pub health_on_decisions: bool,
    /// Whether the decision port describes itself: gRPC's reflection, v1 and v1alpha.
    pub reflection_on_decisions: bool,
    /// Who the decision port is, and whose certificates it asks for. Absent: plain text.
    pub tls: Option<Tls>,
    /// Who may call the decision port. Absent: everybody.
    pub access: Option<Access>,
    /// Threads that decide; 0: one for each core that the process may use.
    pub workers: usize,
    /// The library of ONNX Runtime. Bundles with models are refused without it.
    pub onnxruntime_path: Option<PathBuf>,
    /// In one of this number of decisions, ONNX Runtime checks the scores of lowered models, outside the path
    /// of requests. 0: none.
    pub shadow_every: u64,
    /// Where spans go. Absent: decisions are not traced.
    pub processor: Option<nextbest_otlp::Settings>,
    /// How policies are filtered, and the memory that it may take.
    pub index: IndexOptions,
    /// One in this number of decisions is counted for the health of its models; 0: none.
    pub health_sample: u32,
    /// Customers in memory.
    pub customers: nextbest_store::Bounds,
    /// Connections of the decision port.
    pub connections_max: usize,
    /// Those from one address; of IPv6, from one network of 64 bits.
    pub peer_connections_max: usize,
    /// Memory of messages that have begun and not ended, over all connections.
    pub intake_bytes_max: usize,
    /// Memory of answers under construction and unread, over all connections.
    pub answer_bytes_max: usize,
    /// How long peers are waited for.
    pub timeouts: Timeouts,
    /// Requests in memory at a time, over all workers; beyond it they are refused.
    pub in_flight_max: usize,
    /// The handling of a request whose deadline leaves no time for models.
    pub late_models: LateModels,
    /// How long a shutdown keeps accepting while health already reports the end: time for load balancers to
    /// notice. Never longer than the shutdown may take.
    pub drain_grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:50051".into(),
            health_address: "127.0.0.1:50053".into(),
            health_on_decisions: false,
            reflection_on_decisions: false,
            tls: None,
            access: None,
            workers: 0,
            onnxruntime_path: None,
            shadow_every: 0,
            processor: None,
            index: IndexOptions::default(),
            health_sample: HEALTH_SAMPLE,
            customers: nextbest_store::Bounds::default(),
            connections_max: CONNECTIONS_MAX,
            peer_connections_max: PEER_CONNECTIONS_MAX,
            intake_bytes_max: INTAKE_BYTES_MAX,
            answer_bytes_max: ANSWERS_BYTES_MAX,
            timeouts: Timeouts::default(),
            in_flight_max: IN_FLIGHT_MAX,
            late_models: LateModels::default(),
            drain_grace: Duration::ZERO,
        }
    }
}

impl Settings {
    /// How bundles are opened.
    pub(crate) fn opening(&self, workers: usize) -> Opening {
        Opening {
            index: self.index,
            onnxruntime_path: self.onnxruntime_path.clone(),
            health_sample: self.health_sample,
            workers,
        }
    }
}
