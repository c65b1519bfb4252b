//! The server: its threads, from the first bundle to the last response.

use std::{
    fmt, io,
    num::NonZero,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use nextbest_otlp::SpanProcessor;
use nextbest_pipeline::{Activation, Active, Counter, MemoryBudget, Shadow, activate, open_niced};
use nextbest_store::Store;
use parking_lot::Mutex;
use prost::Message as _;
use tokio::sync::{oneshot, watch};

use crate::{
    access::Access,
    error::ServerError,
    failures::Failures,
    handler::Handler,
    limits::HEALTH_WATCHES_MAX,
    load_shedding::load_shedder::{LoadShedder, InFlight},
    services::health::{Health, Phase},
    settings::Settings,
    shared::Shared,
    status::{Stats, Status},
    transport::{
        accept::{self, Handover, Listening, Port},
        address::{Address, Listener},
        admission::{Admission, Beyond, Bounds},
        connection_policy::ConnectionPolicy,
        descriptors::{self, Shares},
        extras::Extras,
        intake::Pace,
        routes::{Gate, Services},
        tls::{Handshake, Tls},
    },
    worker::{self, Work},
};

/// Beyond the deadline of a shutdown, for threads to end.
const THREAD_END: Duration = Duration::from_secs(1);

/// A running server. Its threads are its own; dropping it ends them without a drain.
pub struct Server {
    settings: Settings,
    workers: usize,
    shared: Arc<Shared>,
    ports: Ports,
    in_flight: Arc<InFlight>,
    intake: Arc<MemoryBudget>,
    policy: ConnectionPolicy,
    phase: watch::Sender<Phase>,
    decision_address: Address,
    health_address: Address,
    // One activation at a time: each swaps on top of the one before it.
    activation: Mutex<()>,
    // Taken by the first drain: each worker sends how many calls it cut off.
    working: Mutex<Option<mpsc::Receiver<usize>>>,
    // Taken by the first shutdown.
    running: Mutex<Option<Running>>,
}

/// Who connects to the two ports.
struct Ports {
    decisions: Arc<Admission>,
    shares: Shares,
    health: Arc<Admission>,
    accepts_failed: Arc<Counter>,
}

impl Ports {
    fn new(settings: &Settings) -> Self {
        let shares = Shares::of(descriptors::raise(), settings.connections_max);
        let decisions = Bounds {
            all: shares.decisions,
            of_a_peer: settings.peer_connections_max,
            beyond: Beyond::Refuse,
        };
        // One kubelet or balancer may ask for all.
        let health = Bounds {
            all: shares.health,
            of_a_peer: usize::MAX,
            beyond: Beyond::MakeRoom,
        };
        Self {
            decisions: Admission::new(decisions),
            shares,
            health: Admission::new(health),
            accepts_failed: Arc::default(),
        }
    }

    fn listening(&self, listener: Listener, admission: &Arc<Admission>) -> Listening {
        Listening {
            listener,
            admission: Arc::clone(admission),
            failed: Arc::clone(&self.accepts_failed),
        }
    }
}

/// What a shutdown waits for, once the workers have ended.
struct Running {
    accept: mpsc::Receiver<usize>,
    processor: Option<SpanProcessor>,
}

/// What a shutdown could not finish in its time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// Calls under way that got no answer.
    pub calls_cut_off: usize,
    /// Spans of decisions that were still to be exported.
    pub spans_lost: u64,
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("decision_address", &self.decision_address)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Starts a server: binds its ports, answers health checks, opens and warms the bundle, and then accepts callers.
    ///
    /// # Errors
    /// When an address cannot be bound, the bundle or one of its models cannot be opened, the span processor's settings
    /// are wrong, or the system gives no threads. Nothing is left running then.
    pub fn start(bundle: Vec<u8>, settings: Settings) -> Result<Self, ServerError> {
        let taken = |address: &str, cause| ServerError::Bind {
            address: address.to_owned(),
            cause,
        };
        let bind = |address: &str| Listener::bind(address).map_err(|cause| taken(address, cause));
        let listen =
            |listener: &Listener, address: &str| listener.listen().map_err(|cause| taken(address, cause));
        let (decisions, health) = (bind(&settings.address)?, bind(&settings.health_address)?);
        listen(&health, &settings.health_address)?;
        let local = |listener: &Listener| listener.address().map_err(ServerError::Thread);
        let (decision_address, health_address) = (local(&decisions)?, local(&health)?);
        let (phase, _) = watch::channel(Phase::Starting);
        let (accept_ended, accept) = mpsc::channel();
        let (open_port, port) = oneshot::channel();
        let timeouts = settings.timeouts;
        let policy = connection_policy(&settings)?;
        let ports = Ports::new(&settings);
        let health = ports.listening(health, &ports.health);
        let watches = InFlight::new(HEALTH_WATCHES_MAX);
        let probes = || Health {
            phase: phase.subscribe(),
            watches: Arc::clone(&watches),
        };
        accept::start(
            health,
            policy.for_probes(),
            probes(),
            port,
            phase.subscribe(),
            accept_ended,
        )
        .map_err(ServerError::Thread)?;

        let workers = worker_count(&settings);
        let first = open_niced(bundle, settings.opening(workers))?;
        let processor = settings
            .processor
            .clone()
            .map(SpanProcessor::start)
            .transpose()
            .map_err(ServerError::SpanProcessor)?;
        let shared = Arc::new(share(&settings, first, processor.as_ref())?);
        let in_flight = InFlight::new(settings.in_flight_max);
        let intake = MemoryBudget::new(settings.intake_bytes_max);
        let gate = Gate {
            in_flight: Arc::clone(&in_flight),
            intake: Arc::clone(&intake),
            pace: Pace {
                message: timeouts.message,
                between: timeouts.idle,
            },
        };
        let extras =
            Extras::of(&settings, probes()).map_err(|cause| ServerError::Thread(io::Error::other(cause)))?;
        let (worker_ended, ended) = mpsc::channel();
        let start_worker = |place| {
            let load_shedder = LoadShedder::new();
            let handler = Handler {
                shared: Arc::clone(&shared),
                worker: place,
                load_shedder: Arc::clone(&load_shedder),
                failures: Failures::new(Arc::clone(&shared)),
            };
            let work = Work {
                services: Services::decisions(handler, gate.clone(), extras.clone()),
                load_shedder: Some(load_shedder),
                phase: phase.subscribe(),
                policy: policy.clone(),
            };
            worker::start(format!("nextbest-work-{place}"), work, worker_ended.clone())
        };
        let handovers = (0..workers)
            .map(start_worker)
            .map(|started| started.map(Handover::to));
        let handovers = handovers
            .collect::<io::Result<_>>()
            .map_err(ServerError::Thread)?;
        listen(&decisions, &settings.address)?;
        let port = Port {
            listening: ports.listening(decisions, &ports.decisions),
            workers: handovers,
        };
        // Fails only when the thread has ended, and it ends with the phase.
        let _ = open_port.send(port);
        phase.send_replace(Phase::Serving);
        Ok(Self {
            settings,
            workers,
            shared,
            ports,
            in_flight,
            intake,
            policy,
            phase,
            decision_address,
            health_address,
            activation: Mutex::new(()),
            working: Mutex::new(Some(ended)),
            running: Mutex::new(Some(Running { accept, processor })),
        })
    }

    /// Where the decision services listen.
    #[must_use]
    pub fn decision_address(&self) -> &Address {
        &self.decision_address
    }

    /// Where health checks are answered.
    #[must_use]
    pub fn health_address(&self) -> &Address {
        &self.health_address
    }

    /// Opens and warms a bundle and makes it the active one. The active one decides until then, and for good
    /// when anything is wrong with the new one.
    ///
    /// # Errors
    /// When the bundle or one of its models cannot be opened.
    pub fn activate(&self, bundle: Vec<u8>) -> Result<Activation, ServerError> {
        let _one = self.activation.lock();
        let opening = self.settings.opening(self.workers);
        Ok(activate(bundle, opening, &self.shared.active)?)
    }

    /// Offers new connections other certificates; open ones keep those that they began with.
    ///
    /// # Errors
    /// When they cannot be used, or the port speaks plain text. Nothing changes then.
    pub fn renew(&self, tls: &Tls) -> Result<(), ServerError> {
        self.policy.handshake.renew(tls).map_err(ServerError::Tls)
    }

    /// Changes who may call, on open connections too. A port that everybody may call stays open to all.
    pub fn grant(&self, access: Access) {
        if self.policy.access.load().is_some() {
            self.policy.access.store(Some(Arc::new(access)));
            self.shared.grants.send_modify(|grants| *grants += 1);
        }
    }

    /// What the server is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        let active = self.shared.active.load();
        let stats = &self.shared.stats;
        Status {
            bundle_digest: active.bundle.digest().into(),
            workspace: active.bundle.workspace().into(),
            actions: active.bundle.action_count(),
            models: active.bundle.model_count(),
            index_bytes: active.bundle.index_report().bytes,
            kernel: active.bundle.index_report().kernel.name(),
            activated_at_us: active.activated_at_us,
            customers: self.shared.store.count(),
            customers_bytes: self.shared.store.bytes(),
            decisions: stats.decisions.get(),
            explanations: stats.explanations.get(),
            refused: stats.refused.get(),
            deadlines_exceeded: stats.deadlines_exceeded.get(),
            shed: stats.shed.get(),
            in_flight: self.in_flight.open(),
            unauthenticated: stats.unauthenticated.get(),
            permission_denied: stats.permission_denied.get(),
            handshakes_failed: self.policy.counters.handshakes_failed.get(),
            not_http2: self.policy.counters.not_http2.get(),
            not_calls: stats.not_calls.get(),
            intake_bytes: self.intake.bytes(),
            answer_bytes: self.shared.answers.bytes(),
            panics: stats.panics.get(),
            export_error: self
                .shared
                .emitter
                .as_ref()
                .map(nextbest_otlp::Emitter::trouble)
                .unwrap_or_default(),
            failure_spans_suppressed: stats.failure_spans_suppressed.get(),
            connections: self.ports.decisions.open(),
            connections_accepted: self.ports.decisions.accepted(),
            connections_refused: self.ports.decisions.refused(),
            connections_max: self.ports.shares.decisions,
            control_connections_max: self.ports.shares.control,
            health_connections_refused: self.ports.health.refused(),
            accepts_failed: self.ports.accepts_failed.get(),
            workers: self.workers,
            traces: self
                .shared
                .emitter
                .as_ref()
                .map(nextbest_otlp::Emitter::counts)
                .unwrap_or_default(),
            shadow: self
                .shared
                .shadow
                .as_ref()
                .map(Shadow::counts)
                .unwrap_or_default(),
            draining: *self.phase.borrow() > Phase::Serving,
        }
    }

    /// How the models of the active bundle fare: an encoded `ModelHealthResponse`.
    #[must_use]
    pub fn model_health(&self) -> Vec<u8> {
        let active = self.shared.active.load();
        active.counters.report(&active.bundle).encode_to_vec()
    }

    /// Ends the decision port in good order: health reports the end at once, sockets are accepted for the grace
    /// that the settings give, then every connection is told to leave and open calls get their responses.
    ///
    /// Takes at most `time_max`, the grace included. Returns how many calls were cut off; a second drain does
    /// nothing and returns 0.
    pub fn drain(&self, time_max: Duration) -> usize {
        let Some(ended) = self.working.lock().take() else {
            return 0;
        };
        let by = Instant::now() + time_max;
        self.phase.send_replace(Phase::Leaving);
        std::thread::sleep(self.settings.drain_grace.min(time_max));
        self.phase.send_replace(Phase::Draining(by));
        // A worker that does not end has a call at least that nobody will answer.
        let cut_off = |_| ended.recv_timeout(left(by + THREAD_END)).unwrap_or(1);
        (0..self.workers).map(cut_off).sum()
    }

    /// Drains, exports the spans that are still queued, and ends all threads.
    ///
    /// Takes at most `time_max` and about a second. A second shutdown does nothing.
    pub fn shutdown(&self, time_max: Duration) -> Ended {
        let by = Instant::now() + time_max;
        let calls_cut_off = self.drain(time_max);
        let Some(running) = self.running.lock().take() else {
            return Ended::default();
        };
        let spans_lost = running.processor.map_or(0, |processor| end(processor, left(by)));
        self.phase.send_replace(Phase::Ended);
        let _ = running.accept.recv_timeout(THREAD_END);
        Ended {
            calls_cut_off,
            spans_lost,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Ended);
    }
}

