//! The texts and messages in an encoded message, counted before it is decoded.
//!
//! Two bytes on the wire can be a whole message of a repeated field, which takes some fifty when decoded: a short
//! message unfolds to a long time and much memory. Walking over the wire's fields takes a few nanoseconds each and
//! allocates nothing.

use prost::Message;

use crate::v1;

/// Texts and messages directly in one message: those of a repeated field, as a rule. The longest lists that anybody
/// asks with name each of 10,000 actions.
pub const SIBLINGS_MAX: usize = 16_384;
/// The same at any depth: a thousand customers of 170 attributes.
pub const PARTS_MAX: usize = 524_288;

/// Which fields of a message are messages that may hold many more.
#[derive(Debug)]
pub struct Shape {
    messages: &'static [(u64, &'static Self)],
}

impl Shape {
    const fn of(messages: &'static [(u64, &'static Self)]) -> Self {
        Self { messages }
    }

    fn field(&self, number: u64) -> Option<&'static Self> {
        let mut messages = self.messages.iter();
        messages.find(|(of, _)| *of == number).map(|(_, shape)| *shape)
    }
}

static FLAT: Shape = Shape::of(&[]);
static VALUE: Shape = Shape::of(&[(7, &FLAT)]);
static ATTRIBUTE: Shape = Shape::of(&[(2, &VALUE)]);
static CUSTOMER: Shape = Shape::of(&[(2, &ATTRIBUTE)]);
static DECIDE: Shape = Shape::of(&[(2, &ATTRIBUTE), (3, &ATTRIBUTE)]);
static STREAMED: Shape = Shape::of(&[(2, &DECIDE)]);
static BATCH: Shape = Shape::of(&[(1, &DECIDE), (2, &CUSTOMER)]);
static EXPLAIN: Shape = Shape::of(&[(1, &DECIDE)]);
static UPSERT: Shape = Shape::of(&[(1, &CUSTOMER)]);

/// A message whose parts are counted before it is decoded.
pub trait Shaped: Message + Default + 'static {
    /// Nothing for what only trusted peers send: responses, and what operators send.
    const SHAPE: Option<&'static Shape> = None;
}

macro_rules! shaped {
    ($($shape:ident: $($message:ident),+;)+) => {
        $($(impl Shaped for v1::$message {
            const SHAPE: Option<&'static Shape> = Some(&$shape);
        })+)+
    };
}

macro_rules! trusted {
    ($($message:ident),+) => {
        $(impl Shaped for v1::$message {})+
    };
}

shaped! {
    DECIDE: DecideRequest;
    STREAMED: StreamedRequest;
    BATCH: DecideBatchRequest;
    EXPLAIN: ExplainRequest;
    UPSERT: UpsertRequest;
    FLAT: GetRequest, DeleteRequest;
}
trusted!(
    DecideResponse,
    StreamedResponse,
    DecideBatchResponse,
    ExplainResponse,
    UpsertResponse,
    GetResponse,
    DeleteResponse,
    ActivateRequest,
    ActivateResponse,
    StatusRequest,
    StatusResponse,
    ModelHealthRequest,
    ModelHealthResponse
);

/// A message holds more than [`SIBLINGS_MAX`] or [`PARTS_MAX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooMany;

impl std::fmt::Display for TooMany {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "the message has more than {SIBLINGS_MAX} parts side by side, or {PARTS_MAX} in all: send less in a call"
        )
    }
}

/// Whether an encoded message has at most the allowed number of texts and messages. Malformed messages are
/// left to the decoder, which reports the reason.
///
/// # Errors
/// When there are too many.
pub fn count(message: &[u8], shape: &Shape) -> Result<(), TooMany> {
    // Each takes two bytes at least: most messages are too short for too many.
    if message.len() <= 2 * SIBLINGS_MAX {
        return Ok(());
    }
    walk(message, shape).map(drop)
}

/// Counts them, whatever the message's length: reading the wire, and nothing else, is the least that any decoder does.
///
/// # Errors
/// As for [`count`].
pub fn walk(message: &[u8], shape: &Shape) -> Result<usize, TooMany> {
    let mut parts = 0;
    count_within(message, shape, &mut parts)?;
    Ok(parts)
}

