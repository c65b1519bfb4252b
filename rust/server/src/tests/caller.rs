//! A caller that speaks HTTP/2 well, and gRPC as slowly or as oddly as a test wants.

use std::future::poll_fn;

use h2::{
    SendStream,
    client::{Builder, ResponseFuture, SendRequest},
};
use http::Request;
use hyper::body::Bytes;
use prost::Message;
use tokio::runtime::Runtime;

use crate::{Server, tests::wire::DECIDE};

/// A gRPC message.
pub(super) fn enframe(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message].concat().into()
}

/// One connection.
pub(super) struct Caller {
    runtime: Runtime,
    requests: SendRequest<Bytes>,
}

/// A call that has been opened.
pub(super) struct Opened {
    response: ResponseFuture,
    body: SendStream<Bytes>,
}

impl Opened {
    /// Sends a part of the body. False when the server wants no more.
    pub(super) fn send(&mut self, part: Bytes) -> bool {
        self.body.send_data(part, false).is_ok()
    }
}

impl Caller {
    /// Connects, with a window of this number of bytes for each response.
    pub(super) fn connect(server: &Server, window: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let address = server.decision_address().to_string();
        let requests = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let mut builder = Builder::new();
            builder.initial_window_size(window).max_send_buffer_size(1 << 24);
            let (requests, connection) = builder.handshake(stream).await.unwrap();
            // Ends with the runtime, or when the server asks it to.
            tokio::spawn(connection);
            requests
        });
        Self { runtime, requests }
    }

    /// Opens a call with more headers than it needs.
    pub(super) fn open_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Opened {
        let mut request = Request::post(format!("http://test{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut requests = self.requests.clone();
        self.runtime
            .block_on(poll_fn(|context| requests.poll_ready(context)))
            .unwrap();
        let (response, body) = requests.send_request(request.body(()).unwrap(), false).unwrap();
        Opened { response, body }
    }

    pub(super) fn open(&mut self, path: &str) -> Opened {
        self.open_with(path, &[])
    }

    /// Opens a call and sends all of its message.
    pub(super) fn ask(&mut self, path: &str, message: &impl Message) -> Opened {
        let mut opened = self.open(path);
        let whole = enframe(&message.encode_to_vec());
        // Fails where the answer is there already.
        let _ = opened.body.send_data(whole, true);
        opened
    }

    pub(super) fn decide(&mut self, message: &impl Message) -> Opened {
        self.ask(DECIDE, message)
    }

    /// Waits for the answer. Its headers and the bytes of its message.
    pub(super) fn answer(&self, opened: Opened) -> (http::HeaderMap, Vec<u8>) {
        let Opened {
            response,
            body: _body,
        } = opened;
        self.runtime.block_on(async {
            let (head, mut body) = response.await.unwrap().into_parts();
            let mut bytes = vec![];
            while let Some(part) = body.data().await {
                let part = part.unwrap();
                body.flow_control().release_capacity(part.len()).unwrap();
                bytes.extend(part);
            }
            (head.headers, bytes)
        })
    }

    /// Opens a call with more headers, and sends all of its message.
    pub(super) fn ask_with(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        message: &impl Message,
    ) -> Opened {
        let mut opened = self.open_with(path, headers);
        opened
            .body
            .send_data(enframe(&message.encode_to_vec()), true)
            .unwrap();
        opened
    }

    /// Waits for the answer. Its gRPC status, or the HTTP status of an answer that is not gRPC.
    ///
    /// # Errors
    /// When the stream or the connection was ended instead.
    pub(super) fn status(&self, opened: Opened) -> Result<u16, h2::Error> {
        // Kept: dropping it would reset the stream.
        let Opened {
            response,
            body: _body,
        } = opened;
        self.runtime.block_on(async {
            let (head, mut body) = response.await?.into_parts();
            while let Some(part) = body.data().await {
                body.flow_control().release_capacity(part?.len())?;
            }
            let trailers = body.trailers().await?.unwrap_or_default();
            let status = head.headers.get("grpc-status").or(trailers.get("grpc-status"));
            let status = status.and_then(|status| status.to_str().ok()?.parse().ok());
            Ok(status.unwrap_or(head.status.as_u16()))
        })
    }
}
