"""Who calls the control port, and whether they may: a check before every method, and an event after it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

import grpc

from nextbest import telemetry
from nextbest.access import Access, Caller

ANYBODY: Final = "anybody"
"""Who calls where nobody is asked."""

_OPERATE: Final = "operate"
_ROLES: Final = {
    "/nextbest.v1.ControlService/Status": "observe",
    "/nextbest.v1.ControlService/ModelHealth": "observe",
    "/nextbest.v1.ControlService/Activate": _OPERATE,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": "observe",
}
_SCHEME: Final = "bearer "
_ALTERNATIVE_NAMES: Final = "x509_subject_alternative_name"


@dataclass(frozen=True, slots=True)
class Event:
    """A call of the control port, for whoever has to know who did what.

    Attributes:
        at: When it ended, in UTC.
        caller: Its name in the access file; empty: nobody knew it; `ANYBODY` where nobody is asked.
        peer: Where it came from, as gRPC writes it.
        method: With its service.
        status: `OK`, or the gRPC status that it ended with.
    """

    at: datetime
    caller: str
    peer: str
    method: str
    status: str


class Guard(grpc.ServerInterceptor):
    """Refuses calls without a role, and tells of every call."""

    def __init__(self, access: Callable[[], Access | None], tell: Callable[[Event], None]) -> None:
        """Takes what it asks and tells.

        Args:
            access: Who may call, as it is now; None: everybody.
            tell: Called after every call, on the call's thread.
        """
        self._access = access
        self._tell = tell

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """Puts the check before a method's handler; a method that does not exist has none."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        role = _ROLES.get(method, _OPERATE)
        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._streaming(handler.stream_stream, method, role),
                handler.request_deserializer,
                handler.response_serializer,
            )
        return grpc.unary_unary_rpc_method_handler(
            self._single(handler.unary_unary, method, role),
            handler.request_deserializer,
            handler.response_serializer,
        )

    def _single(self, answer: Callable[[Any, Any], Any], method: str, role: str) -> Callable[[Any, Any], Any]:
        def check(request: Any, context: grpc.ServicerContext) -> Any:
            with _Told(self._tell, method, context) as told:
                self._admit(context, role, told)
                return answer(request, context)

        return check

    def _streaming(
        self, answer: Callable[[Any, Any], Iterable[Any]], method: str, role: str
    ) -> Callable[[Any, Any], Iterator[Any]]:
        def check(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with _Told(self._tell, method, context) as told:
                self._admit(context, role, told)
                yield from answer(requests, context)

        return check

    def _admit(self, context: grpc.ServicerContext, role: str, told: "_Told") -> None:
        access = self._access()
        if access is None:
            told.caller = ANYBODY
            return
        caller = _identify(access, context)
        if caller is None:
            context.abort(
                grpc.StatusCode.UNAUTHENTICATED,
                "this server wants to know its callers: send a key as `authorization: Bearer ...`, or "
                "connect with a certificate that it knows",
            )
        told.caller = caller.name
        if role not in caller.roles:
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                f"`{caller.name}` has no role `{role}`: whoever runs the server can grant it in the access "
                "file",
            )


def _identify(access: Access, context: grpc.ServicerContext) -> Caller | None:
    for name, value in context.invocation_metadata() or ():
        if name == "authorization":
            text = value if isinstance(value, str) else value.decode(errors="replace")
            scheme, key = text[: len(_SCHEME)], text[len(_SCHEME) :]
            return access.by_key(key) if scheme.lower() == _SCHEME else None
    # The stub has other types than gRPC has.
    shown: Iterable[Any] = context.auth_context().get(_ALTERNATIVE_NAMES, ())
    return access.by_certificate(name.decode(errors="replace") for name in shown)


def trace_context(context: grpc.ServicerContext) -> dict[str, str]:
    """Returns the trace that a call belongs to: `traceparent` and `tracestate`, as they came."""
    sent = context.invocation_metadata() or ()
    return {key: str(value) for key, value in sent if key in {"traceparent", "tracestate"}}


class _Told:
    """Tells of a call when it has ended, however it ends."""

    def __init__(self, tell: Callable[[Event], None], method: str, context: grpc.ServicerContext) -> None:
        self.caller = ""
        self._tell = tell
        self._method = method.removeprefix("/")
        self._context = context

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        event = Event(
            at=datetime.now(UTC),
            caller=self.caller,
            peer=self._context.peer(),
            method=self._method,
            status=self._status(kind),
        )
        attributes = {
            "caller": event.caller,
            "peer": event.peer,
            "method": event.method,
            "status": event.status,
        }
        parent = trace_context(self._context)
        telemetry.record_call("audit", attributes, parent, method=event.method, status=event.status)
        self._tell(event)

    def _status(self, kind: type[BaseException] | None) -> str:
        # Of gRPC since 1.46, and not in its stub.
        code = getattr(self._context, "code", lambda: None)()
        if code is not None:
            return str(code.name)
        if kind is None or kind is GeneratorExit:
            return "OK"
        return "UNKNOWN"
