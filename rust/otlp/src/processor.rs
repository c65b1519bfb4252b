//! The span processor: takes decisions to be traced, and runs the exporter's thread behind it.

use std::{
    cell::RefCell,
    fmt,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::{runtime, sync::watch};

use crate::{
    Counts, DecisionSpan, FailedCall, Parent, Sampler, SpanContext,
    destination::{Destination, Protocol, Target, parse_headers},
    error::ProcessorError,
    export::{BATCH_BYTES_MAX, BATCH_SPANS_MAX, Client, Exporter, Timeouts, Trouble},
    failure,
    grpc::GrpcClient,
    post::HttpClient,
    pseudonym::Pseudonyms,
    queue::Queue,
    span::{Buffers, Envelope, encode},
};

/// The lowest priority: whatever the exporter has to do can wait for a decision.
const EXPORTER_NICENESS: i32 = 19;
/// Beyond the deadline of a shutdown, for the thread to end.
const EXPORTER_END: Duration = Duration::from_secs(1);

/// Where spans go, and how much may wait for it.
#[derive(Clone)]
pub struct Settings {
    /// The collector.
    pub destination: Destination,
    /// Attributes of the process: `service.name`, ...
    pub resource: Vec<(String, String)>,
    /// Version of the instrumentation scope.
    pub version: String,
    /// Of the pseudonyms of customers; without one, a key that ends with the process.
    pub customer_hash_key: Option<Vec<u8>>,
    /// Bytes of spans queued and on their way; beyond it the newest are dropped.
    pub queue_bytes_max: usize,
    /// Spans of one request.
    pub batch_spans_max: usize,
    /// Which spans are exported.
    pub sampler: Sampler,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

/// Without headers and key: they are secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// The defaults, for a collector at `endpoint`.
    #[must_use]
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            destination: Destination::new(endpoint),
            resource: Vec::new(),
            version: env!("CARGO_PKG_VERSION").into(),
            customer_hash_key: None,
            queue_bytes_max: 64 * 1024 * 1024,
            batch_spans_max: BATCH_SPANS_MAX,
            sampler: Sampler::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// Takes decisions and exports each as a span. Shared by all who decide.
pub struct SpanProcessor {
    queue: Arc<Queue>,
    trouble: Arc<Trouble>,
    sampler: Sampler,
    pseudonyms: Pseudonyms,
    stop: watch::Sender<Option<Instant>>,
    ended: mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for SpanProcessor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SpanProcessor")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

/// Hands decisions to the processor; one for each who decides.
#[derive(Clone)]
pub struct Emitter {
    queue: Arc<Queue>,
    trouble: Arc<Trouble>,
    sampler: Sampler,
    pseudonyms: Pseudonyms,
}

impl fmt::Debug for Emitter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Emitter").finish_non_exhaustive()
    }
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

impl Emitter {
    /// Asks the sampler for a span below the caller's. Nothing when it takes none: that is counted, and no span is to
    /// be made.
    #[must_use]
    pub fn sample<'p>(&self, parent: Option<&'p Parent>) -> Option<SpanContext<'p>> {
        let context = SpanContext::below(parent);
        let is_taken = context.is_taken(&self.sampler);
        if !is_taken {
            self.queue.leave_out();
        }
        is_taken.then_some(context)
    }

    /// Queues the decision's span. Never waits: a full queue drops the span and counts it.
    pub fn emit(&self, decision: &DecisionSpan<'_>, context: &SpanContext<'_>) {
        BUFFERS.with_borrow_mut(|buffers| {
            self.queue
                .push(|| encode(decision, context, &self.pseudonyms, buffers));
        });
    }

    /// Queues the span of a call that failed, as [`emit`](Self::emit) does.
    pub fn emit_failure(&self, call: &FailedCall, context: &SpanContext<'_>) {
        BUFFERS.with_borrow_mut(|buffers| {
            self.queue.push(|| failure::encode(call, context, buffers));
        });
    }

    /// The outcomes of the spans so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.queue.counts()
    }

    /// Why the collector did not take the spans of the last request; empty when it did.
    #[must_use]
    pub fn trouble(&self) -> String {
        self.trouble.get()
    }
}

