//! The models of a bundle -> a session for each, which scores batches.

use std::{borrow::Cow, ops::Range};

use nextbest_engine::{Batch, Bundle, Model, ModelId, ModelInput, ScoreError, Scorer};
use ort::{
    logging::LogLevel,
    session::{
        HasSelectedOutputs, OutputSelector, RunOptions, Session, SessionInputValue, builder::SessionBuilder,
    },
};

use crate::{
    OnnxError, Runtime,
    tensor::{element_name, encode, probabilities, sample},
};

/// Models are taken with up to 8,192 nodes on a path of a tree, 0.7 KB of stack each.
const STACK_BYTES: usize = 16 << 20;

/// A session for each model of one bundle. One of these for each worker.
pub struct Sessions {
    /// In the order of the bundle's models; none for a lowered one, which the engine runs.
    sessions: Vec<Option<ModelSession>>,
}

struct ModelSession {
    session: Session,
    /// The one output that is computed.
    options: RunOptions<HasSelectedOutputs>,
    output: String,
    inputs: Vec<Input>,
    /// Each row by itself: other rows of the same run would change its score.
    is_row_by_row: bool,
}

struct Input {
    name: String,
    columns: usize,
    /// Of the shape `[rows]`, not `[rows, columns]`.
    is_vector: bool,
}

impl Sessions {
    /// Loads every model that is not lowered and runs it on one row, so that the first decision does not pay for it.
    ///
    /// # Errors
    /// When a model cannot be loaded, when its inputs and outputs differ from those of the bundle, or when
    /// the first run fails. A model that takes text may refuse the empty text of that run: that is not an
    /// error.
    pub fn open(runtime: &Runtime, bundle: &Bundle) -> Result<Self, OnnxError> {
        Self::open_some(runtime, bundle, |model| model.lowered.is_none())
    }

    /// The same for every model, lowered or not.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_all(runtime: &Runtime, bundle: &Bundle) -> Result<Self, OnnxError> {
        Self::open_some(runtime, bundle, |_| true)
    }

    fn open_some(
        runtime: &Runtime,
        bundle: &Bundle,
        is_wanted: impl Fn(&Model) -> bool,
    ) -> Result<Self, OnnxError> {
        let open = |model: &Model| {
            if !is_wanted(model) {
                return Ok(None);
            }
            let error = |problem| OnnxError::Model {
                name: model.name.clone(),
                problem,
            };
            let mut session = ModelSession::open(runtime, model).map_err(error)?;
            session.warm_up(model).map_err(error)?;
            Ok(Some(session))
        };
        let sessions = bundle
            .models()
            .map(|(_, model)| open(model))
            .collect::<Result<_, OnnxError>>()?;
        Ok(Self { sessions })
    }
}

impl Scorer for Sessions {
    fn score(
        &mut self,
        model: ModelId,
        batch: &Batch<'_>,
        propensities: &mut Vec<f64>,
    ) -> Result<(), ScoreError> {
        let session = self.sessions.get_mut(model.index()).and_then(Option::as_mut);
        let session = session.ok_or(ScoreError::Failed)?;
        session.run(batch, propensities).map_err(|_| ScoreError::Failed)
    }
}

impl ModelSession {
    fn open(runtime: &Runtime, model: &Model) -> Result<Self, String> {
        let session = open_deep(runtime, model)?;
        let inputs = inputs(&session, model)?;
        let options = options(model).map_err(|error| error.to_string())?;
        Ok(Self {
            session,
            options,
            output: model.output.clone(),
            inputs,
            is_row_by_row: model.is_row_by_row,
        })
    }

    fn warm_up(&mut self, model: &Model) -> Result<(), String> {
        let batch = sample(model);
        let mut propensities = Vec::new();
        match self.run(&batch, &mut propensities) {
            Err(RunFault::Failed(_)) if takes_text(model) => Ok(()),
            Err(RunFault::Failed(problem)) => Err(format!("its first run failed: {problem}")),
            Err(RunFault::Output(problem)) => Err(problem),
            Ok(()) => Ok(()),
        }
    }

    fn run(&mut self, batch: &Batch<'_>, propensities: &mut Vec<f64>) -> Result<(), RunFault> {
        if self.is_row_by_row {
            let before = propensities.len();
            let done = (0..batch.rows).try_for_each(|row| self.run_rows(batch, row..row + 1, propensities));
            // All rows or none, as of a run of all.
            return done.inspect_err(|_| propensities.truncate(before));
        }
        self.run_rows(batch, 0..batch.rows, propensities)
    }

