"""The control port: operators' calls -> the data plane of this process.

Python serves it, with a lower priority than the threads that decide. Where it does not know who calls, it
stays on the loopback interface.
"""

import asyncio
import contextlib
import ipaddress
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc
import grpc.aio
from grpc_reflection.v1alpha import reflection

from nextbest import telemetry
from nextbest.bundle import SIZE_BYTES_MAX
from nextbest.diagnostics.suggestion import one_of
from nextbest.serve import status
from nextbest.serve.access import Access
from nextbest.serve.deciding import DataPlane, NotKeptError
from nextbest.serve.guard import Context, Event, Guard, trace_context
from nextbest.serve.secret_files import Secrets
from nextbest.v1 import control_pb2, control_pb2_grpc, customer_pb2, decision_pb2

_SERVICE: Final = control_pb2.DESCRIPTOR.services_by_name["ControlService"].full_name
_DESCRIBED: Final = (
    decision_pb2.DESCRIPTOR.services_by_name["DecisionService"].full_name,
    customer_pb2.DESCRIPTOR.services_by_name["CustomerService"].full_name,
)
OPEN: Final = Secrets()
"""Plain text, and everybody may call."""

_NICE: Final = 10
PORT_MAX: Final = 65_535
ACTIVATIONS_MAX: Final = 4
"""Under way or waiting for the one before; each holds a bundle in memory."""
CONNECTIONS_MAX: Final = 1_024
"""Of the control port; more are closed at once."""
HANDSHAKE_S_MAX: Final = 10
"""From accepting a connection to the end of its HTTP/2 preface, TLS included."""
IDLE_S_MAX: Final = 60
"""Of a connection without calls: then the server asks the client to close it."""
CONNECTION_AGE_S_MAX: Final = 3_600
"""Of any connection: then the server asks the client to close it, and allows the time of one activation."""
CLOSE_S_MAX: Final = 0.5
"""Beyond the grace of a close."""
_CALLS_OF_A_CONNECTION_MAX: Final = 100
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", SIZE_BYTES_MAX + 1024),
    # Otherwise a second server could listen on the same port without a word.
    ("grpc.so_reuseport", 0),
    ("grpc.max_concurrent_streams", _CALLS_OF_A_CONNECTION_MAX),
    ("grpc.server_handshake_timeout_ms", HANDSHAKE_S_MAX * 1_000),
    ("grpc.max_connection_idle_ms", IDLE_S_MAX * 1_000),
    ("grpc.max_connection_age_ms", CONNECTION_AGE_S_MAX * 1_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
)


class ListenError(Exception):
    """An address cannot be served; the message has the reason and the remedy."""


class TakenError(ListenError):
    """Another process uses the address."""


class ControlService(control_pb2_grpc.ControlServiceServicer):
    """Answers operators, on the control port's event loop; what takes longer runs on threads beside it."""

    def __init__(
        self,
        data_plane: DataPlane,
        refusals: tuple[type[Exception], ...],
        activated: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        """Takes what it speaks for.

        Args:
            data_plane: The running server.
            refusals: What `activate` raises for a bundle that it will not run.
            activated: Told of an activation: the digest, and the one before it.
        """
        self._data_plane = data_plane
        self._refusals = refusals
        self._activated = activated
        # One activation at a time, and none of them holds up other questions.
        self._activations = ThreadPoolExecutor(1, "nextbest-activate", initializer=_lower_priority)
        self._reports = ThreadPoolExecutor(1, "nextbest-report", initializer=_lower_priority)
        self._waiting = 0

    async def Activate(  # noqa: N802 - named by the protocol
        self, request: control_pb2.ActivateRequest, context: Context
    ) -> control_pb2.ActivateResponse:
        """Activates a bundle, or answers INVALID_ARGUMENT and leaves the active one in force."""
        if self._waiting >= ACTIVATIONS_MAX:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{ACTIVATIONS_MAX} activations are under way already: try again when they have ended",
            )
        self._waiting += 1
        under_way = asyncio.get_running_loop().run_in_executor(
            self._activations, self._activate, request.bundle, trace_context(context)
        )
        # It goes on where the caller does not wait for it, and counts until it has ended.
        under_way.add_done_callback(self._end_activation)
        try:
            return await asyncio.shield(under_way)
        except self._refusals as refusal:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"bundle: {refusal}")
        except NotKeptError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

    def _end_activation(self, ended: "asyncio.Future[Any]") -> None:
        self._waiting -= 1
        if not ended.cancelled():
            # Read, so that asyncio does not report results for a caller that has disconnected.
            ended.exception()

    def _activate(self, data: bytes, parent: Mapping[str, str]) -> control_pb2.ActivateResponse:
        with telemetry.span("activate", parent=parent) as found:
            try:
                active, previous, duration_us, index_bytes = self._data_plane.activate(data)
            except self._refusals:
                found["refused"] = True
                raise
            found |= {"bundle_digest": active, "previous_digest": previous, "duration_us": duration_us}
            found["index_bytes"] = index_bytes
        self._activated(active, previous)
        return control_pb2.ActivateResponse(
            bundle_digest=active,
            previous_digest=previous,
            duration_us=duration_us,
            index_bytes=index_bytes,
        )

    async def Status(  # noqa: N802 - named by the protocol
        self,
        request: control_pb2.StatusRequest,  # noqa: ARG002 - has no fields
        context: Context,  # noqa: ARG002 - cannot fail
    ) -> control_pb2.StatusResponse:
        """Says what runs."""
        return status.read(self._data_plane)

    async def ModelHealth(  # noqa: N802 - named by the protocol
        self, request: control_pb2.ModelHealthRequest, context: Context
    ) -> control_pb2.ModelHealthResponse:
        """Says how models fare, or answers NOT_FOUND where the active bundle has none of the name."""
        health = await asyncio.get_running_loop().run_in_executor(self._reports, self._health)
        if request.name:
            found = [model for model in health.models if model.name == request.name]
            if not found:
                known = one_of([model.name for model in health.models]) or "no model"
                await context.abort(
                    grpc.StatusCode.NOT_FOUND,
                    f"the active bundle has no model `{request.name}`: it has {known}",
                )
            del health.models[:]
            health.models.extend(found)
        return health

    def _health(self) -> control_pb2.ModelHealthResponse:
        return control_pb2.ModelHealthResponse.FromString(self._data_plane.model_health())

    def end(self) -> None:
        """Begins nothing more."""
        for executor in (self._activations, self._reports):
            executor.shutdown(wait=False, cancel_futures=True)


