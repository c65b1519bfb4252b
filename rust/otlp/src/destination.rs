//! Where spans go: an address, how it is spoken to, and who this process is to it.

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};

use crate::error::ProcessorError;

/// How spans are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP/gRPC.
    Grpc,
    /// OTLP/HTTP with protobuf bodies; the path of the URL is that of the receiver.
    Http,
}

/// A collector.
#[derive(Clone)]
pub struct Destination {
    /// `http://host:port`, or `https://...`, which is spoken over TLS 1.3.
    pub url: String,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Sent with every request, for example for authorization.
    pub headers: Vec<(String, String)>,
    /// Whether requests are compressed, with gzip.
    pub is_compressed: bool,
    /// Of the authorities that may have signed the collector's certificate, PEM; without them, those of the system.
    pub authorities: Option<Vec<u8>>,
    /// Who this process is to the collector: certificate and private key, PEM.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// Without headers and keys: they are secrets.
impl fmt::Debug for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Destination")
            .field("url", &self.url)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

impl Destination {
    /// OTLP/gRPC without headers.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            protocol: Protocol::Grpc,
            headers: Vec::new(),
            is_compressed: false,
            authorities: None,
            identity: None,
        }
    }
}

/// Host and port of a collector, and the TLS that is spoken with it.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) uri: Uri,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl Target {
    /// # Errors
    /// When the address is not valid, or the certificates cannot be used.
    pub(crate) fn of(destination: &Destination) -> Result<Self, ProcessorError> {
        let error = || ProcessorError::Endpoint(destination.url.clone());
        let uri: Uri = destination.url.parse().map_err(|_| error())?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(error)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let (is_encrypted, port) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            _ => return Err(error()),
        };
        let tls = if is_encrypted {
            let name = ServerName::try_from(host.clone()).map_err(|_| error())?;
            Some((Arc::new(configure(destination)?), name))
        } else {
            None
        };
        Ok(Self {
            port: uri.port_u16().unwrap_or(port),
            uri,
            host,
            tls,
        })
    }
}

fn configure(destination: &Destination) -> Result<ClientConfig, ProcessorError> {
    let error = |which: &str, cause: &str| ProcessorError::Tls(format!("{which}: {cause}"));
    let mut roots = RootCertStore::empty();
    match &destination.authorities {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|cause| error("authorities", &cause.to_string()))?;
                roots
                    .add(certificate)
                    .map_err(|cause| error("authorities", &cause.to_string()))?;
            }
        }
        None => drop(roots.add_parsable_certificates(system_authorities())),
    }
    if roots.is_empty() {
        return Err(error("authorities", "there are none to trust: name their file"));
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|cause| error("TLS", &cause.to_string()))?
        .with_root_certificates(roots);
    let mut config = match &destination.identity {
        Some((certificates, key)) => {
            let certificates = CertificateDer::pem_slice_iter(certificates)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|cause| error("client certificate", &cause.to_string()))?;
            let key = PrivateKeyDer::from_pem_slice(key)
                .map_err(|cause| error("client key", &cause.to_string()))?;
            builder
                .with_client_auth_cert(certificates, key)
                .map_err(|cause| error("client certificate and key", &cause.to_string()))?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![match destination.protocol {
        Protocol::Grpc => b"h2".to_vec(),
        Protocol::Http => b"http/1.1".to_vec(),
    }];
    Ok(config)
}

/// The certificates of the authorities that this system trusts, DER. `SSL_CERT_FILE` and `SSL_CERT_DIR` name others, as
/// for OpenSSL.
#[must_use]
pub fn system_authorities() -> Vec<CertificateDer<'static>> {
    // What of them cannot be read is left out: the rest may do.
    rustls_native_certs::load_native_certs().certs
}

pub(crate) fn parse_headers(headers: &[(String, String)]) -> Result<HeaderMap, ProcessorError> {
    let mut parsed = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let error = || ProcessorError::Header(name.clone());
        let key = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes()).map_err(|_| error())?;
        // Of gRPC, such names hold bytes.
        if key.as_str().ends_with("-bin") {
            return Err(error());
        }
        let value = HeaderValue::from_str(value).map_err(|_| error())?;
        parsed.append(key, value);
    }
    Ok(parsed)
}
