"""Destinations of the settings -> exporters of OpenTelemetry's SDK, and the sampler of the control plane."""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from nextbest.otel import Destination, Otel

ALWAYS: Final = "nextbest.audit"
"""The span that is exported whatever the sampler says: an audit with gaps is none."""


def spans(destination: "Destination") -> Any:
    """Makes an exporter of spans."""
    exporter = importlib.import_module("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
    return exporter.OTLPSpanExporter(**_grpc(destination))


def metrics(destination: "Destination", temporality: str) -> Any:
    """Makes an exporter of metrics."""
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
        root_certificates=destination.certificate,
        private_key=destination.client_key,
        certificate_chain=destination.client_certificate,
    )


def _temporality(name: str) -> dict[type, Any]:
    instruments = importlib.import_module("opentelemetry.sdk.metrics")
    kinds = importlib.import_module("opentelemetry.sdk.metrics.export").AggregationTemporality
    # Only counters that are observed are exported, and gauges, which have no past.
    chosen = kinds.DELTA if name == "delta" else kinds.CUMULATIVE
    return {instruments.ObservableCounter: chosen}
