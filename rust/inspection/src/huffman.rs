//! Texts in HPACK's Huffman code (RFC 7541, section 5.2 and appendix B) turned into bytes.
//!
//! The code is canonical: within a length, codes follow the order of their symbols. So the lengths are all that has to
//! be kept, and a code is found by comparing it with the last code of each length.

/// By symbol: the bits of its code. The code of the end of a text has 30, and never occurs in one.
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, //
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, //
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, //
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, //
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, //
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, //
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, //
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, //
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, //
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, //
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, //
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, //
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, //
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, //
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, //
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, //
];
const LENGTH_MIN: usize = 5;
const LENGTH_MAX: usize = 30;
const WINDOW_BITS: usize = 32;

/// The codes of one length, as the first bits of a window of 32.
#[derive(Clone, Copy)]
struct Length {
    /// Its first code.
    first: u32,
    /// Behind its last code. As wide as it is because the last of all lengths ends the window's range.
    end: u64,
    /// Where its symbols begin.
    symbols: usize,
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "computed by the compiler, which refuses what is out of range"
)]
const fn lengths() -> [Length; LENGTH_MAX + 1] {
    let mut lengths = [Length {
        first: 0,
        end: 0,
        symbols: 0,
    }; LENGTH_MAX + 1];
    let (mut code, mut symbols, mut length) = (0_u64, 0, LENGTH_MIN);
    while length <= LENGTH_MAX {
        let mut count = 0;
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            count += (LENGTHS[symbol] as usize == length) as usize;
            symbol += 1;
        }
        let unit = 1_u64 << (WINDOW_BITS - length);
        lengths[length] = Length {
            first: code as u32,
            end: code + count as u64 * unit,
            symbols,
        };
        code = lengths[length].end;
        symbols += count;
        length += 1;
    }
    lengths
}

/// Symbols in the order of their codes.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "computed by the compiler, which refuses what is out of range"
)]
const fn symbols() -> [u8; 256] {
    let mut symbols = [0; 256];
    let (mut place, mut length) = (0, LENGTH_MIN);
    while length <= LENGTH_MAX {
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                symbols[place] = symbol as u8;
                place += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    symbols
}

static CODES: [Length; LENGTH_MAX + 1] = lengths();
static SYMBOLS: [u8; 256] = symbols();

/// Appends the decoded text. False where the code is broken: then nothing on its connection can be read any more.
pub(super) fn decode(code: &[u8], text: &mut Vec<u8>) -> bool {
    let mut code = code.iter();
    let (mut ahead, mut bits) = (0_u64, 0_usize);
    loop {
        while bits <= u64::BITS as usize - 8 {
            let Some(byte) = code.next() else { break };
            ahead = ahead << 8 | u64::from(*byte);
            bits += 8;
        }
        if bits == 0 {
            return true;
        }
        let window = window(ahead, bits);
        let found = (LENGTH_MIN..=LENGTH_MAX)
            .zip(CODES.iter().skip(LENGTH_MIN))
            .find(|(_, codes)| u64::from(window) < codes.end);
        let Some((length, codes)) = found.filter(|(length, _)| *length <= bits) else {
            // The rest of the last byte is filled with ones, and with nothing else.
            return bits < 8 && window == u32::MAX;
        };
        let place = codes.symbols + ((window - codes.first) >> (WINDOW_BITS - length)) as usize;
        text.push(SYMBOLS.get(place).copied().unwrap_or_default());
        bits -= length;
    }
}

/// The next bits, and ones behind the last.
fn window(ahead: u64, bits: usize) -> u32 {
    let next = if bits >= WINDOW_BITS {
        ahead >> (bits - WINDOW_BITS)
    } else {
        ahead << (WINDOW_BITS - bits) | (u64::from(u32::MAX) >> bits)
    };
    // The bits before them were read already.
    u32::try_from(next & u64::from(u32::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(code: &[u8]) -> Option<String> {
        let mut text = vec![];
        decode(code, &mut text).then(|| String::from_utf8(text).unwrap())
    }

    /// RFC 7541, appendix C.4 and C.6.
    #[test]
    fn the_examples_of_the_specification_decode() {
        for (code, text) in [
            ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
            ("a8eb10649cbf", "no-cache"),
            ("25a849e95ba97d7f", "custom-key"),
            ("25a849e95bb8e8b4bf", "custom-value"),
            ("6402", "302"),
            ("aec3771a4b", "private"),
            (
                "d07abe941054d444a8200595040b8166e082a62d1bff",
                "Mon, 21 Oct 2013 20:13:21 GMT",
            ),
            ("9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com"),
            (
                "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
                "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            ),
        ] {
            let code: Vec<u8> = (0..code.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&code[at..at + 2], 16).unwrap())
                .collect();
            assert_eq!(decoded(&code).as_deref(), Some(text));
        }
        assert_eq!(decoded(&[]).as_deref(), Some(""));
    }

    #[test]
    fn a_broken_code_is_told_from_a_text() {
        // `0` has five bits, 00000; behind it are ones, seven of them at most.
        assert_eq!(decoded(&[0b0000_0111]).as_deref(), Some("0"));
        assert_eq!(decoded(&[0b0000_0110]), None);
        assert_eq!(decoded(&[0b0000_0111, 0xff]), None);
        // The end of the text itself.
        assert_eq!(decoded(&[0xff; 4]), None);
    }
}
