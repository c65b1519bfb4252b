//! The progress of a run, and how another thread stops it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters of a run, warm-up included. They cost the sending thread an addition each, and no lock.
#[derive(Debug, Default)]
pub struct Watch {
    sent: AtomicU64,
    ok: AtomicU64,
    failed: AtomicU64,
    stopped: AtomicBool,
}

impl Watch {
    /// Requests that were due so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Answers with status OK.
    #[must_use]
    pub fn ok(&self) -> u64 {
        self.ok.load(Ordering::Relaxed)
    }

    /// Other answers, and requests that could not be sent.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Ends the run soon: it reports what it has measured until then.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(crate) fn count_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_answer(&self, is_ok: bool) {
        let counter = if is_ok { &self.ok } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
