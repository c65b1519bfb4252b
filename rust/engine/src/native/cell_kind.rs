//! Cells -> what each is the same for.

use super::{
    NativeModel,
    dictionary::{Dictionary, Kind},
    step::{Operation, Step},
};
use crate::kernel::AxisKind;

/// What a cell is the same for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CellKind {
    /// Everything.
    #[default]
    Constant,
    /// All rows of a decision.
    Shared,
    /// All decisions, in one row.
    Own,
    /// Neither.
    Mixed,
}

impl CellKind {
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant, kind) | (kind, Self::Constant) => kind,
            (left, right) if left == right => left,
            _ => Self::Mixed,
        }
    }

    pub(super) fn of_axis(self) -> AxisKind {
        match self {
            Self::Constant | Self::Shared => AxisKind::Shared,
            Self::Own => AxisKind::Own,
            Self::Mixed => AxisKind::Mixed,
        }
    }
}

/// The kinds of a model's inputs, of each line.
#[derive(Clone, Debug, Default)]
pub struct InputKinds {
    /// Of numbers.
    pub floats: Vec<CellKind>,
    /// Of whole numbers: not mixed.
    pub ints: Vec<CellKind>,
    /// Of texts: not mixed.
    pub texts: Vec<CellKind>,
}

/// The kind of each cell.
pub(super) fn cell_kinds(model: &NativeModel, kinds: &InputKinds) -> Vec<CellKind> {
    let mut cells = kinds.floats.clone();
    cells.resize(model.inputs.floats, CellKind::Mixed);
    cells.resize(model.inputs.floats + model.constants.len(), CellKind::Constant);
    for step in &model.steps {
        let kind = step_kind(model, kinds, &cells, step);
        cells.resize(step.out + step.width, kind);
    }
    cells
}

/// What a step's results are the same for.
pub(super) fn step_kind(
    model: &NativeModel,
    kinds: &InputKinds,
    cells: &[CellKind],
    step: &Step,
) -> CellKind {
    let mut kind = CellKind::Constant;
    let (lines, first) = match step.operation {
        Operation::Int(start) => (&kinds.ints, start..start + step.width),
        Operation::LookUp { dictionary, start } => {
            match model.dictionaries.get(dictionary).map(Dictionary::kind) {
                Some(Kind::Text) => (&kinds.texts, start..start + 1),
                Some(Kind::Int) => (&kinds.ints, start..start + 1),
                Some(Kind::Float) | None => (&kinds.ints, 0..0),
            }
        }
        _ => (&kinds.ints, 0..0),
    };
    for input in lines.get(first).unwrap_or_default() {
        kind = kind.join(*input);
    }
    step.reads(model, |start, count| {
        for cell in cells.get(start..start + count).unwrap_or_default() {
            kind = kind.join(*cell);
        }
    });
    kind
}
