//! How long scoring takes, by every kernel of this machine and by ONNX Runtime; `make bench-scoring` makes what it
//! reads, and sets it beside others.
//!
//!     cargo bench -p nextbest-onnx --bench scoring -- LIBRARY FOLDER
//!
//! LIBRARY is ONNX Runtime. FOLDER has `rows.f32`, rows of floats, and `models`, with lines of a name, the columns of a
//! row and a number of models: of one, there are `NAME.onnx` and `NAME.native`, of several `NAME-0.onnx` and so on. Their
//! input is `X`, their output `probabilities`. The last line on standard output is JSON. Times are CPU times of one
//! thread, medians of rounds in which the engines take turns; rows are cycled through, so that no branch can be learnt;
//! nothing is timed before the scores have been compared.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

use std::{cell::RefCell, fs, hint::black_box, path::Path};

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

/// Batches that are compared before anything is timed.
const COMPARED_MAX: usize = 1_000;
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
    let reports: Vec<String> = models
        .lines()
        .map(|line| {
            let [name, columns, count] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("a name, columns and a count");
            };
            let columns = columns.parse().unwrap();
            let report = if count == "1" {
                let subject = Subject::open(&environment, folder, name, columns);
                format!(
                    "\"{name}\": {{\"trees\": {}, \"batch1\": {}, \"batch100\": {}, \"factored\": {}}}",
                    subject.model.tree_count(),
                    measure(&subject, &rows, 1),
                    measure(&subject, &rows, 100),
                    factored(&subject, &rows),
                )
            } else {
                let subjects: Vec<Subject> = (0..count.parse().unwrap())
                    .map(|number: usize| {
                        Subject::open(&environment, folder, &format!("{name}-{number}"), columns)
                    })
                    .collect();
                let trees: usize = subjects.iter().map(|subject| subject.model.tree_count()).sum();
                format!(
                    "\"{name}\": {{\"trees\": {trees}, \"batch1\": {}}}",
                    many(&subjects, &rows)
                )
            };
            println!("{report}");
            report
        })
        .collect();
    println!("{{{}}}", reports.join(", "));
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let floats = bytes.as_chunks::<4>().0.iter();
    floats.map(|float| f32::from_le_bytes(*float)).collect()
}

/// A model, in both engines.
struct Subject {
    model: NativeModel,
    cell: usize,
    columns: usize,
    session: RefCell<Session>,
    options: RunOptions<HasSelectedOutputs>,
}

impl Subject {
    fn open(environment: &Environment, folder: &Path, name: &str, columns: usize) -> Self {
        let native = fs::read(folder.join(format!("{name}.native"))).expect("NAME.native");
        let onnx = fs::read(folder.join(format!("{name}.onnx"))).expect("NAME.onnx");
        let model = NativeModel::open(&native).unwrap();
        let session = Session::builder(environment)
            .unwrap()
            .with_intra_threads(1)
            .unwrap()
            .with_inter_threads(1)
            .unwrap()
            .with_log_level(LogLevel::Error)
            .unwrap()
            .commit_from_memory(&onnx)
            .unwrap();
        let mut options = RunOptions::new().unwrap();
        options.set_log_level(LogLevel::Error).unwrap();
        Self {
            cell: model.output_cell(1).expect("the second column"),
            columns,
            model,
            session: RefCell::new(session),
            options: options.with_outputs(OutputSelector::no_default().with("probabilities")),
        }
    }

    /// The second column of ONNX Runtime's output.
    fn refer(&self, rows: &[f32], scores: &mut Vec<f32>) {
        let shape = [rows.len() / self.columns, self.columns];
        let input = TensorRef::from_array_view((shape, rows)).unwrap();
        let mut session = self.session.borrow_mut();
        let outputs = session
            .run_with_options(ort::inputs!["X" => input], &self.options)
            .unwrap();
        let (shape, items) = outputs["probabilities"].try_extract_tensor::<f32>().unwrap();
        let width = usize::try_from(shape[1]).unwrap();
        scores.extend(items.iter().skip(1).step_by(width));
    }

    fn score(&self, kernel: Kernel, rows: &[f32], filled: &mut Rows<'_>, scores: &mut Vec<f32>) {
        for (number, row) in rows.chunks_exact(self.columns).enumerate() {
            filled.floats_mut(number).copy_from_slice(row);
        }
        filled.reset();
        self.model.run(kernel, filled);
        scores.extend((0..filled.count()).map(|row| filled.get(row, self.cell).unwrap_or(f32::NAN)));
    }
}

/// Appends the scores of some rows.
type Engine<'a> = (String, Box<dyn FnMut(&[f32], &mut Vec<f32>) + 'a>);

/// Kernels, and ONNX Runtime last: scores `batch` rows.
fn measure(subject: &Subject, rows: &[f32], batch: usize) -> String {
    let mut engines: Vec<Engine> = Vec::new();
    for kernel in Kernel::available() {
        let mut filled = Rows::new(&subject.model, batch);
        let run = move |rows: &[f32], scores: &mut Vec<f32>| subject.score(kernel, rows, &mut filled, scores);
        engines.push((kernel.name().to_owned(), Box::new(run)));
    }
    engines.push((
        "onnxruntime".to_owned(),
        Box::new(|rows, scores| subject.refer(rows, scores)),
    ));
    race(&mut engines, rows, batch * subject.columns)
}

