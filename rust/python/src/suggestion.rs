//! The nearest of some names.

use nextbest_engine as engine;
use pyo3::prelude::*;

#[pyfunction]
pub(crate) fn nearest(py: Python<'_>, name: &str, known: Vec<String>) -> Option<String> {
    py.detach(|| engine::nearest(name, known.iter().map(String::as_str)).map(str::to_owned))
}
