"""How both clients, and operators' tools, talk to a server: connections, tries, metadata, limits.

gRPC does the work: it reconnects, sends each call to the next available server, and retries calls that
reached none. This module configures it.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict, TypeVar

from nextbest.client.addresses import Target
from nextbest.client.credentials import Tls, channel_credentials
from nextbest.client.errors import InvalidRequest
from nextbest.client.values import check_kind, check_whole

ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
"""An explanation of ten thousand actions takes some 20 MB."""

RECONNECT_FIRST_MS: Final = 100
RECONNECT_MS_MAX: Final = 1_000
"""Servers are restarted one after another: the first must be found again before the next one goes."""

RESOLVE_MS_MIN: Final = 1_000
"""Between two look-ups of a name that are asked for because a server went away; gRPC's own 30 s are longer
than the restart of two servers takes."""

ATTEMPTS_MAX: Final = 5
"""gRPC's own bound of what one call may take."""

FAILURES_MAX: Final = 499
"""gRPC's own bound of a budget is 1,000 tokens, of which retries may take half."""

CONNECTIONS_MAX: Final = 256

BATCH_TIMEOUT_FACTOR: Final = 10.0
"""A thousand decisions take longer than one, and other calls go between them."""

RETRIED_SERVICES: Final = ("nextbest.v1.DecisionService", "nextbest.v1.CustomerService")
"""All of whose methods may be called twice for once."""

_PAUSE_FIRST_S: Final = 0.01
_PAUSE_S_MAX: Final = 0.1

Options = list[tuple[str, str | int]]
_Channel = TypeVar("_Channel")


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


@dataclass(frozen=True, slots=True)
class Retry:
    """Further attempts of calls that ended with UNAVAILABLE: no server was reached, or it went away.

    No other status is tried again. The pause before the second attempt is 10 ms, and doubles. All attempts
    share the call's deadline. A budget keeps clients from making an outage worse: each failed attempt takes 1
    from it, each answer gives back `ratio`, and while it is spent nothing is tried again.

    A decision whose answer was lost may have been made and traced, under a different `decision_id`; if the
    answer of a successful `delete` was lost, its retry returns False.

    Attributes:
        attempts_max: Of one call, the first one included: 2 to 5.
        failures_max: How many attempts may fail in a row before nothing is tried again, over all connections
            of a client: 1 to 499. Each connection has an equal part, at least 1.
        ratio: Which part of a failure one answer makes up for: 0.001 to 1.0.

    Raises:
        InvalidRequest: One of them is outside its range.
    """

    attempts_max: int = 3
    failures_max: int = 100
    ratio: float = 0.1

    def __post_init__(self) -> None:
        if not 2 <= self.attempts_max <= ATTEMPTS_MAX:
            raise InvalidRequest(f"2 to {ATTEMPTS_MAX}; `retry=None` for one attempt", "retry.attempts_max")
        if not 1 <= self.failures_max <= FAILURES_MAX:
            raise InvalidRequest(f"1 to {FAILURES_MAX}", "retry.failures_max")
        if not 0.001 <= self.ratio <= 1.0:
            raise InvalidRequest("0.001 to 1.0", "retry.ratio")


