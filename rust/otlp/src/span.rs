//! A decision turned into one OTLP span, as the bytes of an element of `ScopeSpans.spans`.
//!
//! Field numbers are those of `opentelemetry/proto/trace/v1/trace.proto` and `common/v1/common.proto`; the
//! tests decode the result with the published messages.

use nextbest_proto::v1::Stage;

use crate::{
    decision::DecisionSpan,
    explanation::explain,
    protobuf::{Writer, encode_varint, field_len, put_varint, varint_len},
    pseudonym::Pseudonyms,
    sampler::Sampler,
    traceparent::Parent,
    words,
};

/// Maximum number of ranked actions in one span; `nextbest.ranked` has their total number.
pub const RANKED_MAX: usize = 16;
/// Placed actions of one span.
pub const PLACED_MAX: usize = 128;
/// Degradations of one span.
pub const DEGRADATIONS_MAX: usize = 32;

pub(crate) const NAME: &str = "nextbest.decide";
const SCOPE: &str = "nextbest";
const KIND_SERVER: u64 = 2;
const STATUS_ERROR: u64 = 2;
const FLAG_SAMPLED: u32 = 0x1;
const FLAG_HAS_IS_REMOTE: u32 = 0x100;
const FLAG_IS_REMOTE: u32 = 0x200;
/// `ScopeSpans.spans`, length-delimited.
const SPANS_TAG: u8 = 2 << 3 | 2;
const HEAD_BYTES_MAX: usize = 11;

// Within `Span`, `KeyValue`, `AnyValue` and `ArrayValue`.
const ATTRIBUTE_TAG: u8 = 9 << 3 | 2;
const KEY_TAG: u8 = 1 << 3 | 2;
const VALUE_TAG: u8 = 2 << 3 | 2;
const STRING_TAG: u8 = 1 << 3 | 2;
const BOOL_TAG: u8 = 2 << 3;
const INT_TAG: u8 = 3 << 3;
const DOUBLE_TAG: u8 = 4 << 3 | 1;
const ARRAY_TAG: u8 = 5 << 3 | 2;
const ELEMENT_TAG: u8 = 1 << 3 | 2;

/// The attributes `rpc.system.name` and `rpc.response.status_code` of every decision, encoded.
const ANSWERED: &[u8] = b"\x4a\x19\x0a\x0frpc.system.name\x12\x06\x0a\x04grpc\
    \x4a\x20\x0a\x18rpc.response.status_code\x12\x04\x0a\x02OK";

/// The position of a span in a trace: its ids, and the caller's span above it.
#[derive(Debug, Clone, Copy)]
pub struct SpanContext<'p> {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    parent: Option<&'p Parent>,
}

impl<'p> SpanContext<'p> {
    /// A new span below the caller's; without one, in a new trace.
    pub(crate) fn below(parent: Option<&'p Parent>) -> Self {
        // Ids need to be distinct, not unpredictable; an all-zero one would be invalid.
        Self {
            trace_id: parent.map_or_else(|| fastrand::u128(1..).to_be_bytes(), |parent| parent.trace_id),
            span_id: fastrand::u64(1..).to_be_bytes(),
            parent,
        }
    }

    pub(crate) fn is_taken(&self, sampler: &Sampler) -> bool {
        sampler.wants(&self.trace_id, self.parent)
    }
}

/// Buffers for encoding; each encoding thread keeps one, so that nothing is allocated again.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    span: Vec<u8>,
    text: String,
}

/// Encodes a decision's span, in place of what the buffers held.
pub(crate) fn encode<'b>(
    decision: &DecisionSpan<'_>,
    context: &SpanContext<'_>,
    pseudonyms: &Pseudonyms,
    buffers: &'b mut Buffers,
) -> &'b [u8] {
    let times = (decision.started_ns, decision.ended_ns);
    encode_span(NAME, times, context, Outcome::Unset, buffers, |buffer, text| {
        text.clear();
        explain(decision, text);
        let mut attributes = Attributes(buffer);
        attributes.answered_call(decision.method);
        write_decision(&mut attributes, decision, text, pseudonyms);
        write_actions(&mut attributes, decision);
    })
}

