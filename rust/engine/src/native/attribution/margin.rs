//! A cell of the output -> the margin behind it: a sum of trees and of cells that have one owner each.
//!
//! What follows the margin in steps of one cell (the logistic function, a complement, a scale) orders actions
//! as the margin does, and is left out. A margin that is not such a sum cannot be attributed to its columns.

use std::collections::BTreeMap;

use nextbest_proto::v1::NativeOperation as Code;

use super::{
    super::{
        NativeModel,
        step::{Operand, Operation, Step},
    },
    AttributionError, ContributionScale,
    owners::Owner,
};

/// A sum; each coefficient is finite.
#[derive(Debug, PartialEq)]
pub(super) struct Margin {
    pub(super) scale: ContributionScale,
    pub(super) constant: f64,
    /// Cells of one owner or none, and their coefficients.
    pub(super) cells: Vec<(usize, f64)>,
    pub(super) trees: Vec<Sum>,
}

/// What the trees of an ensemble add up to.
#[derive(Debug, PartialEq)]
pub(super) struct Sum {
    pub(super) ensemble: usize,
    pub(super) target: usize,
    /// Its position.
    pub(super) cell: usize,
    pub(super) coefficient: f64,
}

/// The margin behind a cell.
pub(super) fn behind(model: &NativeModel, owners: &[Owner], cell: usize) -> Result<Margin, AttributionError> {
    let graph = Graph { model, owners };
    let (scale, open) = graph
        .squashed(cell)
        .unwrap_or((ContributionScale::Propensity, vec![(cell, 1.0)]));
    graph.expand(scale, open)
}

struct Graph<'a> {
    model: &'a NativeModel,
    owners: &'a [Owner],
}

