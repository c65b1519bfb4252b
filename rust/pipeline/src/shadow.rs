//! Some decisions -> their lowered models' scores, compared with ONNX Runtime: on a niced thread, outside the
//! path of requests.
//!
//! Publication compares a model with ONNX Runtime on rows that it makes up; this does it on customers as they come.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use nextbest_engine::{Record, rescore};
use nextbest_onnx::{Runtime, Sessions};
use nextbest_proto::v1;

use crate::{active::Active, counter::Counter};

/// Sampled decisions that wait to be checked; more are counted as dropped.
const SHADOW_QUEUE_MAX: usize = 64;
/// Yields to everything that decides.
const NICENESS: i32 = 19;

/// A decision that is looked at once more.
pub(crate) struct Sample {
    pub(crate) active: Arc<Active>,
    pub(crate) record: Record<'static>,
}

/// Takes samples; its thread ends with it.
pub struct Shadow {
    // One in this number of decisions.
    every: u64,
    samples: SyncSender<Sample>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    compared: AtomicU64,
    disagreed: AtomicU64,
    failed: AtomicU64,
    dropped: Counter,
    /// Bits of a number that is not negative: these order as the numbers do.
    farthest: AtomicU64,
}

impl Shadow {
    /// Starts the thread. `every` is at least 1.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(every: u64, library: PathBuf) -> io::Result<Self> {
        let (sender, samples) = sync_channel(SHADOW_QUEUE_MAX);
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        std::thread::Builder::new()
            .name("nextbest-shadow".into())
            .spawn(move || {
                let _ = rustix::process::setpriority_process(None, NICENESS);
                compare_all(&samples, &library, &counted);
            })?;
        Ok(Self {
            every,
            samples: sender,
            counts,
        })
    }

    /// Whether a decision of this seed is checked: each decision draws a new seed.
    pub(crate) fn wants(&self, seed: u64) -> bool {
        seed.is_multiple_of(self.every)
    }

    /// Takes a sample, or counts it as dropped.
    pub(crate) fn take(&self, sample: Sample) {
        if self.samples.try_send(sample).is_err() {
            self.counts.dropped.add();
        }
    }

    /// What it has found so far, over all bundles.
    #[must_use]
    pub fn counts(&self) -> v1::ShadowCounts {
        v1::ShadowCounts {
            compared: self.counts.compared.load(Relaxed),
            disagreed: self.counts.disagreed.load(Relaxed),
            failed: self.counts.failed.load(Relaxed),
            dropped: self.counts.dropped.get(),
            farthest: f64::from_bits(self.counts.farthest.load(Relaxed)),
        }
    }
}

/// Ends when all senders of samples are gone.
fn compare_all(samples: &Receiver<Sample>, library: &std::path::Path, counts: &Counts) {
    // Sessions of the last bundle; none if they cannot be opened.
    let mut opened: Option<(String, Option<Sessions>)> = None;
    while let Ok(sample) = samples.recv() {
        let bundle = &sample.active.bundle;
        if opened
            .as_ref()
            .is_none_or(|(digest, _)| digest != bundle.digest())
        {
            let sessions = Runtime::load(library).and_then(|runtime| Sessions::open_all(&runtime, bundle));
            opened = Some((bundle.digest().to_owned(), sessions.ok()));
        }
        let Some((_, Some(sessions))) = &mut opened else {
            counts
                .failed
                .fetch_add(sample.record.ranked.len() as u64, Relaxed);
            continue;
        };
        for found in rescore(bundle, &sample.record, sessions) {
            counts.compared.fetch_add(found.compared, Relaxed);
            counts.disagreed.fetch_add(found.disagreed, Relaxed);
            counts.failed.fetch_add(found.failed, Relaxed);
            counts.farthest.fetch_max(found.farthest.to_bits(), Relaxed);
        }
    }
}
