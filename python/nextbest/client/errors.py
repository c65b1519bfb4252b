"""Errors between a client and a server, as exceptions that a caller can handle separately.

The gRPC status decides the class; `refine` is the one place where it does. Messages come from the server,
which names fields in them but never repeats a customer's values.
"""
# ruff: noqa: N818 - named after what happened, as callers catch them: `except DeadlineExceeded`

import re
from typing import TYPE_CHECKING, Final

import grpc

if TYPE_CHECKING:
    from nextbest.client.question import Question
    from nextbest.v1 import decision_pb2

_FIELD: Final = re.compile(
    r"(?P<field>[a-z_]+(?:\[\d+\])?(?:\.[a-z_]+(?:\[\d+\])?)*): (?P<message>.+)", re.DOTALL
)

_UNREACHED: Final = ("failed to connect", "connections to all backends failing")
_CONNECT_REASONS: Final = (
    (
        "CERTIFICATE_VERIFY_FAILED",
        "its certificate is not trusted: none of `root_certificates` has signed it, or it has expired",
    ),
    (
        "Hostname Verification",
        "its certificate is for another host: name it with `Tls(server_name=...)`",
    ),
    (
        "Failed to create security handshaker",
        "certificates are damaged, or the private key belongs to another certificate",
    ),
    ("WRONG_VERSION_NUMBER", "it answers without TLS"),
    ("Handshake read failed", "it ended the TLS handshake: it may answer without TLS"),
    ("Socket closed", "it closed the connection at once: it may want TLS, or a certificate of the client"),
)
"""gRPC's messages if the server is reachable but the connection fails: the text to find, and its meaning."""


class NextbestError(Exception):
    """Any failed call.

    Attributes:
        message: What happened, without the names of gRPC.
        status: The gRPC status' name, such as `UNAVAILABLE`; empty for what never left the client.
        unanswered: Of a stream that ended early, the questions that were sent and have no answer.
    """

    def __init__(self, message: str, status: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.unanswered: tuple[Question, ...] = ()


class InvalidRequest(NextbestError):
    """The request is wrong, and would be again: correct it before sending it once more.

    Attributes:
        field: Path of the field that is wrong, such as `context[2].value`; empty when it is the whole.
    """

    def __init__(self, message: str, field: str = "", status: str = "") -> None:
        super().__init__(message, status)
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class NotFound(NextbestError):
    """Nothing is stored under the name or id that was asked for."""


class Refused(NextbestError):
    """The server will not do it in its present state: a bundle failed its verification, for instance."""


class DeadlineExceeded(NextbestError):
    """No answer came within the timeout. Whether the server acted is unknown."""


class Unavailable(NextbestError):
    """No server could be reached, or it is shutting down. Worth another try elsewhere or later."""


class Overloaded(NextbestError):
    """The server sheds load, or the message is too large for it. Worth another try later, more slowly."""


class ServerFailed(NextbestError):
    """The server failed, or speaks another version of the protocol."""


_INVALID: Final = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE)
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_CLASSES: Final = {
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: Refused,
    grpc.StatusCode.PERMISSION_DENIED: Refused,
    grpc.StatusCode.UNAUTHENTICATED: Refused,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.CANCELLED: Unavailable,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
}


def refine(error: grpc.RpcError, address: str, timeout_s: float) -> NextbestError:
    """Turns gRPC's exception into one of this module.

    Args:
        error: As raised by a stub, which is a `grpc.Call` too.
        address: Of the server, for the message.
        timeout_s: Of the call, for the message.
    """
    code, details = _status(error)
    if code in _INVALID:
        return _invalid(code, details)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(f"no answer from {address} within {timeout_s:g} s", code.name)
    if code is grpc.StatusCode.UNAVAILABLE:
        return Unavailable(f"{address} cannot be reached: {_reason(details)}", code.name)
    return _CLASSES.get(code, ServerFailed)(details or f"{address} answered {code.name}", code.name)


def of_failure(failure: "decision_pb2.Failure") -> NextbestError:
    """Turns the error of one decision of a batch into one of this module."""
    code = _CODES.get(failure.code, grpc.StatusCode.UNKNOWN)
    if code in _INVALID:
        return _invalid(code, failure.message)
    return _CLASSES.get(code, ServerFailed)(failure.message, code.name)


def _invalid(code: grpc.StatusCode, details: str) -> InvalidRequest:
    match = _FIELD.fullmatch(details)
    if match:
        return InvalidRequest(match["message"], match["field"], code.name)
    return InvalidRequest(details, status=code.name)


def _reason(details: str) -> str:
    if not details.startswith(_UNREACHED):
        return details or "no reason given"
    for mark, reason in _CONNECT_REASONS:
        if mark in details:
            return reason
    # gRPC lists the addresses that it tried before the reason; the last part is the reason.
    return details.rsplit(": ", 1)[-1]


def _status(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    # Both of gRPC's kinds of errors, blocking and asyncio, have these two methods; its base class has
    # neither.
    code = getattr(error, "code", lambda: None)()
    details = getattr(error, "details", lambda: None)()
    return code if isinstance(code, grpc.StatusCode) else grpc.StatusCode.UNKNOWN, str(details or "")
