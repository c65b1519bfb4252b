//! What the headers of a call say besides its message: when it has to be answered, and which span it belongs
//! to.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue};
use nextbest_otlp::{METHOD_OTHER, Parent};
use nextbest_pipeline::{Deadline, now_ns};
use tonic::{Request, Status, metadata::AsciiMetadataValue};

use crate::{access::Roles, call_error::CallError};

/// What is known of a request before its message is read. In the request's extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// When its headers were read; its deadline counts from here.
    pub(crate) at: Instant,
    /// What it calls, with its service.
    pub(crate) method: &'static str,
    /// What its caller may do.
    pub(crate) roles: Roles,
}

/// One call.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) started_ns: u64,
    pub(crate) method: &'static str,
    pub(crate) parent: Option<Parent>,
    pub(crate) deadline: Deadline,
    pub(crate) roles: Roles,
}

impl Call {
    /// Reads the headers.
    ///
    /// # Errors
    /// When the deadline cannot be read, or has passed.
    pub(crate) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        // Without an arrival, the caller was not authenticated.
        let arrival = request.extensions().get::<Arrival>().copied();
        let arrival = arrival.unwrap_or_else(|| Arrival {
            at: Instant::now(),
            method: METHOD_OTHER,
            roles: Roles::default(),
        });
        let deadline = deadline_of(request.metadata().get("grpc-timeout"), arrival.at)?;
        deadline.check().map_err(CallError::from)?;
        Ok(Self {
            started_ns: now_ns(),
            method: arrival.method,
            parent: TraceHeaders::of(request.metadata().as_ref()).and_then(|headers| headers.parent()),
            deadline,
            roles: arrival.roles,
        })
    }

    /// The next decision of the same call.
    pub(crate) fn again(&self) -> Self {
        Self {
            started_ns: now_ns(),
            ..self.clone()
        }
    }
}

/// Where a caller's span is named.
pub(crate) struct TraceHeaders {
    traceparent: HeaderValue,
    // Usually one; several count as one list.
    tracestates: Vec<HeaderValue>,
}

impl TraceHeaders {
    /// Nothing where there is no `traceparent`, or more than one.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut traceparents = headers.get_all("traceparent").iter();
        let (Some(traceparent), None) = (traceparents.next(), traceparents.next()) else {
            return None;
        };
        Some(Self {
            traceparent: traceparent.clone(),
            tracestates: headers.get_all("tracestate").iter().cloned().collect(),
        })
    }

    pub(crate) fn parent(&self) -> Option<Parent> {
        let tracestates: Vec<_> = self.tracestates.iter().map(HeaderValue::as_bytes).collect();
        Parent::parse(self.traceparent.as_bytes(), &tracestates.join(&b','))
    }
}

/// When a call that arrived then needs its answer.
fn deadline_of(header: Option<&AsciiMetadataValue>, arrival: Instant) -> Result<Deadline, Status> {
    let Some(header) = header else {
        return Ok(Deadline::NONE);
    };
    let timeout = parse_timeout(header.as_bytes())
        .ok_or_else(|| Status::invalid_argument("grpc-timeout: 1 to 8 digits and one of H, M, S, m, u, n"))?;
    Ok(Deadline::after(arrival, timeout))
}

fn parse_timeout(header: &[u8]) -> Option<Duration> {
    let (unit, digits) = header.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits
        .iter()
        .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Some(Duration::from_hours(number)),
        b'M' => Some(Duration::from_mins(number)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_parse_as_grpc_writes_them() {
        let cases: [(&[u8], Option<Duration>); 12] = [
            (b"1H", Some(Duration::from_hours(1))),
            (b"2M", Some(Duration::from_mins(2))),
            (b"30S", Some(Duration::from_secs(30))),
            (b"99999999m", Some(Duration::from_millis(99_999_999))),
            (b"0u", Some(Duration::ZERO)),
            (b"007n", Some(Duration::from_nanos(7))),
            (b"", None),
            (b"m", None),
            (b"1", None),
            (b"1s", None),
            (b"-1S", None),
            (b"123456789S", None),
        ];
        for (header, expected) in cases {
            assert_eq!(
                parse_timeout(header),
                expected,
                "{}",
                String::from_utf8_lossy(header)
            );
        }
    }

    #[test]
    fn a_deadline_counts_from_the_arrival() {
        let header = AsciiMetadataValue::from_static("10m");
        let now = Instant::now();
        let arrival = now.checked_sub(Duration::from_millis(11)).unwrap();
        assert!(deadline_of(Some(&header), arrival).unwrap().check().is_err());
        let far = deadline_of(Some(&AsciiMetadataValue::from_static("1H")), now).unwrap();
        assert!(far.leaves(Duration::from_mins(59)));
        assert!(!far.leaves(Duration::from_hours(2)));
        assert!(deadline_of(None, now).unwrap().leaves(Duration::MAX));
    }

    #[test]
    fn the_caller_is_the_parent() {
        const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let call = |headers: &[(&'static str, &'static str)]| {
            let mut request = Request::new(());
            for (name, value) in headers {
                request
                    .metadata_mut()
                    .append(*name, AsciiMetadataValue::from_static(value));
            }
            Call::of(&request).unwrap().parent
        };
        let expected = Parent::parse(TRACEPARENT.as_bytes(), b"a=1,b=2");
        assert!(expected.is_some());
        let given = [
            ("traceparent", TRACEPARENT),
            ("tracestate", "a=1"),
            ("tracestate", "b=2"),
        ];
        assert_eq!(call(&given), expected);
        assert_eq!(call(&[]), None);
        assert_eq!(
            call(&[("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)]),
            None
        );
    }
}
