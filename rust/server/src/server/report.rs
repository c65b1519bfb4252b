//! What the server is doing, as the message that the control port answers with.

use nextbest_otlp::Emitter;
use nextbest_pipeline::Shadow;
use nextbest_proto::v1;

use super::Server;
use crate::services::health::Phase;

impl Server {
    /// What the server is doing. The process adds the source of its bundle and the state of its log.
    #[must_use]
    pub fn status(&self) -> v1::StatusResponse {
        let active = self.shared.active.load();
        let index = active.bundle.index_report();
        let counted = self.shared.stats.report();
        let (security, transport) = (
            counted.security.unwrap_or_default(),
            counted.transport.unwrap_or_default(),
        );
        let emitter = self.shared.emitter.as_ref();
        v1::StatusResponse {
            bundle_digest: active.bundle.digest().into(),
            workspace: active.bundle.workspace().into(),
            actions: count(active.bundle.action_count()),
            models: count(active.bundle.model_count()),
            index_bytes: amount(index.bytes),
            kernel: index.kernel.name().into(),
            activated_at_us: active.activated_at_us,
            customers: amount(self.shared.store.count()),
            customers_bytes: amount(self.shared.store.bytes()),
            in_flight: amount(self.in_flight.open()),
            intake_bytes: amount(self.intake.bytes()),
            answer_bytes: amount(self.shared.answers.bytes()),
            connections: amount(self.ports.decisions.open()),
            connections_accepted: self.ports.decisions.accepted(),
            connections_refused: self.ports.decisions.refused(),
            workers: count(self.workers),
            draining: *self.phase.borrow() > Phase::Serving,
            export_error: emitter.map(Emitter::trouble).unwrap_or_default(),
            traces: Some(traces(emitter)),
            shadow: Some(
                self.shared
                    .shadow
                    .as_ref()
                    .map(Shadow::counts)
                    .unwrap_or_default(),
            ),
            security: Some(v1::SecurityCounts {
                handshakes_failed: self.policy.counters.handshakes_failed.get(),
                ..security
            }),
            transport: Some(v1::TransportCounts {
                not_http2: self.policy.counters.not_http2.get(),
                connections_max: amount(self.ports.shares.decisions),
                control_connections_max: amount(self.ports.shares.control),
                health_connections_refused: self.ports.health.refused(),
                accepts_failed: self.ports.accepts_failed.get(),
                ..transport
            }),
            ..counted
        }
    }
}

/// All zero without tracing.
fn traces(emitter: Option<&Emitter>) -> v1::TraceCounts {
    let counts = emitter.map(Emitter::counts).unwrap_or_default();
    v1::TraceCounts {
        emitted: counts.emitted,
        exported: counts.exported,
        rejected: counts.rejected,
        dropped: counts.dropped,
        pending: counts.pending,
        sampled_out: counts.sampled_out,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn amount(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
