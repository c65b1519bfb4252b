//! A background sample of rows -> what explanations are measured against: how often each leaf is come to, and the mean
//! of each cell. ONNX carries neither.

use super::{NativeModel, ensemble::Ensemble, rows::Rows};
use crate::kernel::{Child, RIGHTMOST, Tree, key};

/// What is known of a sample. A row that fails (a key that a dictionary does not have) does not count.
#[derive(Clone, Debug, PartialEq)]
pub struct Background {
    rows: usize,
    leaf_covers: Vec<Vec<f32>>,
    /// Of each cell, over the rows where it is a finite number, and how many these are.
    sums: Vec<(f64, usize)>,
}

impl Background {
    /// Of no rows yet.
    #[must_use]
    pub fn new(model: &NativeModel) -> Self {
        let leaves = |ensemble: &Ensemble| ensemble.trees().iter().map(|tree| tree.leaves).sum();
        Self {
            rows: 0,
            leaf_covers: model
                .ensembles
                .iter()
                .map(|ensemble| vec![0.0; leaves(ensemble)])
                .collect(),
            sums: vec![(0.0, 0); model.cells],
        }
    }

    /// Surveys rows that the model has run on.
    pub fn survey(&mut self, model: &NativeModel, rows: &Rows<'_>) {
        let mut keys = Vec::new();
        for row in (0..rows.count()).filter(|row| !rows.is_failed(*row)) {
            self.rows += 1;
            let cells = rows.row_cells(row);
            for (ensemble, covers) in model.ensembles.iter().zip(&mut self.leaf_covers) {
                keys.clear();
                let axes = ensemble.axes();
                axes.append(axes.slots(), cells, &mut keys);
                let mut first = 0;
                for tree in ensemble.trees() {
                    if let Some(cover) = covers.get_mut(first + leaf(tree, &keys)) {
                        *cover += 1.0;
                    }
                    first += tree.leaves;
                }
            }
            for ((sum, count), cell) in self.sums.iter_mut().zip(cells) {
                if cell.is_finite() {
                    *sum += f64::from(*cell);
                    *count += 1;
                }
            }
        }
    }

    /// Rows that counted.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// For each ensemble: how many rows came to each leaf, tree by tree.
    #[must_use]
    pub fn leaf_covers(&self) -> &[Vec<f32>] {
        &self.leaf_covers
    }

    /// The mean of each cell over the rows where it is a finite number; NaN where there is none.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "cells are floats of 32 bits"
    )]
    pub fn cell_means(&self) -> Vec<f32> {
        let mean = |(sum, count): &(f64, usize)| (sum / *count as f64) as f32;
        self.sums.iter().map(mean).collect()
    }
}

fn leaf(tree: &Tree, keys: &[u32]) -> usize {
    let mut index = tree.root();
    loop {
        match index {
            Child::Leaf(leaf) => return leaf,
            Child::Node(number) => {
                let Some(node) = tree.nodes.get(number) else {
                    return 0;
                };
                let above = keys
                    .get(usize::from(node.slot))
                    .is_some_and(|found| *found > key(node.threshold, RIGHTMOST));
                index = if above { node.right } else { node.left };
            }
        }
    }
}