class ConnectionArguments(TypedDict, total=False):
    """The arguments of clients other than address and timeout; `Connection` describes them."""

    connections: int
    keep_alive: KeepAlive | None
    retry: Retry | None
    tls: Tls | None
    api_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How a client reaches its servers.

    Attributes:
        connections: To each server, used in turn: 1 to 256. A connection is served by one core of the server,
            so that a client that is to keep all of them busy takes one a core.
        keep_alive: Pings; None for none.
        retry: Further attempts; None for none.
        tls: Encrypts and authenticates the connection; None: neither.
        api_key: Sent with every call, as `authorization: Bearer ...`. Without `tls`, anyone who can listen on
            the network can read it.

    Raises:
        InvalidRequest: Their number is outside its range.
    """

    connections: int = 1
    keep_alive: KeepAlive | None = KeepAlive()
    retry: Retry | None = Retry()
    tls: Tls | None = None
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if check_whole(self.connections, "connections", CONNECTIONS_MAX, f"1 to {CONNECTIONS_MAX}") < 1:
            raise InvalidRequest(f"1 to {CONNECTIONS_MAX}", "connections")
        check_kind(self.keep_alive, KeepAlive, "keep_alive")
        check_kind(self.retry, Retry, "retry")
        check_kind(self.tls, Tls, "tls")
        check_kind(self.api_key, str, "api_key")


class Rotation:
    """Channels that take turns, as one channel: what stubs are made of."""

    def __init__(self, channels: Sequence[Any]) -> None:
        self._channels = channels

    def unary_unary(self, *method: Any, **codec: Any) -> Callable[..., Any]:
        """Returns a method that calls over the next channel each time, from any thread."""
        return _take_turns([channel.unary_unary(*method, **codec) for channel in self._channels])

    def stream_stream(self, *method: Any, **codec: Any) -> Callable[..., Any]:
        """Returns a method that opens each stream over the next channel, from any thread."""
        return _take_turns([channel.stream_stream(*method, **codec) for channel in self._channels])


def _take_turns(calls: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    turns = itertools.count()

    def call(request: Any, **options: Any) -> Any:
        return calls[next(turns) % len(calls)](request, **options)

    return call


def open_channels(
    insecure: Callable[..., _Channel], secure: Callable[..., _Channel], target: Target, connection: Connection
) -> list[_Channel]:
    """Opens as many channels as connections are wanted; nothing is sent yet.

    Args:
        insecure: `grpc.insecure_channel`, or that of asyncio.
        secure: `grpc.secure_channel`, or that of asyncio.
        target: Where to.
        connection: How.

    Raises:
        InvalidRequest: Certificates or keys cannot be used, or have no name to be checked against.
    """
    authority = _authority(target, connection.tls)
    options = [
        *channel_options(connection.keep_alive, authority),
        ("grpc.service_config", service_config(connection.retry, connection.connections)),
        # Channels with equal options share their connections otherwise.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if connection.tls is None:
        return [insecure(target.name, options=options) for _ in range(connection.connections)]
    credentials = channel_credentials(connection.tls)
    return [secure(target.name, credentials, options=options) for _ in range(connection.connections)]


def _authority(target: Target, tls: Tls | None) -> str | None:
    if tls is None:
        return target.authority
    if tls.server_name is None and len(target.hosts) > 1:
        message = "several hosts need one name that the certificates of all of them have"
        raise InvalidRequest(message, "tls.server_name")
    return tls.server_name or target.authority


def channel_options(keep_alive: KeepAlive | None, authority: str | None) -> Options:
    """Returns gRPC channel arguments: without `keep_alive` no pings, without `authority` the address."""
    options: Options = [
        ("grpc.max_receive_message_length", ANSWER_BYTES_MAX),
        ("grpc.max_send_message_length", -1),
        ("grpc.primary_user_agent", "nextbest-python"),
        ("grpc.initial_reconnect_backoff_ms", RECONNECT_FIRST_MS),
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MS_MAX),
        ("grpc.dns_min_time_between_resolutions_ms", RESOLVE_MS_MIN),
    ]
    if authority is not None:
        options.append(("grpc.default_authority", authority))
    if keep_alive is not None:
        options += [
            ("grpc.keepalive_time_ms", round(keep_alive.interval_s * 1_000)),
            ("grpc.keepalive_timeout_ms", round(keep_alive.timeout_s * 1_000)),
            ("grpc.keepalive_permit_without_calls", int(keep_alive.when_idle)),
            ("grpc.http2.max_pings_without_data", 0),
        ]
    return options


def service_config(retry: Retry | None, connections: int) -> str:
    """Returns gRPC's service config: calls go to all servers in turn, and are tried again within a budget.

    Args:
        retry: None for none.
        connections: Over which the budget is shared out: each channel keeps account on its own.
    """
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if retry is not None:
        policy = {
            "maxAttempts": retry.attempts_max,
            "initialBackoff": f"{_PAUSE_FIRST_S}s",
            "maxBackoff": f"{_PAUSE_S_MAX}s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        services = [{"service": service} for service in RETRIED_SERVICES]
        config["methodConfig"] = [{"name": services, "retryPolicy": policy}]
        # gRPC tries again while more than half of the tokens are left.
        tokens = 2 * -(-retry.failures_max // connections) + 1
        config["retryThrottling"] = {"maxTokens": tokens, "tokenRatio": retry.ratio}
    return json.dumps(config)
