//! The caller's `traceparent` and `tracestate` headers turned into a span's parent (W3C Trace Context, level
//! 2).

const VERSION_AND_IDS_BYTES: usize = 55;
const TRACESTATE_BYTES_MAX: usize = 512;
const FLAG_SAMPLED: u8 = 0x1;

/// The caller's span, parent of the decision's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    pub(crate) trace_id: [u8; 16],
    pub(crate) span_id: [u8; 8],
    pub(crate) flags: u8,
    pub(crate) tracestate: String,
}

impl Parent {
    pub(crate) fn is_sampled(&self) -> bool {
        self.flags & FLAG_SAMPLED != 0
    }

    /// Parses the header strictly: a value that does not match the recommendation exactly is ignored, and the
    /// decision then begins a new trace. A `tracestate` that is too long or not printable is left out.
    #[must_use]
    pub fn parse(traceparent: &[u8], tracestate: &[u8]) -> Option<Self> {
        let (head, rest) = traceparent.split_at_checked(VERSION_AND_IDS_BYTES)?;
        let [version @ .., b'-'] = head.get(..3)? else {
            return None;
        };
        let [trace_id @ .., b'-'] = head.get(3..36)? else {
            return None;
        };
        let [span_id @ .., b'-'] = head.get(36..53)? else {
            return None;
        };
        let [version] = decode_hex::<1>(version)?;
        // A later version may have more fields after the flags, always separated from them; 255 is not a
        // version.
        let is_known = match version {
            0 => rest.is_empty(),
            255 => false,
            _ => rest.is_empty() || rest.starts_with(b"-"),
        };
        if !is_known {
            return None;
        }
        let trace_id = decode_hex::<16>(trace_id)?;
        let span_id = decode_hex::<8>(span_id)?;
        let [flags] = decode_hex::<1>(head.get(53..)?)?;
        if trace_id == [0; 16] || span_id == [0; 8] {
            return None;
        }
        Some(Self {
            trace_id,
            span_id,
            flags,
            tracestate: parse_tracestate(tracestate),
        })
    }
}

fn parse_tracestate(header: &[u8]) -> String {
    if header.len() > TRACESTATE_BYTES_MAX || !header.iter().all(|byte| (0x20..=0x7e).contains(byte)) {
        return String::new();
    }
    String::from_utf8_lossy(header).trim().to_owned()
}

/// Lower-case digits only, as the recommendation asks for.
fn decode_hex<const BYTES: usize>(text: &[u8]) -> Option<[u8; BYTES]> {
    if text.len() != 2 * BYTES {
        return None;
    }
    let mut decoded = [0; BYTES];
    for (byte, digits) in decoded.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = digits else { return None };
        *byte = decode_digit(*high)? << 4 | decode_digit(*low)?;
    }
    Some(decoded)
}

fn decode_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