/// One row through many models: one for each action.
fn many(subjects: &[Subject], rows: &[f32]) -> String {
    let mut engines: Vec<Engine> = Vec::new();
    for kernel in Kernel::available() {
        let mut filled: Vec<Rows> = subjects
            .iter()
            .map(|subject| Rows::new(&subject.model, 1))
            .collect();
        let run = move |row: &[f32], scores: &mut Vec<f32>| {
            for (subject, filled) in subjects.iter().zip(&mut filled) {
                subject.score(kernel, row, filled, scores);
            }
        };
        engines.push((kernel.name().to_owned(), Box::new(run)));
    }
    let refer = |row: &[f32], scores: &mut Vec<f32>| {
        for subject in subjects {
            subject.refer(row, scores);
        }
    };
    engines.push(("onnxruntime".to_owned(), Box::new(refer)));
    race(&mut engines, rows, subjects[0].columns)
}

/// Actions that one customer is scored for, and the columns, the last ones, that are theirs.
const ACTIONS: usize = 100;
const OWN_COLUMNS: usize = 10;

/// One customer and a hundred actions: the last columns of the first rows are the actions', and do not change.
fn factored(subject: &Subject, rows: &[f32]) -> String {
    let (model, columns) = (&subject.model, subject.columns);
    let shared = columns - OWN_COLUMNS;
    let mut floats = vec![CellKind::Shared; shared];
    floats.resize(columns, CellKind::Own);
    let kinds = InputKinds {
        floats,
        ..InputKinds::default()
    };
    let (actions, customers) = rows.split_at(ACTIONS * columns);
    let mut own = Rows::new(model, ACTIONS);
    for (number, action) in actions.chunks_exact(columns).enumerate() {
        own.floats_mut(number)[shared..].copy_from_slice(&action[shared..]);
    }
    let factoring = Factoring::new(model, &kinds, &mut own, &[1; ACTIONS]).unwrap();
    let factoring = &factoring;
    let mut engines: Vec<Engine> = Vec::new();
    for kernel in Kernel::available() {
        let chosen: Vec<u32> = (0..).take(ACTIONS).collect();
        let mut one = Rows::new(model, 1);
        let mut found = Vec::new();
        let run = move |customer: &[f32], scores: &mut Vec<f32>| {
            found.clear();
            one.reset();
            one.floats_mut(0)[..shared].copy_from_slice(&customer[..shared]);
            factoring.score(model, kernel, &mut one, &|_, _| f32::NAN, &chosen, &mut found);
            scores.extend(found.iter().map(|score| score.unwrap_or(f32::NAN)));
        };
        engines.push((kernel.name().to_owned(), Box::new(run)));
    }
    // What ONNX Runtime is given: whole rows, of which only the customer's columns are written for each decision.
    let mut whole = actions.to_vec();
    let refer = move |customer: &[f32], scores: &mut Vec<f32>| {
        for row in whole.chunks_exact_mut(columns) {
            row[..shared].copy_from_slice(&customer[..shared]);
        }
        subject.refer(&whole, scores);
    };
    engines.push(("onnxruntime".to_owned(), Box::new(refer)));
    race(&mut engines, customers, columns)
}

/// Compares all engines with the last one, and then times them in turns.
fn race(engines: &mut [Engine<'_>], rows: &[f32], length: usize) -> String {
    let (mut scores, mut expected) = (Vec::new(), Vec::new());
    let (mut unequal, mut farthest) = (0_usize, 0.0_f32);
    for some in rows.chunks_exact(length).take(COMPARED_MAX) {
        let (reference, others) = engines.split_last_mut().expect("there is a reference");
        expected.clear();
        reference.1(some, &mut expected);
        for engine in others {
            scores.clear();
            engine.1(some, &mut scores);
            assert_eq!(scores.len(), expected.len());
            for (score, expected) in scores.iter().zip(&expected) {
                unequal += usize::from(score.to_bits() != expected.to_bits());
                let distance = (score - expected).abs();
                assert!(distance <= 1e-6, "{} differs by {distance}", engine.0);
                farthest = farthest.max(distance);
            }
        }
    }
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); engines.len()];
    let mut runs = vec![Runs::new(rows, length); engines.len()];
    for _ in 0..ROUNDS {
        for ((engine, times), runs) in engines.iter_mut().zip(&mut times).zip(&mut runs) {
            times.push(runs.time(|some| {
                scores.clear();
                engine.1(some, &mut scores);
                black_box(&scores);
            }));
        }
    }
    let fields: Vec<String> = engines
        .iter()
        .zip(&mut times)
        .map(|(engine, times)| {
            times.sort_by(f64::total_cmp);
            format!("\"{}_us\": {:.4}", engine.0, times[times.len() / 2])
        })
        .collect();
    format!(
        "{{{}, \"unequal_bits\": {unequal}, \"farthest\": {farthest:e}}}",
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
