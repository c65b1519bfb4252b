//! How much one worker has to do, and whether it takes more: the limiter of overload.
//!
//! A worker decides one request after the other, so the time that a new one would wait is known when it arrives: those
//! before it, times what one takes. In a burst the wait may be long, as it ends by itself; a worker that has been busy
//! without a pause for some time has more to do than it can, and then the wait is kept short and what goes beyond it is
//! refused at once, before its message is decoded. Refusing costs a tenth of deciding; whoever is not refused has an
//! answer in time. After *Controlling queue delay* (Nichols, Jacobson; ACM Queue 10.5, 2012), which tells a standing
//! queue from a burst by the time that it stands.
//!
//! Requests in memory are bounded over all workers as well: one whose message is still on its way waits for nobody,
//! but takes room.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use crate::limits::{BURST_DELAY_MAX, BUSY_MAX, IDLE_MIN, OVERLOAD_DELAY_MAX, TRANSPORT_TIME};

/// New decisions count an eighth in the mean.
const SMOOTHING: u64 = 8;
/// Until a worker has decided.
const FIRST_GUESS: Duration = Duration::from_micros(100);

/// Requests in memory, of all workers.
#[derive(Debug)]
pub(crate) struct InFlight {
    max: usize,
    open: AtomicUsize,
}

impl InFlight {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, open: 0.into() })
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// Room for one more request; nothing when there is none.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Room> {
        let room = Room(Arc::clone(self));
        (self.open.fetch_add(1, Relaxed) < self.max).then_some(room)
    }
}

/// The room of one request.
#[derive(Debug)]
pub(crate) struct Room(Arc<InFlight>);

impl Drop for Room {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

/// What one worker has to do. Its thread alone writes: the atomics are for the compiler, not for others.
#[derive(Debug)]
pub(crate) struct Backlog {
    started: Instant,
    // Requests taken since the event loop last slept, and not yet decided.
    waiting: AtomicU64,
    // Mean time of a decision.
    service_ns: AtomicU64,
    // When the event loop began to sleep, and when it last woke from a sleep long enough to count as a pause; since
    // `started`.
    slept_ns: AtomicU64,
    idle_ns: AtomicU64,
}

impl Backlog {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            waiting: 0.into(),
            service_ns: as_ns(FIRST_GUESS).into(),
            slept_ns: 0.into(),
            idle_ns: 0.into(),
        })
    }

    /// Whether one more request is taken.
    pub(crate) fn admits(&self) -> bool {
        self.admits_at(self.now_ns())
    }

    fn admits_at(&self, now_ns: u64) -> bool {
        let busy_ns = now_ns.saturating_sub(self.idle_ns.load(Relaxed));
        let wait_ns = self.waiting.load(Relaxed) * (self.service_ns.load(Relaxed) + as_ns(TRANSPORT_TIME));
        wait_ns <= as_ns(OVERLOAD_DELAY_MAX)
            || (wait_ns <= as_ns(BURST_DELAY_MAX) && busy_ns <= as_ns(BUSY_MAX))
    }

    /// Takes a request that was admitted.
    pub(crate) fn takes(&self) {
        self.waiting.store(self.waiting.load(Relaxed) + 1, Relaxed);
    }

    /// One that was taken has its response, or its caller has gone.
    pub(crate) fn ends(&self) {
        self.waiting
            .store(self.waiting.load(Relaxed).saturating_sub(1), Relaxed);
    }

    /// A decision took so long.
    pub(crate) fn decided(&self, time: Duration) {
        let mean = self.service_ns.load(Relaxed);
        // One that took very long says little about the next.
        let time_ns = as_ns(time).min(mean * SMOOTHING);
        self.service_ns
            .store(mean - mean / SMOOTHING + time_ns / SMOOTHING, Relaxed);
    }

    /// The event loop has nothing to do: whatever is open waits for its caller, and not for the worker.
    pub(crate) fn sleeps(&self) {
        self.sleeps_at(self.now_ns());
    }

    fn sleeps_at(&self, now_ns: u64) {
        self.waiting.store(0, Relaxed);
        self.slept_ns.store(now_ns, Relaxed);
    }

    /// The event loop has something to do.
    pub(crate) fn wakes(&self) {
        self.wakes_at(self.now_ns());
    }

    fn wakes_at(&self, now_ns: u64) {
        if now_ns.saturating_sub(self.slept_ns.load(Relaxed)) >= as_ns(IDLE_MIN) {
            self.idle_ns.store(now_ns, Relaxed);
        }
    }

    fn now_ns(&self) -> u64 {
        as_ns(self.started.elapsed())
    }
}

fn as_ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker whose decisions take so long, with so many before the next.
    fn backlog(decision: Duration, waiting: u64) -> Arc<Backlog> {
        let backlog = Backlog::new();
        for _ in 0..100 {
            backlog.decided(decision);
        }
        (0..waiting).for_each(|_| backlog.takes());
        backlog
    }

    fn count(limit: Duration, decision: Duration) -> u64 {
        as_ns(limit) / as_ns(decision + TRANSPORT_TIME)
    }

    #[test]
    fn a_burst_may_wait_longer_than_a_standing_queue() {
        let decision = Duration::from_micros(85);
        let (short, long) = (
            count(OVERLOAD_DELAY_MAX, decision),
            count(BURST_DELAY_MAX, decision),
        );
        assert!(2 <= short && short * 4 < long, "{short} {long}");
        let worker = backlog(decision, 0);
        worker.sleeps_at(0);
        let woken = as_ns(IDLE_MIN);
        worker.wakes_at(woken);
        (0..long - 2).for_each(|_| worker.takes());
        assert!(worker.admits_at(woken));
        (0..4).for_each(|_| worker.takes());
        assert!(!worker.admits_at(woken));
        (0..8).for_each(|_| worker.ends());
        assert!(worker.admits_at(woken));
        // Busy for long: short sleeps are no pause.
        let later = woken + as_ns(BUSY_MAX) + 1;
        assert!(!worker.admits_at(later));
        worker.sleeps_at(later);
        worker.wakes_at(later + as_ns(IDLE_MIN) - 1);
        (0..short - 1).for_each(|_| worker.takes());
        assert!(worker.admits_at(later));
        (0..3).for_each(|_| worker.takes());
        assert!(!worker.admits_at(later));
    }

    #[test]
    fn slow_decisions_make_the_queue_shorter() {
        let fast = backlog(Duration::from_micros(10), 100);
        let slow = backlog(Duration::from_millis(10), 100);
        assert!(fast.admits());
        assert!(!slow.admits());
        // A single slow one does not.
        fast.decided(Duration::from_secs(10));
        assert!(fast.admits());
    }

    #[test]
    fn what_waits_for_its_caller_is_no_backlog() {
        let worker = backlog(Duration::from_millis(1), 1_000);
        assert!(!worker.admits());
        worker.sleeps();
        assert!(worker.admits());
        worker.ends();
        assert!(worker.admits());
    }

    #[test]
    fn room_is_given_back() {
        let in_flight = InFlight::new(2);
        let first = in_flight.enter();
        let second = in_flight.enter();
        assert!(first.is_some() && second.is_some());
        assert!(in_flight.enter().is_none());
        assert_eq!(in_flight.open(), 2);
        drop(first);
        assert!(in_flight.enter().is_some());
        drop(second);
        assert_eq!(in_flight.open(), 0);
    }
}
