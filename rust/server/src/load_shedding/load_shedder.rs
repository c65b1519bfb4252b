//! The load shedder of one worker: it refuses requests that would wait for too long.
//!
//! A worker decides one request after the other, so the wait of a new one is known when it arrives: the number of those
//! before it, times the mean time of a decision. A worker earns burst credit while it is idle and spends it while it is
//! busy, at a quarter of that rate; with credit, requests may wait longer, because a burst ends by itself. Without
//! credit the wait is kept short, and requests beyond it are refused before their messages are decoded, which costs a
//! fifth of a decision. An empty queue is not idleness: under overload callers come in waves.
//!
//! Requests in memory are bounded over all workers as well: one whose message has not arrived yet waits for no worker,
//! but takes memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use crate::limits::{CREDIT_MAX, OVERLOAD_DELAY_MAX, TRANSPORT_TIME, WORK_PER_CREDIT};

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

    /// A permit for one more request; nothing when the limit is reached.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Permit> {
        let permit = Permit(Arc::clone(self));
        (self.open.fetch_add(1, Relaxed) < self.max).then_some(permit)
    }
}

/// One request in memory; it leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<InFlight>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

/// What one worker has to do, and whether it takes more. Only its thread writes: the atomics are for the compiler.
#[derive(Debug)]
pub(crate) struct LoadShedder {
    started: Instant,
    // Requests taken since the event loop last slept, and not yet decided; and those refused, and not yet answered.
    waiting: AtomicU64,
    refused: AtomicU64,
    // Mean time of a decision.
    service_ns: AtomicU64,
    // When the event loop began to sleep, and when it last woke; since `started`.
    slept_ns: AtomicU64,
    woken_ns: AtomicU64,
    // The credit when it last woke.
    credit_ns: AtomicU64,
}

impl LoadShedder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            waiting: 0.into(),
            refused: 0.into(),
            service_ns: as_ns(FIRST_GUESS).into(),
            slept_ns: 0.into(),
            woken_ns: 0.into(),
            credit_ns: 0.into(),
        })
    }

    /// Whether one more request is admitted.
    pub(crate) fn admits(&self) -> bool {
        self.admits_at(self.now_ns())
    }

    fn admits_at(&self, now_ns: u64) -> bool {
        let (waiting, refused) = (self.waiting.load(Relaxed), self.refused.load(Relaxed));
        let wait_ns = waiting * self.service_ns.load(Relaxed) + (waiting + refused) * as_ns(TRANSPORT_TIME);
        wait_ns <= as_ns(OVERLOAD_DELAY_MAX) + self.credit_at(now_ns)
    }

    /// The credit that is left while the event loop works.
    fn credit_at(&self, now_ns: u64) -> u64 {
        let worked_ns = now_ns.saturating_sub(self.woken_ns.load(Relaxed));
        self.credit_ns
            .load(Relaxed)
            .saturating_sub(worked_ns / WORK_PER_CREDIT)
    }

    /// A request was admitted.
    pub(crate) fn admitted(&self) {
        self.waiting.store(self.waiting.load(Relaxed) + 1, Relaxed);
    }

    /// An admitted request has its response, or its caller has gone.
    pub(crate) fn finished(&self) {
        lower(&self.waiting);
    }

    /// A request was refused: that takes time, too.
    pub(crate) fn refused(&self) {
        self.refused.store(self.refused.load(Relaxed) + 1, Relaxed);
    }

    /// A refusal was sent.
    pub(crate) fn refusal_sent(&self) {
        lower(&self.refused);
    }

    /// A decision took so long.
    pub(crate) fn decided(&self, time: Duration) {
        let mean = self.service_ns.load(Relaxed);
        // One that took very long is not representative of the next.
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
        self.refused.store(0, Relaxed);
        self.credit_ns.store(self.credit_at(now_ns), Relaxed);
        self.slept_ns.store(now_ns, Relaxed);
    }

    /// The event loop has something to do.
    pub(crate) fn wakes(&self) {
        self.wakes_at(self.now_ns());
    }

    fn wakes_at(&self, now_ns: u64) {
        let slept_ns = now_ns.saturating_sub(self.slept_ns.load(Relaxed));
        let credit_ns = self.credit_ns.load(Relaxed) + slept_ns;
        self.credit_ns.store(credit_ns.min(as_ns(CREDIT_MAX)), Relaxed);
        self.woken_ns.store(now_ns, Relaxed);
    }

    fn now_ns(&self) -> u64 {
        as_ns(self.started.elapsed())
    }
}

