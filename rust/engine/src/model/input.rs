//! Where a model's inputs are in its rows, and how they get there.

use super::cell::Cell;
use crate::native::Rows;

/// The position of an input: its line, and the place in it.
#[derive(Clone, Copy, Debug)]
pub(super) enum InputPosition {
    Float(usize),
    Int(usize),
    Text(usize),
}

/// Sets an input; false where it is missing, and no number.
pub(super) fn set<'a>(rows: &mut Rows<'a>, row: usize, index: InputPosition, cell: Option<Cell<'a>>) -> bool {
    match (index, cell) {
        (InputPosition::Float(index), cell) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "models of floats take the nearest float"
            )]
            let number = match cell {
                Some(Cell::Float(number)) => number as f32,
                Some(Cell::Bool(truth)) => f32::from(u8::from(truth)),
                _ => f32::NAN,
            };
            if let Some(cell) = rows.floats_mut(row).get_mut(index) {
                *cell = number;
            }
            true
        }
        (InputPosition::Int(index), Some(Cell::Int(number))) => {
            rows.ints_mut(row).get_mut(index).is_some_and(|cell| {
                *cell = number;
                true
            })
        }
        (InputPosition::Text(index), Some(Cell::String(text))) => {
            rows.texts_mut(row).get_mut(index).is_some_and(|cell| {
                *cell = text;
                true
            })
        }
        _ => false,
    }
}
