//! Requests that are not calls of gRPC, answered in HTTP's own words, as their senders do not read gRPC's.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};
use hyper::body::{Body as HttpBody, Bytes, Frame};
use nextbest_inspection::HeaderError;
use tonic::{Status, body::Body};

const GRPC: &[u8] = b"application/grpc";
/// Turns of the event loop for a response to go, before its stream is reset: a reset overtakes what has not gone.
const RESET_TURNS: u32 = 4;

/// Why a request is not taken for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// A value of its headers is not printable.
    MalformedValue,
    /// Its headers are not those of a request.
    Malformed,
    /// They are too large together.
    HeadersTooLarge,
    /// Not a POST.
    Method,
    /// Not `application/grpc`.
    ContentType,
}

impl Rejection {
    /// Nothing for a request that may be a call. `may_have_error`: whether a header block of its connection was replaced.
    pub(crate) fn of<T>(request: &Request<T>, may_have_error: bool) -> Option<Self> {
        let headers = request.headers();
        match may_have_error
            .then(|| nextbest_inspection::header_error(headers))
            .flatten()
        {
            None => {}
            Some(HeaderError::Value) => return Some(Self::MalformedValue),
            Some(HeaderError::Field) => return Some(Self::Malformed),
            Some(HeaderError::TooLarge) => return Some(Self::HeadersTooLarge),
        }
        if request.method() != Method::POST {
            return Some(Self::Method);
        }
        let content_type = headers.get(CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
        // Behind it may come a format (`+proto`) or parameters; `application/grpc-web` is another protocol.
        let is_grpc = matches!(content_type.strip_prefix(GRPC), Some([] | [b'+' | b';', ..]));
        (!is_grpc).then_some(Self::ContentType)
    }

    pub(crate) fn answer(self) -> Response<Body> {
        let (status, text) = match self {
            Self::MalformedValue => (
                StatusCode::BAD_REQUEST,
                "the value of a header has a control character\n",
            ),
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "a header is malformed: names are in lower case, and connection, keep-alive, proxy-connection, \
                 transfer-encoding, upgrade, and te with another value than `trailers`, are not for HTTP/2\n",
            ),
            Self::HeadersTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "the headers of this request are larger than 16 KiB\n",
            ),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "this port speaks gRPC: send a POST request\n",
            ),
            Self::ContentType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send content-type: application/grpc (gRPC)\n",
            ),
        };
        let mut response = Response::new(Body::new(Text {
            text: Some(Bytes::from_static(text.as_bytes())),
            turns_to_reset: if self == Self::Malformed { RESET_TURNS } else { 0 },
        }));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        if self == Self::Method {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

/// A sentence. The stream of a malformed request is reset behind it (RFC 9113, section 8.1.1), but not where a proxy may
/// have passed the fault on: some take a server that resets streams for one that is ill.
struct Text {
    text: Option<Bytes>,
    turns_to_reset: u32,
}

impl HttpBody for Text {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(text) = self.text.take() {
            return Poll::Ready(Some(Ok(Frame::data(text))));
        }
        match self.turns_to_reset {
            0 => Poll::Ready(None),
            1 => {
                let reset = h2::Error::from(h2::Reason::PROTOCOL_ERROR);
                Poll::Ready(Some(Err(Status::from_error(Box::new(reset)))))
            }
            _ => {
                self.turns_to_reset -= 1;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.text.is_none() && self.turns_to_reset == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, content_type: Option<&str>) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = method;
        if let Some(content_type) = content_type {
            request
                .headers_mut()
                .insert(CONTENT_TYPE, content_type.parse().unwrap());
        }
        request
    }

    #[test]
    fn only_what_may_be_a_call_is_taken() {
        for (content_type, expected) in [
            (Some("application/grpc"), None),
            (Some("application/grpc+proto"), None),
            (Some("application/grpc; charset=utf-8"), None),
            (Some("application/grpc-web"), Some(Rejection::ContentType)),
            (Some("application/grpc-web+proto"), Some(Rejection::ContentType)),
            (Some("application/json"), Some(Rejection::ContentType)),
            (Some(""), Some(Rejection::ContentType)),
            (None, Some(Rejection::ContentType)),
        ] {
            assert_eq!(
                Rejection::of(&request(Method::POST, content_type), true),
                expected,
                "{content_type:?}"
            );
        }
        let get = request(Method::GET, Some("application/grpc"));
        assert_eq!(Rejection::of(&get, true), Some(Rejection::Method));
        assert_eq!(Rejection::Method.answer().headers()[ALLOW], "POST");
    }
}