impl SpanProcessor {
    /// Starts the exporter. The collector need not be there yet.
    ///
    /// # Errors
    /// When the endpoint or a header is malformed, or there is no thread for the exporter.
    pub fn start(settings: Settings) -> Result<Self, ProcessorError> {
        let destination = settings.destination;
        let target = Target::of(&destination)?;
        let headers = parse_headers(&destination.headers)?;
        let trouble = Arc::new(Trouble::default());
        let key = match settings.customer_hash_key {
            Some(key) => key,
            None => random_key()?.to_vec(),
        };
        let pseudonyms = Pseudonyms::new(&key).ok_or(ProcessorError::Key)?;
        let queue = Arc::new(Queue::new(settings.queue_bytes_max, BATCH_BYTES_MAX));
        let (stop, stopped) = watch::channel(None);
        let (end, ended) = mpsc::channel();
        let envelope = Envelope::new(&settings.resource, &settings.version);
        let timeouts = settings.timeouts;
        let (exported, noted) = (Arc::clone(&queue), Arc::clone(&trouble));
        let batch_spans_max = settings.batch_spans_max.max(1);
        let (protocol, is_compressed) = (destination.protocol, destination.is_compressed);
        let thread = spawn_exporter(end, move || Exporter {
            queue: exported,
            client: match protocol {
                Protocol::Grpc => Client::Grpc(GrpcClient::new(target, headers, is_compressed)),
                Protocol::Http => Client::Http(HttpClient::new(target, headers, is_compressed)),
            },
            trouble: noted,
            batch_spans_max,
            envelope,
            timeouts,
            stop: stopped,
        })?;
        Ok(Self {
            queue,
            trouble,
            sampler: settings.sampler,
            pseudonyms,
            stop,
            ended,
            thread: Some(thread),
        })
    }

    /// For one who decides.
    #[must_use]
    pub fn emitter(&self) -> Emitter {
        Emitter {
            queue: Arc::clone(&self.queue),
            trouble: Arc::clone(&self.trouble),
            sampler: self.sampler,
            pseudonyms: self.pseudonyms.clone(),
        }
    }

    /// The outcomes of the spans so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.queue.counts()
    }

    /// Exports what is queued, for as long as `timeouts` allows; the rest is dropped and counted. Spans
    /// emitted later are dropped. True when nothing was lost on the way.
    #[must_use]
    pub fn shutdown(mut self, timeouts: Duration) -> bool {
        let dropped = self.counts().dropped;
        self.stop.send_replace(Some(Instant::now() + timeouts));
        if self.ended.recv_timeout(timeouts + EXPORTER_END).is_ok()
            && let Some(thread) = self.thread.take()
        {
            // Its end was announced; a panic behind that has lost nothing.
            drop(thread.join());
        }
        // What came in while the exporter was ending.
        while self.queue.pop(usize::MAX, usize::MAX).is_some() {}
        let counts = self.counts();
        counts.dropped == dropped && counts.pending == 0
    }

    #[cfg(test)]
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl Drop for SpanProcessor {
    /// Without a shutdown nothing is waited for.
    fn drop(&mut self) {
        self.queue.close();
        self.stop.send_replace(Some(Instant::now()));
    }
}

/// `exporter` is made on the thread itself: its channel belongs to the event loop there.
fn spawn_exporter(
    end: mpsc::Sender<()>,
    exporter: impl FnOnce() -> Exporter + Send + 'static,
) -> Result<JoinHandle<()>, ProcessorError> {
    let error = |cause: std::io::Error| ProcessorError::Thread(cause.to_string());
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(error)?;
    std::thread::Builder::new()
        .name("nextbest-export".into())
        .spawn(move || {
            // On Linux this is the calling thread's alone. Where it is refused, exporting still works.
            let _ = rustix::process::setpriority_process(None, EXPORTER_NICENESS);
            runtime.block_on(async move { exporter().run().await });
            // If this fails, the waiting thread has given up.
            let _ = end.send(());
        })
        .map_err(error)
}

fn random_key() -> Result<[u8; 32], ProcessorError> {
    let mut key = [0; 32];
    // So few bytes are filled at once or not at all.
    match rustix::rand::getrandom(&mut key, rustix::rand::GetRandomFlags::empty()) {
        Ok(filled) if filled == key.len() => Ok(key),
        _ => Err(ProcessorError::Key),
    }
}
