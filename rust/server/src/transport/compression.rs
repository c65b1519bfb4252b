//! Long answers compressed for callers that ask for it, in steps that let other calls of the worker go first.
//!
//! tonic would compress a whole message at once: 4 MiB hold up a worker for 50 ms. Short answers are not worth it: they fit
//! into a few packets, and a decision takes microseconds.

use std::io::Write as _;

use flate2::{Compression as Level, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::Bytes;

use crate::limits::{COMPRESSED_BYTES_MIN, COMPRESSION_STEP_BYTES};

static ACCEPTED: HeaderName = HeaderName::from_static("grpc-accept-encoding");
static ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GZIP: &str = "gzip";
/// Of a gRPC message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// Whether a caller takes answers with gzip.
pub(crate) fn is_accepted(headers: &HeaderMap) -> bool {
    let accepted = headers.get(&ACCEPTED).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.split(',').any(|name| name.trim() == GZIP))
}

/// One message on its way to be compressed.
pub(crate) struct Compression {
    left: Bytes,
    encoder: GzEncoder<Vec<u8>>,
}

impl Compression {
    /// Nothing for what is too short.
    pub(crate) fn of(message: &Bytes) -> Option<Self> {
        if message.len() < COMPRESSED_BYTES_MIN {
            return None;
        }
        Some(Self {
            left: message.slice(PREFIX_BYTES..),
            encoder: GzEncoder::new(vec![0; PREFIX_BYTES], Level::fast()),
        })
    }

    /// Compresses a step further. True when all is done.
    pub(crate) fn step(&mut self) -> bool {
        let step = self.left.split_to(self.left.len().min(COMPRESSION_STEP_BYTES));
        // Memory takes whatever is written to it.
        let _ = self.encoder.write_all(&step);
        self.left.is_empty()
    }

    /// The message, compressed, and the header for it. Nothing when that would be longer than a message can
    /// be.
    pub(crate) fn finish(self, headers: &mut HeaderMap) -> Option<Bytes> {
        let mut message = self.encoder.finish().ok()?;
        let length = u32::try_from(message.len() - PREFIX_BYTES).ok()?;
        let prefix = message.first_chunk_mut::<PREFIX_BYTES>()?;
        let [is_compressed, length_bytes @ ..] = prefix;
        *is_compressed = 1;
        *length_bytes = length.to_be_bytes();
        headers.insert(&ENCODING, HeaderValue::from_static(GZIP));
        Some(message.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn what_is_compressed_unfolds_to_the_same() {
        let text: Vec<u8> = (0..300_000_u32)
            .flat_map(|number| (number / 7).to_be_bytes())
            .collect();
        let prefix = u32::try_from(text.len()).unwrap().to_be_bytes();
        let message = Bytes::from([&[0], prefix.as_slice(), &text].concat());
        let mut compression = Compression::of(&message).unwrap();
        let mut steps = 1;
        while !compression.step() {
            steps += 1;
        }
        assert_eq!(steps, text.len().div_ceil(COMPRESSION_STEP_BYTES));
        let mut headers = HeaderMap::new();
        let compressed = compression.finish(&mut headers).unwrap();
        assert_eq!(headers["grpc-encoding"], "gzip");
        assert!(compressed.len() * 2 < message.len());
        let length = u32::from_be_bytes(compressed[1..5].try_into().unwrap());
        assert_eq!((compressed[0], length as usize), (1, compressed.len() - 5));
        let mut unfolded = vec![];
        GzDecoder::new(&compressed[5..])
            .read_to_end(&mut unfolded)
            .unwrap();
        assert_eq!(unfolded, text);
        assert!(Compression::of(&message.slice(..COMPRESSED_BYTES_MIN - 1)).is_none());
    }

    #[test]
    fn only_gzip_is_asked_for() {
        for (accepted, expected) in [
            (Some("gzip"), true),
            (Some("identity, deflate, gzip"), true),
            (Some("identity,deflate"), false),
            (Some("gzipped"), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accepted) = accepted {
                headers.insert("grpc-accept-encoding", accepted.parse().unwrap());
            }
            assert_eq!(is_accepted(&headers), expected, "{accepted:?}");
        }
    }
}
