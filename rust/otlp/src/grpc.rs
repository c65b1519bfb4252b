//! Batches sent as OTLP/gRPC.

use std::error::Error as _;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::{HeaderMap, uri::PathAndQuery};
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use crate::{
    connector::Connector,
    destination::Target,
    verdict::{Verdict, brief, describe},
};

const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// A collector's OTLP/gRPC receiver.
pub(crate) struct GrpcClient {
    channel: Channel,
    headers: MetadataMap,
    is_compressed: bool,
}

impl GrpcClient {
    /// On the event loop that it belongs to. Connects when there is something to send.
    pub(crate) fn new(target: Target, headers: HeaderMap, is_compressed: bool) -> Self {
        Self {
            channel: Endpoint::from(target.uri.clone()).connect_with_connector_lazy(Connector(target)),
            headers: MetadataMap::from_headers(headers),
            is_compressed,
        }
    }

    pub(crate) async fn send(&self, request: Bytes) -> Verdict {
        let mut client = Grpc::new(self.channel.clone());
        if self.is_compressed {
            // A collector in Go answers as it is asked.
            client = client
                .send_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Gzip);
        }
        if let Err(error) = client.ready().await {
            return Verdict::unanswered(describe(&error));
        }
        let mut request = Request::new(request);
        *request.metadata_mut() = self.headers.clone();
        let answer = client
            .unary(request, PathAndQuery::from_static(METHOD), RawCodec)
            .await;
        match answer {
            Ok(answer) => Verdict::accepted(answer.into_inner()),
            Err(status) => judge(&status),
        }
    }
}

fn judge(status: &Status) -> Verdict {
    // No answer but a broken connection, whatever code that was given here: the collector may not have
    // seen it.
    if let Some(cause) = status.source() {
        return Verdict::unanswered(describe(cause));
    }
    let reason = format!("{:?}: {}", status.code(), brief(status.message()));
    let after = status.get_details_retry_info().and_then(|info| info.retry_delay);
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Verdict::Retry { after, reason },
        Code::ResourceExhausted if after.is_some() => Verdict::Retry { after, reason },
        _ => Verdict::Refused { reason },
    }
}

/// Requests are encoded already, and answers are decoded elsewhere.
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