fn worker_count(settings: &Settings) -> usize {
    match settings.workers {
        // Knows the quota of a container, unlike the number of the machine's cores.
        0 => std::thread::available_parallelism().map_or(1, NonZero::get),
        workers => workers,
    }
}

fn share(
    settings: &Settings,
    first: Active,
    processor: Option<&SpanProcessor>,
) -> Result<Shared, ServerError> {
    Ok(Shared {
        active: ArcSwap::from_pointee(first),
        store: Store::new(settings.customers),
        emitter: processor.map(SpanProcessor::emitter),
        stats: Stats::default(),
        shadow: shadow(settings)?,
        late_models: settings.late_models,
        grants: watch::Sender::new(0),
        answers: MemoryBudget::new(settings.answer_bytes_max),
    })
}

fn shadow(settings: &Settings) -> Result<Option<Shadow>, ServerError> {
    match &settings.onnxruntime_path {
        Some(library) if settings.shadow_every > 0 => {
            let shadow = Shadow::start(settings.shadow_every, library.clone());
            shadow.map(Some).map_err(ServerError::Thread)
        }
        _ => Ok(None),
    }
}

fn connection_policy(settings: &Settings) -> Result<ConnectionPolicy, ServerError> {
    Ok(ConnectionPolicy {
        handshake: Handshake::of(settings.tls.as_ref()).map_err(ServerError::Tls)?,
        access: Arc::new(ArcSwapOption::from_pointee(settings.access.clone())),
        ..ConnectionPolicy::open(settings.timeouts)
    })
}

/// Returns how many spans the end cost.
fn end(processor: SpanProcessor, time_max: Duration) -> u64 {
    let (emitter, before) = (processor.emitter(), processor.counts());
    // Says whether any was lost; the counts say how many.
    let _ = processor.shutdown(time_max);
    let after = emitter.counts();
    after.dropped.saturating_sub(before.dropped) + after.pending
}

fn left(by: Instant) -> Duration {
    by.saturating_duration_since(Instant::now())
}
