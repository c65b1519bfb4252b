//! Certificates in PEM form turned into TLS 1.3 that speaks HTTP/2. The one door to rustls here.
//!
//! The configuration of new connections is behind one pointer, so that certificates can be renewed: open
//! connections keep their configuration.

use std::{fmt, io, sync::Arc};

use arc_swap::ArcSwapOption;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    },
    server::TlsStream,
};
use webpki::EndEntityCert;

const HTTP2: &[u8] = b"h2";

/// Who the server is, and which callers it believes to be who they say. Holds a private key: its `Debug` shows nothing.
#[derive(Clone)]
pub struct Tls {
    /// In PEM form, with those of intermediate authorities after it.
    pub certificates: Vec<u8>,
    /// In PEM form, without a password.
    pub key: Vec<u8>,
    /// Whose certificates callers may show.
    pub callers: Option<CallerCertificates>,
}

/// Certificates of callers (mTLS).
#[derive(Clone)]
pub struct CallerCertificates {
    /// Those of the authorities that may have signed them, in PEM form.
    pub authorities: Vec<u8>,
    /// Whether a caller has to have one.
    pub required: bool,
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Why certificates or keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{which}: {cause}")]
pub struct TlsError {
    /// Which of them: `certificate`, `key` or `client_ca`.
    pub which: &'static str,
    /// The reason.
    pub cause: String,
}

/// What new connections are offered: TLS, or plain text.
#[derive(Default)]
pub(crate) struct Handshake(ArcSwapOption<ServerConfig>);

impl Handshake {
    /// # Errors
    /// When the certificates or keys cannot be used.
    pub(crate) fn of(tls: Option<&Tls>) -> Result<Arc<Self>, TlsError> {
        let config = tls.map(configure).transpose()?.map(Arc::new);
        Ok(Arc::new(Self(ArcSwapOption::new(config))))
    }

    /// Offers something else from now on. A port that speaks plain text goes on doing so, as its callers would all be
    /// shut out at once.
    ///
    /// # Errors
    /// When the certificates or keys cannot be used, or the port speaks plain text; it goes on as before then.
    pub(crate) fn renew(&self, tls: &Tls) -> Result<(), TlsError> {
        let config = configure(tls)?;
        if self.0.load().is_none() {
            return Err(fault("certificate", "the server was started without TLS"));
        }
        self.0.store(Some(Arc::new(config)));
        Ok(())
    }

    /// Nothing where plain text is spoken.
    pub(crate) fn acceptor(&self) -> Option<TlsAcceptor> {
        self.0.load_full().map(TlsAcceptor::from)
    }
}

/// Agrees with a caller on a connection.
///
/// # Errors
/// When one does not trust the other, or the caller does not speak HTTP/2.
pub(crate) async fn agree<S: AsyncRead + AsyncWrite + Unpin>(
    acceptor: TlsAcceptor,
    stream: S,
) -> io::Result<TlsStream<S>> {
    let stream = acceptor.accept(stream).await?;
    match stream.get_ref().1.alpn_protocol() {
        Some(HTTP2) => Ok(stream),
        _ => Err(io::Error::other("the caller does not speak HTTP/2 (ALPN `h2`)")),
    }
}

/// The names that the caller's certificate is made out to: DNS names and URIs. None without a certificate.
pub(crate) fn caller_names<S>(stream: &TlsStream<S>) -> Vec<String> {
    let Some([certificate, ..]) = stream.get_ref().1.peer_certificates() else {
        return vec![];
    };
    let Ok(certificate) = EndEntityCert::try_from(certificate) else {
        return vec![];
    };
    let names = certificate.valid_dns_names().chain(certificate.valid_uri_names());
    names.map(str::to_owned).collect()
}

fn configure(tls: &Tls) -> Result<ServerConfig, TlsError> {
    let chain = certificates(&tls.certificates, "certificate")?;
    let key = PrivateKeyDer::from_pem_slice(&tls.key)
        .map_err(|_| fault("key", "no private key in PEM form, or one with a password"))?;
    let provider = Arc::new(default_provider());
    let verifier: Arc<dyn ClientCertVerifier> = match &tls.callers {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(callers) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(&callers.authorities, "client_ca")? {
                roots
                    .add(certificate)
                    .map_err(|cause| fault("client_ca", &cause.to_string()))?;
            }
            let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let builder = if callers.required {
                builder
            } else {
                builder.allow_unauthenticated()
            };
            builder
                .build()
                .map_err(|cause| fault("client_ca", &cause.to_string()))?
        }
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| fault("certificate", &cause.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|cause| fault("certificate", &format!("it and its key cannot be used: {cause}")))?;
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok(config)
}

fn certificates(pem: &[u8], which: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(fault(which, "no certificate in PEM form")),
    }
}

fn fault(which: &'static str, cause: &str) -> TlsError {
    TlsError {
        which,
        cause: cause.to_owned(),
    }
}
