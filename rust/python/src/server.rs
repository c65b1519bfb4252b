//! `_core.Server`.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use nextbest_engine::Kernel;
use nextbest_otlp::{Destination, Protocol, Sampler};
use nextbest_pipeline::LateModels;
use nextbest_server::{Settings, Timeouts};
use prost::Message as _;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};

use crate::{
    errors::Error,
    security::{convert_access, take_tls},
    settings::{Taken, seconds_of},
};

/// A running server. Its threads are Rust's own and never take the interpreter's lock.
#[pyclass(frozen, module = "nextbest._core")]
pub(crate) struct Server {
    server: nextbest_server::Server,
    // Threads do not survive a fork: the child has the object, but not the server.
    process: u32,
}

#[pymethods]
impl Server {
    #[new]
    fn new(py: Python<'_>, bundle: Vec<u8>, settings: &Bound<'_, PyDict>) -> PyResult<Self> {
        let settings = convert(settings)?;
        let server = py
            .detach(|| nextbest_server::Server::start(bundle, settings))
            .map_err(Error::from)?;
        Ok(Self {
            server,
            process: std::process::id(),
        })
    }

    #[getter]
    fn decision_address(&self) -> String {
        self.server.decision_address().to_string()
    }

    #[getter]
    fn health_address(&self) -> String {
        self.server.health_address().to_string()
    }

    fn activate(&self, py: Python<'_>, bundle: Vec<u8>) -> PyResult<(String, String, u64, usize)> {
        self.check_process()?;
        let done = py.detach(|| self.server.activate(bundle)).map_err(Error::from)?;
        Ok((
            done.digest,
            done.previous,
            u64::try_from(done.duration.as_micros()).unwrap_or(u64::MAX),
            done.index_bytes,
        ))
    }

    fn renew(&self, settings: &Bound<'_, PyDict>) -> PyResult<()> {
        let taken = Taken::of(settings)?;
        let tls = take_tls(&taken)?;
        taken.finish()?;
        match tls {
            Some(tls) => Ok(self.server.renew(&tls).map_err(Error::from)?),
            None => Err(Error::Setting("`tls_certificate` and `tls_key` are missing".into()).into()),
        }
    }

    fn grant(&self, callers: Vec<Bound<'_, PyDict>>) -> PyResult<()> {
        self.server.grant(convert_access(callers)?);
        Ok(())
    }

    fn status<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.server.status().encode_to_vec())
    }

    fn model_health<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.server.model_health())
    }

    fn drain(&self, py: Python<'_>, deadline_s: f64) -> PyResult<usize> {
        self.check_process()?;
        let time_max = seconds_of("deadline_s", deadline_s)?;
        Ok(py.detach(|| self.server.drain(time_max)))
    }

    fn shutdown(&self, py: Python<'_>, deadline_s: f64) -> PyResult<(usize, u64)> {
        self.check_process()?;
        let time_max = seconds_of("deadline_s", deadline_s)?;
        let ended = py.detach(|| self.server.shutdown(time_max));
        Ok((ended.calls_cut_off, ended.spans_lost))
    }
}

impl Server {
    fn check_process(&self) -> PyResult<()> {
        if self.process == std::process::id() {
            Ok(())
        } else {
            Err(Error::Closed.into())
        }
    }
}

fn convert(settings: &Bound<'_, PyDict>) -> PyResult<Settings> {
    let taken = Taken::of(settings)?;
    let mut converted = Settings::default();
    taken.put("address", &mut converted.address)?;
    taken.put("health_address", &mut converted.health_address)?;
    taken.put("health_on_decisions", &mut converted.health_on_decisions)?;
    taken.put("reflection_on_decisions", &mut converted.reflection_on_decisions)?;
    taken.put("workers", &mut converted.workers)?;
    taken.put("customers_max", &mut converted.customers.customers_max)?;
    taken.put("customers_bytes_max", &mut converted.customers.bytes_max)?;
    taken.put("connections_max", &mut converted.connections_max)?;
    taken.put("peer_connections_max", &mut converted.peer_connections_max)?;
    taken.put("intake_bytes_max", &mut converted.intake_bytes_max)?;
    taken.put("answer_bytes_max", &mut converted.answer_bytes_max)?;
    taken.put("in_flight_max", &mut converted.in_flight_max)?;
    if let Some(word) = taken.take::<String>("late_models")? {
        converted.late_models = late_models(&word)?;
    }
    taken.put("health_sample", &mut converted.health_sample)?;
    taken.put("index_bytes_max", &mut converted.index.bytes_max)?;
    if let Some(name) = taken.take::<String>("kernel")? {
        converted.index.kernel = kernel(&name)?;
    }
    converted.onnxruntime_path = taken.take::<PathBuf>("onnxruntime_path")?;
    taken.put("shadow_every", &mut converted.shadow_every)?;
    convert_timeouts(&taken, &mut converted.timeouts)?;
    converted.tls = take_tls(&taken)?;
    converted.access = taken.take("access")?.map(convert_access).transpose()?;
    converted.drain_grace = taken
        .take_seconds("drain_grace_s")?
        .unwrap_or(converted.drain_grace);
    converted.processor = convert_telemetry(&taken)?;
    taken.finish()?;
    Ok(converted)
}

