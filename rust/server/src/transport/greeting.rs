//! The first bytes of a peer: TLS if it is used, and the preface of HTTP/2.
//!
//! Read before HTTP/2 sees the connection: a socket that never sends a preface, as a TCP probe does, would otherwise
//! hold up every shutdown. HTTP/1 is answered in HTTP/1, so that people with curl, browsers and balancers see why.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::server::TlsStream;

use crate::{
    identity::Identity,
    transport::{
        connection_policy::ConnectionPolicy,
        farewell::Farewell,
        tls::{agree, caller_names},
    },
};

pub(crate) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HTTP1_METHODS: [&str; 9] = [
    "GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ",
];
const HTTP1_ANSWER: &[u8] = b"HTTP/1.1 505 HTTP Version Not Supported\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 114\r\n\
    connection: close\r\n\
    \r\n\
    this port speaks gRPC over HTTP/2 alone; probes ask the gRPC health service on the health port (50053 by default)\n";

/// A stream whose preface was read, as the caller spoke it.
pub(crate) enum Greeted<S> {
    Plain(S),
    Tls(Box<TlsStream<S>>),
}

/// Performs the TLS handshake if TLS is used, and reads the preface. Nothing if the bytes are not a preface.
pub(crate) async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    policy: &ConnectionPolicy,
) -> Option<(Greeted<S>, Identity)> {
    let identity = |names| Identity::new(Arc::clone(&policy.access), names);
    let Some(acceptor) = policy.handshake.acceptor() else {
        let stream = read_preface(stream, policy).await?;
        return Some((Greeted::Plain(stream), identity(vec![])));
    };
    let agreed = agree(acceptor, stream).await;
    if agreed.is_err() {
        policy.counters.handshakes_failed.add();
    }
    let stream = read_preface(Box::new(agreed.ok()?), policy).await?;
    let names = caller_names(&stream);
    Some((Greeted::Tls(stream), identity(names)))
}

async fn read_preface<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    policy: &ConnectionPolicy,
) -> Option<S> {
    let mut said = [0; PREFACE.len()];
    let mut count = 0;
    while count < PREFACE.len() {
        let room = said.get_mut(count..)?;
        count += match stream.read(room).await.ok()? {
            0 => return None,
            read => read,
        };
        // At the first byte that is another: a short request in HTTP/1 has fewer than a preface.
        if said.get(..count) != PREFACE.get(..count) {
            policy.counters.not_http2.add();
            if asks_in_http1(said.get(..count)?, &mut stream).await {
                stream.write_all(HTTP1_ANSWER).await.ok()?;
            }
            // Other unread data must not destroy the answer.
            let _ = Farewell::new(stream).shutdown().await;
            return None;
        }
    }
    Some(stream)
}

/// Whether the first bytes, and those after them, begin with a method of HTTP/1.
async fn asks_in_http1<S: AsyncRead + Unpin>(said: &[u8], stream: &mut S) -> bool {
    let mut said = said.to_vec();
    loop {
        let matching = HTTP1_METHODS.iter().filter(|method| {
            let both = said.len().min(method.len());
            said.get(..both) == method.as_bytes().get(..both)
        });
        let Some(shortest) = matching.map(|method| method.len()).min() else {
            return false;
        };
        if said.len() >= shortest {
            return true;
        }
        let Ok(byte) = stream.read_u8().await else {
            return false;
        };
        said.push(byte);
    }
}
