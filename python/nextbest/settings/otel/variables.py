"""Every environment variable of the OpenTelemetry specification, and whether this product honours it.

`docs/operator/opentelemetry.md` holds the same table for readers; a test compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Support(StrEnum):
    """Whether a variable is honoured."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable; if it is not fully supported, `note` describes the difference."""

    name: str
    support: Support
    note: str = ""


_OTLP: Final = (
    "ENDPOINT",
    "INSECURE",
    "CERTIFICATE",
    "CLIENT_CERTIFICATE",
    "CLIENT_KEY",
    "HEADERS",
    "COMPRESSION",
    "TIMEOUT",
    "PROTOCOL",
)
_HONOURED: Final = (
    *(f"OTEL_EXPORTER_OTLP_{name}" for name in _OTLP),
    *(f"OTEL_EXPORTER_OTLP_TRACES_{name}" for name in _OTLP),
    *(f"OTEL_EXPORTER_OTLP_METRICS_{name}" for name in _OTLP),
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_SDK_DISABLED",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
)
_IN_PART: Final = {
    "OTEL_BSP_MAX_QUEUE_SIZE": "it bounds the control plane's spans; NEXTBEST_TRACE_QUEUE_BYTES bounds those "
    "of decisions",
    "OTEL_BSP_EXPORT_TIMEOUT": "it bounds the retries of decisions' spans; OTEL_EXPORTER_OTLP_TIMEOUT bounds "
    "those of the control plane's",
}
_NOT_HONOURED: Final = {
    "callers' `traceparent` and `tracestate` are read, nothing else": ("OTEL_PROPAGATORS",),
    "the log has no levels": ("OTEL_LOG_LEVEL",),
    "spans have other bounds, see docs/operator/opentelemetry.md": (
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "OTEL_SPAN_LINK_COUNT_LIMIT",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    ),
    "no logs are exported": (
        "OTEL_LOGS_EXPORTER",
        *(f"OTEL_EXPORTER_OTLP_LOGS_{name}" for name in _OTLP),
        "OTEL_BLRP_SCHEDULE_DELAY",
        "OTEL_BLRP_EXPORT_TIMEOUT",
        "OTEL_BLRP_MAX_QUEUE_SIZE",
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    ),
    "only OTLP is exported": (
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        "OTEL_EXPORTER_PROMETHEUS_PORT",
    ),
    "use OTEL_EXPORTER_OTLP_INSECURE": (
        "OTEL_EXPORTER_OTLP_SPAN_INSECURE",
        "OTEL_EXPORTER_OTLP_METRIC_INSECURE",
    ),
    "no histograms are exported": (
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "OTEL_METRICS_EXEMPLAR_FILTER",
    ),
    "use variables instead of a file": ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"),
    "`rpc.*` attributes always have their current names": ("OTEL_SEMCONV_STABILITY_OPT_IN",),
}

VARIABLES: Final[Mapping[str, Variable]] = {
    variable.name: variable
    for variable in (
        *(Variable(name, Support.YES) for name in _HONOURED),
        *(Variable(name, Support.PARTLY, note) for name, note in _IN_PART.items()),
        *(Variable(name, Support.NO, note) for note, names in _NOT_HONOURED.items() for name in names),
    )
}


def warnings(found: Mapping[str, str]) -> list[str]:
    """Names each variable of OpenTelemetry that is set and not honoured, or only in part."""
    noted = []
    for name in sorted(name for name in found if name.startswith("OTEL_")):
        variable = VARIABLES.get(name)
        if variable is None:
            noted.append(
                f"{name} is set and not honoured: docs/operator/opentelemetry.md lists the variables that are"
            )
        elif variable.support is Support.NO:
            noted.append(f"{name} is set and not honoured: {variable.note}")
        elif variable.support is Support.PARTLY:
            noted.append(f"{name} is honoured in part: {variable.note}")
    return noted
