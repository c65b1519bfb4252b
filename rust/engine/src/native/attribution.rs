//! A row of a lowered model -> what each of its attributes adds to the margin.
//!
//! *Exact* contributions are Shapley values, as `TreeSHAP` defines them along the paths of trees (Lundberg et
//! al., 2020): the value of a tree with only some known attributes is the mean over the others, weighted by
//! the background sample. *Fast* ones follow the row down each tree, and give each node's attribute the step
//! of the expected value (Saabas). Of linear parts both are weight times the distance from the mean. Either
//! way they and the expected margin add up to the margin.
//!
//! Contributions belong to *owners*, one for each attribute that is bound: several cells, several nodes of a path and
//! several inputs that come from one attribute are known or unknown together.

mod attributed;
mod covered;
mod margin;
mod owners;
mod quadrature;
mod tables;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::{NativeModel, rows::Rows};
use crate::kernel::Child;
pub use attributed::{Attributed, AttributionError, ContributionScale, Method};
use covered::CoveredTree;
use margin::{Margin, Sum};
use owners::Owner;
use quadrature::{PATH_OWNERS_MAX, Paths, Rule};
use tables::LeafTables;

/// Memory for the tables of one model.
const TABLE_BYTES_MAX: usize = 64 << 20;
const OWNERS_MAX: usize = 60_000;

/// What is known of a model when it is opened, for some columns of its output.
#[derive(Debug)]
pub struct Attributions {
    /// The trees of each ensemble, where a column needs them.
    forests: BTreeMap<usize, Result<Forest, AttributionError>>,
    columns: BTreeMap<u32, Result<Column, AttributionError>>,
    owners: usize,
}

#[derive(Debug)]
struct Forest {
    trees: Vec<(CoveredTree, Paths)>,
    /// Owners on the path that has most of them.
    owners_max: usize,
}

#[derive(Debug)]
struct Column {
    scale: ContributionScale,
    constant: f64,
    base: f64,
    terms: Vec<Term>,
    sums: Vec<Weighed>,
}

/// A cell, its owner, its coefficient and its mean.
#[derive(Debug)]
struct Term {
    cell: usize,
    owner: usize,
    coefficient: f64,
    mean: f64,
}

/// Trees with the weights that they have in one margin.
#[derive(Debug)]
struct Weighed {
    sum: Sum,
    /// Of the leaves, tree by tree.
    weights: Vec<f32>,
    /// The expected weight of each node.
    expected: Vec<Vec<f32>>,
    /// Trees without tables are computed.
    tables: Vec<Option<LeafTables>>,
}

impl Attributions {
    /// Prepares the columns of a model's output. `owners` has a number for each input column (numbers, whole numbers,
    /// texts), below 60,000: what has the same number is one attribute.
    #[must_use]
    pub fn new(model: &NativeModel, owners: &[u16], columns: impl IntoIterator<Item = u32>) -> Self {
        Self::within(TABLE_BYTES_MAX, model, owners, columns)
    }

    /// The same with tables of at most this number of bytes; 64 MiB are the maximum in any case.
    pub(crate) fn within(
        bytes_max: usize,
        model: &NativeModel,
        owners: &[u16],
        columns: impl IntoIterator<Item = u32>,
    ) -> Self {
        let count = owners.iter().max().map_or(0, |owner| usize::from(*owner) + 1);
        let mut found = Self {
            forests: BTreeMap::new(),
            columns: BTreeMap::new(),
            owners: count,
        };
        let cells = owners::of_cells(model, owners);
        let mut bytes_left = bytes_max.min(TABLE_BYTES_MAX);
        for number in columns {
            if !found.columns.contains_key(&number) {
                let column = found.column(model, &cells, number, &mut bytes_left);
                found.columns.insert(number, column);
            }
        }
        found
    }

    /// Why a column cannot be explained; none where it can.
    #[must_use]
    pub fn refusal(&self, column: u32) -> Option<&AttributionError> {
        self.columns.get(&column)?.as_ref().err()
    }

