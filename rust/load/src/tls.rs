//! Certificates in PEM form turned into TLS 1.3 connections that speak HTTP/2. The one door to rustls here.

use std::{io, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, ClientConfig, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

use crate::LoadError;

const HTTP2: &[u8] = b"h2";

/// How to trust a server, and who to be to it. Holds a private key: it has no `Debug`.
#[derive(Clone)]
pub struct Tls {
    /// Certificates of the authorities that may have signed the server's, in PEM form. Those of the system
    /// are not asked.
    pub authorities: Vec<u8>,
    /// For servers that require client certificates (mTLS).
    pub identity: Option<Identity>,
    /// What the server's certificate has to be made out to; None: the host of the address, or `localhost` for
    /// a socket file.
    pub server_name: Option<String>,
}

/// A client's certificate.
#[derive(Clone)]
pub struct Identity {
    /// In PEM form, with those of intermediate authorities after it.
    pub certificates: Vec<u8>,
    /// In PEM form.
    pub key: Vec<u8>,
}

/// All that a TLS connection needs besides a socket.
pub(crate) struct Handshake {
    connector: TlsConnector,
    server_name: ServerName<'static>,
}

impl Handshake {
    /// Reads the certificates. `host` is what the server is called in its address.
    pub(crate) fn prepare(tls: &Tls, host: &str) -> Result<Self, LoadError> {
        let name = tls.server_name.as_deref().unwrap_or(host);
        let server_name = ServerName::try_from(name.to_owned()).map_err(|_| {
            LoadError::Setting(format!("`{name}` is not a name that a certificate can have").into())
        })?;
        let config = configure(tls)?;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            server_name,
        })
    }

    /// Agrees with the server on a connection.
    ///
    /// # Errors
    /// When one does not trust the other, or the server does not offer HTTP/2.
    pub(crate) async fn agree<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<TlsStream<S>> {
        let stream = self.connector.connect(self.server_name.clone(), stream).await?;
        if stream.get_ref().1.alpn_protocol() == Some(HTTP2) {
            Ok(stream)
        } else {
            Err(io::Error::other("the server does not offer HTTP/2 (ALPN `h2`)"))
        }
    }
}

fn configure(tls: &Tls) -> Result<ClientConfig, LoadError> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(&tls.authorities, "tls_ca")? {
        authorities
            .add(certificate)
            .map_err(|cause| unusable("tls_ca", &cause))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| unusable("tls_ca", &cause))?
        .with_root_certificates(authorities);
    let mut config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = certificates(&identity.certificates, "tls_cert")?;
            let key = PrivateKeyDer::from_pem_slice(&identity.key)
                .map_err(|_| LoadError::Setting("`tls_key` holds no private key in PEM form".into()))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|cause| unusable("tls_cert", &cause))?
        }
    };
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok(config)
}

fn certificates(pem: &[u8], setting: &str) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(LoadError::Setting(
            format!("`{setting}` holds no certificate in PEM form").into(),
        )),
    }
}

fn unusable(setting: &str, cause: &rustls::Error) -> LoadError {
    LoadError::Setting(format!("`{setting}` cannot be used: {cause}").into())
}
