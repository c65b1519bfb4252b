//! A bundle's bytes turned into what workers decide with, and swapped in.

use std::{
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use nextbest_engine::{Bundle, NoModels, Scorer};
use nextbest_onnx::{Runtime, Sessions};
use parking_lot::Mutex;

use crate::{
    clock::now_us, error::ServerError, limits::PREVIOUS_BUNDLE_WAIT_MAX, settings::Settings, tally::Tallies,
};

/// The lowest priority: opening a bundle can take seconds of a core that decisions need.
const ACTIVATION_NICENESS: i32 = 19;

/// The bundle that decides, with model sessions for each worker. Immutable: a change is another `Active`.
pub(crate) struct Active {
    pub(crate) bundle: Bundle,
    // One for each worker, and locked by that worker alone.
    scorers: Box<[Mutex<Box<dyn Scorer + Send>>]>,
    pub(crate) activated_at_us: i64,
    /// How its models fare.
    pub(crate) tallies: Tallies,
}

impl Active {
    /// The model sessions of one worker; nothing for a worker that the server does not have.
    pub(crate) fn scorer(&self, worker: usize) -> Option<&Mutex<Box<dyn Scorer + Send>>> {
        self.scorers.get(worker)
    }

    fn open(file: &[u8], settings: &Settings, workers: usize) -> Result<Self, ServerError> {
        let bundle = Bundle::open_with(file, settings.index).map_err(ServerError::Bundle)?;
        let needs_runtime = bundle.models().any(|(_, model)| model.lowered.is_none());
        let runtime = match &settings.onnxruntime_path {
            // Only for a bundle that needs it: the library takes time and memory.
            Some(path) if needs_runtime => Some(Runtime::load(path).map_err(ServerError::Models)?),
            None if needs_runtime => return Err(ServerError::ModelsWithoutRuntime),
            _ => None,
        };
        let scorer = |_| -> Result<Mutex<Box<dyn Scorer + Send>>, ServerError> {
            match &runtime {
                Some(runtime) => {
                    let sessions = Sessions::open(runtime, &bundle).map_err(ServerError::Models)?;
                    Ok(Mutex::new(Box::new(sessions)))
                }
                None => Ok(Mutex::new(Box::new(NoModels))),
            }
        };
        let scorers = (0..workers).map(scorer).collect::<Result<_, _>>()?;
        Ok(Self {
            tallies: Tallies::new(&bundle, workers, settings.health_sample),
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

/// Opens the first bundle.
pub(crate) fn first(file: Vec<u8>, settings: Settings, workers: usize) -> Result<Active, ServerError> {
    join(spawn_niced(move || Active::open(&file, &settings, workers))?)?
}

/// Opens a bundle and swaps it in for the active one, which stays when anything is wrong with the new one.
pub(crate) fn activate(
    file: Vec<u8>,
    settings: Settings,
    workers: usize,
    active: &ArcSwap<Active>,
) -> Result<Activation, ServerError> {
    let started = Instant::now();
    let mut opened = first(file, settings, workers)?;
    let before = active.load();
    opened
        .tallies
        .carry_on(&opened.bundle, &before.bundle, &before.tallies);
    drop(before);
    let digest = opened.bundle.digest().to_owned();
    let index_bytes = opened.bundle.index_report().bytes;
    let previous = active.swap(Arc::new(opened));
    let duration = started.elapsed();
    let previous_digest = previous.bundle.digest().to_owned();
    // Its end is awaited by nobody.
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
) -> Result<JoinHandle<T>, ServerError> {
    std::thread::Builder::new()
        .name("nextbest-bundle".into())
        .spawn(move || {
            // On Linux this is the calling thread's alone. Where it is refused, the work is done all the
            // same.
            let _ = rustix::process::setpriority_process(None, ACTIVATION_NICENESS);
            work()
        })
        .map_err(ServerError::Thread)
}

fn join<T>(thread: JoinHandle<T>) -> Result<T, ServerError> {
    thread
        .join()
        .map_err(|_| ServerError::Thread(std::io::Error::other("opening the bundle panicked")))
}

/// Drops the previous bundle here, and not on the worker whose request used it last.
fn release(previous: &Arc<Active>) {
    let until = Instant::now() + PREVIOUS_BUNDLE_WAIT_MAX;
    while Arc::strong_count(previous) > 1 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
}
