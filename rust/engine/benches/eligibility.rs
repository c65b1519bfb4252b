//! How long filtering takes, by every kernel of this machine and by the interpreter; `make bench-eligibility` makes what
//! it reads, and sets it beside others.
//!
//!     cargo bench -p nextbest-engine --bench eligibility -- BUNDLE REQUESTS SETS
//!
//! REQUESTS holds `DecideRequest` messages, each after its length (4 bytes, little-endian). SETS is written: for each
//! request the actions whose policies hold, a bit each, in whole bytes. The last line on standard output is JSON.
//! Times are CPU times of one thread; nothing is timed before all of them have given the same sets.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a benchmark"
)]

use std::{fs, hint::black_box, path::Path, time::Instant};

use nextbest_engine::{Bundle, IndexOptions, Kernel, Moment, Request, Screening};
use nextbest_proto::v1;
use prost::Message as _;
use rustix::time::{ClockId, clock_gettime};

/// Rounds over all requests, and how long all of them take at most.
const ROUNDS: usize = 200;
const SECONDS_MAX: f64 = 4.0;
/// Requests that the slow ones are measured with.
const SAMPLE: usize = 16;
/// Customers whose features are made before they are filtered for.
const PREPARED: usize = 8;
const MOMENT: Moment = Moment { now_us: 0, seed: 0 };

// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let [bundle, requests, sets] = arguments.as_slice() else {
        // `cargo bench` without arguments runs every benchmark: this one needs its files.
        println!("eligibility: give BUNDLE REQUESTS SETS, or `make bench-eligibility`");
        return;
    };
    println!("{}", measure(bundle.as_ref(), requests.as_ref(), sets.as_ref()));
}

fn measure(bundle: &Path, requests: &Path, sets: &Path) -> String {
    let file = fs::read(bundle).expect("BUNDLE can be read");
    let started = cpu_us();
    let mut bundle = Bundle::open(&file).expect("BUNDLE is a bundle");
    let load_s = (cpu_us() - started) / 1e6;
    drop(file);
    let memory_mb = resident_mb();
    let started = cpu_us();
    bundle.reindex(IndexOptions::default()).unwrap();
    let index_s = (cpu_us() - started) / 1e6;
    let report = bundle.index_report();

    let messages = messages(&fs::read(requests).expect("REQUESTS can be read"));
    let requests: Vec<Request> = messages
        .into_iter()
        .map(|message| Request::check(&bundle, message).unwrap())
        .collect();
    fs::write(sets, verify(&mut bundle, &requests)).expect("SETS can be written");

    let mut kernels = Vec::new();
    for name in ["avx512", "avx2", "portable"] {
        let Some(kernel) = Kernel::named(name) else {
            kernels.push(format!("\"{name}\": null"));
            continue;
        };
        bundle
            .reindex(IndexOptions {
                kernel,
                ..IndexOptions::default()
            })
            .unwrap();
        let us = median(&bundle, &requests, |screening| {
            black_box(screening.filter());
        });
        let p99_us = p99_wall(&bundle, &requests);
        kernels.push(format!(
            "\"{name}\": {{\"us\": {us:.2}, \"p99_us\": {p99_us:.2}}}"
        ));
    }
    let actions = bundle.action_count();
    let sample = &requests[..SAMPLE.min(requests.len())];
    let interpreter_us = median(&bundle, sample, |screening| {
        black_box(screening.interpret());
    });
    let explain_all_us = median(&bundle, sample, |screening| {
        black_box(screening.count_leaving());
    });
    let every = actions.div_ceil(1_000);
    let explain_one_us = median(&bundle, sample, |screening| {
        (0..actions).step_by(every).for_each(|action| {
            black_box(screening.count_failing(action));
        });
    }) / actions.div_ceil(every) as f64;
    format!(
        "{{\"actions\": {actions}, \"literals\": {}, \"listed_literals\": {}, \"row_groups\": {}, \"axes\": {}, \
         \"load_s\": {load_s:.3}, \"index_s\": {index_s:.3}, \"index_mb\": {:.2}, \"memory_mb\": {memory_mb:.1}, \
         \"kernels\": {{{}}}, \"interpreter_us\": {interpreter_us:.1}, \"explain_one_us\": {explain_one_us:.3}, \
         \"explain_all_us\": {explain_all_us:.1}}}",
        report.literals,
        report.listed_literals,
        report.row_groups,
        report.axes,
        report.bytes as f64 / 1e6,
        kernels.join(", "),
    )
}

fn messages(mut bytes: &[u8]) -> Vec<v1::DecideRequest> {
    let mut messages = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (message, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        messages.push(v1::DecideRequest::decode(message).expect("REQUESTS holds requests"));
        bytes = rest;
    }
    messages
}

fn screenings<'a>(bundle: &'a Bundle, requests: &'a [Request]) -> Vec<Screening<'a>> {
    requests
        .iter()
        .map(|request| Screening::new(bundle, request, None, MOMENT))
        .collect()
}

/// The sets, which every kernel and the interpreter agree on.
fn verify(bundle: &mut Bundle, requests: &[Request]) -> Vec<u8> {
    let expected: Vec<_> = screenings(bundle, requests)
        .iter()
        .map(Screening::interpret)
        .collect();
    for kernel in Kernel::available() {
        bundle
            .reindex(IndexOptions {
                kernel,
                ..IndexOptions::default()
            })
            .unwrap();
        for (number, (screening, expected)) in screenings(bundle, requests).iter().zip(&expected).enumerate()
        {
            assert!(
                screening.filter() == *expected,
                "{kernel} differs from the interpreter: request {number}"
            );
        }
    }
    let mut bytes = Vec::new();
    for screened in &expected {
        let start = bytes.len();
        bytes.resize(start + bundle.action_count().div_ceil(8), 0_u8);
        for action in screened.suitable() {
            bytes[start + action / 8] |= 1 << (action % 8);
        }
    }
    bytes
}

/// The median over rounds of the mean over all customers, in microseconds of CPU. As in a decision, features are made
/// just before: for some customers at a time, since reading the clock takes as long as a part of what is timed.
fn median(bundle: &Bundle, requests: &[Request], work: impl Fn(&Screening<'_>)) -> f64 {
    let mut times = Vec::new();
    let first = cpu_us();
    while times.len() < ROUNDS && (times.len() < 3 || cpu_us() - first < SECONDS_MAX * 1e6) {
        let mut time = 0.0;
        for some in requests.chunks(PREPARED) {
            let screenings = screenings(bundle, some);
            let started = cpu_us();
            screenings.iter().for_each(&work);
            time += cpu_us() - started;
        }
        times.push(time / requests.len() as f64);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// By the wall's clock, which is read in no time.
fn p99_wall(bundle: &Bundle, requests: &[Request]) -> f64 {
    let mut times = Vec::new();
    for request in requests.iter().cycle().take(requests.len().max(2_000)) {
        let screening = Screening::new(bundle, request, None, MOMENT);
        let started = Instant::now();
        black_box(screening.filter());
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}

fn cpu_us() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}

fn resident_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1e3
}
