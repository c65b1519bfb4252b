//! A `NativeModel` message -> [`NativeModel`]: every cell read is filled, every table is there, every tree ends.

use nextbest_proto::v1::{self, NativeOperation as Code};

use super::{
    Inputs, NativeModel,
    dictionary::{Dictionary, Kind},
    ensemble::Ensemble,
    step::{Operand, Operation, Step},
};
use crate::{
    error::{BundleError, check_rows},
    kernel::Matrix,
};

const CELLS_MAX: usize = 1 << 20;
const STEPS_MAX: usize = 100_000;
const TABLES_MAX: usize = 10_000;

type Checked<T> = Result<T, BundleError>;

pub(super) fn check(message: v1::NativeModel) -> Checked<NativeModel> {
    let cells = message.cells as usize;
    BundleError::limit("cells", cells, CELLS_MAX)?;
    BundleError::limit("steps", message.steps.len(), STEPS_MAX)?;
    let tables = [
        message.ensembles.len(),
        message.matrices.len(),
        message.dictionaries.len(),
    ];
    for count in tables {
        BundleError::limit("tables", count, TABLES_MAX)?;
    }
    let inputs = Inputs {
        floats: message.float_inputs as usize,
        ints: message.int_inputs as usize,
        texts: message.text_inputs as usize,
    };
    for count in [inputs.floats, inputs.ints, inputs.texts] {
        BundleError::limit("inputs", count, CELLS_MAX)?;
    }
    let mut checker = Checker {
        inputs,
        filled: inputs.floats + message.constants.len(),
        cells,
        ensembles: check_rows("ensembles", message.ensembles, |row| Ensemble::check(row, cells))?,
        matrices: check_rows("matrices", message.matrices, matrix)?,
        dictionaries: check_rows("dictionaries", message.dictionaries, Dictionary::check)?,
    };
    if checker.filled > cells {
        return Err(malformed("more inputs and constants than cells"));
    }
    let steps = check_rows("steps", message.steps, |step| checker.step(&step))?;
    let filled = checker.filled;
    if filled != cells {
        return Err(malformed("cells that no step fills"));
    }
    let mut outputs = check_rows("outputs", message.outputs, |output| {
        if (output.cell as usize) < filled {
            Ok((output.column, output.cell as usize))
        } else {
            Err(malformed("a cell that is not there"))
        }
    })?;
    outputs.sort_unstable();
    if outputs.is_empty() || !outputs.is_sorted_by(|left, right| left.0 < right.0) {
        return Err(malformed("no output, or a column twice"));
    }
    if !message.cell_means.is_empty() && message.cell_means.len() != cells {
        return Err(malformed("means of other cells"));
    }
    Ok(NativeModel {
        inputs,
        cells,
        cell_means: message.cell_means,
        constants: message.constants,
        steps,
        outputs,
        ensembles: checker.ensembles,
        matrices: checker.matrices,
        dictionaries: checker.dictionaries,
    })
}

fn malformed(problem: &str) -> BundleError {
    BundleError::malformed(problem.to_owned())
}

fn matrix(message: v1::NativeMatrix) -> Checked<Matrix> {
    Matrix::new(
        message.rows as usize,
        message.columns as usize,
        &message.weights,
        message.bias,
    )
    .ok_or_else(|| malformed("a matrix whose sizes do not agree"))
}

struct Checker {
    inputs: Inputs,
    /// Cells so far.
    filled: usize,
    cells: usize,
    ensembles: Vec<Ensemble>,
    matrices: Vec<Matrix>,
    dictionaries: Vec<Dictionary>,
}

impl Checker {
    fn step(&mut self, message: &v1::NativeStep) -> Checked<Step> {
        let (out, width) = (message.out as usize, message.width as usize);
        if out != self.filled || width == 0 || width > self.cells - out {
            return Err(malformed(
                "writes other cells than those that follow the last one",
            ));
        }
        let operation = self.operation(message, width)?;
        self.filled += width;
        Ok(Step {
            operation,
            out,
            width,
        })
    }