impl Graph<'_> {
    /// The step that writes a cell, and the cell's place among those that it writes.
    fn writer(&self, cell: usize) -> Option<(&Step, usize)> {
        let steps = &self.model.steps;
        let step = steps.get(steps.partition_point(|step| step.out <= cell).checked_sub(1)?)?;
        Some((step, cell - step.out))
    }

    fn constant(&self, cell: usize) -> Option<f64> {
        let index = cell.checked_sub(self.model.inputs.floats)?;
        self.model.constants.get(index).copied().map(f64::from)
    }

    /// The squashing on the way to a cell, and its scale; none if there is none.
    fn squashed(&self, mut cell: usize) -> Option<(ContributionScale, Vec<(usize, f64)>)> {
        let mut sign = 1.0;
        loop {
            let (step, index) = self.writer(cell)?;
            match &step.operation {
                Operation::Gather(sources) => cell = *sources.get(index)?,
                Operation::Unary(Code::NativeNegate, from) => {
                    sign = -sign;
                    cell = from.at(index);
                }
                Operation::Unary(Code::NativeLogistic, from) => {
                    return Some((ContributionScale::LogOdds, vec![(from.at(index), sign)]));
                }
                Operation::Softmax(start) if step.width == 2 => {
                    let odds = vec![(start + index, sign), (start + 1 - index, -sign)];
                    return Some((ContributionScale::LogOdds, odds));
                }
                Operation::Softmax(start) if step.width > 2 => {
                    return Some((ContributionScale::ClassScore, vec![(start + index, sign)]));
                }
                Operation::Binary(code, left, right) => {
                    let (left, right) = (left.at(index), right.at(index));
                    if *code == Code::NativeDivide
                        && let Some(from) = self.written_out_logistic(left, right)
                    {
                        return Some((ContributionScale::LogOdds, vec![(from, -sign)]));
                    }
                    let (next, turns) = self.shifted(*code, left, right)?;
                    sign *= turns;
                    cell = next;
                }
                _ => return None,
            }
        }
    }

    /// Of x in 1 / (1 + exp(x)): its cell.
    fn written_out_logistic(&self, above: usize, below: usize) -> Option<usize> {
        let is_one = |cell| self.constant(cell) == Some(1.0);
        let (sum, index) = self.writer(below)?;
        let Operation::Binary(Code::NativeAdd, left, right) = &sum.operation else {
            return None;
        };
        let (left, right) = (left.at(index), right.at(index));
        let exponential = if is_one(left) { right } else { left };
        let (step, index) = self.writer(exponential)?;
        match &step.operation {
            Operation::Unary(Code::NativeExponential, from)
                if is_one(above) && (is_one(left) || is_one(right)) =>
            {
                Some(from.at(index))
            }
            _ => None,
        }
    }

    /// Of an operation on a cell and a constant: the cell, and 1.0 or -1.0 where it turns the order round.
    fn shifted(&self, code: Code, left: usize, right: usize) -> Option<(usize, f64)> {
        let sign = |constant: f64| (constant != 0.0 && constant.is_finite()).then(|| constant.signum());
        match (code, self.constant(left), self.constant(right)) {
            (Code::NativeAdd, Some(_), None) => Some((right, 1.0)),
            (Code::NativeAdd | Code::NativeSubtract, None, Some(_)) => Some((left, 1.0)),
            (Code::NativeSubtract, Some(_), None) => Some((right, -1.0)),
            (Code::NativeMultiply, Some(factor), None) => Some((right, sign(factor)?)),
            (Code::NativeMultiply | Code::NativeDivide, None, Some(factor)) => Some((left, sign(factor)?)),
            _ => None,
        }
    }

    /// Decomposes cells, the last ones first: the sources of a cell come before it, so that each is visited
    /// once.
    fn expand(&self, scale: ContributionScale, open: Vec<(usize, f64)>) -> Result<Margin, AttributionError> {
        let mut margin = Margin {
            scale,
            constant: 0.0,
            cells: Vec::new(),
            trees: Vec::new(),
        };
        let mut open: BTreeMap<usize, f64> = open.into_iter().collect();
        while let Some((cell, coefficient)) = open.pop_last() {
            if !coefficient.is_finite() {
                return Err(AttributionError::new("a coefficient of the model is not finite"));
            }
            if coefficient == 0.0 {
                continue;
            }
            if let Some(constant) = self.constant(cell) {
                margin.constant += coefficient * constant;
                continue;
            }
            let writer = self.writer(cell);
            if let Some((step, target)) = writer
                && let Operation::Trees(ensemble) = step.operation
            {
                margin.trees.push(Sum {
                    ensemble,
                    target,
                    cell,
                    coefficient,
                });
                continue;
            }
            match writer {
                Some((step, index)) if self.owners.get(cell) == Some(&Owner::Several) => {
                    let mut add = |cell: usize, factor: f64| {
                        *open.entry(cell).or_insert(0.0) += coefficient * factor;
                    };
                    margin.constant += coefficient * self.summands(step, index, &mut add)?;
                }
                _ => margin.cells.push((cell, coefficient)),
            }
        }
        Ok(margin)
    }

    /// Shows the cells that add up to the one at a place of a step's, with their factors; gives what is added to them.
    fn summands(
        &self,
        step: &Step,
        index: usize,
        add: &mut dyn FnMut(usize, f64),
    ) -> Result<f64, AttributionError> {
        match &step.operation {
            Operation::Gather(sources) => {
                if let Some(cell) = sources.get(index) {
                    add(*cell, 1.0);
                }
            }
            Operation::Unary(Code::NativeNegate, from) => add(from.at(index), -1.0),
            Operation::Binary(code, left, right) => self.combined(*code, (*left, *right), index, add)?,
            Operation::Reduce(code @ (Code::NativeReduceSum | Code::NativeReduceMean), start, count) => {
                #[expect(clippy::cast_precision_loss, reason = "a group is shorter than 2^24 cells")]
                let factor = match code {
                    Code::NativeReduceMean => 1.0 / *count as f64,
                    _ => 1.0,
                };
                let first = start + index * count;
                (first..first + count).for_each(|cell| add(cell, factor));
            }
            Operation::Gemm { matrix, start } => {
                if let Some(matrix) = self.model.matrices.get(*matrix) {
                    for row in 0..matrix.rows() {
                        add(start + row, f64::from(matrix.weight(row, index)));
                    }
                    return Ok(f64::from(matrix.bias(index)));
                }
            }
            operation => return Err(mixing(operation)),
        }
        Ok(0.0)
    }

    fn combined(
        &self,
        code: Code,
        (left, right): (Operand, Operand),
        index: usize,
        add: &mut dyn FnMut(usize, f64),
    ) -> Result<(), AttributionError> {
        let (left, right) = (left.at(index), right.at(index));
        match (code, self.constant(left), self.constant(right)) {
            (Code::NativeAdd, ..) => {
                add(left, 1.0);
                add(right, 1.0);
            }
            (Code::NativeSubtract, ..) => {
                add(left, 1.0);
                add(right, -1.0);
            }
            (Code::NativeMultiply, Some(factor), _) => add(right, factor),
            (Code::NativeMultiply, _, Some(factor)) => add(left, factor),
            (Code::NativeDivide, _, Some(divisor)) => add(left, 1.0 / divisor),
            _ => {
                return Err(mixing(&Operation::Binary(
                    code,
                    Operand::default(),
                    Operand::default(),
                )));
            }
        }
        Ok(())
    }
}

fn mixing(operation: &Operation) -> AttributionError {
    let code = match operation {
        Operation::Unary(code, _) | Operation::Binary(code, ..) | Operation::Reduce(code, ..) => *code,
        Operation::Select(..) => Code::NativeSelect,
        Operation::Softmax(_) => Code::NativeSoftmax,
        Operation::Pick { .. } => Code::NativePick,
        Operation::LookUp { .. } => Code::NativeLookUp,
        _ => Code::Unspecified,
    };
    let name = code.as_str_name().trim_start_matches("NATIVE_").to_lowercase();
    AttributionError::new(&format!(
        "the model is not a sum over attributes: it takes the `{}` of several",
        name.replace('_', " ")
    ))
}
