"""How both clients, and operators' tools, talk to a server: channel options, metadata, limits.

Several connections are worth their while against a server with several cores; a client holds one, and a
process that needs more opens more clients.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nextbest import telemetry
from nextbest.errors import InvalidRequest

ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
"""An explanation of ten thousand actions takes some 20 MB."""

_TRACEPARENT_LENGTH: Final = 55

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Pings that notice a dead peer and keep idle connections open through firewalls.

    Attributes:
        interval_s: Between pings while a call is under way, or always with `when_idle`.
        timeout_s: How long to wait for the answer to a ping before the connection counts as dead.
        when_idle: Ping without calls under way, too.
    """

    interval_s: float = 30.0
    timeout_s: float = 10.0
    when_idle: bool = False


def channel_options(address: str, keep_alive: KeepAlive | None) -> Sequence[tuple[str, str | int]]:
    """Returns gRPC channel arguments for an address; without `keep_alive`, pings are left off."""
    options: list[tuple[str, str | int]] = [
        ("grpc.max_receive_message_length", ANSWER_BYTES_MAX),
        ("grpc.max_send_message_length", -1),
        ("grpc.primary_user_agent", "nextbest-python"),
    ]
    if address.startswith("unix:"):
        # gRPC would take the path for the host, with characters that HTTP/2 allows in none.
        options.append(("grpc.default_authority", "localhost"))
    if keep_alive is not None:
        options += [
            ("grpc.keepalive_time_ms", round(keep_alive.interval_s * 1_000)),
            ("grpc.keepalive_timeout_ms", round(keep_alive.timeout_s * 1_000)),
            ("grpc.keepalive_permit_without_calls", int(keep_alive.when_idle)),
            ("grpc.http2.max_pings_without_data", 0),
        ]
    return options


def metadata(traceparent: str | None) -> Metadata:
    """Returns what a call carries beside its message: the trace it belongs to.

    Args:
        traceparent: W3C trace context of the caller; None takes OpenTelemetry's current span, if there is
            one.

    Raises:
        InvalidRequest: It has not the form `00-<32 hex>-<16 hex>-<2 hex>`.
    """
    if traceparent is None:
        return tuple(telemetry.current_trace_context().items())
    if len(traceparent) != _TRACEPARENT_LENGTH or [len(part) for part in traceparent.split("-")] != [
        2,
        32,
        16,
        2,
    ]:
        raise InvalidRequest("not a W3C traceparent: 00-<32 hex digits>-<16>-<2>", "traceparent")
    return (("traceparent", traceparent),)