/// `Span.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Unset,
    Error,
}

/// Encodes a span of kind server whose attributes are written by `write`, in place of what the buffers held.
pub(crate) fn encode_span<'b>(
    name: &str,
    times: (u64, u64),
    context: &SpanContext<'_>,
    outcome: Outcome,
    buffers: &'b mut Buffers,
    write: impl FnOnce(&mut Vec<u8>, &mut String),
) -> &'b [u8] {
    let Buffers { span: buffer, text } = buffers;
    buffer.clear();
    // The tag and the length of the whole, which is known last.
    buffer.extend_from_slice(&[0; HEAD_BYTES_MAX]);
    let mut span = Writer::new(buffer);
    write_identity(&mut span, context);
    span.string(5, name);
    span.varint(6, KIND_SERVER);
    span.fixed64(7, times.0);
    span.fixed64(8, times.1);
    write(buffer, text);
    let mut span = Writer::new(buffer);
    if outcome == Outcome::Error {
        span.message(15, |status| status.varint(3, STATUS_ERROR));
    }
    span.fixed32(16, flags(context));

    let mut length = [0; 10];
    let size = encode_varint((buffer.len() - HEAD_BYTES_MAX) as u64, &mut length);
    let start = HEAD_BYTES_MAX - 1 - size;
    let head = buffer.iter_mut().skip(start);
    for (place, byte) in head.zip(std::iter::once(SPANS_TAG).chain(length.into_iter().take(size))) {
        *place = byte;
    }
    buffer.get(start..).unwrap_or_default()
}

/// The bytes before the spans of a request: the lengths of its two enclosing messages, for `spans_bytes`
/// after it.
pub(crate) struct Envelope {
    resource: Vec<u8>,
    scope: Vec<u8>,
}

impl Envelope {
    /// `resource`: attributes of the process.
    pub(crate) fn new(resource: &[(String, String)], version: &str) -> Self {
        let mut encoded = Self {
            resource: Vec::new(),
            scope: Vec::new(),
        };
        Writer::new(&mut encoded.resource).message(1, |writer| {
            for (key, value) in resource {
                writer.message(1, |writer| {
                    writer.string(1, key);
                    writer.message(2, |writer| writer.string(1, value));
                });
            }
        });
        Writer::new(&mut encoded.scope).message(1, |writer| {
            writer.string(1, SCOPE);
            writer.string(2, version);
        });
        encoded
    }

    /// An `ExportTraceServiceRequest` with the spans.
    pub(crate) fn seal(&self, spans: &[u8]) -> Vec<u8> {
        const NESTED_TAG_1: u8 = 1 << 3 | 2;
        const NESTED_TAG_2: u8 = 2 << 3 | 2;
        let mut scope_spans = Vec::with_capacity(self.scope.len() + 16);
        scope_spans.push(NESTED_TAG_2);
        put_varint(&mut scope_spans, (self.scope.len() + spans.len()) as u64);
        scope_spans.extend_from_slice(&self.scope);

        let resource_spans = self.resource.len() + scope_spans.len() + spans.len();
        let mut request = Vec::with_capacity(resource_spans + 16);
        request.push(NESTED_TAG_1);
        put_varint(&mut request, resource_spans as u64);
        request.extend_from_slice(&self.resource);
        request.extend_from_slice(&scope_spans);
        request.extend_from_slice(spans);
        request
    }
}

fn write_identity(span: &mut Writer<'_>, context: &SpanContext<'_>) {
    span.bytes(1, &context.trace_id);
    span.bytes(2, &context.span_id);
    if let Some(parent) = context.parent {
        if !parent.tracestate.is_empty() {
            span.string(3, &parent.tracestate);
        }
        span.bytes(4, &parent.span_id);
    }
}

/// A span is encoded only if the sampler takes it, so it was sampled, regardless of the caller's flag.
fn flags(context: &SpanContext<'_>) -> u32 {
    let inherited = context
        .parent
        .map_or(0, |parent| u32::from(parent.flags) | FLAG_IS_REMOTE);
    inherited | FLAG_SAMPLED | FLAG_HAS_IS_REMOTE
}