fn convert_timeouts(taken: &Taken<'_>, timeouts: &mut Timeouts) -> PyResult<()> {
    for (key, time) in [
        ("handshake_s_max", &mut timeouts.handshake),
        ("message_s_max", &mut timeouts.message),
        ("reading_s_max", &mut timeouts.reading),
        ("idle_s_max", &mut timeouts.idle),
        ("keepalive_s", &mut timeouts.keepalive_interval),
        ("keepalive_timeout_s", &mut timeouts.keepalive_timeout),
    ] {
        if let Some(given) = taken.take_seconds(key)? {
            if given.is_zero() {
                return Err(Error::Setting(format!("`{key}` is 0: seconds, more than 0")).into());
            }
            *time = given;
        }
    }
    if let Some(age) = taken.take_seconds("connection_age_s")? {
        timeouts.age = (!age.is_zero()).then_some(age);
    }
    Ok(())
}

fn late_models(word: &str) -> PyResult<LateModels> {
    match word {
        "degrade" => Ok(LateModels::Degrade),
        "refuse" => Ok(LateModels::Refuse),
        _ => Err(Error::Setting(format!("`late_models` is `{word}`: `degrade` or `refuse`")).into()),
    }
}

/// The names of the kernels of this machine, the fastest first.
#[pyfunction]
pub(crate) fn kernels() -> Vec<&'static str> {
    Kernel::available().into_iter().map(Kernel::name).collect()
}

fn kernel(name: &str) -> Result<Kernel, Error> {
    Kernel::named(name).ok_or_else(|| {
        Error::Setting(format!(
            "`kernel` is `{name}`: this machine has {}",
            kernels().join(", ")
        ))
    })
}

/// Every key is taken, also where there is no endpoint to use them for.
fn convert_telemetry(taken: &Taken<'_>) -> PyResult<Option<nextbest_otlp::Settings>> {
    let endpoint = taken.take::<String>("otlp_endpoint")?;
    let mut processor = nextbest_otlp::Settings::new(endpoint.clone().unwrap_or_default());
    convert_destination(taken, &mut processor.destination)?;
    taken.put("otlp_batch_spans_max", &mut processor.batch_spans_max)?;
    if let Some(resource) = taken.take::<BTreeMap<String, String>>("otlp_resource")? {
        processor.resource = resource.into_iter().collect();
    }
    let ratio = taken.take::<f64>("otlp_sampler_ratio")?.unwrap_or(1.0);
    if let Some(name) = taken.take::<String>("otlp_sampler")? {
        let fault = || {
            Error::Setting(format!(
                "`otlp_sampler` is `{name}`: not a sampler of OpenTelemetry"
            ))
        };
        processor.sampler = Sampler::named(&name, ratio).ok_or_else(fault)?;
    }
    let timeouts = &mut processor.timeouts;
    for (key, time) in [
        ("otlp_timeout_s", &mut timeouts.request_timeout),
        ("otlp_delay_s", &mut timeouts.flush_interval),
        ("otlp_retry_s", &mut timeouts.retry_max),
    ] {
        if let Some(given) = taken.take_seconds(key)? {
            *time = given;
        }
    }
    processor.customer_hash_key = taken.take::<Vec<u8>>("customer_hash_key")?;
    taken.put("trace_queue_bytes", &mut processor.queue_bytes_max)?;
    Ok(endpoint.map(|_| processor))
}

fn convert_destination(taken: &Taken<'_>, destination: &mut Destination) -> PyResult<()> {
    if let Some(headers) = taken.take::<HashMap<String, String>>("otlp_headers")? {
        destination.headers = headers.into_iter().collect();
    }
    match taken.take::<String>("otlp_protocol")?.as_deref() {
        None | Some("grpc") => {}
        Some("http/protobuf") => destination.protocol = Protocol::Http,
        Some(other) => {
            let message = format!("`otlp_protocol` is `{other}`: `grpc` or `http/protobuf`");
            return Err(Error::Setting(message).into());
        }
    }
    taken.put("otlp_compressed", &mut destination.is_compressed)?;
    destination.authorities = taken.take("otlp_certificate")?;
    let certificate = taken.take::<Vec<u8>>("otlp_client_certificate")?;
    let key = taken.take::<Vec<u8>>("otlp_client_key")?;
    destination.identity = certificate.zip(key);
    Ok(())
}

/// The certificates of the authorities that this system trusts, DER.
#[pyfunction]
pub(crate) fn system_authorities(py: Python<'_>) -> Vec<Bound<'_, PyBytes>> {
    nextbest_otlp::system_authorities()
        .iter()
        .map(|certificate| PyBytes::new(py, certificate))
        .collect()
}