fn count_within(mut message: &[u8], shape: &Shape, parts: &mut usize) -> Result<(), TooMany> {
    let mut siblings = 0;
    while let Some(tag) = varint(&mut message) {
        let content = match tag & 7 {
            0 => varint(&mut message).map(|_| None),
            1 => take(&mut message, 8).map(|_| None),
            2 => varint(&mut message)
                .and_then(|length| take(&mut message, usize::try_from(length).ok()?))
                .map(Some),
            5 => take(&mut message, 4).map(|_| None),
            _ => None,
        };
        match content {
            None => break,
            Some(None) => {}
            Some(Some(content)) => {
                siblings += 1;
                *parts += 1;
                if siblings > SIBLINGS_MAX || *parts > PARTS_MAX {
                    return Err(TooMany);
                }
                if let Some(shape) = shape.field(tag >> 3) {
                    count_within(content, shape, parts)?;
                }
            }
        }
    }
    Ok(())
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    // Most are short.
    if let [byte @ 0..=0x7f, rest @ ..] = *bytes {
        *bytes = rest;
        return Some(u64::from(*byte));
    }
    let mut number = 0;
    for (place, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(place).ok()?)?;
        if byte & 0x80 == 0 {
            *bytes = bytes.get(place + 1..)?;
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    fn attributes(count: usize) -> Vec<v1::Attribute> {
        vec![
            v1::Attribute {
                name: "a".into(),
                value: Some(v1::Value {
                    kind: Some(v1::value::Kind::Strings(v1::StringList {
                        items: vec!["x".into(); 2],
                    })),
                }),
            };
            count
        ]
    }

    fn counted<T: Shaped>(message: &T) -> Result<usize, TooMany> {
        let bytes = message.encode_to_vec();
        let parts = walk(&bytes, T::SHAPE.unwrap());
        assert_eq!(count(&bytes, T::SHAPE.unwrap()), parts.clone().map(drop));
        parts
    }

    #[test]
    fn parts_are_counted_at_every_depth() {
        // An attribute, its name, its value, the list in it, two texts: six.
        let decide = v1::DecideRequest {
            customer_id: "c".into(),
            customer: attributes(3),
            context: attributes(2),
            placements: vec![
                v1::PlacementRequest {
                    name: "p".into(),
                    count: 300
                };
                4
            ],
            now_us: Some(-1),
            seed: Some(1),
            ..v1::DecideRequest::default()
        };
        assert_eq!(counted(&decide), Ok(1 + 30 + 4));
        let explain = v1::ExplainRequest {
            decide: Some(decide.clone()),
            actions: vec!["a".into(); 7],
        };
        assert_eq!(counted(&explain), Ok(36 + 7));
        let streamed = v1::StreamedRequest {
            request_id: u64::MAX,
            decide: Some(decide.clone()),
        };
        assert_eq!(counted(&streamed), Ok(36));
        let customer = v1::BatchedCustomer {
            customer_id: "c".into(),
            customer: attributes(2),
        };
        let batch = v1::DecideBatchRequest {
            question: Some(decide),
            customers: vec![customer; 5],
        };
        assert_eq!(counted(&batch), Ok(36 + 5 * 14));
        let customer = v1::Customer {
            customer_id: "c".into(),
            attributes: attributes(2),
        };
        let upsert = v1::UpsertRequest {
            customers: vec![customer; 5],
        };
        assert_eq!(counted(&upsert), Ok(5 * 14));
    }

    #[test]
    fn too_many_are_too_many() {
        let upsert = |customers, attributes| v1::UpsertRequest {
            customers: vec![
                v1::Customer {
                    attributes: vec![v1::Attribute::default(); attributes],
                    ..v1::Customer::default()
                };
                customers
            ],
        };
        assert_eq!(counted(&upsert(SIBLINGS_MAX, 0)), Ok(SIBLINGS_MAX));
        assert_eq!(counted(&upsert(SIBLINGS_MAX + 1, 0)), Err(TooMany));
        assert_eq!(counted(&upsert(1, SIBLINGS_MAX + 1)), Err(TooMany));
        assert_eq!(counted(&upsert(32, SIBLINGS_MAX - 1)), Ok(32 * SIBLINGS_MAX));
        assert_eq!(counted(&upsert(33, SIBLINGS_MAX - 1)), Err(TooMany));
    }

    #[test]
    fn what_is_broken_is_left_to_the_decoder() {
        let whole = v1::DecideRequest {
            customer: attributes(3),
            ..v1::DecideRequest::default()
        }
        .encode_to_vec();
        for end in 0..whole.len() {
            assert!(walk(&whole[..end], &DECIDE).is_ok());
        }
        for broken in [
            &[0xff; 40][..],
            &[0x0b, 0x0c],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[7],
        ] {
            assert!(walk(broken, &DECIDE).is_ok());
            assert!(v1::DecideRequest::decode(broken).is_err());
        }
    }
}
