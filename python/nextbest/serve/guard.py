"""Who calls the control port, and whether they may: a check before every method, and an event after it."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

import grpc
import grpc.aio

from nextbest import telemetry
from nextbest.serve.access import METHOD_ROLES, Access, Caller

ANYBODY: Final = "anybody"
"""The caller if authentication is off."""

_OPERATE: Final = "operate"
_ROLES: Final = METHOD_ROLES | {
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": "observe",
}
STREAMS_MAX: Final = 16
"""Open at a time. They cost no thread, and some memory."""
STREAM_IDLE_S_MAX: Final = 10.0
"""Without a request on a stream."""
STREAM_S_MAX: Final = 60.0
"""Of a whole stream: what describes a protocol is read in less."""

Context = grpc.aio.ServicerContext[Any, Any]
_STATUS_NAMES: Final = {code.value[0]: code.name for code in grpc.StatusCode}
_SCHEME: Final = "bearer "
_ALTERNATIVE_NAMES: Final = "x509_subject_alternative_name"


@dataclass(frozen=True, slots=True)
class Event:
    """A call of the control port, for the audit log.

    Attributes:
        at: When it ended, in UTC.
        caller: Its name in the access file; empty: unauthenticated; `ANYBODY` if authentication is off.
        peer: Where it came from, as gRPC writes it.
        method: With its service.
        status: `OK`, or the gRPC status that it ended with.
    """

    at: datetime
    caller: str
    peer: str
    method: str
    status: str


class Guard(grpc.aio.ServerInterceptor):
    """Refuses calls without a role, ends idle streams, and reports every call."""

    def __init__(
        self,
        access: Callable[[], Access | None],
        audit: Callable[[Event], None],
        stream_idle_s: float = STREAM_IDLE_S_MAX,
    ) -> None:
        """Takes the access file and the audit log.

        Args:
            access: The current access file; None: no authentication.
            audit: Called after every call, on the event loop: it must not wait.
            stream_idle_s: How long a stream may ask nothing.
        """
        self._access = access
        self._audit = audit
        self._stream_idle_s = stream_idle_s
        self._streams = 0

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """Puts the check before a method's handler; a method that does not exist has none."""
        handler = await continuation(handler_call_details)
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
        async def check(request: Any, context: Context) -> Any:
            with _Audited(self._audit, method, context) as audited:
                await self._admit(context, role, audited)
                return await answer(request, context)

        return check

    def _streaming(
        self, answer: Callable[[Any, Any], AsyncIterable[Any]], method: str, role: str
    ) -> Callable[[Any, Any], AsyncIterator[Any]]:
        async def check(requests: Any, context: Context) -> AsyncIterator[Any]:
            with _Audited(self._audit, method, context) as audited:
                await self._admit(context, role, audited)
                if self._streams >= STREAMS_MAX:
                    await context.abort(
                        grpc.StatusCode.RESOURCE_EXHAUSTED,
                        f"{STREAMS_MAX} streams are open on this port already: try again later",
                    )
                self._streams += 1
                # Ends a stream whose answers are not read, too.
                end = asyncio.get_running_loop().call_later(STREAM_S_MAX, _cancel, asyncio.current_task())
                try:
                    async for response in answer(self._lively(requests, context), context):
                        yield response
                finally:
                    end.cancel()
                    self._streams -= 1

        return check

    async def _lively(self, requests: AsyncIterable[Any], context: Context) -> AsyncIterator[Any]:
        """Passes requests on until none comes for a while."""
        coming = aiter(requests)
        while True:
            try:
                async with asyncio.timeout(self._stream_idle_s):
                    request = await anext(coming)
            except StopAsyncIteration:
                return
            except TimeoutError:
                await context.abort(
                    grpc.StatusCode.UNAVAILABLE,
                    f"no request for {self._stream_idle_s:g} s: the stream has ended, open another",
                )
            yield request

    async def _admit(self, context: Context, role: str, audited: "_Audited") -> None:
        access = self._access()
        if access is None:
            audited.caller = ANYBODY
            return
        caller = _identify(access, context)
        if caller is None:
            await context.abort(
                grpc.StatusCode.UNAUTHENTICATED,
                "authentication required: send a key as `authorization: Bearer ...`, or connect with a "
                "certificate that the access file names",
            )
        audited.caller = caller.name
        if role not in caller.roles:
            await context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                f"`{caller.name}` does not have the role `{role}`, which the access file can grant",
            )


def _cancel(task: "asyncio.Task[Any] | None") -> None:
    if task is not None:
        task.cancel()


def _identify(access: Access, context: Context) -> Caller | None:
    for name, value in context.invocation_metadata() or ():
        if name == "authorization":
            text = value if isinstance(value, str) else value.decode(errors="replace")
            scheme, key = text[: len(_SCHEME)], text[len(_SCHEME) :]
            return access.by_key(key) if scheme.lower() == _SCHEME else None
    # The stub has other types than gRPC has.
    shown: Iterable[Any] = context.auth_context().get(_ALTERNATIVE_NAMES, ())
    return access.by_certificate(name.decode(errors="replace") for name in shown)


def trace_context(context: Context) -> dict[str, str]:
    """Returns the trace that a call belongs to: `traceparent` and `tracestate`, as they came."""
    sent = context.invocation_metadata() or ()
    return {key: str(value) for key, value in sent if key in {"traceparent", "tracestate"}}


class _Audited:
    """Tells of a call when it has ended, however it ends."""

    def __init__(self, audit: Callable[[Event], None], method: str, context: Context) -> None:
        self.caller = ""
        self._audit = audit
        self._method = method.removeprefix("/")
        self._context = context
        # While the call is there: what is behind the context goes with its connection, and asking gRPC for
        # the peer then ends the process.
        self._peer = context.peer()
        self._trace = trace_context(context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        event = Event(
            at=datetime.now(UTC),
            caller=self.caller,
            peer=self._peer,
            method=self._method,
            status=self._status(kind),
        )
        attributes = {
            "caller": event.caller,
            "peer": event.peer,
            "method": event.method,
            "status": event.status,
        }
        telemetry.record_call("audit", attributes, self._trace, method=event.method, status=event.status)
        self._audit(event)

    def _status(self, kind: type[BaseException] | None) -> str:
        if kind is GeneratorExit:
            # The call has ended, and its context with it.
            return "CANCELLED"
        # A number before the call has ended, and not in gRPC's stub.
        code = getattr(self._context, "code", lambda: 0)()
        if code:
            return str(_STATUS_NAMES.get(code) or getattr(code, "name", "UNKNOWN"))
        if kind is None:
            return "OK"
        return "CANCELLED" if kind is asyncio.CancelledError else "UNKNOWN"
