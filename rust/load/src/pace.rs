//! A pace turned into calls, each timed from when it was due.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::uri::PathAndQuery;
use tokio::task::{LocalSet, spawn_local, yield_now};

use crate::{
    LoadFault, Pace, Report, Settings,
    connection::{Connection, frame},
    hiccup::HiccupMeter,
    report::Tally,
};

/// Unanswered requests; with more of them nothing is sent until answers come.
const OUTSTANDING_MAX: usize = 100_000;
/// After the last request, for answers to come.
const SETTLE_MAX: Duration = Duration::from_secs(2);
/// With so long to the next request the thread sleeps, and spins only for the rest.
const SLEEP_ABOVE: Duration = Duration::from_millis(4);
const SPIN: Duration = Duration::from_millis(2);

/// Runs, and returns when the last answer has come or is given up. Blocks the calling thread, which sends.
///
/// # Errors
/// When a setting is out of range or the server cannot be reached. What goes wrong later is in the report.
pub fn run(settings: &Settings) -> Result<Report, LoadFault> {
    let requests = check(settings)?;
    let method = PathAndQuery::try_from(settings.method.as_str())
        .map_err(|_| LoadFault::Setting("`method` is not the path of a method"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(LoadFault::Thread)?;
    LocalSet::new().block_on(&runtime, async {
        let mut connections = Vec::with_capacity(settings.connections);
        for _ in 0..settings.connections {
            connections.push(Connection::open(&settings.address).await?);
        }
        let start = Instant::now();
        let run = Rc::new(Run {
            connections,
            requests,
            method,
            measure_from: start + settings.warmup,
            end: start + settings.warmup + settings.duration,
            tally: RefCell::default(),
            outstanding: Cell::new(0),
        });
        let hiccups = HiccupMeter::start().map_err(LoadFault::Thread)?;
        match settings.pace {
            Pace::Open { rate_per_s } => run.open_loop(start, rate_per_s).await,
            Pace::Closed { in_flight } => run.closed_loop(in_flight).await,
        }
        run.settle().await;
        let tally = run.tally.take();
        Ok(tally.report(run.measure_from, run.end, &hiccups.stop()))
    })
}

fn check(settings: &Settings) -> Result<Vec<Bytes>, LoadFault> {
    let fault = |text| Err(LoadFault::Setting(text));
    let is_paced = match settings.pace {
        Pace::Open { rate_per_s } => rate_per_s.is_finite() && rate_per_s > 0.0,
        Pace::Closed { in_flight } => in_flight > 0,
    };
    if !is_paced {
        return fault("the rate or the number in flight is not above 0");
    }
    if settings.requests.is_empty() {
        return fault("`requests` is empty");
    }
    if settings.connections == 0 {
        return fault("`connections` is 0");
    }
    let framed = settings.requests.iter().map(|request| frame(request)).collect();
    match framed {
        Some(requests) => Ok(requests),
        None => fault("a request is longer than 4 GiB"),
    }
}

struct Run {
    connections: Vec<Connection>,
    requests: Vec<Bytes>,
    method: PathAndQuery,
    measure_from: Instant,
    end: Instant,
    tally: RefCell<Tally>,
    outstanding: Cell<usize>,
}

impl Run {
    async fn open_loop(self: &Rc<Self>, start: Instant, rate_per_s: f64) {
        for number in 0_u32.. {
            let due = start + Duration::from_secs_f64(f64::from(number) / rate_per_s);
            if due >= self.end {
                return;
            }
            until(due).await;
            // Counted when due, sent or not: a server that answers nothing has not been asked less.
            if due >= self.measure_from {
                self.tally.borrow_mut().sent += 1;
            }
            if self.outstanding.get() < OUTSTANDING_MAX {
                // Counted here and not when the task first runs: the run must not end in between.
                self.outstanding.set(self.outstanding.get() + 1);
                spawn_local(Rc::clone(self).call(number as usize, number as usize, due));
            } else if due >= self.measure_from {
                self.tally.borrow_mut().error("NOT_SENT".into());
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
                    while Instant::now() < run.end {
                        let sent = Instant::now();
                        if sent >= run.measure_from {
                            run.tally.borrow_mut().sent += 1;
                        }
                        let request = turn.replace(turn.get() + 1);
                        run.outstanding.set(run.outstanding.get() + 1);
                        Rc::clone(&run).call(connection, request, sent).await;
                    }
                })
            })
            .collect();
        let last = self.end + SETTLE_MAX;
        for one in loops {
            // A server that stops answering must not hold up the report.
            drop(tokio::time::timeout_at(last.into(), one).await);
        }
    }

    /// One call, which has been counted as outstanding.
    async fn call(self: Rc<Self>, connection: usize, request: usize, due: Instant) {
        let connection = self.connections.get(connection % self.connections.len());
        let request = self.requests.get(request % self.requests.len());
        if let (Some(connection), Some(request)) = (connection.cloned(), request.cloned()) {
            let outcome = connection.call(self.method.clone(), request).await;
            if due >= self.measure_from {
                self.tally.borrow_mut().answer(outcome, due);
            }
        }
        self.outstanding.set(self.outstanding.get() - 1);
    }

    async fn settle(&self) {
        let until = Instant::now() + SETTLE_MAX;
        while self.outstanding.get() > 0 && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Returns at the time, not after it, and lets answers in meanwhile: at least once, so that a loop that is
/// late does not starve them.
async fn until(due: Instant) {
    let left = due.saturating_duration_since(Instant::now());
    if left > SLEEP_ABOVE {
        tokio::time::sleep(left.saturating_sub(SPIN)).await;
    }
    yield_now().await;
    while Instant::now() < due {
        yield_now().await;
    }
}
