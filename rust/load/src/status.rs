//! The headers of an answer turned into its gRPC status.

use http::{HeaderMap, StatusCode};

/// Of a status' message, in bytes; what is longer is cut.
const MESSAGE_BYTES_MAX: usize = 200;

/// An answer that is not OK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// As gRPC names it: `INVALID_ARGUMENT`.
    pub(crate) status: &'static str,
    /// The server's, or what broke; may be empty.
    pub(crate) message: String,
}

impl Failure {
    /// No answer by the deadline.
    pub(crate) fn late() -> Self {
        Self {
            status: "DEADLINE_EXCEEDED",
            message: "no answer in time; the call was cancelled here".into(),
        }
    }

    pub(crate) fn unavailable(message: String) -> Self {
        Self {
            status: "UNAVAILABLE",
            message,
        }
    }
}

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

/// The outcome of a call.
///
/// `last` are the trailers, or the headers of an answer that has none.
pub(crate) fn judge(http: StatusCode, last: &HeaderMap) -> Result<(), Failure> {
    let Some(code) = last.get("grpc-status") else {
        return Err(without_status(http));
    };
    let code = code.to_str().ok().and_then(|text| text.parse::<usize>().ok());
    match code {
        Some(0) => Ok(()),
        code => Err(Failure {
            status: code.and_then(|code| NAMES.get(code)).unwrap_or(&"UNKNOWN"),
            message: last.get("grpc-message").map_or_else(String::new, |message| {
                let bytes = percent_decoded(message.as_bytes());
                String::from_utf8_lossy(bytes.get(..MESSAGE_BYTES_MAX).unwrap_or(&bytes)).into_owned()
            }),
        }),
    }
}

/// An answer without a gRPC status is from another kind of server, or a proxy; gRPC defines how its HTTP
/// status is counted.
fn without_status(http: StatusCode) -> Failure {
    let status = match http.as_u16() {
        400 => "INTERNAL",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "UNIMPLEMENTED",
        429 | 502..=504 => "UNAVAILABLE",
        _ => "UNKNOWN",
    };
    Failure {
        status,
        message: format!("an answer without gRPC status: HTTP {}", http.as_u16()),
    }
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            decoded.push(high * 16 + low);
            rest = rest.get(3..).unwrap_or_default();
        } else {
            decoded.push(*first);
            rest = after;
        }
    }
    decoded
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
