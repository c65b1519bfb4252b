//! Fields turned into protobuf bytes, appended to one buffer: no message is built first.
//!
//! Only what OTLP spans need. A nested message is written in place and its length put in front of it
//! afterwards.

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

/// Appends fields to a buffer.
pub(crate) struct Writer<'a> {
    buffer: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(buffer: &'a mut Vec<u8>) -> Self {
        Self { buffer }
    }

    pub(crate) fn varint(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        self.put_varint(value);
    }

    pub(crate) fn bool(&mut self, field: u32, value: bool) {
        self.varint(field, u64::from(value));
    }

    pub(crate) fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, FIXED64);
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn fixed32(&mut self, field: u32, value: u32) {
        self.tag(field, FIXED32);
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn double(&mut self, field: u32, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.tag(field, LENGTH);
        self.put_varint(value.len() as u64);
        self.buffer.extend_from_slice(value);
    }

    pub(crate) fn string(&mut self, field: u32, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    /// A field whose text is written piece by piece.
    pub(crate) fn text(&mut self, field: u32, value: &impl std::fmt::Display) {
        self.message(field, |writer| {
            use std::io::Write as _;
            // Writing to a vector cannot fail, and the texts here have no failure of their own.
            drop(write!(writer.buffer, "{value}"));
        });
    }

    pub(crate) fn message(&mut self, field: u32, write: impl FnOnce(&mut Writer<'_>)) {
        self.tag(field, LENGTH);
        let start = self.buffer.len();
        // Most nested messages of a span are shorter than 128 bytes: their length is the one byte kept free
        // here.
        self.buffer.push(0);
        write(&mut Writer { buffer: self.buffer });
        let length = (self.buffer.len() - start - 1) as u64;
        let mut encoded = [0; 10];
        let size = encode_varint(length, &mut encoded);
        self.buffer.splice(start..=start, encoded.into_iter().take(size));
    }

    fn tag(&mut self, field: u32, wire_type: u32) {
        self.put_varint(u64::from(field << 3 | wire_type));
    }

    fn put_varint(&mut self, value: u64) {
        put_varint(self.buffer, value);
    }
}

/// Appends a number of 1 to 10 bytes.
pub(crate) fn put_varint(buffer: &mut Vec<u8>, value: u64) {
    let mut encoded = [0; 10];
    let size = encode_varint(value, &mut encoded);
    buffer.extend(encoded.into_iter().take(size));
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low seven bits of each step are what is wanted"
)]
fn encode_varint(mut value: u64, encoded: &mut [u8; 10]) -> usize {
    let mut size = 0;
    for byte in encoded.iter_mut() {
        size += 1;
        if value < 0x80 {
            *byte = value as u8;
            break;
        }
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
    size
}
