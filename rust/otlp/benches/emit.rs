//! The cost of handing a decision to the processor: `cargo bench -p nextbest-otlp`.
//!
//! With `--quick` it runs once, to see that it runs. A decision with 24 ranked actions. The collector is not there and the queue is large: what is measured is encoding and
//! queueing, and the exporter's thread sleeps.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use nextbest_otlp::{DecisionSpan, Settings, SpanProcessor};

#[path = "../src/tests/sample.rs"]
#[expect(dead_code, reason = "not all of it is needed here")]
mod sample;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 1_000;
const RUNS: usize = 200;

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, runs) = if is_quick { (1, 1) } else { (ROUNDS, RUNS) };
    let sample = sample::Sample::with(|record| record.ranked = record.ranked.repeat(12));
    let decision: DecisionSpan<'_> = sample.span();
    let mut best = Duration::MAX;
    let mut bytes = 0;
    for _ in 0..runs {
        let processor = SpanProcessor::start(Settings {
            queue_bytes_max: 1 << 30,
            ..Settings::new("http://127.0.0.1:1")
        })
        .unwrap();
        let emitter = processor.emitter();
        let started = Instant::now();
        for _ in 0..rounds {
            let context = emitter.sample(None).unwrap();
            emitter.emit(black_box(&decision), &context);
        }
        best = best.min(started.elapsed());
        bytes = processor.counts().pending;
    }
    let rounds = u32::try_from(rounds).unwrap();
    println!("emit: {} ns, {bytes} pending", (best / rounds).as_nanos());
}
