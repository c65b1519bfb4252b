//! `_core.load`.

use std::time::Duration;

use bytes::Bytes;
use nextbest_load::{Pace, Report, Settings, run};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};

use crate::{errors::Fault, settings::Taken};

/// Runs the load generator.
#[pyfunction]
pub(crate) fn load<'py>(py: Python<'py>, settings: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let settings = convert(settings)?;
    let report = py.detach(|| run(&settings)).map_err(Fault::from)?;
    render(py, &report)
}

fn convert(settings: &Bound<'_, PyDict>) -> PyResult<Settings> {
    let taken = Taken::of(settings)?;
    let required = |key: &str| PyValueError::new_err(format!("setting `{key}` is missing"));
    let requests: Vec<Vec<u8>> = taken.take("requests")?.ok_or_else(|| required("requests"))?;
    let rate_per_s = taken.take::<f64>("rate_per_s")?;
    let in_flight = taken.take::<usize>("in_flight")?;
    let pace = match (rate_per_s, in_flight) {
        (Some(rate_per_s), None) => Pace::Open { rate_per_s },
        (None, Some(in_flight)) => Pace::Closed { in_flight },
        _ => return Err(PyValueError::new_err("give either `rate_per_s` or `in_flight`")),
    };
    let converted = Settings {
        address: taken.take("address")?.unwrap_or_else(|| "127.0.0.1:50051".into()),
        method: taken
            .take("method")?
            .unwrap_or_else(|| "/nextbest.v1.DecisionService/Decide".into()),
        requests: requests.into_iter().map(Bytes::from).collect(),
        pace,
        warmup: taken.take_seconds("warmup_s")?.unwrap_or(Duration::from_secs(1)),
        duration: taken
            .take_seconds("duration_s")?
            .unwrap_or(Duration::from_secs(10)),
        connections: taken.take("connections")?.unwrap_or(4),
    };
    taken.finish()?;
    Ok(converted)
}

fn render<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let rendered = PyDict::new(py);
    rendered.set_item("sent", report.sent)?;
    rendered.set_item("ok", report.ok)?;
    rendered.set_item("errors", &report.errors)?;
    rendered.set_item("p50_us", report.p50_us)?;
    rendered.set_item("p90_us", report.p90_us)?;
    rendered.set_item("p99_us", report.p99_us)?;
    rendered.set_item("p999_us", report.p999_us)?;
    rendered.set_item("max_us", report.max_us)?;
    rendered.set_item("achieved_per_s", report.achieved_per_s)?;
    rendered.set_item("hiccup_p99_us", report.hiccup_p99_us)?;
    rendered.set_item("hiccup_max_us", report.hiccup_max_us)?;
    Ok(rendered)
}
