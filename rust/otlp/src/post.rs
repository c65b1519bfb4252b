//! Batches sent as OTLP/HTTP: protobuf bodies, posted over HTTP/1.1.

use std::{io::Write as _, time::Duration};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT},
    uri::PathAndQuery,
};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
};
use parking_lot::Mutex;

use crate::{
    connector::Connector,
    destination::Target,
    verdict::{Verdict, brief, describe},
};

/// Of an answer; a longer one is not valid.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const AGENT: &str = concat!("nextbest/", env!("CARGO_PKG_VERSION"));

/// A collector's OTLP/HTTP receiver.
pub(crate) struct HttpClient {
    connector: Connector,
    path: PathAndQuery,
    headers: HeaderMap,
    is_compressed: bool,
    // Connections without a request; no more than there are exports at a time.
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl HttpClient {
    pub(crate) fn new(target: Target, mut headers: HeaderMap, is_compressed: bool) -> Self {
        let path = target
            .uri
            .path_and_query()
            .cloned()
            .unwrap_or_else(|| PathAndQuery::from_static("/"));
        if let Some(host) = target.uri.authority() {
            headers.extend(HeaderValue::from_str(host.as_str()).ok().map(|host| (HOST, host)));
        }
        headers.insert(CONTENT_TYPE, PROTOBUF);
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(AGENT));
        if is_compressed {
            headers.insert(CONTENT_ENCODING, GZIP);
        }
        Self {
            connector: Connector(target),
            path,
            headers,
            is_compressed,
            idle: Mutex::default(),
        }
    }

    /// The body of a request, made once for all its attempts.
    pub(crate) fn prepare(&self, request: Bytes) -> Bytes {
        if !self.is_compressed {
            return request;
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(request.len() / 4), Compression::fast());
        // Into memory: it does not fail.
        match encoder.write_all(&request).and_then(|()| encoder.finish()) {
            Ok(compressed) => compressed.into(),
            Err(_) => Bytes::new(),
        }
    }

    pub(crate) async fn send(&self, body: Bytes) -> Verdict {
        match self.post(body).await {
            Ok(response) => judge(response).await,
            Err(error) => Verdict::unanswered(describe(error.as_ref())),
        }
    }

    async fn post(
        &self,
        body: Bytes,
    ) -> Result<Response<Limited<Incoming>>, Box<dyn std::error::Error + Send + Sync>> {
        let mut sender = self.take().await?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone().into();
        *request.headers_mut() = self.headers.clone();
        let response = sender.send_request(request).await?;
        self.idle.lock().push(sender);
        Ok(response.map(|body| Limited::new(body, ANSWER_BYTES_MAX)))
    }

    async fn take(&self) -> Result<SendRequest<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
        loop {
            let Some(mut sender) = self.idle.lock().pop() else {
                break;
            };
            if sender.ready().await.is_ok() {
                return Ok(sender);
            }
        }
        let (sender, connection) = handshake(self.connector.clone().connect().await?).await?;
        // It ends with its sender, or when the collector hangs up.
        tokio::spawn(connection);
        Ok(sender)
    }
}

async fn judge(response: Response<Limited<Incoming>>) -> Verdict {
    let (head, body) = response.into_parts();
    let answer = match body.collect().await {
        Ok(answer) => answer.to_bytes(),
        Err(error) if head.status.is_success() => return Verdict::unanswered(describe(error.as_ref())),
        Err(_) => Bytes::new(),
    };
    if head.status.is_success() {
        return Verdict::accepted(answer);
    }
    let reason = brief(&format!("HTTP status {}", head.status));
    match head.status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Verdict::Retry {
            after: retry_after(&head.headers),
            reason,
        },
        _ => Verdict::Refused { reason },
    }
}

/// In seconds; a date is not waited for.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
