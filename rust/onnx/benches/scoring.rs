//! How long scoring takes, by every kernel of this machine and by ONNX Runtime; `make bench-scoring` makes what it
//! reads, and sets it beside others.
//!
//!     cargo bench -p nextbest-onnx --bench scoring -- LIBRARY FOLDER
//!
//! LIBRARY is ONNX Runtime. FOLDER has `rows.f32`, rows of floats, and for each line of `models` (a name, and the
//! columns of a row) `NAME.onnx` and `NAME.native`, whose input is `X` and whose output is `probabilities`. The last
//! line on standard output is JSON. Times are CPU times of one thread; rows are cycled through, so that no branch can be
//! learnt; nothing is timed before the scores have been compared.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

use std::{fs, hint::black_box, path::Path};

use nextbest_engine::{CellKind, Factoring, InputKinds, Kernel, NativeModel, Rows};
use ort::{
    environment::Environment,
    logging::LogLevel,
    session::{HasSelectedOutputs, OutputSelector, RunOptions, Session},
    value::TensorRef,
};
use rustix::time::{ClockId, clock_gettime};

// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 15;
/// Of one engine, one round.
const ROUND_US: f64 = 8_000.0;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let [library, folder] = arguments.as_slice() else {
        // `cargo bench` without arguments runs every benchmark: this one needs its files.
        println!("scoring: give LIBRARY FOLDER, or `make bench-scoring`");
        return;
    };
    let folder = Path::new(folder);
    assert!(std::env::var_os("ORT_DISABLE_TELEMETRY").is_some_and(|off| off == "1"));
    let environment = ort::init_from(library)
        .unwrap()
        .with_telemetry(false)
        .build()
        .unwrap();
    let rows = floats(&fs::read(folder.join("rows.f32")).expect("FOLDER has rows"));
    let models = fs::read_to_string(folder.join("models")).expect("FOLDER has a list of models");
    let mut reports = Vec::new();
    for line in models.lines() {
        let (name, columns) = line.split_once(' ').expect("a name and a number of columns");
        reports.push(measure(
            &environment,
            folder,
            name,
            columns.parse().unwrap(),
            &rows,
        ));
    }
    println!("{{{}}}", reports.join(", "));
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|float| f32::from_le_bytes(*float))
        .collect()
}

struct Reference {
    session: Session,
    options: RunOptions<HasSelectedOutputs>,
}

impl Reference {
    fn open(environment: &Environment, onnx: &[u8]) -> Self {
        let session = Session::builder(environment)
            .unwrap()
            .with_intra_threads(1)
            .unwrap()
            .with_inter_threads(1)
            .unwrap()
            .with_log_level(LogLevel::Error)
            .unwrap()
            .commit_from_memory(onnx)
            .unwrap();
        let mut options = RunOptions::new().unwrap();
        options.set_log_level(LogLevel::Error).unwrap();
        let options = options.with_outputs(OutputSelector::no_default().with("probabilities"));
        Self { session, options }
    }

    /// The last column of the output.
    fn score(&mut self, rows: &[f32], columns: usize, scores: &mut Vec<f32>) {
        scores.clear();
        let shape = [rows.len() / columns, columns];
        let input = TensorRef::from_array_view((shape, rows)).unwrap();
        let outputs = self
            .session
            .run_with_options(ort::inputs!["X" => input], &self.options)
            .unwrap();
        let (shape, items) = outputs["probabilities"].try_extract_tensor::<f32>().unwrap();
        let width = usize::try_from(shape[1]).unwrap();
        scores.extend(items.iter().skip(width - 1).step_by(width));
    }
}

fn native(
    model: &NativeModel,
    kernel: Kernel,
    cell: usize,
    rows: &[f32],
    columns: usize,
    filled: &mut Rows<'_>,
    scores: &mut Vec<f32>,
) {
    scores.clear();
    for (number, row) in rows.chunks_exact(columns).enumerate() {
        filled.floats_mut(number).copy_from_slice(row);
    }
    filled.reset();
    model.run(kernel, filled);
    scores.extend((0..filled.count()).map(|row| filled.get(row, cell).unwrap_or(f32::NAN)));
}

fn measure(environment: &Environment, folder: &Path, name: &str, columns: usize, rows: &[f32]) -> String {
    let model = NativeModel::open(&fs::read(folder.join(format!("{name}.native"))).unwrap()).unwrap();
    let mut reference = Reference::open(
        environment,
        &fs::read(folder.join(format!("{name}.onnx"))).unwrap(),
    );
    let cell = model.output_cell(1).expect("the positive class");
    let kernels = Kernel::available();
    let mut reports = Vec::new();
    for batch in [1, 100] {
        let mut filled = Rows::new(&model, batch);
        let (mut scores, mut expected) = (Vec::new(), Vec::new());
        let (mut unequal, mut farthest) = (0_usize, 0.0_f32);
        for some in rows.chunks_exact(batch * columns).take(10_000 / batch) {
            reference.score(some, columns, &mut expected);
            for kernel in &kernels {
                native(&model, *kernel, cell, some, columns, &mut filled, &mut scores);
                for (score, expected) in scores.iter().zip(&expected) {
                    unequal += usize::from(score.to_bits() != expected.to_bits());
                    farthest = farthest.max((score - expected).abs());
                }
            }
        }
        assert!(farthest <= 1e-6, "{name}: scores differ by {farthest}");
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); kernels.len() + 1];
        let mut runs = vec![Runs::new(rows, batch * columns); kernels.len() + 1];
        for _ in 0..ROUNDS {
            for (place, kernel) in kernels.iter().enumerate() {
                times[place].push(runs[place].time(|some| {
                    native(&model, *kernel, cell, some, columns, &mut filled, &mut scores);
                    black_box(&scores);
                }));
            }
            times[kernels.len()].push(runs[kernels.len()].time(|some| {
                reference.score(some, columns, &mut expected);
                black_box(&expected);
            }));
        }
        let names = kernels.iter().map(|kernel| kernel.name()).chain(["onnxruntime"]);
        let fields: Vec<String> = names
            .zip(&mut times)
            .map(|(name, times)| {
                times.sort_by(f64::total_cmp);
                format!("\"{name}_us\": {:.3}", times[times.len() / 2])
            })
            .collect();
        reports.push(format!(
            "\"batch{batch}\": {{{}, \"unequal_bits\": {unequal}, \"farthest\": {farthest:e}}}",
            fields.join(", ")
        ));
    }
    reports.push(factored(&model, &mut reference, cell, columns, rows));
    let report = format!(
        "\"{name}\": {{\"trees\": {}, {}}}",
        model.tree_count(),
        reports.join(", ")
    );
    println!("{report}");
    report
}

