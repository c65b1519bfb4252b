//! One HTTP/2 connection, and a gRPC call on it: a framed message out, a status back.
//!
//! Raw h2 instead of a gRPC client: at these rates the client would otherwise be what is measured.

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Method, Request, Version, header, uri::PathAndQuery};
use tokio::net::TcpStream;

use crate::LoadFault;

const WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// An open connection. Clones share it.
#[derive(Clone)]
pub(crate) struct Connection {
    sender: SendRequest<Bytes>,
    authority: http::uri::Authority,
}

impl Connection {
    /// Connects; the connection is driven by a task of the current event loop.
    pub(crate) async fn open(address: &str) -> Result<Self, LoadFault> {
        let fault = |cause: String| LoadFault::Connect {
            address: address.into(),
            cause,
        };
        let authority = address
            .parse()
            .map_err(|cause: http::uri::InvalidUri| fault(cause.to_string()))?;
        let stream = TcpStream::connect(address)
            .await
            .map_err(|cause| fault(cause.to_string()))?;
        stream
            .set_nodelay(true)
            .map_err(|cause| fault(cause.to_string()))?;
        let mut builder = h2::client::Builder::new();
        builder
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES);
        let (sender, driver) = builder
            .handshake(stream)
            .await
            .map_err(|cause| fault(cause.to_string()))?;
        // When it ends, calls fail and say so.
        tokio::task::spawn_local(async { drop(driver.await) });
        Ok(Self { sender, authority })
    }

    /// Calls the method.
    ///
    /// # Errors
    /// The status, when it is not OK: its name as gRPC has it.
    pub(crate) async fn call(self, method: PathAndQuery, message: Bytes) -> Result<(), String> {
        self.exchange(method, message)
            .await
            .unwrap_or_else(|_| Err("UNAVAILABLE".into()))
    }

    async fn exchange(self, method: PathAndQuery, message: Bytes) -> Result<Result<(), String>, Fault> {
        let uri = http::Uri::builder()
            .scheme("http")
            .authority(self.authority)
            .path_and_query(method)
            .build()
            .map_err(|_| Fault)?;
        let request = Request::builder()
            .method(Method::POST)
            .version(Version::HTTP_2)
            .uri(uri)
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .body(())
            .map_err(|_| Fault)?;
        let mut sender = self.sender.ready().await?;
        let (response, mut body) = sender.send_request(request, false)?;
        body.send_data(message, true)?;
        let (head, mut body) = response.await?.into_parts();
        while let Some(chunk) = body.data().await {
            let length = chunk?.len();
            body.flow_control().release_capacity(length)?;
        }
        let trailers = body.trailers().await?;
        Ok(status(trailers.as_ref().unwrap_or(&head.headers)))
    }
}

/// The connection or the stream has broken.
struct Fault;

impl From<h2::Error> for Fault {
    fn from(_: h2::Error) -> Self {
        Self
    }
}

/// A message as gRPC sends it: uncompressed, its length in front.
pub(crate) fn frame(message: &[u8]) -> Option<Bytes> {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).ok()?);
    framed.put_slice(message);
    Some(framed.freeze())
}

fn status(headers: &HeaderMap) -> Result<(), String> {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let code = headers
        .get("grpc-status")
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    match code {
        Some(0) => Ok(()),
        // An answer without a status is none that gRPC knows.
        code => Err((*code.and_then(|code| NAMES.get(code)).unwrap_or(&"UNKNOWN")).into()),
    }
}