    /// Memory that tables take.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        let columns = self.columns.values().flatten();
        let tables = columns
            .flat_map(|column| &column.sums)
            .flat_map(|sum| &sum.tables);
        tables.flatten().map(LeafTables::bytes).sum()
    }

    /// Explains a row that the model has run on; none where it has no finite margin, or the column cannot be explained.
    #[must_use]
    pub fn explain(
        &self,
        model: &NativeModel,
        method: Method,
        column: u32,
        rows: &Rows<'_>,
        row: usize,
    ) -> Option<Attributed> {
        let column = self.columns.get(&column)?.as_ref().ok()?;
        let cells = rows.row_cells(row);
        if rows.is_failed(row) {
            return None;
        }
        let cell = |index: usize| cells.get(index).copied().map_or(f64::NAN, f64::from);
        let mut margin = column.constant;
        // One more: for cells without an owner.
        let mut contributions = vec![0.0; self.owners + 1];
        for term in &column.terms {
            margin += term.coefficient * cell(term.cell);
            if let Some(into) = contributions.get_mut(term.owner) {
                *into += term.coefficient * (cell(term.cell) - term.mean);
            }
        }
        for weighed in &column.sums {
            margin += weighed.sum.coefficient * cell(weighed.sum.cell);
            let ensemble = model.ensembles.get(weighed.sum.ensemble)?;
            let forest = self.forests.get(&weighed.sum.ensemble)?.as_ref().ok()?;
            let mut keys = Vec::new();
            let axes = ensemble.axes();
            axes.append(axes.slots(), cells, &mut keys);
            match method {
                Method::Fast => weighed.follow(forest, &keys, &mut contributions),
                Method::Exact => weighed.share_out(forest, &keys, &mut contributions),
            }
        }
        contributions.truncate(self.owners);
        margin.is_finite().then_some(Attributed {
            scale: column.scale,
            base: column.base,
            margin,
            contributions,
        })
    }

    fn column(
        &mut self,
        model: &NativeModel,
        cells: &[Owner],
        number: u32,
        bytes_left: &mut usize,
    ) -> Result<Column, AttributionError> {
        if self.owners > OWNERS_MAX {
            return Err(AttributionError::new("the model has too many attributes"));
        }
        let cell = model
            .output_cell(number)
            .ok_or_else(|| AttributionError::new("the model has no such column"))?;
        let margin = margin::behind(model, cells, cell)?;
        let terms = self.terms(model, cells, &margin)?;
        let mut column = Column {
            scale: margin.scale,
            constant: margin.constant,
            base: margin.constant + terms.iter().map(|term| term.coefficient * term.mean).sum::<f64>(),
            terms,
            sums: Vec::with_capacity(margin.trees.len()),
        };
        for sum in margin.trees {
            let (weighed, base) = self.weigh(model, cells, sum, bytes_left)?;
            column.base += base;
            column.sums.push(weighed);
        }
        Ok(column)
    }

    fn terms(
        &self,
        model: &NativeModel,
        cells: &[Owner],
        margin: &Margin,
    ) -> Result<Vec<Term>, AttributionError> {
        let term = |(cell, coefficient): &(usize, f64)| {
            let mean = model.cell_means.get(*cell).copied().map(f64::from);
            let mean = mean
                .ok_or_else(|| AttributionError::new("the model was compiled without a background sample"))?;
            if !mean.is_finite() {
                return Err(AttributionError::new(
                    "an input has no mean over the background sample",
                ));
            }
            let owner = match cells.get(*cell) {
                Some(Owner::One(owner)) => usize::from(*owner),
                _ => self.owners,
            };
            Ok(Term {
                cell: *cell,
                owner,
                coefficient: *coefficient,
                mean,
            })
        };
        margin.cells.iter().map(term).collect()
    }

    /// Trees with their weights, and what they are expected to add up to.
    fn weigh(
        &mut self,
        model: &NativeModel,
        cells: &[Owner],
        sum: Sum,
        bytes_left: &mut usize,
    ) -> Result<(Weighed, f64), AttributionError> {
        let ensemble = model
            .ensembles
            .get(sum.ensemble)
            .ok_or_else(|| AttributionError::new("the model has no such trees"))?;
        let shared = u16::try_from(self.owners).unwrap_or(u16::MAX);
        let forest = self
            .forests
            .entry(sum.ensemble)
            .or_insert_with(|| covered::cover(ensemble, cells, shared).map(Forest::new));
        let forest = forest.as_ref().map_err(Clone::clone)?;
        if forest.owners_max > PATH_OWNERS_MAX {
            return Err(AttributionError::new(
                "its trees test more than 64 attributes on one path",
            ));
        }
        let factor = sum.coefficient / ensemble.divisor().map_or(1.0, f64::from);
        let of_leaves = ensemble
            .weights()
            .iter()
            .skip(sum.target)
            .step_by(ensemble.targets());
        #[expect(clippy::cast_possible_truncation, reason = "they are floats of 32 bits")]
        let narrow = |number: f64| number as f32;
        let mut base = sum.coefficient * f64::from(ensemble.base_value(sum.target));
        let mut weighed = Weighed {
            weights: of_leaves
                .map(|weight| narrow(factor * f64::from(*weight)))
                .collect(),
            expected: Vec::with_capacity(forest.trees.len()),
            tables: Vec::with_capacity(forest.trees.len()),
            sum,
        };
        for (tree, _) in &forest.trees {
            let weights = of_tree(&weighed.weights, tree);
            let wide: Vec<f64> = weights.iter().copied().map(f64::from).collect();
            let expected: Vec<f32> = tree.expected(&wide).into_iter().map(narrow).collect();
            base += expected
                .first()
                .or(weights.first())
                .copied()
                .map_or(0.0, f64::from);
            let tables = LeafTables::new(tree, weights, *bytes_left);
            *bytes_left -= tables.as_ref().map_or(0, LeafTables::bytes);
            weighed.expected.push(expected);
            weighed.tables.push(tables);
        }
        Ok((weighed, base))
    }
}

