//! What a port expects of a connection: TLS, callers, timeouts; and counters of those that did not meet it.

use std::sync::Arc;

use nextbest_pipeline::Counter;

use crate::{
    identity::SharedAccess,
    limits::{HEALTH_STREAMS_MAX, STREAMS_MAX},
    settings::Timeouts,
    transport::tls::Handshake,
};

/// What all connections of a port have to come through.
#[derive(Clone)]
pub(crate) struct ConnectionPolicy {
    /// Calls at a time on one connection.
    pub(crate) streams_max: u32,
    pub(crate) handshake: Arc<Handshake>,
    pub(crate) access: SharedAccess,
    pub(crate) timeouts: Timeouts,
    pub(crate) counters: Arc<ConnectionCounters>,
}

/// What did not come through.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounters {
    pub(crate) handshakes_failed: Counter,
    /// Connections that spoke neither HTTP/2 nor, where it is asked for, TLS.
    pub(crate) not_http2: Counter,
}

impl ConnectionPolicy {
    /// Of a port that speaks plain text to everybody.
    pub(crate) fn open(timeouts: Timeouts) -> Self {
        Self {
            streams_max: STREAMS_MAX,
            handshake: Arc::default(),
            access: Arc::default(),
            timeouts,
            counters: Arc::default(),
        }
    }

    /// That of the health port, in plain text for everybody, with the same counters.
    pub(crate) fn for_probes(&self) -> Self {
        Self {
            counters: Arc::clone(&self.counters),
            streams_max: HEALTH_STREAMS_MAX,
            // A probe that watches has no other server to move to: health checks are not load-balanced.
            ..Self::open(Timeouts {
                age: None,
                ..self.timeouts
            })
        }
    }
}
