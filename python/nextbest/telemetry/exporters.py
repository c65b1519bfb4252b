"""Destinations of the settings -> exporters of OpenTelemetry's SDK, and the sampler of the control plane."""

import importlib
import re
import ssl
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from nextbest.settings.otel import Destination, Otel

HTTP: Final = "http/protobuf"
ALWAYS: Final = "nextbest.audit"
"""The span that is exported regardless of the sampler: an audit must not have gaps."""

_BLOCK: Final = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def spans(destination: "Destination") -> Any:
    """Makes an exporter of spans."""
    if destination.protocol == HTTP:
        return _posted_spans(_poster(destination))
    exporter = importlib.import_module("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
    return exporter.OTLPSpanExporter(**_grpc(destination))


def metrics(destination: "Destination", temporality: str) -> Any:
    """Makes an exporter of metrics."""
    if destination.protocol == HTTP:
        return _posted_metrics(_poster(destination), _temporality(temporality))
    exporter = importlib.import_module("opentelemetry.exporter.otlp.proto.grpc.metric_exporter")
    return exporter.OTLPMetricExporter(**_grpc(destination), preferred_temporality=_temporality(temporality))


def sampler(otel: "Otel") -> Any:
    """Makes the sampler: that of the settings, and every audit."""
    sampling = importlib.import_module("opentelemetry.sdk.trace.sampling")
    root = {
        "always_on": sampling.ALWAYS_ON,
        "always_off": sampling.ALWAYS_OFF,
        "traceidratio": sampling.TraceIdRatioBased(otel.sampler_ratio),
    }[otel.sampler.removeprefix("parentbased_")]
    chosen = sampling.ParentBased(root) if otel.sampler.startswith("parentbased_") else root

    class _AuditAlways(sampling.Sampler):  # type: ignore[misc, name-defined]
        def should_sample(
            self, parent_context: Any, trace_id: int, name: str, *more: Any, **named: Any
        ) -> Any:
            asked = sampling.ALWAYS_ON if name == ALWAYS else chosen
            return asked.should_sample(parent_context, trace_id, name, *more, **named)

        def get_description(self) -> str:
            return f"AuditAlways{{{chosen.get_description()}}}"

    return _AuditAlways()


def no_limits() -> Any:
    """Makes limits that cut nothing: the spans made here have few attributes, each of a bounded length."""
    limits = importlib.import_module("opentelemetry.sdk.trace").SpanLimits
    unset = limits.UNSET
    return limits(
        max_attributes=unset,
        max_events=unset,
        max_links=unset,
        max_span_attributes=unset,
        max_event_attributes=unset,
        max_link_attributes=unset,
        max_attribute_length=unset,
        max_span_attribute_length=unset,
    )


def _grpc(destination: "Destination") -> dict[str, Any]:
    grpc = importlib.import_module("grpc")
    return {
        "endpoint": destination.url,
        "insecure": not destination.is_encrypted,
        "credentials": _credentials(destination) if destination.is_encrypted else None,
        "headers": tuple(destination.headers.items()),
        "timeout": destination.timeout_s,
        "compression": {
            "none": grpc.Compression.NoCompression,
            "gzip": grpc.Compression.Gzip,
        }[destination.compression],
    }


def _credentials(destination: "Destination") -> Any:
    return importlib.import_module("grpc").ssl_channel_credentials(
        # gRPC would trust authorities that it brings along, instead of the system's.
        root_certificates=_pem(authorities(destination)),
        private_key=destination.client_key,
        certificate_chain=destination.client_certificate,
    )


def authorities(destination: "Destination") -> list[bytes]:
    """Returns certificates of the authorities to trust, DER: the destination's, or the system's."""
    if destination.certificate is None:
        return list(importlib.import_module("nextbest._core").system_authorities())
    return [ssl.PEM_cert_to_DER_cert(block) for block in _BLOCK.findall(destination.certificate.decode())]


def _pem(certificates: list[bytes]) -> bytes:
    return "".join(map(ssl.DER_cert_to_PEM_cert, certificates)).encode()


def _poster(destination: "Destination") -> Any:
    post = importlib.import_module("nextbest.telemetry.post")
    return post.Poster(destination, authorities(destination) if destination.is_encrypted else ())


def _posted_spans(poster: Any) -> Any:
    export = importlib.import_module("opentelemetry.sdk.trace.export")
    encoder = importlib.import_module("opentelemetry.exporter.otlp.proto.common.trace_encoder")

    class _PostedSpans(export.SpanExporter):  # type: ignore[misc, name-defined]
        def export(self, spans: Any) -> Any:
            is_taken = poster.post(encoder.encode_spans(spans).SerializeToString())
            return export.SpanExportResult.SUCCESS if is_taken else export.SpanExportResult.FAILURE

        def shutdown(self) -> None:
            poster.stop()

    return _PostedSpans()


def _posted_metrics(poster: Any, temporality: dict[type, Any]) -> Any:
    export = importlib.import_module("opentelemetry.sdk.metrics.export")
    encoder = importlib.import_module("opentelemetry.exporter.otlp.proto.common.metrics_encoder")

    class _PostedMetrics(export.MetricExporter):  # type: ignore[misc, name-defined]
        def export(self, metrics_data: Any, timeout_millis: float = 0.0, **_: Any) -> Any:  # noqa: ARG002
            is_taken = poster.post(encoder.encode_metrics(metrics_data).SerializeToString())
            return export.MetricExportResult.SUCCESS if is_taken else export.MetricExportResult.FAILURE

        def force_flush(self, timeout_millis: float = 0.0) -> bool:  # noqa: ARG002
            return True

        def shutdown(self, timeout_millis: float = 0.0, **_: Any) -> None:  # noqa: ARG002
            poster.stop()

    return _PostedMetrics(preferred_temporality=temporality)


def _temporality(name: str) -> dict[type, Any]:
    instruments = importlib.import_module("opentelemetry.sdk.metrics")
    kinds = importlib.import_module("opentelemetry.sdk.metrics.export").AggregationTemporality
    # Only counters that are observed are exported, and gauges, which have no past.
    chosen = kinds.DELTA if name == "delta" else kinds.CUMULATIVE
    return {instruments.ObservableCounter: chosen}
