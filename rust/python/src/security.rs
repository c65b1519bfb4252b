//! Certificates and callers, from Python.

use nextbest_server::{Access, Caller, CallerCertificates, Role, Tls};
use pyo3::{prelude::*, types::PyDict};

use crate::{errors::Error, settings::Taken};

/// Takes `tls_certificate`, `tls_key`, `tls_client_ca` and `tls_client_required`.
pub(crate) fn take_tls(taken: &Taken<'_>) -> PyResult<Option<Tls>> {
    let certificates = taken.take::<Vec<u8>>("tls_certificate")?;
    let key = taken.take::<Vec<u8>>("tls_key")?;
    let authorities = taken.take::<Vec<u8>>("tls_client_ca")?;
    let required = taken.take::<bool>("tls_client_required")?.unwrap_or(true);
    let callers = authorities.map(|authorities| CallerCertificates {
        authorities,
        required,
    });
    match (certificates, key) {
        (Some(certificates), Some(key)) => Ok(Some(Tls {
            certificates,
            key,
            callers,
        })),
        (None, None) if callers.is_none() => Ok(None),
        _ => Err(Error::Setting("`tls_certificate` and `tls_key` go together".into()).into()),
    }
}

/// Takes the callers of an access file.
pub(crate) fn convert_access(callers: Vec<Bound<'_, PyDict>>) -> PyResult<Access> {
    let callers: PyResult<Vec<_>> = callers.iter().map(convert_caller).collect();
    Ok(Access::of(callers?))
}

fn convert_caller(fields: &Bound<'_, PyDict>) -> PyResult<Caller> {
    let taken = Taken::of(fields)?;
    let roles = taken.take::<Vec<String>>("roles")?.unwrap_or_default();
    let caller = Caller {
        name: taken.take("name")?.unwrap_or_default(),
        roles: roles
            .iter()
            .map(|name| {
                let unknown = || Error::Setting(format!("`{name}` is not a role"));
                Role::named(name).ok_or_else(unknown)
            })
            .collect::<Result<_, _>>()?,
        key_hashes: taken.take("key_hashes")?.unwrap_or_default(),
        certificate_names: taken.take("certificate_names")?.unwrap_or_default(),
    };
    taken.finish()?;
    Ok(caller)
}
