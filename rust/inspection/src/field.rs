//! What a header field of a request may be (RFC 9113, sections 8.2 and 8.3): its name, and values by name.

use http::{
    HeaderName, Method,
    uri::{Authority, PathAndQuery, Scheme},
};

/// What a name determines about its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Name {
    Method,
    Scheme,
    Path,
    Authority,
    Te,
    ContentLength,
    /// Any other that a request may have.
    #[default]
    Regular,
    /// None of a request: in capitals, empty, of a connection, of a response.
    Malformed,
}

/// What is taken for the authority of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorities {
    /// What a URI may have.
    Valid,
    /// Anything: clients of Unix sockets send the socket's path, or nothing.
    Any,
}

impl Name {
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b":method" => Self::Method,
            b":scheme" => Self::Scheme,
            b":path" => Self::Path,
            b":authority" => Self::Authority,
            b"te" => Self::Te,
            b"content-length" => Self::ContentLength,
            b"connection" | b"transfer-encoding" | b"upgrade" | b"keep-alive" | b"proxy-connection" => {
                Self::Malformed
            }
            _ if HeaderName::from_lowercase(name).is_ok() => Self::Regular,
            _ => Self::Malformed,
        }
    }

    /// Whether a field of this name may have the value, as HTTP/2 sees it.
    pub(super) fn allows(self, value: &[u8]) -> bool {
        match self {
            Self::Method => Method::from_bytes(value).is_ok(),
            Self::Scheme => Scheme::try_from(value).is_ok(),
            Self::Path => matches!(value, [b'/', ..] | b"*") && PathAndQuery::try_from(value).is_ok(),
            Self::Authority => Authority::try_from(value).is_ok(),
            Self::Te => value == b"trailers",
            Self::ContentLength => {
                !value.is_empty() && value.len() < 20 && value.iter().all(u8::is_ascii_digit)
            }
            // As `HeaderValue` has it, without making one.
            Self::Regular => value
                .iter()
                .all(|byte| (*byte >= b' ' && *byte != 0x7f) || *byte == b'\t'),
            Self::Malformed => false,
        }
    }

    pub(super) fn is_pseudo(self) -> bool {
        matches!(self, Self::Method | Self::Scheme | Self::Path | Self::Authority)
    }

    pub(super) fn has_substitute(self, bytes: usize) -> bool {
        self.substitute(bytes).is_some()
    }

    /// A valid value for a field of this name, of this number of bytes; nothing if there is none.
    pub(super) fn substitute(self, bytes: usize) -> Option<Vec<u8>> {
        let mut value = vec![b'a'; bytes];
        match self {
            Self::Regular => return Some(value),
            Self::Path => *value.first_mut()? = b'/',
            Self::Method | Self::Scheme | Self::Authority => {}
            Self::Te | Self::ContentLength | Self::Malformed => return None,
        }
        // A scheme has 64 bytes at most.
        self.allows(&value).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn values_are_judged_as_http_judges_them() {
        for byte in 0..=u8::MAX {
            assert_eq!(
                Name::Regular.allows(&[b'a', byte]),
                HeaderValue::from_bytes(&[b'a', byte]).is_ok(),
                "{byte}"
            );
        }
    }

    #[test]
    fn names_are_told_apart() {
        for (name, kind) in [
            (":path", Name::Path),
            ("te", Name::Te),
            ("grpc-timeout", Name::Regular),
            ("~", Name::Regular),
            ("X-Note", Name::Malformed),
            ("", Name::Malformed),
            ("a b", Name::Malformed),
            (":status", Name::Malformed),
            (":protocol", Name::Malformed),
            ("proxy-connection", Name::Malformed),
        ] {
            assert_eq!(Name::of(name.as_bytes()), kind, "{name}");
        }
    }

    #[test]
    fn substitutes_are_as_long_and_allowed() {
        for name in [
            Name::Method,
            Name::Scheme,
            Name::Path,
            Name::Authority,
            Name::Regular,
        ] {
            for bytes in [0, 1, 2, 60, 300] {
                let Some(value) = name.substitute(bytes) else {
                    assert!(bytes == 0 || name == Name::Scheme && bytes > 60);
                    continue;
                };
                assert_eq!(value.len(), bytes);
                assert!(name.allows(&value));
            }
        }
    }
}
