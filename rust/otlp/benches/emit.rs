//! What it costs whoever decides to hand a decision to the processor: `cargo bench -p nextbest-otlp`.
//!
//! With `--quick` it runs once, to see that it runs. A decision with 24 ranked actions and four placements, as a bank
//! of 1,000 actions makes them. The collector is not there and the queue is large: what is measured is encoding and
//! queueing, and the exporter's thread sleeps.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use nextbest_otlp::{DecisionTrace, PlacedAction, RankedAction, Settings, SpanProcessor, StageCount};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 1_000;
const RUNS: usize = 200;

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, runs) = if is_quick { (1, 1) } else { (ROUNDS, RUNS) };
    let names: Vec<String> = (0..24).map(|number| format!("action-{number:04}")).collect();
    let decision = decision(&names);
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

fn decision(names: &[String]) -> DecisionTrace<'_> {
    let placements = vec!["hero", "sidebar", "logout", "feed"];
    let stages = [
        "availability",
        "eligibility",
        "applicability",
        "suitability",
        "treatment",
        "propensity",
    ];
    let remaining = [1_000, 71, 33, 24, 24, 24];
    let ranked: Vec<_> = names
        .iter()
        .zip(0..)
        .map(|(action, place)| RankedAction {
            action,
            propensity: 0.031_7 / f64::from(place + 1),
            propensity_source: "model",
            context_weight: 1.6,
            value: 126.49,
            lever: 1.05,
            priority: 6.736_6 / f64::from(place + 1),
            model: "sales-propensity",
        })
        .collect();
    DecisionTrace {
        started_ns: 1_700_000_000_000_000_000,
        ended_ns: 1_700_000_000_000_040_000,
        method: "nextbest.v1.DecisionService/Decide",
        decision_id: "018bcfe5-6800-7000-8000-000000000000",
        bundle_digest: "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
        channel: "web",
        customer_id: "c01234",
        dry_run: false,
        action_count: 1_000,
        funnel: stages
            .into_iter()
            .zip(remaining)
            .map(|(stage, remaining)| StageCount {
                stage,
                remaining,
                unknown: 0,
            })
            .collect(),
        placed: placements
            .iter()
            .zip(&ranked)
            .zip(1..)
            .map(|((placement, ranked), rank)| PlacedAction {
                placement,
                action: ranked.action,
                treatment: "web-hero",
                rank,
                reason: "priority",
            })
            .collect(),
        placements,
        ranked,
        ranked_count: 24,
        degradations: vec![],
        frequent_leave: None,
    }
}