/// Actions that one customer is scored for, and the columns, the last ones, that are theirs.
const ACTIONS: usize = 100;
const OWN_COLUMNS: usize = 10;

/// One customer and a hundred actions: the last columns of the first rows are the actions', and do not change.
fn factored(
    model: &NativeModel,
    reference: &mut Reference,
    cell: usize,
    columns: usize,
    rows: &[f32],
) -> String {
    let shared = columns - OWN_COLUMNS;
    let kinds = InputKinds {
        floats: (0..columns)
            .map(|column| {
                if column < shared {
                    CellKind::Shared
                } else {
                    CellKind::Own
                }
            })
            .collect(),
        ..InputKinds::default()
    };
    let (actions, customers) = rows.split_at(ACTIONS * columns);
    let mut own = Rows::new(model, ACTIONS);
    for (number, action) in actions.chunks_exact(columns).enumerate() {
        own.floats_mut(number)[shared..].copy_from_slice(&action[shared..]);
    }
    let factoring = Factoring::new(model, &kinds, &mut own, &[1; ACTIONS]).unwrap();
    let chosen: Vec<u32> = (0..).take(ACTIONS).collect();
    let mut one = Rows::new(model, 1);
    let mut scores = Vec::new();
    let mut score = |kernel: Kernel, customer: &[f32], scores: &mut Vec<Option<f32>>| {
        scores.clear();
        one.reset();
        one.floats_mut(0)[..shared].copy_from_slice(&customer[..shared]);
        factoring.score(model, kernel, &mut one, &|_, _| f32::NAN, &chosen, scores);
    };
    // What ONNX Runtime is given: whole rows, of which only the customer's columns are written for each decision.
    let mut whole = actions.to_vec();
    let mut join = |customer: &[f32], reference: &mut Reference, expected: &mut Vec<f32>| {
        for row in whole.chunks_exact_mut(columns) {
            row[..shared].copy_from_slice(&customer[..shared]);
        }
        reference.score(&whole, columns, expected);
    };
    let mut expected = Vec::new();
    let kernels = Kernel::available();
    let (mut unequal, mut farthest) = (0_usize, 0.0_f32);
    for customer in customers.chunks_exact(columns).take(200) {
        join(customer, reference, &mut expected);
        for kernel in &kernels {
            score(*kernel, customer, &mut scores);
            for (score, expected) in scores.iter().zip(&expected) {
                let score = score.unwrap();
                unequal += usize::from(score.to_bits() != expected.to_bits());
                farthest = farthest.max((score - expected).abs());
            }
        }
    }
    assert!(farthest <= 1e-6, "factored scores differ by {farthest}");
    let _ = cell;
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); kernels.len() + 1];
    let mut runs = vec![Runs::new(customers, columns); kernels.len() + 1];
    for _ in 0..ROUNDS {
        for (place, kernel) in kernels.iter().enumerate() {
            times[place].push(runs[place].time(|customer| {
                score(*kernel, customer, &mut scores);
                black_box(&scores);
            }));
        }
        times[kernels.len()].push(runs[kernels.len()].time(|customer| {
            join(customer, reference, &mut expected);
            black_box(&expected);
        }));
    }
    let names = kernels.iter().map(|kernel| kernel.name()).chain(["onnxruntime"]);
    let fields: Vec<String> = names
        .zip(&mut times)
        .map(|(name, times)| {
            times.sort_by(f64::total_cmp);
            format!("\"{name}_us\": {:.3}", times[times.len() / 2])
        })
        .collect();
    format!(
        "\"factored\": {{{}, \"unequal_bits\": {unequal}, \"farthest\": {farthest:e}}}",
        fields.join(", ")
    )
}

/// Goes round all rows, a few at a time.
#[derive(Clone)]
struct Runs<'a> {
    rows: &'a [f32],
    length: usize,
    at: usize,
}

impl<'a> Runs<'a> {
    fn new(rows: &'a [f32], length: usize) -> Self {
        Self { rows, length, at: 0 }
    }

    /// Microseconds a run.
    fn time(&mut self, mut run: impl FnMut(&[f32])) -> f64 {
        let mut count = 0;
        let started = cpu_us();
        loop {
            for _ in 0..8 {
                if self.at + self.length > self.rows.len() {
                    self.at = 0;
                }
                run(&self.rows[self.at..self.at + self.length]);
                self.at += self.length;
                count += 1;
            }
            let spent = cpu_us() - started;
            if spent > ROUND_US {
                return spent / f64::from(count);
            }
        }
    }
}

/// CPU time of this thread.
fn cpu_us() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}
