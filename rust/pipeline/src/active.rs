//! A bundle's bytes turned into what workers decide with, and swapped in.

use std::{
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use nextbest_engine::{Bundle, IndexOptions, NoModels, Scorer};
use nextbest_onnx::{Runtime, Sessions};
use parking_lot::Mutex;

use crate::{clock::now_us, error::OpenError, model_counters::BundleCounters};

/// How long an activation waits for requests that still use the previous bundle before it leaves it to them.
const PREVIOUS_BUNDLE_WAIT_MAX: Duration = Duration::from_secs(10);
/// The lowest priority: opening a bundle can take seconds of a core that decisions need.
const ACTIVATION_NICENESS: i32 = 19;

/// The bundle that decides, with model sessions for each worker. Immutable: a change is another `Active`.
pub struct Active {
    /// The bundle.
    pub bundle: Bundle,
    // One for each worker, and locked by that worker alone.
    scorers: Box<[Mutex<Box<dyn Scorer + Send>>]>,
    /// Since when it decides, in microseconds since 1970.
    pub activated_at_us: i64,
    /// How its models fare.
    pub counters: BundleCounters,
}

/// How a bundle is opened.
#[derive(Debug, Clone)]
pub struct Opening {
    /// How policies are filtered, and the memory that it may take.
    pub index: IndexOptions,
    /// The library of ONNX Runtime. Bundles with models that are not native are refused without it.
    pub onnxruntime_path: Option<PathBuf>,
    /// One in this number of decisions is counted for the health of its models; 0: none.
    pub health_sample: u32,
    /// Threads that decide: each has separate model sessions and counters.
    pub workers: usize,
}

impl Active {
    /// The model sessions of one worker; nothing for a worker that the server does not have.
    pub(crate) fn scorer(&self, worker: usize) -> Option<&Mutex<Box<dyn Scorer + Send>>> {
        self.scorers.get(worker)
    }

    /// A bundle that one thread decides with, and no counters.
    pub(crate) fn for_one(bundle: Bundle, scorer: Box<dyn Scorer + Send>) -> Self {
        Self {
            counters: BundleCounters::new(&bundle, 1, 0),
            bundle,
            scorers: Box::new([Mutex::new(scorer)]),
            activated_at_us: now_us(),
        }
    }

    fn open(file: &[u8], opening: &Opening) -> Result<Self, OpenError> {
        let bundle = Bundle::open_with(file, opening.index).map_err(OpenError::Bundle)?;
        let needs_runtime = bundle.models().any(|(_, model)| model.lowered.is_none());
        let runtime = match &opening.onnxruntime_path {
            // Only for a bundle that needs it: the library takes time and memory.
            Some(path) if needs_runtime => Some(Runtime::load(path).map_err(OpenError::Models)?),
            None if needs_runtime => return Err(OpenError::ModelsWithoutRuntime),
            _ => None,
        };
        let scorer = |_| -> Result<Mutex<Box<dyn Scorer + Send>>, OpenError> {
            match &runtime {
                Some(runtime) => {
                    let sessions = Sessions::open(runtime, &bundle).map_err(OpenError::Models)?;
                    Ok(Mutex::new(Box::new(sessions)))
                }
                None => Ok(Mutex::new(Box::new(NoModels))),
            }
        };
        let scorers = (0..opening.workers).map(scorer).collect::<Result<_, _>>()?;
        Ok(Self {
            counters: BundleCounters::new(&bundle, opening.workers, opening.health_sample),
            bundle,
            scorers,
            activated_at_us: now_us(),
        })
    }
}

/// What an activation has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    /// SHA-256 of the bundle that decides now, in hexadecimal.
    pub digest: String,
    /// The one before it; empty for the first.
    pub previous: String,
    /// From reading the bytes to the swap.
    pub duration: Duration,
    /// Memory that the index of its policies takes.
    pub index_bytes: usize,
}

/// Opens a bundle, on a thread of the lowest priority.
///
/// # Errors
/// When the bundle, ONNX Runtime or a model cannot be opened, or the system gives no thread.
pub fn open_niced(file: Vec<u8>, opening: Opening) -> Result<Active, OpenError> {
    join(spawn_niced(move || Active::open(&file, &opening))?)?
}

/// Opens a bundle and swaps it in for the active one, which stays when anything is wrong with the new one.
///
/// # Errors
/// As [`open_niced`].
pub fn activate(file: Vec<u8>, opening: Opening, active: &ArcSwap<Active>) -> Result<Activation, OpenError> {
    let started = Instant::now();
    let mut opened = open_niced(file, opening)?;
    let before = active.load();
    opened
        .counters
        .carry_on(&opened.bundle, &before.bundle, &before.counters);
    drop(before);
    let digest = opened.bundle.digest().to_owned();
    let index_bytes = opened.bundle.index_report().bytes;
    let previous = active.swap(Arc::new(opened));
    let duration = started.elapsed();
    let previous_digest = previous.bundle.digest().to_owned();
    // Nothing waits for its end.
    spawn_niced(move || release(&previous))?;
    Ok(Activation {
        digest,
        previous: previous_digest,
        duration,
        index_bytes,
    })
}

fn spawn_niced<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, OpenError> {
    std::thread::Builder::new()
        .name("nextbest-bundle".into())
        .spawn(move || {
            // On Linux this is the calling thread's alone. Where it is refused, the work is done all the
            // same.
            let _ = rustix::process::setpriority_process(None, ACTIVATION_NICENESS);
            work()
        })
        .map_err(OpenError::Thread)
}

fn join<T>(thread: JoinHandle<T>) -> Result<T, OpenError> {
    thread.join().map_err(|_| {
        OpenError::Thread(std::io::Error::other(
            "opening the bundle failed with an internal error",
        ))
    })
}

/// Drops the previous bundle here, and not on the worker whose request used it last.
fn release(previous: &Arc<Active>) {
    let until = Instant::now() + PREVIOUS_BUNDLE_WAIT_MAX;
    while Arc::strong_count(previous) > 1 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
}
