//! How late the machine wakes a thread: what no server on it can be faster than.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::latencies::Latencies;

const NAP: Duration = Duration::from_millis(1);

/// A thread that naps and looks at the clock.
pub(crate) struct HiccupMeter {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Latencies>,
}

impl HiccupMeter {
    pub(crate) fn start() -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("nextbest-hiccup".into())
            .spawn(move || {
                let mut late = Latencies::default();
                while !stopped.load(Ordering::Relaxed) {
                    let asleep = Instant::now();
                    std::thread::sleep(NAP);
                    late.record(asleep.elapsed().saturating_sub(NAP));
                }
                late
            })?;
        Ok(Self { stop, thread })
    }

    /// How late it woke, each time.
    pub(crate) fn stop(self) -> Latencies {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}
