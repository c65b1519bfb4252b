"""The control port: operators' calls -> the data plane of this process.

Python serves it, on threads of lower priority than those that decide. Where it does not know who calls, it
stays on the loopback interface.
"""

import ipaddress
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

import grpc
from grpc_reflection.v1alpha import reflection

from nextbest import telemetry
from nextbest.access import Access
from nextbest.bundle import SIZE_BYTES_MAX
from nextbest.control.guard import Event, Guard, trace_context
from nextbest.control.secrets import Secrets
from nextbest.diagnostics.suggestion import one_of
from nextbest.v1 import control_pb2, control_pb2_grpc, customer_pb2, decision_pb2

_SERVICE: Final = control_pb2.DESCRIPTOR.services_by_name["ControlService"].full_name
_DESCRIBED: Final = (
    decision_pb2.DESCRIPTOR.services_by_name["DecisionService"].full_name,
    customer_pb2.DESCRIPTOR.services_by_name["CustomerService"].full_name,
)
OPEN: Final = Secrets()
"""Plain text, and everybody may call."""

_NICE: Final = 10
_THREADS: Final = 4
_MESSAGE_BYTES_MAX: Final = SIZE_BYTES_MAX + 1024


class ListenError(Exception):
    """An address cannot be served; the message says why and what to do."""


class DataPlane(Protocol):
    """The part of `nextbest._core.Server` that operators reach."""

    def activate(self, bundle: bytes) -> tuple[str, str, int, int]:
        """Returns the digest, the previous digest, the microseconds it took, and the bytes of its index."""

    def status(self) -> Mapping[str, Any]:
        """Returns the fields of `StatusResponse`, those of `traces` among them."""

    def model_health(self) -> bytes:
        """Returns an encoded `ModelHealthResponse` of every model."""


class ControlService(control_pb2_grpc.ControlServiceServicer):
    """Answers operators."""

    def __init__(self, data_plane: DataPlane, refusals: tuple[type[Exception], ...]) -> None:
        """Takes what it speaks for.

        Args:
            data_plane: The running server.
            refusals: What `activate` raises for a bundle that it will not run.
        """
        self._data_plane = data_plane
        self._refusals = refusals

    def Activate(  # noqa: N802 - named by the protocol
        self, request: control_pb2.ActivateRequest, context: grpc.ServicerContext
    ) -> control_pb2.ActivateResponse:
        """Activates a bundle, or answers INVALID_ARGUMENT and leaves the active one in force."""
        with telemetry.span("activate", parent=trace_context(context)) as found:
            try:
                active, previous, duration_us, index_bytes = self._data_plane.activate(request.bundle)
            except self._refusals as refusal:
                found["refused"] = True
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"bundle: {refusal}")
            found |= {"bundle_digest": active, "previous_digest": previous, "duration_us": duration_us}
            found["index_bytes"] = index_bytes
        return control_pb2.ActivateResponse(
            bundle_digest=active,
            previous_digest=previous,
            duration_us=duration_us,
            index_bytes=index_bytes,
        )

    def Status(  # noqa: N802 - named by the protocol
        self,
        request: control_pb2.StatusRequest,  # noqa: ARG002 - has no fields
        context: grpc.ServicerContext,  # noqa: ARG002 - cannot fail
    ) -> control_pb2.StatusResponse:
        """Says what runs."""
        return control_pb2.StatusResponse(**self._data_plane.status())

    def ModelHealth(  # noqa: N802 - named by the protocol
        self, request: control_pb2.ModelHealthRequest, context: grpc.ServicerContext
    ) -> control_pb2.ModelHealthResponse:
        """Says how models fare, or answers NOT_FOUND where the active bundle has none of the name."""
        health = control_pb2.ModelHealthResponse.FromString(self._data_plane.model_health())
        if request.name:
            found = [model for model in health.models if model.name == request.name]
            if not found:
                known = one_of([model.name for model in health.models]) or "no model"
                context.abort(
                    grpc.StatusCode.NOT_FOUND,
                    f"the active bundle has no model `{request.name}`: it has {known}",
                )
            del health.models[:]
            health.models.extend(found)
        return health


class ControlPort:
    """A listening control port; `close` ends it."""

    def __init__(
        self,
        service: ControlService,
        address: str,
        secrets: Secrets = OPEN,
        tell: Callable[[Event], None] = lambda _: None,
    ) -> None:
        """Listens.

        Args:
            service: Answers.
            address: `host:port`; port 0: any that is free.
            secrets: Who the server is, and who may call.
            tell: Called after every call.

        Raises:
            ListenError: The address is not on the loopback interface and not every caller would be known, or
                it cannot be had, or the certificates cannot be used.
        """
        host = _host(address, secrets)
        self._secrets = secrets
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, "nextbest-control", initializer=_lower_priority),
            interceptors=[Guard(self._access, tell)],
            options=[
                ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
                # Otherwise a second server could listen on the same port without a word.
                ("grpc.so_reuseport", 0),
            ],
        )
        control_pb2_grpc.add_ControlServiceServicer_to_server(service, self._server)
        # The whole contract, though this port answers its own part only: that of decisions describes nothing.
        described = (_SERVICE, *_DESCRIBED, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(described, self._server)
        try:
            port = self._bind(address)
        except RuntimeError:
            raise ListenError(
                f"the control port cannot listen on {address}: another process may; choose another "
                "with --control-address, or 127.0.0.1:0 for any that is free"
            ) from None
        self.address = f"{host}:{port}"
        self._server.start()

    def use(self, secrets: Secrets) -> None:
        """Takes other certificates for new connections, and other callers for all of them."""
        self._secrets = secrets

    def _access(self) -> Access | None:
        return self._secrets.access

    def _bind(self, address: str) -> int:
        if self._secrets.certificates is None:
            return int(self._server.add_insecure_port(address))
        # gRPC asks before each handshake.
        credentials = grpc.dynamic_ssl_server_credentials(
            _configure(self._secrets),
            lambda: _configure(self._secrets),
            require_client_authentication=self._secrets.requires_certificates,
        )
        return int(self._server.add_secure_port(address, credentials))

    def close(self, grace_s: float = 1.0) -> None:
        """Stops listening, and waits so long for calls under way."""
        self._server.stop(grace_s).wait(grace_s + 1.0)


def _configure(secrets: Secrets) -> Any:
    certificates = secrets.certificates
    if certificates is None:
        return None
    pair = (certificates.key, certificates.certificate)
    return grpc.ssl_server_certificate_configuration([pair], certificates.client_ca)


def _host(address: str, secrets: Secrets) -> str:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or not host:
        raise ListenError(f"`{address}` is no address: give host:port, such as 127.0.0.1:50052")
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
