//! How long a decision takes, without transport and models: `cargo bench -p nextbest-engine`.
//!
//! With `--quick` it runs once, to see that it runs.
//!
//! 120 actions of about 7 clauses each, over 40 literals and 30 derived features, are the size of a retail bank.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a benchmark"
)]

use std::{hint::black_box, time::Instant};

use nextbest_engine::{Bundle, Capsule, Change, Moment, NoModels, Request, decide};
use nextbest_proto::v1;
use prost::Message as _;

#[path = "../src/testing.rs"]
#[expect(dead_code, reason = "not all of it is needed here")]
mod testing;

use testing::{
    AGE, BALANCE, PRODUCTS, SEGMENT, TestBundle, VISITS, at_least, attribute, double, int, program, read,
    request, step, string, strings,
};

const ROUNDS: usize = 20_000;

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    for actions in [120, 1_000, 10_000] {
        let rounds = if is_quick { 1 } else { ROUNDS * 120 / actions };
        measure(actions, rounds);
        if is_quick {
            return;
        }
    }
}

fn measure(actions: usize, rounds: usize) {
    let bundle = Bundle::open(&sample(actions).seal()).unwrap();
    let stored = [
        attribute("age", int(40)),
        attribute("balance", double(1_234.5)),
        attribute("products", strings(&["current", "savings"])),
        attribute("segment", string("mass")),
    ];
    let stored = Capsule::default()
        .apply(&Change::of_attributes(&stored).unwrap())
        .unwrap();
    let mut message = request(&["hero", "sidebar"], Vec::new());
    "anna".clone_into(&mut message.customer_id);
    message.context.push(attribute("visits", int(3)));
    let moment = Moment { now_us: 0, seed: 0 };

    let checked = time(rounds, || Request::check(&bundle, message.clone()).unwrap());
    let request = Request::check(&bundle, message.clone()).unwrap();
    let decided = time(rounds, || {
        decide(&bundle, &request, Some(&stored), moment, &mut NoModels)
    });
    let decision = decide(&bundle, &request, Some(&stored), moment, &mut NoModels);
    let responded = time(rounds, || {
        decision.respond(usize::MAX).map(|answer| answer.encode_to_vec())
    });
    let explain = v1::ExplainRequest {
        decide: Some(message),
        actions: Vec::new(),
    };
    let request = Request::check_explain(&bundle, explain).unwrap();
    let mut decision = decide(&bundle, &request, Some(&stored), moment, &mut NoModels);
    decision.advise(&mut NoModels);
    let explained = time(rounds.div_ceil(100), || decision.respond(usize::MAX));
    println!(
        "{actions:6} actions: check {checked:7.2} us, decide {decided:8.2} us, respond and encode {responded:7.2} us, \
         explain {explained:10.2} us; funnel {:?}",
        decision.record().funnel
    );
}

/// The median of some rounds, in microseconds.
fn time<T>(rounds: usize, mut work: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let started = Instant::now();
            black_box(work());
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn sample(actions: usize) -> TestBundle {
    let mut bundle = TestBundle::new();
    let mut sums = Vec::new();
    for number in 0..30 {
        let constant = testing::constant(double(f64::from(number)));
        let sum = program(vec![read(BALANCE), constant, step(v1::Operation::Add, &[0, 1])]);
        sums.push(bundle.derived(&format!("customer.balance + {number}.0"), v1::Type::Double, sum));
    }
    let mut clauses = Vec::new();
    for (number, sum) in (0..10).zip(sums) {
        clauses.push(bundle.test(AGE, at_least(18 + 3 * number)));
        clauses.push(bundle.test(VISITS, at_least(number / 3)));
        let segments = v1::OneOf {
            values: vec![string("mass"), string("private")],
        };
        let segment = bundle.literal(SEGMENT, v1::literal::Test::OneOf(segments), number % 5 == 4);
        let derived = bundle.literal(sum, at_least(1_000), false);
        clauses.push(bundle.clause(&[segment, derived]));
        let product = v1::literal::Test::Contains(string(&format!("product-{number}")));
        let product = bundle.literal(PRODUCTS, product, true);
        clauses.push(bundle.clause(&[product]));
    }
    for number in 0..actions {
        let clause = |offset: usize| {
            clauses
                .get((number * 7 + offset * 11) % clauses.len())
                .copied()
                .unwrap()
        };
        let value = f64::from(u32::try_from(number * 37 % 500).unwrap());
        let action = bundle.action(&format!("action-{number:05}"), value);
        action.eligibility = (0..3).map(clause).collect();
        action.applicability = (3..5).map(clause).collect();
        action.suitability = (5..7).map(clause).collect();
    }
    bundle
}
