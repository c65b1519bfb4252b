"""The one door to OpenTelemetry's Python SDK: spans of the control plane and metrics.

Spans and metrics go to the OTLP endpoints that the settings name; without one, nothing is loaded, recorded or
sent. The SDK reads no environment variable: the settings pass all values that it would look up there.
Decisions are not traced here: the data plane encodes their spans itself, at a hundredth of the SDK's cost.
"""

import importlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from nextbest import __version__
from nextbest.telemetry import exporters

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    from nextbest.settings.otel import Otel

FLUSH_S_MAX: Final = 3.0
"""How long an exit may wait for the collector."""
DELAY_S: Final = 0.5
"""A span waits at most so long before it is sent, where the settings do not say."""
QUEUE_SPANS_MAX: Final = 2_048
"""Spans that wait for the collector; more are dropped."""
BATCH_SPANS_MAX: Final = 512
"""Spans of one request."""

AttributeValue = str | bool | int | float
Measured = Mapping[str, Sequence[tuple[float, Mapping[str, str]]]]
"""By instrument, values with their attributes."""

_providers: list["TracerProvider"] = []
_meters: list["MeterProvider"] = []


class Kind(StrEnum):
    """The kinds of instruments."""

    COUNTER = "counter"
    """A number that only grows."""
    GAUGE = "gauge"
    """A number as it is now."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """A metric: its name, instrument, unit (UCUM), and description."""

    name: str
    kind: Kind
    unit: str
    description: str


def start(otel: "Otel") -> None:
    """Begins to export spans, when the settings name an endpoint. Once started, does nothing."""
    if otel.traces is None or _providers:
        return
    sdk = importlib.import_module("opentelemetry.sdk.trace")
    export = importlib.import_module("opentelemetry.sdk.trace.export")
    provider = sdk.TracerProvider(
        resource=_resource(otel),
        sampler=exporters.sampler(otel),
        span_limits=exporters.no_limits(),
        # `stop` flushes within a bound; the SDK's own hook at exit has none.
        shutdown_on_exit=False,
    )
    queue_spans_max = otel.queue_spans_max or QUEUE_SPANS_MAX
    processor = export.BatchSpanProcessor(
        exporters.spans(otel.traces),
        max_queue_size=queue_spans_max,
        schedule_delay_millis=1e3 * (otel.batch_delay_s or DELAY_S),
        max_export_batch_size=min(otel.batch_spans_max or BATCH_SPANS_MAX, queue_spans_max),
        # The SDK reads and ignores it; the exporter's own timeout bounds an export.
        export_timeout_millis=1e3 * otel.traces.timeout_s,
    )
    provider.add_span_processor(processor)
    _providers.append(provider)


def measure(otel: "Otel", instruments: Sequence[Instrument], read: Callable[[], Measured]) -> None:
    """Begins to export metrics, when the settings name an endpoint. Once begun, does nothing.

    Args:
        otel: Where to, and how often.
        instruments: What is exported.
        read: Called once each time, on a thread of the SDK.
    """
    if otel.metrics is None or _meters:
        return
    sdk = importlib.import_module("opentelemetry.sdk.metrics")
    export = importlib.import_module("opentelemetry.sdk.metrics.export")
    reader = export.PeriodicExportingMetricReader(
        exporters.metrics(otel.metrics, otel.temporality),
        export_interval_millis=otel.metric_interval_s * 1e3,
        export_timeout_millis=otel.metric_timeout_s * 1e3,
    )
    provider = sdk.MeterProvider(
        [reader],
        resource=_resource(otel),
        exemplar_filter=sdk.AlwaysOffExemplarFilter(),
        shutdown_on_exit=False,
    )
    meter = provider.get_meter("nextbest", __version__)
    latest: dict[str, Measured] = {}

    def observe(instrument: Instrument) -> Iterable[Any]:
        # The SDK asks one instrument after the other: the first reads for all, so that they say the same.
        if instrument is instruments[0]:
            latest["read"] = read()
        observation = importlib.import_module("opentelemetry.metrics").Observation
        return [observation(*found) for found in latest.get("read", {}).get(instrument.name, ())]

    for instrument in instruments:
        create = {
            Kind.COUNTER: meter.create_observable_counter,
            Kind.GAUGE: meter.create_observable_gauge,
        }[instrument.kind]
        callback = lambda _, asked=instrument: observe(asked)  # noqa: E731
        create(instrument.name, [callback], instrument.unit, instrument.description)
    _meters.append(provider)


def stop(timeout_s: float = FLUSH_S_MAX) -> bool:
    """Exports what is pending and ends; True when all of it went out in time, or nothing was started."""
    # On separate threads, because the SDK's flush does not keep its timeout.
    ends = [*(provider.shutdown for provider in _providers), *(meter.shutdown for meter in _meters)]
    flushes = [threading.Thread(target=end, name="nextbest-flush", daemon=True) for end in ends]
    _providers.clear()
    _meters.clear()
    until = time.monotonic() + timeout_s
    for flush in flushes:
        flush.start()
    for flush in flushes:
        flush.join(max(0.0, until - time.monotonic()))
    return not any(flush.is_alive() for flush in flushes)


@contextmanager
def span(
    name: str, parent: Mapping[str, str] | None = None, **attributes: AttributeValue
) -> Iterator[dict[str, AttributeValue]]:
    """Records what the block does as a span.

        with span("compile", workspace="bank") as found:
            found["actions"] = 3

    An exception is recorded as the span's status, by its class alone (its text may hold what an author or
    customer wrote), and goes on its way.

    Args:
        name: The stage's word: `check`, `compile`, `activate`; recorded as `nextbest.<name>`.
        parent: Trace context that came with a call (`traceparent`, `tracestate`); None: the current span's.
        attributes: Recorded as `nextbest.<name>`.

    Yields:
        A dictionary for attributes that are known only later.
    """
    late: dict[str, AttributeValue] = {}
    if not _providers:
        yield late
        return
    trace = importlib.import_module("opentelemetry.trace")
    context = None if parent is None else _propagator().extract(dict(parent))
    tracer = _providers[0].get_tracer("nextbest", __version__)
    with tracer.start_as_current_span(
        f"nextbest.{name}",
        context=context,
        attributes=_named(attributes),
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield late
        except BaseException as error:
            current.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            current.set_attributes(_named(late))


def record_call(
    name: str,
    attributes: Mapping[str, AttributeValue],
    parent: Mapping[str, str],
    *,
    method: str,
    status: str,
) -> None:
    """Records a call of a gRPC server that has ended, with the attributes of OpenTelemetry's conventions.

    Args:
        name: Recorded as `nextbest.<name>`.
        attributes: Recorded as `nextbest.<name>`.
        parent: Trace context that came with the call.
        method: With its service.
        status: As gRPC writes it: `OK`, `PERMISSION_DENIED`.
    """
    if not _providers:
        return
    trace = importlib.import_module("opentelemetry.trace")
    call = {"rpc.system.name": "grpc", "rpc.method": method, "rpc.response.status_code": status}
    recorded = (
        _providers[0]
        .get_tracer("nextbest", __version__)
        .start_span(
            f"nextbest.{name}",
            context=_propagator().extract(dict(parent)),
            kind=trace.SpanKind.SERVER,
            attributes={**_named(attributes), **call},
        )
    )
    if status != "OK":
        recorded.set_attribute("error.type", status)
        recorded.set_status(trace.Status(trace.StatusCode.ERROR))
    recorded.end()


def _resource(otel: "Otel") -> Any:
    # Not `create`, which adds what the SDK is: decisions' spans have the same resource, and no SDK.
    return importlib.import_module("opentelemetry.sdk.resources").Resource(dict(otel.resource))


def _propagator() -> Any:
    return importlib.import_module(
        "opentelemetry.trace.propagation.tracecontext"
    ).TraceContextTextMapPropagator()


def _named(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {f"nextbest.{name}": value for name, value in attributes.items()}
