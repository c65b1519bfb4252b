//! `_core.NativeModel`.

use std::time::Instant;

use nextbest_engine::{
    Attributions, Background, CellKind, Factoring, InputKinds, Inputs, Kernel, Method, Rows,
};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};

use crate::errors::Error;

/// Rows of a sample that are in memory at a time, all their cells.
const SURVEYED_ROWS: usize = 1_000;

/// A lowered model that scores rows. Immutable.
#[pyclass(frozen, module = "nextbest._core")]
pub(crate) struct NativeModel {
    model: nextbest_engine::NativeModel,
}

#[pymethods]
impl NativeModel {
    #[new]
    fn new(data: &[u8]) -> PyResult<Self> {
        let model = nextbest_engine::NativeModel::open(data).map_err(Error::Bundle)?;
        Ok(Self { model })
    }

    #[getter]
    fn tree_count(&self) -> usize {
        self.model.tree_count()
    }

    #[pyo3(signature = (rows, floats, ints, texts, *, column, kernel = None))]
    #[expect(clippy::too_many_arguments, reason = "a line for each kind of input")]
    fn score<'py>(
        &self,
        py: Python<'py>,
        rows: usize,
        floats: &[u8],
        ints: Vec<i64>,
        texts: Vec<String>,
        column: u32,
        kernel: Option<&str>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let kernel = kernel.map_or(Some(Kernel::best()), Kernel::named);
        let kernel = kernel.ok_or_else(|| PyValueError::new_err("this machine has no such kernel"))?;
        let cell = self.model.output_cell(column);
        let cell = cell.ok_or_else(|| PyValueError::new_err("the model has no such column"))?;
        let table = self.table(rows, floats, &ints, &texts)?;
        let scores: Vec<u8> = py.detach(|| {
            let mut filled = Rows::new(&self.model, rows);
            table.fill(0, &mut filled);
            self.model.run(kernel, &mut filled);
            (0..rows)
                .flat_map(|row| filled.get(row, cell).unwrap_or(f32::NAN).to_le_bytes())
                .collect()
        });
        Ok(PyBytes::new(py, &scores))
    }

    #[pyo3(signature = (rows, floats, ints, texts, *, batch, runs))]
    #[expect(clippy::too_many_arguments, reason = "a line for each kind of input")]
    fn time(
        &self,
        py: Python<'_>,
        rows: usize,
        floats: &[u8],
        ints: Vec<i64>,
        texts: Vec<String>,
        batch: usize,
        runs: usize,
    ) -> PyResult<Vec<f64>> {
        let table = self.table(rows, floats, &ints, &texts)?;
        if rows == 0 || batch == 0 {
            return Err(PyValueError::new_err("there is nothing to score"));
        }
        Ok(py.detach(|| {
            let mut filled = Rows::new(&self.model, batch);
            (0..runs)
                .map(|run| {
                    let started = Instant::now();
                    filled.reset();
                    table.fill(run * batch, &mut filled);
                    self.model.run(Kernel::best(), &mut filled);
                    started.elapsed().as_secs_f64() * 1e6
                })
                .collect()
        }))
    }

    #[pyo3(signature = (rows, floats, ints, texts, *, column, is_own, actions, runs))]
    #[expect(clippy::too_many_arguments, reason = "a line for each kind of input")]
    fn time_decisions(
        &self,
        py: Python<'_>,
        rows: usize,
        floats: &[u8],
        ints: Vec<i64>,
        texts: Vec<String>,
        column: u32,
        is_own: Vec<bool>,
        actions: usize,
        runs: usize,
    ) -> PyResult<Vec<f64>> {
        let table = self.table(rows, floats, &ints, &texts)?;
        let inputs = self.model.inputs();
        if rows == 0 || is_own.len() != inputs.floats + inputs.ints + inputs.texts {
            return Err(PyValueError::new_err("a row, and a flag for each input column"));
        }
        let mut flags = is_own
            .into_iter()
            .map(|own| if own { CellKind::Own } else { CellKind::Shared });
        let kinds = InputKinds {
            floats: flags.by_ref().take(inputs.floats).collect(),
            ints: flags.by_ref().take(inputs.ints).collect(),
            texts: flags.collect(),
        };
        py.detach(|| {
            let mut own = Rows::new(&self.model, actions);
            table.fill(0, &mut own);
            let columns = vec![column; actions];
            let factoring = Factoring::new(&self.model, &kinds, &mut own, &columns).map_err(Error::Bundle)?;
            let candidates: Vec<u32> = (0..).take(actions).collect();
            let mut shared = Rows::new(&self.model, 1);
            let mut scores = Vec::with_capacity(actions);
            let time = |run| {
                let started = Instant::now();
                shared.reset();
                scores.clear();
                table.fill(run, &mut shared);
                let input = |_, _| f32::NAN;
                factoring.score(
                    &self.model,
                    Kernel::best(),
                    &mut shared,
                    &input,
                    &candidates,
                    &mut scores,
                );
                started.elapsed().as_secs_f64() * 1e6
            };
            Ok((0..runs).map(time).collect())
        })
    }

    #[pyo3(signature = (rows, floats, ints, texts, *, column, method, owners = None))]
    #[expect(clippy::too_many_arguments, reason = "a line for each kind of input")]
    fn contributions<'py>(
        &self,
        py: Python<'py>,
        rows: usize,
        floats: &[u8],
        ints: Vec<i64>,
        texts: Vec<String>,
        column: u32,
        method: &str,
        owners: Option<Vec<u16>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let method = match method {
            "fast" => Method::Fast,
            "exact" => Method::Exact,
            _ => return Err(PyValueError::new_err("`fast` or `exact`")),
        };
        let inputs = self.model.inputs();
        let count = inputs.floats + inputs.ints + inputs.texts;
        let owners = owners.unwrap_or_else(|| (0..=u16::MAX).take(count).collect());
        if owners.len() != count {
            return Err(PyValueError::new_err("an owner is needed for each input column"));
        }
        let table = self.table(rows, floats, &ints, &texts)?;
        let found: Vec<u8> = py.detach(|| {
            let attributions = Attributions::new(&self.model, &owners, [column]);
            if let Some(refusal) = attributions.refusal(column) {
                return Err(PyValueError::new_err(refusal.to_string()));
            }
            let mut filled = Rows::new(&self.model, rows);
            table.fill(0, &mut filled);
            self.model.run(Kernel::best(), &mut filled);
            let width = 2 + owners.iter().max().map_or(0, |owner| usize::from(*owner) + 1);
            let row = |row| {
                let found = attributions.explain(&self.model, method, column, &filled, row);
                found.map_or_else(
                    || vec![f64::NAN; width],
                    |found| [vec![found.base, found.margin], found.contributions].concat(),
                )
            };
            Ok((0..rows).flat_map(row).flat_map(f64::to_le_bytes).collect())
        })?;
        Ok(PyBytes::new(py, &found))
    }

    fn survey(
        &self,
        py: Python<'_>,
        rows: usize,
        floats: &[u8],
        ints: Vec<i64>,
        texts: Vec<String>,
    ) -> PyResult<(usize, Vec<Vec<f32>>, Vec<f32>)> {
        let table = self.table(rows, floats, &ints, &texts)?;
        Ok(py.detach(|| {
            let mut background = Background::new(&self.model);
            for first in (0..rows).step_by(SURVEYED_ROWS) {
                let mut filled = Rows::new(&self.model, SURVEYED_ROWS.min(rows - first));
                table.fill(first, &mut filled);
                self.model.run(Kernel::best(), &mut filled);
                background.survey(&self.model, &filled);
            }
            (
                background.rows(),
                background.leaf_covers().to_vec(),
                background.cell_means(),
            )
        }))
    }
}