fn write_decision(
    span: &mut Attributes<'_>,
    decision: &DecisionSpan<'_>,
    explanation: &str,
    pseudonyms: &Pseudonyms,
) {
    let (bundle, record) = (decision.bundle, decision.record);
    span.string("nextbest.decision_id", &record.decision_id);
    span.string("nextbest.bundle_digest", &record.bundle_digest);
    span.string("nextbest.channel", bundle.channel_name(record.channel));
    span.bool("nextbest.dry_run", record.dry_run);
    if !record.customer_id.is_empty() {
        span.string("nextbest.customer_hash", &pseudonyms.of(&record.customer_id));
    }
    span.int("nextbest.actions_total", decision.action_count());
    for (stage, remaining, unknown) in decision.funnel() {
        span.int(stage_key(stage), remaining);
        if unknown > 0 {
            span.int(unknown_key(stage), unknown);
        }
    }
    span.string("nextbest.explanation", explanation);
    if let Some(top) = &decision.top_drop_off {
        span.string("nextbest.top_drop_off.reason", top.reason);
        span.string("nextbest.top_drop_off.stage", words::stage(top.stage));
        span.int("nextbest.top_drop_off.actions", top.actions);
    }
}

fn stage_key(stage: Stage) -> &'static str {
    match stage {
        Stage::Availability => "nextbest.stage.availability.remaining",
        Stage::Eligibility => "nextbest.stage.eligibility.remaining",
        Stage::Applicability => "nextbest.stage.applicability.remaining",
        Stage::Suitability => "nextbest.stage.suitability.remaining",
        Stage::Treatment => "nextbest.stage.treatment.remaining",
        Stage::Propensity => "nextbest.stage.propensity.remaining",
        Stage::Arbitration => "nextbest.stage.arbitration.remaining",
        Stage::Unspecified | Stage::Placed => "nextbest.stage.other.remaining",
    }
}

fn unknown_key(stage: Stage) -> &'static str {
    match stage {
        Stage::Eligibility => "nextbest.stage.eligibility.unknown",
        Stage::Applicability => "nextbest.stage.applicability.unknown",
        Stage::Suitability => "nextbest.stage.suitability.unknown",
        _ => "nextbest.stage.other.unknown",
    }
}

fn write_actions(span: &mut Attributes<'_>, decision: &DecisionSpan<'_>) {
    let (bundle, record) = (decision.bundle, decision.record);
    let placements = record.placements.iter();
    span.strings(
        "nextbest.placements",
        placements.map(|requested| decision.placement_name(*requested)),
    );
    let placed = || record.placed.iter().take(PLACED_MAX);
    span.strings(
        "nextbest.placed.placements",
        placed().map(|placed| decision.placement_of(placed)),
    );
    span.strings(
        "nextbest.placed.actions",
        placed().map(|placed| bundle.action_name(placed.action)),
    );
    span.strings(
        "nextbest.placed.treatments",
        placed().map(|placed| bundle.treatment_name(placed.action, placed.treatment)),
    );
    span.strings(
        "nextbest.placed.reasons",
        placed().map(|placed| words::reason(placed.reason)),
    );
    let ranked = || record.ranked.iter().take(RANKED_MAX);
    let factors = || ranked().map(|ranked| ranked.factors);
    span.int(
        "nextbest.ranked",
        u32::try_from(record.ranked.len()).unwrap_or(u32::MAX),
    );
    span.strings(
        "nextbest.actions",
        ranked().map(|ranked| bundle.action_name(ranked.action)),
    );
    span.doubles(
        "nextbest.propensities",
        factors().map(|factors| factors.propensity),
    );
    span.doubles(
        "nextbest.context_weights",
        factors().map(|factors| factors.context_weight),
    );
    span.doubles("nextbest.values", factors().map(|factors| factors.value));
    span.doubles("nextbest.levers", factors().map(|factors| factors.lever));
    span.doubles("nextbest.priorities", factors().map(|factors| factors.priority));
    span.strings(
        "nextbest.models",
        ranked().map(|ranked| decision.model_of(ranked)),
    );
    span.strings(
        "nextbest.propensity_sources",
        factors().map(|factors| words::source(factors.propensity_source)),
    );
    let degradations = || record.degradations.iter().take(DEGRADATIONS_MAX);
    span.strings(
        "nextbest.degradations",
        degradations().map(|degradation| words::degradation(degradation.kind)),
    );
    span.strings(
        "nextbest.degradation.names",
        degradations().map(|degradation| decision.name_of(degradation)),
    );
}

