//! Fields turned into protobuf bytes, appended to one buffer: no message is built first.
//!
//! Only what OTLP spans need. Lengths are worked out before what they measure is written; where that cannot be, as
//! in what is encoded once a process, the length is put in front afterwards.

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

    pub(crate) fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, FIXED64);
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn fixed32(&mut self, field: u32, value: u32) {
        self.tag(field, FIXED32);
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.tag(field, LENGTH);
        self.put_varint(value.len() as u64);
        self.buffer.extend_from_slice(value);
    }

    pub(crate) fn string(&mut self, field: u32, value: &str) {
        self.bytes(field, value.as_bytes());
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
#[inline]
pub(crate) fn put_varint(buffer: &mut Vec<u8>, value: u64) {
    // Nearly all of a span's numbers.
    if let Ok(byte @ ..0x80) = u8::try_from(value) {
        buffer.push(byte);
        return;
    }
    let mut encoded = [0; 10];
    let size = encode_varint(value, &mut encoded);
    buffer.extend_from_slice(encoded.get(..size).unwrap_or_default());
}

/// Bytes of a number.
#[inline]
pub(crate) fn varint_len(value: usize) -> usize {
    let bits = usize::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Bytes of a field whose tag is one byte, and whose content is so long.
pub(crate) fn field_len(content: usize) -> usize {
    1 + varint_len(content) + content
}

/// Appends a number as [`put_varint`] does, into an array; returns how many bytes it took.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low seven bits of each step are what is wanted"
)]
pub(crate) fn encode_varint(mut value: u64, encoded: &mut [u8; 10]) -> usize {
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
