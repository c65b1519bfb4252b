//! Input columns -> whose each cell is: that of one owner, or of several.
//!
//! Scalers, imputers, encoders and casts work column by column, and leave a cell with its owner.

use super::super::{
    NativeModel,
    dictionary::{Dictionary, Kind},
    step::{Operand, Operation, Step},
};

/// Whose a cell is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Owner {
    /// The same in every row.
    #[default]
    Unowned,
    One(u16),
    Several,
}

impl Owner {
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unowned, owner) | (owner, Self::Unowned) => owner,
            (left, right) if left == right => left,
            _ => Self::Several,
        }
    }
}

/// The owner of each cell. `columns` has the owner of each input column: numbers, then whole numbers, then texts.
pub(super) fn of_cells(model: &NativeModel, columns: &[u16]) -> Vec<Owner> {
    let inputs = model.inputs;
    let column = |index: usize| {
        columns
            .get(index)
            .map_or(Owner::Unowned, |owner| Owner::One(*owner))
    };
    let mut owners: Vec<Owner> = (0..inputs.floats).map(column).collect();
    owners.resize(inputs.floats + model.constants.len(), Owner::Unowned);
    for step in &model.steps {
        let written: Vec<Owner> = (0..step.width)
            .map(|index| {
                let mut owner = Owner::Unowned;
                reads(model, step, index, |read| {
                    owner = owner.join(match read {
                        Read::Cell(cell) => owners.get(cell).copied().unwrap_or_default(),
                        Read::Int(int) => column(inputs.floats + int),
                        Read::Text(text) => column(inputs.floats + inputs.ints + text),
                    });
                });
                owner
            })
            .collect();
        owners.extend(written);
    }
    owners
}

/// Something that one cell of a step is made of.
enum Read {
    Cell(usize),
    Int(usize),
    Text(usize),
}

/// Shows what the cell at a place of a step's is made of.
fn reads(model: &NativeModel, step: &Step, index: usize, mut show: impl FnMut(Read)) {
    let at = |operand: &Operand| Read::Cell(operand.at(index));
    match &step.operation {
        Operation::Gather(sources) => sources
            .get(index)
            .into_iter()
            .for_each(|cell| show(Read::Cell(*cell))),
        Operation::Int(start) => show(Read::Int(start + index)),
        Operation::Unary(_, from) => show(at(from)),
        Operation::Binary(_, left, right) => {
            show(at(left));
            show(at(right));
        }
        Operation::Select(condition, yes, no) => {
            show(at(condition));
            show(at(yes));
            show(at(no));
        }
        Operation::Reduce(_, start, count) => {
            let first = start + index * count;
            (first..first + count).for_each(|cell| show(Read::Cell(cell)));
        }
        Operation::Softmax(start) => (*start..start + step.width).for_each(|cell| show(Read::Cell(cell))),
        Operation::Pick {
            indices,
            values,
            count,
        } => {
            show(Read::Cell(indices + index));
            (*values..values + count).for_each(|cell| show(Read::Cell(cell)));
        }
        Operation::Gemm { matrix, start } => {
            if let Some(matrix) = model.matrices.get(*matrix) {
                let is_read = |row: &usize| matrix.weight(*row, index) != 0.0;
                (0..matrix.rows())
                    .filter(is_read)
                    .for_each(|row| show(Read::Cell(start + row)));
            }
        }
        Operation::LookUp { dictionary, start } => {
            match model.dictionaries.get(*dictionary).map(Dictionary::kind) {
                Some(Kind::Text) => show(Read::Text(*start)),
                Some(Kind::Int) => show(Read::Int(*start)),
                Some(Kind::Float) => show(Read::Cell(*start)),
                None => {}
            }
        }
        Operation::Trees(ensemble) => {
            if let Some(ensemble) = model.ensembles.get(*ensemble) {
                ensemble.tested_cells().for_each(|cell| show(Read::Cell(cell)));
            }
        }
    }
}