/// Writes `Span.attributes`. A list without elements is left out.
pub(crate) struct Attributes<'b>(pub(crate) &'b mut Vec<u8>);

impl Attributes<'_> {
    /// What was called, and how it ended, as the conventions for gRPC name it.
    pub(crate) fn failed_call(&mut self, method: &str, status: &str) {
        self.string("rpc.system.name", "grpc");
        self.string("rpc.response.status_code", status);
        self.string("rpc.method", method);
    }

    /// The same of a call that ends well.
    fn answered_call(&mut self, method: &str) {
        self.0.extend_from_slice(ANSWERED);
        self.string("rpc.method", method);
    }

    pub(crate) fn string(&mut self, key: &str, value: &str) {
        self.begin(key, field_len(value.len()));
        self.field(STRING_TAG, value.as_bytes());
    }

    fn bool(&mut self, key: &str, value: bool) {
        self.begin(key, 2);
        self.0.extend_from_slice(&[BOOL_TAG, u8::from(value)]);
    }

    fn int(&mut self, key: &str, value: u32) {
        self.begin(key, 1 + varint_len(value as usize));
        self.0.push(INT_TAG);
        put_varint(self.0, value.into());
    }

    fn strings<'s>(&mut self, key: &str, values: impl Iterator<Item = &'s str> + Clone) {
        let elements = values.clone().map(|value| field_len(field_len(value.len())));
        if self.begin_list(key, elements.sum()) {
            for value in values {
                self.element(value);
            }
        }
    }

    fn doubles(&mut self, key: &str, values: impl ExactSizeIterator<Item = f64>) {
        const VALUE_BYTES: u8 = 9;
        if self.begin_list(key, values.len() * field_len(VALUE_BYTES.into())) {
            for value in values {
                let mut element = [ELEMENT_TAG, VALUE_BYTES, DOUBLE_TAG, 0, 0, 0, 0, 0, 0, 0, 0];
                if let Some(number) = element.last_chunk_mut() {
                    *number = value.to_le_bytes();
                }
                self.0.extend_from_slice(&element);
            }
        }
    }

    fn element(&mut self, value: &str) {
        const SHORT_BYTES: u8 = 0x7f - 2;
        if let Ok(length @ ..=SHORT_BYTES) = u8::try_from(value.len()) {
            // One by one, four bytes would be four checks for room.
            self.0
                .extend_from_slice(&[ELEMENT_TAG, length + 2, STRING_TAG, length]);
            self.0.extend_from_slice(value.as_bytes());
        } else {
            self.0.push(ELEMENT_TAG);
            put_varint(self.0, field_len(value.len()) as u64);
            self.field(STRING_TAG, value.as_bytes());
        }
    }

    /// Whether there is anything to write.
    fn begin_list(&mut self, key: &str, elements_len: usize) -> bool {
        if elements_len > 0 {
            self.begin(key, field_len(elements_len));
            self.0.push(ARRAY_TAG);
            put_varint(self.0, elements_len as u64);
        }
        elements_len > 0
    }

    /// Writes everything before a value of this number of bytes.
    fn begin(&mut self, key: &str, value_len: usize) {
        self.0.push(ATTRIBUTE_TAG);
        put_varint(self.0, (field_len(key.len()) + field_len(value_len)) as u64);
        self.field(KEY_TAG, key.as_bytes());
        self.0.push(VALUE_TAG);
        put_varint(self.0, value_len as u64);
    }

    fn field(&mut self, tag: u8, content: &[u8]) {
        self.0.push(tag);
        put_varint(self.0, content.len() as u64);
        self.0.extend_from_slice(content);
    }
}
