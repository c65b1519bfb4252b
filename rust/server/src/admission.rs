//! The number of a port's connections: counted, and bounded.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

/// The connections of one port.
#[derive(Debug)]
pub(crate) struct Admission {
    max: usize,
    open: AtomicUsize,
    accepted: AtomicU64,
    refused: AtomicU64,
}

impl Admission {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            open: 0.into(),
            accepted: 0.into(),
            refused: 0.into(),
        })
    }

    /// A place for one more connection; nothing when there are as many as may be.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Place> {
        let is_admitted = self.open.fetch_add(1, Relaxed) < self.max;
        let counter = if is_admitted {
            &self.accepted
        } else {
            &self.refused
        };
        counter.fetch_add(1, Relaxed);
        // Made in either case: dropping it takes the connection out of the count again.
        let place = Place(Arc::clone(self));
        is_admitted.then_some(place)
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}

/// The place of one open connection.
#[derive(Debug)]
pub(crate) struct Place(Arc<Admission>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}
