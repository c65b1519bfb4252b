//! Dictionaries of settings, taken key by key: a key that nothing takes is an error, not a surprise.

use std::time::Duration;

use pyo3::{prelude::*, types::PyDict};

use crate::errors::Error;

/// What has not been taken yet of a dictionary.
pub(crate) struct Taken<'py>(Bound<'py, PyDict>);

impl<'py> Taken<'py> {
    pub(crate) fn of(settings: &Bound<'py, PyDict>) -> PyResult<Self> {
        Ok(Self(settings.copy()?))
    }

    /// The value, if there is one and it is not None.
    pub(crate) fn take<T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>>(
        &self,
        key: &str,
    ) -> PyResult<Option<T>> {
        let Some(value) = self.0.get_item(key)? else {
            return Ok(None);
        };
        self.0.del_item(key)?;
        if value.is_none() {
            return Ok(None);
        }
        let converted = value
            .extract()
            .map_err(Into::<PyErr>::into)
            .map_err(|error| Error::Setting(format!("setting `{key}`: {}", error.value(self.0.py()))))?;
        Ok(Some(converted))
    }

    /// Puts the value, if there is one, in the place of a default.
    pub(crate) fn put<T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>>(
        &self,
        key: &str,
        place: &mut T,
    ) -> PyResult<()> {
        if let Some(value) = self.take(key)? {
            *place = value;
        }
        Ok(())
    }

    /// A time in seconds.
    pub(crate) fn take_seconds(&self, key: &str) -> PyResult<Option<Duration>> {
        let Some(seconds) = self.take::<f64>(key)? else {
            return Ok(None);
        };
        Ok(Some(seconds_of(key, seconds)?))
    }

    /// Ends the taking.
    pub(crate) fn finish(self) -> PyResult<()> {
        match self.0.keys().iter().next() {
            Some(key) => Err(Error::Setting(format!("unknown setting `{key}`")).into()),
            None => Ok(()),
        }
    }
}

/// Seconds as a Python float.
pub(crate) fn seconds_of(name: &str, seconds: f64) -> PyResult<Duration> {
    let fault = |_| Error::Setting(format!("`{name}` is {seconds}: seconds, 0 or more"));
    Ok(Duration::try_from_secs_f64(seconds).map_err(fault)?)
}
