//! Connections to a collector, in plain text or over TLS.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tonic::codegen::Service;

use crate::destination::Target;

/// From a name to a connection, TLS included.
const CONNECT_MAX: Duration = Duration::from_secs(5);

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(crate) type Connection = TokioIo<Box<dyn Stream>>;

/// Connects to one collector.
#[derive(Clone)]
pub(crate) struct Connector(pub(crate) Target);

impl Connector {
    pub(crate) async fn connect(self) -> io::Result<Connection> {
        let connected = timeout(CONNECT_MAX, self.agree()).await;
        let stream = connected.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))?;
        Ok(TokioIo::new(stream))
    }

    async fn agree(self) -> io::Result<Box<dyn Stream>> {
        let Target { host, port, tls, .. } = self.0;
        let stream = TcpStream::connect((host.as_str(), port)).await?;
        stream.set_nodelay(true)?;
        Ok(match tls {
            Some((config, name)) => Box::new(TlsConnector::from(config).connect(name, stream).await?),
            None => Box::new(stream),
        })
    }
}

/// As tonic asks for connections.
impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Connection>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}
