"""What an operator asks of a running server, over its control port."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import grpc

from nextbest.client.addresses import resolve
from nextbest.client.channels import Connection, open_channels
from nextbest.client.credentials import Tls, bearer
from nextbest.client.errors import refine
from nextbest.client.trace_context import metadata
from nextbest.client.values import from_microseconds
from nextbest.ports import CONTROL_ADDRESS
from nextbest.v1 import control_pb2, control_pb2_grpc

ACTIVATION_S_MAX: Final = 60.0
"""Verifying and warming up a large bundle takes seconds, not milliseconds."""


@dataclass(frozen=True, slots=True)
class Activation:
    """A bundle made the active one.

    Attributes:
        bundle_digest: The one that is active now.
        previous_digest: The one that was active before.
        duration_us: From reading the bytes to the swap.
        index_bytes: Memory that the index of its policies takes.
    """

    bundle_digest: str
    previous_digest: str
    duration_us: int
    index_bytes: int


@dataclass(frozen=True, slots=True)
class TraceCounts:
    """Spans of decisions; emitted = exported + rejected + dropped + pending, at any moment.

    Those sampled out were never made, and are not among those emitted.
    """

    emitted: int
    exported: int
    rejected: int
    dropped: int
    pending: int
    sampled_out: int


@dataclass(frozen=True, slots=True)
class ShadowCounts:
    """Scores of lowered models that were compared with ONNX Runtime's while serving.

    Attributes:
        compared: Scores.
        disagreed: Farther from ONNX Runtime's than 1e-6.
        failed: ONNX Runtime gave no answer.
        dropped: Sampled decisions that were left out, because others were still waiting.
        farthest: The largest difference.
    """

    compared: int
    disagreed: int
    failed: int
    dropped: int
    farthest: float


@dataclass(frozen=True, slots=True)
class SecurityCounts:
    """What the decision port has turned away.

    Attributes:
        unauthenticated: Calls, because the caller was not authenticated.
        permission_denied: Calls, because the caller lacked the role.
        handshakes_failed: Connections, because TLS was not agreed on.
    """

    unauthenticated: int
    permission_denied: int
    handshakes_failed: int


@dataclass(frozen=True, slots=True)
class TransportCounts:
    """What reached the ports and could not become a call.

    Attributes:
        not_calls: Requests answered with an HTTP error: malformed headers, or not gRPC.
        not_http2: Connections that spoke something else than HTTP/2.
        connections_max: How many the decision port takes: what settings and open files allow.
        health_connections_refused: Connections of the health port that left for newer ones, or were refused.
        accepts_failed: Sockets that the system would not give, as a rule for want of open files.
        control_connections_max: How many the control port takes.
    """

    not_calls: int
    not_http2: int
    connections_max: int
    health_connections_refused: int
    accepts_failed: int
    control_connections_max: int


@dataclass(frozen=True, slots=True)
class Status:
    """What runs.

    Attributes:
        bundle_digest: SHA-256 of the active bundle, in hexadecimal.
        workspace: Its name.
        actions: How many it has.
        models: How many it has.
        activated_at: When it became active, in UTC.
        customers: How many are stored.
        decisions: Made since the start.
        traces: The outcome of their spans.
        draining: The server is on its way out.
        explanations: Made since the start.
        refused: Calls refused for what was in them.
        deadlines_exceeded: Calls that came, or would have been answered, too late.
        panics: Calls that failed inside the server: each is a fault worth reporting.
        failure_spans_suppressed: Failed calls without a span, because there were too many of them.
        export_error: Why the collector did not take the last spans that were sent; empty when it did.
        connections: Open now.
        connections_accepted: Since the start.
        connections_refused: Closed at once because there were too many.
        workers: Threads that decide.
        index_bytes: Memory that the index of the bundle's policies takes.
        kernel: The instructions that filter: `avx512`, `avx2` or `portable`.
        shadow: What lowered models' scores were, beside ONNX Runtime's.
        shed: Calls refused because there was more to do than could be done in time.
        in_flight: Calls under way now.
        intake_bytes: Memory of calls' messages that have begun to come and have not ended.
        security: What the decision port has turned away.
        answer_bytes: Memory of answers under construction, and of those that callers have not read.
        customers_bytes: Memory that stored customers take.
        transport: What reached the ports and could not become a call.
        log_lines_dropped: Lines of standard output and standard error that were dropped.
        bundle_source: Where the active bundle comes from: `file`, `activation`, or `state`.
        bundle_reason: Why it decides, in a sentence.
        file_bundle_digest: SHA-256 of the bundle that the command line names.
    """

    bundle_digest: str
    workspace: str
    actions: int
    models: int
    activated_at: datetime
    customers: int
    decisions: int
    traces: TraceCounts
    draining: bool
    explanations: int
    refused: int
    deadlines_exceeded: int
    panics: int
    failure_spans_suppressed: int
    export_error: str
    connections: int
    connections_accepted: int
    connections_refused: int
    workers: int
    index_bytes: int
    kernel: str
    shadow: ShadowCounts
    shed: int
    in_flight: int
    intake_bytes: int
    security: SecurityCounts
    answer_bytes: int
    customers_bytes: int
    transport: TransportCounts
    log_lines_dropped: int
    bundle_source: str
    bundle_reason: str
    file_bundle_digest: str


class Operator:
    """A connection to a server's control port; close it, or use it in a `with` block."""

    def __init__(
        self,
        address: str = CONTROL_ADDRESS,
        *,
        timeout_s: float = 5.0,
        tls: Tls | None = None,
        api_key: str | None = None,
    ) -> None:
        """Prepares a connection; nothing is sent yet.

        Args:
            address: `host:port`.
            timeout_s: Of calls that do not say otherwise.
            tls: Encrypts and authenticates the connection; None: neither.
            api_key: Sent with every call; None: nothing.

        Raises:
            InvalidRequest: Certificates, keys or the API key cannot be used.
        """
        self.address = address
        self.timeout_s = timeout_s
        self._identity = bearer(api_key)
        how = Connection(keep_alive=None, retry=None, tls=tls)
        (self._channel,) = open_channels(grpc.insecure_channel, grpc.secure_channel, resolve(address), how)
        self._stub = control_pb2_grpc.ControlServiceStub(self._channel)

    def activate(self, bundle: bytes, *, timeout_s: float = ACTIVATION_S_MAX) -> Activation:
        """Makes a bundle the active one; on any failure the previous one stays.

        Args:
            bundle: The file's bytes.
            timeout_s: Of the call.

        Raises:
            InvalidRequest: The bundle is damaged, or does not pass verification.
            NextbestError: Any other failure.
        """
        answer = self._call(self._stub.Activate, control_pb2.ActivateRequest(bundle=bundle), timeout_s)
        return Activation(**_fields(Activation, answer))

    def status(self) -> Status:
        """Asks what runs.

        Raises:
            NextbestError: The call failed.
        """
        answer = self._call(self._stub.Status, control_pb2.StatusRequest(), self.timeout_s)
        # Fields of the same names, except the five that have different types here.
        converted = {
            "activated_at": from_microseconds(answer.activated_at_us),
            "traces": TraceCounts(**_fields(TraceCounts, answer.traces)),
            "shadow": ShadowCounts(**_fields(ShadowCounts, answer.shadow)),
            "security": SecurityCounts(**_fields(SecurityCounts, answer.security)),
            "transport": TransportCounts(**_fields(TransportCounts, answer.transport)),
        }
        return Status(**{**_fields(Status, answer), **converted})

    def model_health(self, name: str = "") -> control_pb2.ModelHealthResponse:
        """Asks how the models of the active bundle fare.

        Args:
            name: Of a model; empty: all.

        Raises:
            NotFound: The active bundle has no such model.
            NextbestError: Any other failure.
        """
        answer: control_pb2.ModelHealthResponse = self._call(
            self._stub.ModelHealth, control_pb2.ModelHealthRequest(name=name), self.timeout_s
        )
        return answer

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, method: Any, request: Any, timeout_s: float) -> Any:
        try:
            return method(request, timeout=timeout_s, metadata=(*self._identity, *metadata(None)))
        except grpc.RpcError as error:
            raise refine(error, self.address, timeout_s) from None


def _fields(kind: type, message: Any) -> dict[str, Any]:
    return {field.name: getattr(message, field.name, None) for field in dataclasses.fields(kind)}
