//! The time for computing what each column adds to a row's margin.
//!
//!     cargo bench -p nextbest-engine --bench attribution -- FOLDER
//!
//! FOLDER has `rows.f32`, rows of floats, and for each line of `models` (a name, and the columns of a row)
//! `NAME.native`, as for the benchmark of scoring. The first rows are the background sample. Times are CPU times of one
//! thread, from the numbers of a row to its contributions, the model's own run included; rows are cycled through, so that
//! no branch can be learnt. The last line on standard output is JSON.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

use std::{fs, hint::black_box, path::Path};

use nextbest_engine::{Attributions, Background, Kernel, Method, NativeModel, Rows};
use nextbest_proto::v1;
use prost::Message as _;
use rustix::time::{ClockId, clock_gettime};

// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 15;
/// Of one method, one round.
const ROUND_US: f64 = 20_000.0;
/// Rows of the background sample.
const BACKGROUND_ROWS: usize = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let [folder] = arguments.as_slice() else {
        // `cargo bench` without arguments runs every benchmark: this one needs its files.
        println!("attribution: give FOLDER");
        return;
    };
    let folder = Path::new(folder);
    let bytes = fs::read(folder.join("rows.f32")).expect("FOLDER has rows");
    let rows: Vec<f32> = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|float| f32::from_le_bytes(*float))
        .collect();
    let models = fs::read_to_string(folder.join("models")).expect("FOLDER has a list of models");
    let reports: Vec<String> = models
        .lines()
        .map(|line| {
            let (name, columns) = line.split_once(' ').expect("a name and a number of columns");
            let report = measure(
                &folder.join(format!("{name}.native")),
                name,
                columns.parse().unwrap(),
                &rows,
            );
            println!("{report}");
            report
        })
        .collect();
    println!("{{{}}}", reports.join(", "));
}

fn measure(path: &Path, name: &str, columns: usize, rows: &[f32]) -> String {
    let mut message = v1::NativeModel::decode(fs::read(path).unwrap().as_slice()).unwrap();
    let model = NativeModel::open(&message.encode_to_vec()).unwrap();
    let mut sample = Rows::new(&model, BACKGROUND_ROWS);
    for (number, row) in rows.chunks_exact(columns).take(BACKGROUND_ROWS).enumerate() {
        sample.floats_mut(number).copy_from_slice(row);
    }
    model.run(Kernel::best(), &mut sample);
    let mut background = Background::new(&model);
    background.survey(&model, &sample);
    for (ensemble, covers) in message.ensembles.iter_mut().zip(background.leaf_covers()) {
        ensemble.leaf_covers.clone_from(covers);
    }
    message.cell_means = background.cell_means();

    let model = NativeModel::open(&message.encode_to_vec()).unwrap();
    let owners: Vec<u16> = (0..).take(columns).collect();
    let started = cpu_us();
    let attributions = Attributions::new(&model, &owners, [1]);
    let prepared_ms = (cpu_us() - started) / 1e3;
    assert_eq!(attributions.refusal(1), None);
    let mut filled = Rows::new(&model, 1);
    let mut explain = |method: Method, row: &[f32]| {
        filled.reset();
        filled.floats_mut(0).copy_from_slice(row);
        model.run(Kernel::best(), &mut filled);
        attributions.explain(&model, method, 1, &filled, 0).unwrap()
    };
    for row in rows.chunks_exact(columns).take(1_000) {
        for method in [Method::Fast, Method::Exact] {
            let found = explain(method, row);
            let sum = found.base + found.contributions.iter().sum::<f64>();
            assert!((sum - found.margin).abs() <= 1e-5 * found.margin.abs().max(1.0));
        }
    }
    let times = [Method::Fast, Method::Exact].map(|method| {
        let mut times: Vec<f64> = Vec::new();
        let mut at = rows.chunks_exact(columns).cycle();
        for _ in 0..ROUNDS {
            let (started, mut count) = (cpu_us(), 0);
            while cpu_us() - started < ROUND_US {
                for row in at.by_ref().take(16) {
                    black_box(explain(method, row));
                    count += 1;
                }
            }
            times.push((cpu_us() - started) / f64::from(count));
        }
        times.sort_by(f64::total_cmp);
        (times[0], times[times.len() / 2])
    });
    format!(
        "\"{name}\": {{\"trees\": {}, \"fast_us\": {:.2}, \"exact_us\": {:.2}, \"fast_least_us\": {:.2}, \
         \"exact_least_us\": {:.2}, \"prepared_ms\": {prepared_ms:.1}, \"table_bytes\": {}}}",
        model.tree_count(),
        times[0].1,
        times[1].1,
        times[0].0,
        times[1].0,
        attributions.table_bytes(),
    )
}

/// CPU time of this thread.
fn cpu_us() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}