    fn operation(&self, message: &v1::NativeStep, width: usize) -> Checked<Operation> {
        let code = message.operation();
        let group = message.group as usize;
        let table = message.table as usize;
        match code {
            Code::NativeGather => {
                let sources: Vec<usize> = message.sources.iter().map(|cell| *cell as usize).collect();
                if sources.len() != width || sources.iter().any(|source| *source >= self.filled) {
                    return Err(malformed("copies cells that are not filled"));
                }
                Ok(Operation::Gather(sources))
            }
            Code::NativeInt => {
                let [operand] = Self::operands(message)?;
                within(operand.start, width, self.inputs.ints)?;
                Ok(Operation::Int(operand.start))
            }
            Code::NativeSelect => {
                let [condition, yes, no] = self.wide_operands(message, width)?;
                Ok(Operation::Select(condition, yes, no))
            }
            Code::NativeSoftmax => {
                let [operand] = Self::operands(message)?;
                within(operand.start, width, self.filled)?;
                Ok(Operation::Softmax(operand.start))
            }
            Code::NativePick => {
                let [indices, values] = Self::operands(message)?;
                within(indices.start, width, self.filled)?;
                within(values.start, group, self.filled)?;
                Ok(Operation::Pick {
                    indices: indices.start,
                    values: values.start,
                    count: group,
                })
            }
            Code::NativeGemm => {
                let [operand] = Self::operands(message)?;
                let sizes = self
                    .matrices
                    .get(table)
                    .map(|matrix| (matrix.rows(), matrix.columns()));
                if sizes != Some((group, width)) {
                    return Err(malformed("no matrix of these sizes"));
                }
                within(operand.start, group, self.filled)?;
                Ok(Operation::Gemm {
                    matrix: table,
                    start: operand.start,
                })
            }
            Code::NativeLookUp => self.look_up(message, table, width),
            Code::NativeTrees => {
                let ensemble = self.ensembles.get(table);
                let fits = ensemble.is_some_and(|ensemble| {
                    ensemble.targets() == width && ensemble.reads_before(self.filled)
                });
                if !fits {
                    return Err(malformed("no ensemble of this width that reads what is filled"));
                }
                Ok(Operation::Trees(table))
            }
            _ => self.arithmetic(code, message, width, group),
        }
    }

    fn look_up(&self, message: &v1::NativeStep, table: usize, width: usize) -> Checked<Operation> {
        let [operand] = Self::operands(message)?;
        let Some(dictionary) = self.dictionaries.get(table).filter(|found| found.width == width) else {
            return Err(malformed("no dictionary of this width"));
        };
        let among = match dictionary.kind() {
            Kind::Text => self.inputs.texts,
            Kind::Int => self.inputs.ints,
            Kind::Float => self.filled,
        };
        within(operand.start, 1, among)?;
        Ok(Operation::LookUp {
            dictionary: table,
            start: operand.start,
        })
    }

    /// The numbers in `native.proto` distinguish the operations of one and two operands.
    fn arithmetic(
        &self,
        code: Code,
        message: &v1::NativeStep,
        width: usize,
        group: usize,
    ) -> Checked<Operation> {
        match code as i32 {
            10..=39 => {
                let [operand] = self.wide_operands(message, width)?;
                Ok(Operation::Unary(code, operand))
            }
            40..=59 => {
                let [left, right] = self.wide_operands(message, width)?;
                Ok(Operation::Binary(code, left, right))
            }
            70..=89 => {
                let [operand] = Self::operands(message)?;
                if group == 0 {
                    return Err(malformed("reduces nothing"));
                }
                let read = group.saturating_mul(width);
                within(operand.start, read, self.filled)?;
                Ok(Operation::Reduce(code, operand.start, group))
            }
            _ => Err(malformed("no operation")),
        }
    }

    fn operands<const N: usize>(message: &v1::NativeStep) -> Checked<[Operand; N]> {
        let operand = |operand: &v1::NativeOperand| Operand {
            start: operand.start as usize,
            is_single: operand.single,
        };
        let operands: Vec<Operand> = message.operands.iter().map(operand).collect();
        operands
            .try_into()
            .map_err(|_| malformed("another number of operands than it takes"))
    }

    /// Operands of as many cells as are written, or one.
    fn wide_operands<const N: usize>(&self, message: &v1::NativeStep, width: usize) -> Checked<[Operand; N]> {
        let operands = Self::operands(message)?;
        for operand in &operands {
            let read = if operand.is_single { 1 } else { width };
            within(operand.start, read, self.filled)?;
        }
        Ok(operands)
    }
}

fn within(start: usize, count: usize, filled: usize) -> Checked<()> {
    if count <= filled && start <= filled - count {
        return Ok(());
    }
    Err(malformed("reads cells that are not filled"))
}