impl NativeModel {
    fn table<'a>(
        &self,
        rows: usize,
        floats: &'a [u8],
        ints: &'a [i64],
        texts: &'a [String],
    ) -> PyResult<Table<'a>> {
        let inputs = self.model.inputs();
        let (floats, rest) = floats.as_chunks::<4>();
        let fits = [
            (inputs.floats, floats.len()),
            (inputs.ints, ints.len()),
            (inputs.texts, texts.len()),
        ];
        if !rest.is_empty()
            || fits
                .iter()
                .any(|(columns, found)| columns.checked_mul(rows) != Some(*found))
        {
            return Err(PyValueError::new_err("inputs do not have this number of rows"));
        }
        Ok(Table {
            rows,
            inputs,
            floats,
            ints,
            texts,
        })
    }
}

/// Rows as Python gives them.
struct Table<'a> {
    rows: usize,
    inputs: Inputs,
    floats: &'a [[u8; 4]],
    ints: &'a [i64],
    texts: &'a [String],
}

impl<'a> Table<'a> {
    /// Fills all rows, from one of the table's on, and from the first again after the last.
    fn fill(&self, first: usize, filled: &mut Rows<'a>) {
        for place in 0..filled.count() {
            let row = (first + place) % self.rows;
            let of = |columns: usize| row * columns..(row + 1) * columns;
            let floats = self.floats.get(of(self.inputs.floats)).unwrap_or_default();
            for (filled, float) in filled.floats_mut(place).iter_mut().zip(floats) {
                *filled = f32::from_le_bytes(*float);
            }
            let ints = self.ints.get(of(self.inputs.ints)).unwrap_or_default();
            filled.ints_mut(place).copy_from_slice(ints);
            let texts = self.texts.get(of(self.inputs.texts)).unwrap_or_default();
            for (filled, text) in filled.texts_mut(place).iter_mut().zip(texts) {
                *filled = text;
            }
        }
    }
}
