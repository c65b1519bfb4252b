//! A background sample of rows -> what explanations are measured against: how often each leaf is come to, and the mean
//! of each cell. ONNX carries neither.

use super::{NativeModel, rows::Rows};
use crate::kernel::{Child, RIGHTMOST, Tree, key};

/// What is known of a sample. A row that fails (a key that a dictionary does not have) does not count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Background {
    /// Rows that count.
    pub rows: usize,
    /// For each ensemble: how many rows came to each leaf, tree by tree.
    pub leaf_covers: Vec<Vec<f32>>,
    /// The mean of each cell over the rows where it is a finite number; NaN where there is none.
    pub cell_means: Vec<f32>,
}

impl Background {
    /// Surveys rows that the model has run on.
    #[must_use]
    pub fn survey(model: &NativeModel, rows: &Rows<'_>) -> Self {
        let chosen: Vec<usize> = (0..rows.count()).filter(|row| !rows.is_failed(*row)).collect();
        let mut leaf_covers = Vec::with_capacity(model.ensembles.len());
        for ensemble in &model.ensembles {
            let leaves = ensemble.trees().iter().map(|tree| tree.leaves).sum();
            let mut covers = vec![0.0; leaves];
            let mut keys = Vec::new();
            for row in &chosen {
                keys.clear();
                ensemble.axes().append(rows.row_cells(*row), &mut keys);
                let mut first = 0;
                for tree in ensemble.trees() {
                    if let Some(cover) = covers.get_mut(first + leaf(tree, &keys)) {
                        *cover += 1.0;
                    }
                    first += tree.leaves;
                }
            }
            leaf_covers.push(covers);
        }
        Self {
            rows: chosen.len(),
            leaf_covers,
            cell_means: means(model, rows, &chosen),
        }
    }
}

fn leaf(tree: &Tree, keys: &[u32]) -> usize {
    let mut place = tree.root();
    loop {
        match place {
            Child::Leaf(leaf) => return leaf,
            Child::Node(number) => {
                let Some(node) = tree.nodes.get(number) else {
                    return 0;
                };
                let above = keys
                    .get(usize::from(node.slot))
                    .is_some_and(|found| *found > key(node.threshold, RIGHTMOST));
                place = if above { node.right } else { node.left };
            }
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "cells are floats of 32 bits"
)]
fn means(model: &NativeModel, rows: &Rows<'_>, chosen: &[usize]) -> Vec<f32> {
    let mut sums = vec![(0.0_f64, 0_usize); model.cells];
    for row in chosen {
        for ((sum, count), cell) in sums.iter_mut().zip(rows.row_cells(*row)) {
            if cell.is_finite() {
                *sum += f64::from(*cell);
                *count += 1;
            }
        }
    }
    sums.into_iter()
        .map(|(sum, count)| (sum / count as f64) as f32)
        .collect()
}