    fn run_rows(
        &mut self,
        batch: &Batch<'_>,
        rows: Range<usize>,
        propensities: &mut Vec<f64>,
    ) -> Result<(), RunFault> {
        let failed = |error: ort::Error| RunFault::Failed(error.to_string());
        let mut values: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = Vec::with_capacity(self.inputs.len());
        for (input, tensor) in self.inputs.iter().zip(&batch.inputs) {
            let value = encode(tensor, rows.clone(), input.columns, input.is_vector).map_err(failed)?;
            values.push((Cow::Borrowed(input.name.as_str()), value));
        }
        let outputs = self
            .session
            .run_with_options(values, &self.options)
            .map_err(failed)?;
        let output = outputs
            .get(&self.output)
            .ok_or_else(|| RunFault::Output("no such output".to_owned()))?;
        let wanted = batch.columns.get(rows).unwrap_or_default();
        probabilities(output, wanted, propensities).map_err(RunFault::Output)
    }
}

/// Why a run gave no propensities.
enum RunFault {
    /// The runtime's own words.
    Failed(String),
    /// The output does not match the bundle.
    Output(String),
}

/// Opens a model on a separate thread, with the stack that its trees may need: ONNX Runtime reads them by
/// recursion.
fn open_deep(runtime: &Runtime, model: &Model) -> Result<Session, String> {
    std::thread::scope(|scope| {
        let opening = std::thread::Builder::new()
            .name("nextbest-model".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || build(runtime, model).map_err(|error| error.to_string()));
        opening
            .map_err(|error| format!("no thread to open it: {error}"))?
            .join()
            .unwrap_or_else(|_| Err("opening it panicked".to_owned()))
    })
}

fn build(runtime: &Runtime, model: &Model) -> Result<Session, ort::Error> {
    // Bytes, never a path: a model cannot then name files beside it.
    SessionBuilder::new(runtime.environment)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        .with_log_level(LogLevel::Error)?
        .commit_from_memory(&model.onnx)
}

fn options(model: &Model) -> Result<RunOptions<HasSelectedOutputs>, ort::Error> {
    let mut options = RunOptions::new()?;
    // Some exporters declare a wrong shape, about which every run would warn.
    options.set_log_level(LogLevel::Error)?;
    Ok(options.with_outputs(OutputSelector::no_default().with(model.output.clone())))
}

/// The inputs of the bundle's model, in its order, once the graph agrees with them.
fn inputs(session: &Session, model: &Model) -> Result<Vec<Input>, String> {
    let outlets = session.inputs();
    if let Some(outlet) = outlets
        .iter()
        .find(|outlet| model.inputs.iter().all(|input| input.name != outlet.name()))
    {
        return Err(format!("its input `{}` is not bound", outlet.name()));
    }
    check_output(session, model)?;
    let of_graph = |input: &ModelInput| {
        let name = input.name.clone();
        let Some(outlet) = outlets.iter().find(|outlet| outlet.name() == name) else {
            return Err(format!("it has no input `{name}`"));
        };
        if outlet.dtype().tensor_type() != Some(element_name(input.element_type)) {
            return Err(format!("its input `{name}` is not a tensor of the bound type"));
        }
        let (columns, shape) = (input.column_count(), outlet.dtype().tensor_shape());
        let is_vector = shape.is_some_and(|shape| shape.len() == 1);
        if is_vector && columns != 1 {
            return Err(format!(
                "its input `{name}` has one column, and {columns} are bound"
            ));
        }
        Ok(Input {
            name,
            columns,
            is_vector,
        })
    };
    model.inputs.iter().map(of_graph).collect()
}

fn check_output(session: &Session, model: &Model) -> Result<(), String> {
    match session
        .outputs()
        .iter()
        .find(|outlet| outlet.name() == model.output)
    {
        None => Err(format!("it has no output `{}`", model.output)),
        Some(outlet) if outlet.dtype().is_tensor() => Ok(()),
        Some(_) => Err(format!(
            "its output `{}` is not a tensor: export it without ZipMap",
            model.output
        )),
    }
}

fn takes_text(model: &Model) -> bool {
    model
        .inputs
        .iter()
        .any(|input| input.element_type == nextbest_engine::ElementType::String)
}
