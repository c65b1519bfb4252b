//! A lowered model's inputs -> the attributes that they are bound to, each once, and what explains scores by them.

use super::{ColumnSource, ElementType, ModelInput};
use crate::native::{Attributions, NativeModel};

/// What a model's columns are bound to, each attribute once, and what is prepared to explain scores.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) sources: Vec<ColumnSource>,
    pub(super) attributions: Attributions,
}

impl Sources {
    /// `columns` are those of the output that actions want.
    pub(super) fn new(
        model: &NativeModel,
        inputs: &[ModelInput],
        columns: impl Iterator<Item = u32>,
        table_bytes_max: usize,
    ) -> Self {
        let mut sources: Vec<ColumnSource> = Vec::new();
        // Numbers, whole numbers, texts.
        let mut lines: [Vec<u16>; 3] = Default::default();
        for input in inputs {
            for column in &input.columns {
                let known = sources.iter().position(|source| *source == column.source);
                let owner = known.unwrap_or_else(|| {
                    sources.push(column.source);
                    sources.len() - 1
                });
                let line = match input.element_type {
                    ElementType::Int64 => 1,
                    ElementType::String => 2,
                    ElementType::Float32 | ElementType::Float64 | ElementType::Bool => 0,
                };
                if let Some(line) = lines.get_mut(line) {
                    line.push(u16::try_from(owner).unwrap_or(u16::MAX));
                }
            }
        }
        let attributions = Attributions::within(table_bytes_max, model, &lines.concat(), columns);
        Self {
            sources,
            attributions,
        }
    }
}