fn of_tree<'a>(weights: &'a [f32], tree: &CoveredTree) -> &'a [f32] {
    weights
        .get(tree.first_leaf..tree.first_leaf + tree.leaves)
        .unwrap_or_default()
}

impl Forest {
    fn new(trees: Vec<CoveredTree>) -> Self {
        let trees: Vec<(CoveredTree, Paths)> = trees
            .into_iter()
            .map(|tree| {
                let paths = Paths::of(&tree);
                (tree, paths)
            })
            .collect();
        let owners_max = trees.iter().map(|(_, paths)| paths.owners_max).max().unwrap_or(0);
        Self { trees, owners_max }
    }
}

impl Weighed {
    /// Down each tree: each step belongs to the owner of the node that it leaves.
    fn follow(&self, forest: &Forest, keys: &[u32], into: &mut [f64]) {
        for ((tree, _), expected) in forest.trees.iter().zip(&self.expected) {
            let weights = of_tree(&self.weights, tree);
            let (mut number, mut value) = (0, expected.first().copied().unwrap_or(0.0));
            while let Some(node) = tree.nodes.get(number) {
                let child = if node.goes_right(keys) {
                    node.right
                } else {
                    node.left
                };
                let (next, below) = match child {
                    Child::Node(next) => (next, expected.get(next)),
                    Child::Leaf(leaf) => (usize::MAX, weights.get(leaf)),
                };
                let below = below.copied().unwrap_or(value);
                if let Some(into) = into.get_mut(usize::from(node.owner)) {
                    *into += f64::from(below) - f64::from(value);
                }
                (number, value) = (next, below);
            }
        }
    }

    fn share_out(&self, forest: &Forest, keys: &[u32], into: &mut [f64]) {
        if self.tables.iter().any(Option::is_none) {
            match forest.owners_max {
                0..=4 => self.compute::<2>(forest, keys, into),
                5..=8 => self.compute::<4>(forest, keys, into),
                9..=16 => self.compute::<8>(forest, keys, into),
                17..=32 => self.compute::<16>(forest, keys, into),
                _ => self.compute::<32>(forest, keys, into),
            }
        }
        let mut failed = Vec::new();
        for tables in self.tables.iter().flatten() {
            tables.add(keys, &mut failed, into);
        }
    }

    /// The trees that have no tables.
    fn compute<const N: usize>(&self, forest: &Forest, keys: &[u32], into: &mut [f64]) {
        let rule = Rule::<N>::new();
        for ((tree, paths), tables) in forest.trees.iter().zip(&self.tables) {
            if tables.is_none() {
                quadrature::add(&rule, tree, paths, of_tree(&self.weights, tree), keys, into);
            }
        }
    }
}