class ControlPort:
    """A listening control port; `close` ends it.

    An event loop on a separate thread serves it: calls and connections that wait, or never end, block no
    other thread.
    """

    def __init__(
        self,
        service: ControlService,
        address: str,
        secrets: Secrets = OPEN,
        audit: Callable[[Event], None] = lambda _: None,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        """Listens.

        Args:
            service: Answers.
            address: `host:port`; port 0: any that is free.
            secrets: Who the server is, and who may call.
            audit: Called after every call; it must not wait.
            connections_max: How many connections it takes.

        Raises:
            ListenError: The address is not on the loopback interface and some callers would be
                unauthenticated, or the address or the certificates cannot be used.
        """
        self._host = _host(address, secrets)
        self._secrets = secrets
        self.requires_certificates = secrets.control_requires_certificates
        self._options = (*_OPTIONS, ("grpc.max_allowed_incoming_connections", connections_max))
        self._service = service
        self._guard = Guard(self._access, audit)
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._run, name="nextbest-control", daemon=True)
        thread.start()
        try:
            listening = asyncio.run_coroutine_threadsafe(self._listen(address), self._loop)
            self._server, port = listening.result()
        except BaseException:
            self._end()
            raise
        self.address = f"{self._host}:{port}"

    def use(self, secrets: Secrets) -> None:
        """Takes other certificates for new connections, and other callers for all of them."""
        self._secrets = secrets

    def close(self, grace_s: float = 1.0) -> None:
        """Stops listening, and waits so long for calls under way, and a little longer for their end."""
        ended = asyncio.run_coroutine_threadsafe(self._server.stop(grace_s), self._loop)
        with contextlib.suppress(TimeoutError):
            ended.result(grace_s + CLOSE_S_MAX)
        self._end()

    def _run(self) -> None:
        _lower_priority()
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _end(self) -> None:
        self._service.end()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _access(self) -> Access | None:
        return self._secrets.access

    async def _listen(self, address: str) -> tuple[grpc.aio.Server, int]:
        server = grpc.aio.server(interceptors=[self._guard], options=self._options)
        control_pb2_grpc.add_ControlServiceServicer_to_server(self._service, server)
        # The whole contract, though this port answers its own part only: that of decisions describes nothing.
        reflection.enable_server_reflection((_SERVICE, *_DESCRIBED, reflection.SERVICE_NAME), server)
        try:
            port = self._bind(server, address)
        except RuntimeError:
            raise TakenError(
                f"the control port cannot listen on {address}: another process may; choose another "
                "with --control-address, or 127.0.0.1:0 for any that is free"
            ) from None
        await server.start()
        return server, port

    def _bind(self, server: grpc.aio.Server, address: str) -> int:
        if self._secrets.certificates is None:
            return int(server.add_insecure_port(address))
        # gRPC asks before each handshake.
        credentials = grpc.dynamic_ssl_server_credentials(
            _configure(self._secrets),
            lambda: _configure(self._secrets),
            require_client_authentication=self.requires_certificates,
        )
        return int(server.add_secure_port(address, credentials))


def _configure(secrets: Secrets) -> Any:
    certificates = secrets.certificates
    if certificates is None:
        return None
    pair = (certificates.key, certificates.certificate)
    return grpc.ssl_server_certificate_configuration([pair], certificates.client_ca)


def _host(address: str, secrets: Secrets) -> str:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or not host or int(port) > PORT_MAX:
        raise ListenError(f"`{address}` is not an address: give host:port, such as 127.0.0.1:50052")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        loopback = False
    if not loopback and not secrets.authenticates:
        raise ListenError(
            f"the control port will not listen on {address} without knowing its callers: set "
            "NEXTBEST_TLS_CERTIFICATE and NEXTBEST_TLS_KEY, and NEXTBEST_ACCESS or NEXTBEST_TLS_CLIENT_CA; "
            "or stay on 127.0.0.1, [::1] or localhost, and reach it through a tunnel (ssh -L, "
            "kubectl port-forward)"
        )
    return host


def _lower_priority() -> None:
    # Linux keeps priorities by thread: whatever a control call computes yields to decisions.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
