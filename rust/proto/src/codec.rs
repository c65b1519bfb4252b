//! Messages counted before they are decoded.
//!
//! Two bytes on the wire can be a whole message of a repeated field, which takes some fifty when decoded: a short
//! message unfolds to a long time and much memory. Walking over the wire's fields takes a few nanoseconds each and
//! allocates nothing.

use std::marker::PhantomData;

use prost::Message;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder},
};
use tonic_prost::{ProstCodec, ProstDecoder};

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

/// Prost's codec, with messages counted first.
#[derive(Debug)]
pub struct CountedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for CountedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Message + Send + 'static, U: Shaped + Send> Codec for CountedCodec<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = CountedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::default().encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        CountedDecoder(ProstCodec::<T, U>::raw_decoder(BufferSettings::default()))
    }
}

/// Decodes what is not too many.
#[derive(Debug)]
pub struct CountedDecoder<U>(ProstDecoder<U>);

impl<U: Shaped> Decoder for CountedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        if let Some(shape) = U::SHAPE {
            count(bytes::Buf::chunk(buffer), shape)
                .map_err(|TooMany| Status::invalid_argument(TooMany.to_string()))?;
        }
        self.0.decode(buffer)
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}

/// A message holds more than [`SIBLINGS_MAX`] or [`PARTS_MAX`].
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany;

impl std::fmt::Display for TooMany {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "the message has more than {SIBLINGS_MAX} parts side by side, or {PARTS_MAX} in all: send less in a call"
        )
    }
}

/// Counts texts and messages in an encoded message. What is not well-formed is left to the decoder, which says why.
///
/// # Errors
/// When there are too many.
pub fn count(message: &[u8], shape: &Shape) -> Result<(), TooMany> {
    count_within(message, shape, &mut 0)
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

    fn counted<T: Shaped>(message: &T) -> (usize, Result<(), TooMany>) {
        let mut parts = 0;
        let answer = count_within(&message.encode_to_vec(), T::SHAPE.unwrap(), &mut parts);
        (parts, answer)
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
        assert_eq!(counted(&decide), (1 + 30 + 4, Ok(())));
        let explain = v1::ExplainRequest {
            decide: Some(decide.clone()),
            actions: vec!["a".into(); 7],
        };
        assert_eq!(counted(&explain), (36 + 7, Ok(())));
        let streamed = v1::StreamedRequest {
            request_id: u64::MAX,
            decide: Some(decide.clone()),
        };
        assert_eq!(counted(&streamed), (36, Ok(())));
        let customer = v1::BatchedCustomer {
            customer_id: "c".into(),
            customer: attributes(2),
        };
        let batch = v1::DecideBatchRequest {
            question: Some(decide),
            customers: vec![customer; 5],
        };
        assert_eq!(counted(&batch), (36 + 5 * 14, Ok(())));
        let customer = v1::Customer {
            customer_id: "c".into(),
            attributes: attributes(2),
        };
        let upsert = v1::UpsertRequest {
            customers: vec![customer; 5],
        };
        assert_eq!(counted(&upsert), (5 * 14, Ok(())));
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
        assert_eq!(counted(&upsert(SIBLINGS_MAX, 0)).1, Ok(()));
        assert_eq!(counted(&upsert(SIBLINGS_MAX + 1, 0)).1, Err(TooMany));
        assert_eq!(counted(&upsert(1, SIBLINGS_MAX + 1)).1, Err(TooMany));
        assert_eq!(counted(&upsert(32, SIBLINGS_MAX - 1)).1, Ok(()));
        assert_eq!(counted(&upsert(33, SIBLINGS_MAX - 1)).1, Err(TooMany));
    }

    #[test]
    fn what_is_broken_is_left_to_the_decoder() {
        let whole = v1::DecideRequest {
            customer: attributes(3),
            ..v1::DecideRequest::default()
        }
        .encode_to_vec();
        for end in 0..whole.len() {
            assert_eq!(count(&whole[..end], &DECIDE), Ok(()));
        }
        for broken in [
            &[0xff; 40][..],
            &[0x0b, 0x0c],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[7],
        ] {
            assert_eq!(count(broken, &DECIDE), Ok(()));
            assert!(v1::DecideRequest::decode(broken).is_err());
        }
    }
}
