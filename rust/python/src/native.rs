//! `_core.NativeModel`.

use nextbest_engine::{Kernel, Rows};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};

use crate::errors::Fault;

/// A lowered model that scores rows. Immutable.
#[pyclass(frozen, module = "nextbest._core")]
pub(crate) struct NativeModel {
    model: nextbest_engine::NativeModel,
}

#[pymethods]
impl NativeModel {
    #[new]
    fn new(data: &[u8]) -> PyResult<Self> {
        let model = nextbest_engine::NativeModel::open(data).map_err(Fault::Bundle)?;
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
            return Err(PyValueError::new_err("inputs are not of so many rows"));
        }
        let scores: Vec<u8> = py.detach(|| {
            let mut filled = Rows::new(&self.model, rows);
            for row in 0..rows {
                let of = |columns: usize| row * columns..(row + 1) * columns;
                let floats = floats.get(of(inputs.floats)).unwrap_or_default();
                for (filled, float) in filled.floats_mut(row).iter_mut().zip(floats) {
                    *filled = f32::from_le_bytes(*float);
                }
                filled
                    .ints_mut(row)
                    .copy_from_slice(ints.get(of(inputs.ints)).unwrap_or_default());
                let texts = texts.get(of(inputs.texts)).unwrap_or_default();
                for (filled, text) in filled.texts_mut(row).iter_mut().zip(texts) {
                    *filled = text;
                }
            }
            self.model.run(kernel, &mut filled);
            (0..rows)
                .flat_map(|row| filled.get(row, cell).unwrap_or(f32::NAN).to_le_bytes())
                .collect()
        });
        Ok(PyBytes::new(py, &scores))
    }
}