fn lower(number: &AtomicU64) {
    number.store(number.load(Relaxed).saturating_sub(1), Relaxed);
}

fn as_ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker whose decisions take this time, with this number before the next.
    fn load_shedder(decision: Duration, waiting: u64) -> Arc<LoadShedder> {
        let load_shedder = LoadShedder::new();
        for _ in 0..100 {
            load_shedder.decided(decision);
        }
        (0..waiting).for_each(|_| load_shedder.admitted());
        load_shedder
    }

    fn count(limit: Duration, decision: Duration) -> u64 {
        as_ns(limit) / as_ns(decision + TRANSPORT_TIME)
    }

    #[test]
    fn a_burst_may_wait_longer_than_a_steady_queue() {
        let decision = Duration::from_micros(85);
        let (short, long) = (
            count(OVERLOAD_DELAY_MAX, decision),
            count(OVERLOAD_DELAY_MAX + CREDIT_MAX, decision),
        );
        assert!(2 <= short && short * 4 < long, "{short} {long}");
        let worker = load_shedder(decision, 0);
        worker.sleeps_at(0);
        let woken = as_ns(CREDIT_MAX) * 2;
        worker.wakes_at(woken);
        (0..=long).for_each(|_| worker.admitted());
        assert!(!worker.admits_at(woken));
        (0..2).for_each(|_| worker.finished());
        assert!(worker.admits_at(woken));
        // Busy until the credit is spent.
        let later = woken + as_ns(CREDIT_MAX) * WORK_PER_CREDIT;
        assert!(!worker.admits_at(later));
        (0..long - short).for_each(|_| worker.finished());
        assert!(worker.admits_at(later));
    }

    #[test]
    fn queues_that_empty_for_a_moment_earn_little_credit() {
        let worker = load_shedder(Duration::from_micros(90), 0);
        let mut now = 0;
        // Nineteen parts of work and one of sleep.
        for _ in 0..1_000 {
            worker.sleeps_at(now);
            now += 10_000;
            worker.wakes_at(now);
            now += 190_000;
        }
        assert_eq!(worker.credit_at(now), 0);
        // One part of work and one of sleep.
        for _ in 0..1_000 {
            worker.sleeps_at(now);
            now += 100_000;
            worker.wakes_at(now);
            now += 100_000;
        }
        assert!(worker.credit_at(now) > as_ns(CREDIT_MAX) * 9 / 10);
    }

    #[test]
    fn slow_decisions_make_the_queue_shorter() {
        let fast = load_shedder(Duration::from_micros(10), 20);
        let slow = load_shedder(Duration::from_millis(10), 20);
        assert!(fast.admits());
        assert!(!slow.admits());
        // A single slow one does not.
        fast.decided(Duration::from_secs(10));
        assert!(fast.admits());
    }

    #[test]
    fn refusing_takes_time_too() {
        let worker = load_shedder(Duration::from_micros(90), 0);
        let many = as_ns(OVERLOAD_DELAY_MAX) / as_ns(TRANSPORT_TIME) + 1;
        (0..many).for_each(|_| worker.refused());
        assert!(!worker.admits());
        (0..2).for_each(|_| worker.refusal_sent());
        assert!(worker.admits());
    }

    #[test]
    fn what_waits_for_its_caller_is_not_load() {
        let worker = load_shedder(Duration::from_millis(1), 1_000);
        assert!(!worker.admits());
        worker.sleeps();
        assert!(worker.admits());
        worker.finished();
        assert!(worker.admits());
    }

    #[test]
    fn permits_are_given_back() {
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
