//! What reading a request costs: `cargo bench -p nextbest-proto`.
//!
//! A question as a channel sends it, with two dozen attributes and two placements: walked over, which is the least that
//! a decoder without copies would do, and decoded by prost. With `--quick` it runs once, to see that it runs.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use nextbest_proto::{
    count::{Shaped as _, walk},
    v1,
};
use prost::Message as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: u32 = 100_000;
const RUNS: usize = 30;

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, runs) = if is_quick { (1, 1) } else { (ROUNDS, RUNS) };
    let request = request();
    let bytes = request.encode_to_vec();
    let shape = v1::DecideRequest::SHAPE.unwrap();
    let walking = best(rounds, runs, || {
        black_box(walk(black_box(&bytes), shape).unwrap());
    });
    let decoding = best(rounds, runs, || {
        black_box(v1::DecideRequest::decode(black_box(bytes.as_slice())).unwrap());
    });
    println!(
        "{} bytes, {} attributes: walked over in {} ns, decoded and dropped in {} ns",
        bytes.len(),
        request.customer.len() + request.context.len(),
        walking.as_nanos(),
        decoding.as_nanos()
    );
}

fn best(rounds: u32, runs: usize, mut work: impl FnMut()) -> Duration {
    let mut run = || {
        let started = Instant::now();
        (0..rounds).for_each(|_| work());
        started.elapsed() / rounds
    };
    (0..runs).map(|_| run()).min().unwrap_or_default()
}

fn request() -> v1::DecideRequest {
    let attribute = |name: &str, kind| v1::Attribute {
        name: name.into(),
        value: Some(v1::Value { kind: Some(kind) }),
    };
    let customer = (0..20).map(|number| match number % 4 {
        0 => attribute(&format!("count_{number}"), v1::value::Kind::Int(number)),
        1 => attribute(&format!("amount_{number}"), v1::value::Kind::Double(1_234.5)),
        2 => attribute(&format!("flag_{number}"), v1::value::Kind::Bool(true)),
        _ => attribute(
            &format!("text_{number}"),
            v1::value::Kind::String("employed".into()),
        ),
    });
    let context = ["device", "page", "locale", "campaign"]
        .map(|name| attribute(name, v1::value::Kind::String("somewhere".into())));
    v1::DecideRequest {
        customer_id: "customer-0123456789".into(),
        customer: customer.collect(),
        context: context.to_vec(),
        channel: "web".into(),
        placements: ["hero", "sidebar"]
            .map(|name| v1::PlacementRequest {
                name: name.into(),
                count: 1,
            })
            .to_vec(),
        ..v1::DecideRequest::default()
    }
}
