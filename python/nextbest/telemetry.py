"""The one door to OpenTelemetry's Python SDK: spans of the control plane, and the trace a call belongs to.

Spans go to the OTLP/gRPC endpoint that the settings name; without one nothing is loaded, nothing is recorded
and nothing is said. Decisions are not traced here: the data plane encodes their spans itself, at a hundredth
of the SDK's cost.
"""

import importlib
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from nextbest import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from nextbest.settings import Settings

FLUSH_S_MAX: Final = 3.0
"""How long an exit may wait for the collector."""

AttributeValue = str | bool | int | float

_providers: list["TracerProvider"] = []


def start(settings: "Settings") -> None:
    """Begins to export spans, when the settings name an endpoint. Once started, does nothing."""
    if settings.otlp_endpoint is None or _providers:
        return
    exporter = importlib.import_module("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
    resources = importlib.import_module("opentelemetry.sdk.resources")
    sdk = importlib.import_module("opentelemetry.sdk.trace")
    export = importlib.import_module("opentelemetry.sdk.trace.export")
    provider = sdk.TracerProvider(
        resource=resources.Resource.create({"service.name": settings.service_name}),
        # `stop` flushes within a bound; the SDK's own hook at exit has none.
        shutdown_on_exit=False,
    )
    spans = exporter.OTLPSpanExporter(
        endpoint=settings.otlp_endpoint,
        insecure=not settings.otlp_endpoint.startswith("https://"),
        headers=dict(settings.otlp_headers) or None,
    )
    provider.add_span_processor(export.BatchSpanProcessor(spans, schedule_delay_millis=500))
    _providers.append(provider)


def stop(timeout_s: float = FLUSH_S_MAX) -> bool:
    """Exports what is pending and ends; True when all of it went out in time, or nothing was started."""
    if not _providers:
        return True
    # On a thread of its own, because the SDK's flush does not keep to the timeout that it is given.
    flush = threading.Thread(target=_providers.pop().shutdown, name="nextbest-flush", daemon=True)
    flush.start()
    flush.join(timeout_s)
    return not flush.is_alive()


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


def current_trace_context() -> dict[str, str]:
    """Returns `traceparent` (and `tracestate`) of OpenTelemetry's current span; empty without one."""
    # Where nobody has loaded OpenTelemetry there is no span, and no reason to load it.
    if "opentelemetry.trace" not in sys.modules:
        return {}
    carrier: dict[str, str] = {}
    _propagator().inject(carrier)
    return carrier


def _propagator() -> Any:
    return importlib.import_module(
        "opentelemetry.trace.propagation.tracecontext"
    ).TraceContextTextMapPropagator()


def _named(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {f"nextbest.{name}": value for name, value in attributes.items()}
