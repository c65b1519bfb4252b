//! A bundle and settings -> a running server: ports, threads, the first bundle, and then callers.

use std::{
    io,
    num::NonZero,
    sync::{Arc, mpsc},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use nextbest_otlp::SpanProcessor;
use nextbest_pipeline::{Active, MemoryBudget, Shadow, open_niced};
use nextbest_store::Store;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use super::{Ports, Running, Server};
use crate::{
    error::ServerError,
    failures::Failures,
    handler::Handler,
    limits::HEALTH_WATCHES_MAX,
    load_shedding::load_shedder::{InFlight, LoadShedder},
    services::health::{Health, Phase},
    settings::Settings,
    shared::Shared,
    status::Stats,
    transport::{
        accept::{self, Handover, Listening, Port},
        address::{Address, Listener},
        admission::{Admission, Beyond, Bounds},
        connection_policy::ConnectionPolicy,
        descriptors::{self, Shares},
        extras::Extras,
        intake::Pace,
        routes::{Gate, Services},
        tls::Handshake,
    },
    worker::{self, Work},
};

impl Server {
    /// Starts a server: binds its ports, answers health checks, opens and warms the bundle, and then accepts callers.
    ///
    /// # Errors
    /// When an address cannot be bound, the bundle or one of its models cannot be opened, the span processor's settings
    /// are wrong, or the system gives no threads. Nothing is left running then.
    pub fn start(bundle: Vec<u8>, settings: Settings) -> Result<Self, ServerError> {
        let (decisions, decision_address) = bind(&settings.address)?;
        let (health, health_address) = bind(&settings.health_address)?;
        listen(&health, &settings.health_address)?;
        let (phase, _) = watch::channel(Phase::Starting);
        let (accept_ended, accept) = mpsc::channel();
        let (open_port, port) = oneshot::channel();
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
        let every_worker = EveryWorker {
            shared: Arc::clone(&shared),
            gate: Gate {
                in_flight: Arc::clone(&in_flight),
                intake: Arc::clone(&intake),
                pace: Pace {
                    message: settings.timeouts.message,
                    between: settings.timeouts.idle,
                },
            },
            extras: Extras::of(&settings, probes())
                .map_err(|cause| ServerError::Thread(io::Error::other(cause)))?,
            policy: policy.clone(),
            phase: phase.subscribe(),
        };
        let (worker_ended, ended) = mpsc::channel();
        let handovers = (0..workers).map(|worker| every_worker.start(worker, &worker_ended));
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
}

fn bind(setting: &str) -> Result<(Listener, Address), ServerError> {
    let listener = Listener::bind(setting).map_err(|cause| not_bound(setting, cause))?;
    let address = listener.address().map_err(ServerError::Thread)?;
    Ok((listener, address))
}

fn listen(listener: &Listener, setting: &str) -> Result<(), ServerError> {
    listener.listen().map_err(|cause| not_bound(setting, cause))
}

fn not_bound(setting: &str, cause: io::Error) -> ServerError {
    ServerError::Bind {
        address: setting.to_owned(),
        cause,
    }
}

/// What every worker has.
struct EveryWorker {
    shared: Arc<Shared>,
    gate: Gate,
    extras: Extras,
    policy: ConnectionPolicy,
    phase: watch::Receiver<Phase>,
}

impl EveryWorker {
    fn start(&self, worker: usize, ended: &mpsc::Sender<usize>) -> io::Result<Handover> {
        let load_shedder = LoadShedder::new();
        let handler = Handler {
            shared: Arc::clone(&self.shared),
            worker,
            load_shedder: Arc::clone(&load_shedder),
            failures: Failures::new(Arc::clone(&self.shared)),
        };
        let work = Work {
            services: Services::decisions(handler, self.gate.clone(), self.extras.clone()),
            load_shedder: Some(load_shedder),
            phase: self.phase.clone(),
            policy: self.policy.clone(),
        };
        worker::start(format!("nextbest-work-{worker}"), work, ended.clone()).map(Handover::to)
    }
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
