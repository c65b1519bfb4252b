//! A pace turned into calls, each timed from when it was due.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use tokio::task::{LocalSet, spawn_local, yield_now};

use crate::{
    LoadError, Pace, Report, Settings, Watch,
    connection::Connection,
    hiccup::HiccupMeter,
    message::{check, template},
    report::Counts,
    status::Failure,
    target::Target,
};

/// Unanswered requests; with more of them nothing is sent until answers come.
const OUTSTANDING_MAX: usize = 100_000;
/// After the last request, for answers to come; a longer timeout of calls takes its place.
const SETTLE_MAX: Duration = Duration::from_secs(2);
/// With so long to the next request the thread sleeps, and spins only for the rest.
const SLEEP_ABOVE: Duration = Duration::from_millis(4);
const SPIN: Duration = Duration::from_millis(2);
/// Between two looks at whether to stop.
const NAP_MAX: Duration = Duration::from_millis(100);

/// Runs, and returns when the last answer has come or is given up. Blocks the calling thread, which sends;
/// other threads may follow and stop it by the watch.
///
/// # Errors
/// When a setting is out of range or the server cannot be reached. What goes wrong later is in the report.
pub fn run(settings: &Settings, watch: &Arc<Watch>) -> Result<Report, LoadError> {
    let messages = check(settings)?;
    let target = Rc::new(Target::parse(&settings.address, settings.tls.as_ref())?);
    let request = template(settings, &target)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(LoadError::Thread)?;
    LocalSet::new().block_on(&runtime, async {
        let mut connections = Vec::with_capacity(settings.connections);
        for _ in 0..settings.connections {
            connections.push(Connection::open(Rc::clone(&target)).await?);
        }
        let start = Instant::now();
        let run = Rc::new(Run {
            connections,
            messages,
            request,
            measure_from: start + settings.warmup,
            end: start + settings.warmup + settings.duration,
            timeout: settings.timeout,
            tally: RefCell::default(),
            outstanding: Cell::new(0),
            watch: Arc::clone(watch),
        });
        let hiccups = HiccupMeter::start().map_err(LoadError::Thread)?;
        match settings.pace {
            Pace::Open { rate_per_s } => run.open_loop(start, rate_per_s).await,
            Pace::Closed { in_flight } => run.closed_loop(in_flight).await,
        }
        // The last request of a schedule is due before its end.
        let ended = if watch.is_stopped() {
            run.end.min(Instant::now())
        } else {
            run.end
        };
        run.settle().await;
        let reopened = run.connections.iter().map(Connection::reopened).sum();
        let tally = run.tally.take();
        Ok(tally.report(run.measure_from, ended, reopened, &hiccups.stop()))
    })
}

struct Run {
    connections: Vec<Connection>,
    messages: Vec<Bytes>,
    request: Request<()>,
    measure_from: Instant,
    end: Instant,
    timeout: Option<Duration>,
    tally: RefCell<Counts>,
    outstanding: Cell<usize>,
    watch: Arc<Watch>,
}

impl Run {
    async fn open_loop(self: &Rc<Self>, start: Instant, rate_per_s: f64) {
        for number in 0_u32.. {
            let due = start + Duration::from_secs_f64(f64::from(number) / rate_per_s);
            if due >= self.end || !self.until(due).await {
                return;
            }
            // Counted when due, sent or not: a server that answers nothing has not been asked less.
            self.count_sent(due);
            if due >= self.measure_from {
                self.tally.borrow_mut().lag.record(due.elapsed());
            }
            if self.outstanding.get() < OUTSTANDING_MAX {
                // Counted here and not when the task first runs: the run must not end in between.
                self.outstanding.set(self.outstanding.get() + 1);
                spawn_local(Rc::clone(self).call(number as usize, number as usize, due));
                continue;
            }
            self.watch.count_answer(false);
            if due >= self.measure_from {
                self.tally.borrow_mut().not_sent(Failure {
                    status: "NOT_SENT",
                    message: format!("{OUTSTANDING_MAX} calls were unanswered"),
                });
            }
        }
    }

    async fn closed_loop(self: &Rc<Self>, in_flight: usize) {
        let turn = Rc::new(Cell::new(0));
        let loops: Vec<_> = (0..in_flight)
            .map(|place| {
                let (run, turn) = (Rc::clone(self), Rc::clone(&turn));
                spawn_local(async move {
                    // Spreads the loops over the connections, and keeps each on its own.
                    let connection = place;
                    while Instant::now() < run.end && !run.watch.is_stopped() {
                        let sent = Instant::now();
                        run.count_sent(sent);
                        let message = turn.replace(turn.get() + 1);
                        run.outstanding.set(run.outstanding.get() + 1);
                        Rc::clone(&run).call(connection, message, sent).await;
                    }
                })
            })
            .collect();
        let last = self.end + self.settle_max();
        for one in loops {
            // A server that stops answering must not hold up the report.
            drop(tokio::time::timeout_at(last.into(), one).await);
        }
    }

    fn count_sent(&self, due: Instant) {
        self.watch.count_sent();
        if due >= self.measure_from {
            self.tally.borrow_mut().sent += 1;
        }
    }

    /// One call, which has been counted as outstanding.
    async fn call(self: Rc<Self>, connection: usize, message: usize, due: Instant) {
        let connection = self.connections.get(connection % self.connections.len());
        let message = self.messages.get(message % self.messages.len());
        if let (Some(connection), Some(message)) = (connection, message.cloned()) {
            let deadline = self.timeout.map(|timeout| due + timeout);
            let outcome = connection.call(self.request.clone(), message, deadline).await;
            self.watch.count_answer(outcome.result.is_ok());
            if due >= self.measure_from {
                self.tally.borrow_mut().answer(outcome, due);
            }
        }
        self.outstanding.set(self.outstanding.get() - 1);
    }

    fn settle_max(&self) -> Duration {
        // The last call's timer may fire a moment after its deadline.
        let margin = Duration::from_millis(100);
        self.timeout
            .map_or(SETTLE_MAX, |timeout| SETTLE_MAX.max(timeout + margin))
    }

    async fn settle(&self) {
        let until = Instant::now() + self.settle_max();
        while self.outstanding.get() > 0 && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Returns at the time, not after it, and lets answers in meanwhile: at least once, so that a loop that is
    /// late does not starve them. False: the run is to stop.
    async fn until(&self, due: Instant) -> bool {
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left <= SLEEP_ABOVE || self.watch.is_stopped() {
                break;
            }
            tokio::time::sleep(left.saturating_sub(SPIN).min(NAP_MAX)).await;
        }
        yield_now().await;
        while Instant::now() < due && !self.watch.is_stopped() {
            yield_now().await;
        }
        !self.watch.is_stopped()
    }
}
