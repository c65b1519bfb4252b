//! `_core.load` and `_core.LoadWatch`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use nextbest_load::{Identity, Pace, Percentiles, Point, Report, Settings, Tls, Watch, run};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};

use crate::{errors::Error, settings::Taken};

/// Follows a run, and stops it.
#[pyclass(frozen, module = "nextbest._core")]
#[derive(Default)]
pub(crate) struct LoadWatch(Arc<Watch>);

#[pymethods]
impl LoadWatch {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    #[getter]
    fn sent(&self) -> u64 {
        self.0.sent()
    }

    #[getter]
    fn ok(&self) -> u64 {
        self.0.ok()
    }

    #[getter]
    fn failed(&self) -> u64 {
        self.0.failed()
    }

    fn stop(&self) {
        self.0.stop();
    }
}

/// Runs the load generator.
#[pyfunction]
#[pyo3(signature = (settings, *, watch = None))]
pub(crate) fn load<'py>(
    py: Python<'py>,
    settings: &Bound<'py, PyDict>,
    watch: Option<&Bound<'py, LoadWatch>>,
) -> PyResult<Bound<'py, PyDict>> {
    let settings = convert(settings)?;
    let watch = watch.map_or_else(Arc::default, |watch| Arc::clone(&watch.get().0));
    let report = py.detach(|| run(&settings, &watch)).map_err(Error::from)?;
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
        tls: convert_tls(&taken)?,
        api_key: taken.take("api_key")?,
        method: taken
            .take("method")?
            .unwrap_or_else(|| "/nextbest.v1.DecisionService/Decide".into()),
        requests: requests.into_iter().map(Bytes::from).collect(),
        timeout: taken.take_seconds("timeout_s")?,
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

fn convert_tls(taken: &Taken<'_>) -> PyResult<Option<Tls>> {
    let authorities = taken.take::<Vec<u8>>("tls_ca")?;
    let certificates = taken.take::<Vec<u8>>("tls_cert")?;
    let key = taken.take::<Vec<u8>>("tls_key")?;
    let server_name = taken.take::<String>("tls_name")?;
    let identity = match (certificates, key) {
        (Some(certificates), Some(key)) => Some(Identity { certificates, key }),
        (None, None) => None,
        _ => return Err(PyValueError::new_err("give `tls_cert` and `tls_key` together")),
    };
    match authorities {
        Some(authorities) => Ok(Some(Tls {
            authorities,
            identity,
            server_name,
        })),
        None if identity.is_some() || server_name.is_some() => Err(PyValueError::new_err(
            "`tls_ca` is missing: without it nothing is encrypted",
        )),
        None => Ok(None),
    }
}

fn render<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let rendered = PyDict::new(py);
    rendered.set_item("sent", report.sent)?;
    rendered.set_item("ok", report.ok)?;
    rendered.set_item("errors", &report.errors)?;
    rendered.set_item("messages", &report.messages)?;
    let error_latencies = PyDict::new(py);
    for (status, found) in &report.error_latencies {
        let latencies = PyDict::new(py);
        set_percentiles(&latencies, "", found)?;
        error_latencies.set_item(status, latencies)?;
    }
    rendered.set_item("error_latencies", error_latencies)?;
    rendered.set_item("achieved_per_s", report.achieved_per_s)?;
    rendered.set_item("measured_s", report.measured.as_secs_f64())?;
    rendered.set_item("reopened", report.reopened)?;
    set_percentiles(&rendered, "", &report.latency)?;
    set_percentiles(&rendered, "service_", &report.service)?;
    set_percentiles(&rendered, "lag_", &report.lag)?;
    set_percentiles(&rendered, "hiccup_", &report.hiccup)?;
    rendered.set_item("distribution", points(&report.distribution))?;
    rendered.set_item("service_distribution", points(&report.service_distribution))?;
    rendered.set_item("hiccup_distribution", points(&report.hiccup_distribution))?;
    rendered.set_item("hgrm", &report.hgrm)?;
    Ok(rendered)
}

fn set_percentiles(rendered: &Bound<'_, PyDict>, prefix: &str, found: &Percentiles) -> PyResult<()> {
    let Percentiles {
        p50_us,
        p90_us,
        p99_us,
        p999_us,
        max_us,
    } = *found;
    rendered.set_item(format!("{prefix}p50_us"), p50_us)?;
    rendered.set_item(format!("{prefix}p90_us"), p90_us)?;
    rendered.set_item(format!("{prefix}p99_us"), p99_us)?;
    rendered.set_item(format!("{prefix}p999_us"), p999_us)?;
    rendered.set_item(format!("{prefix}max_us"), max_us)
}

fn points(distribution: &[Point]) -> Vec<(f64, f64, u64)> {
    distribution
        .iter()
        .map(|point| (point.quantile, point.latency_us, point.count))
        .collect()
}
