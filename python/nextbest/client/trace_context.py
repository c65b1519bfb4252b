"""The trace that a call belongs to -> metadata: as the caller gives it, or OpenTelemetry's current span."""

import importlib
import sys
from typing import Final

from nextbest.client.errors import InvalidRequest
from nextbest.client.values import check_text

_TRACEPARENT_LENGTH: Final = 55

Metadata = tuple[tuple[str, str], ...]


def metadata(traceparent: str | None) -> Metadata:
    """Returns the trace that a call belongs to, as metadata.

    Args:
        traceparent: W3C trace context of the caller; None takes OpenTelemetry's current span, if there is
            one.

    Raises:
        InvalidRequest: It has not the form `00-<32 hex>-<16 hex>-<2 hex>`.
    """
    if traceparent is None:
        return tuple(_current().items())
    check_text(traceparent, "traceparent")
    if len(traceparent) != _TRACEPARENT_LENGTH or [len(part) for part in traceparent.split("-")] != [
        2,
        32,
        16,
        2,
    ]:
        raise InvalidRequest("not a W3C traceparent: 00-<32 hex digits>-<16>-<2>", "traceparent")
    return (("traceparent", traceparent),)


def _current() -> dict[str, str]:
    """Returns `traceparent` (and `tracestate`) of OpenTelemetry's current span; empty without one."""
    # A program that has not loaded OpenTelemetry has no span, and no reason to load it.
    if "opentelemetry.trace" not in sys.modules:
        return {}
    carrier: dict[str, str] = {}
    module = importlib.import_module("opentelemetry.trace.propagation.tracecontext")
    module.TraceContextTextMapPropagator().inject(carrier)
    return carrier
