//! `_core.Bundle`.

use std::path::PathBuf;

use nextbest_engine::Moment;
use nextbest_pipeline::Offline;
use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};

use crate::errors::Error;

/// The first moment of a day in a time zone, in microseconds since 1970.
#[pyfunction]
pub(crate) fn start_of_day(year: i16, month: i8, day: i8, zone: &str) -> PyResult<i64> {
    nextbest_engine::start_of_day(year, month, day, zone)
        .ok_or_else(|| PyValueError::new_err(format!("no day {year}-{month}-{day} in the zone {zone:?}")))
}

/// A verified bundle that decides when asked. Immutable.
#[pyclass(frozen, module = "nextbest._core")]
pub(crate) struct Bundle {
    offline: Offline,
}

#[pymethods]
impl Bundle {
    #[new]
    #[pyo3(signature = (data, *, onnxruntime_path = None))]
    fn new(py: Python<'_>, data: &[u8], onnxruntime_path: Option<PathBuf>) -> PyResult<Self> {
        let offline = py
            .detach(|| Offline::open(data, onnxruntime_path.as_deref()))
            .map_err(Error::from)?;
        Ok(Self { offline })
    }

    #[getter]
    fn digest(&self) -> &str {
        self.offline.bundle().digest()
    }

    #[getter]
    fn workspace(&self) -> &str {
        self.offline.bundle().workspace()
    }

    #[getter]
    fn action_count(&self) -> usize {
        self.offline.bundle().action_count()
    }

    #[getter]
    fn model_count(&self) -> usize {
        self.offline.bundle().model_count()
    }

    #[pyo3(signature = (request, customer, *, now_us, seed))]
    fn decide<'py>(
        &self,
        py: Python<'py>,
        request: &[u8],
        customer: Option<&[u8]>,
        now_us: i64,
        seed: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let moment = Moment { now_us, seed };
        let answer = py
            .detach(|| self.offline.decide(request, customer, moment))
            .map_err(Error::from)?;
        Ok(PyBytes::new(py, &answer))
    }

    #[pyo3(signature = (request, customer, *, now_us, seed))]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        request: &[u8],
        customer: Option<&[u8]>,
        now_us: i64,
        seed: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let moment = Moment { now_us, seed };
        let answer = py
            .detach(|| self.offline.explain(request, customer, moment))
            .map_err(Error::from)?;
        Ok(PyBytes::new(py, &answer))
    }
}
