"""The asyncio client: decisions, explanations and customers over gRPC.

Its questions, answers and errors are those of the blocking client; only the waiting differs.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self, Unpack, cast

import grpc
import grpc.aio

from nextbest.client.addresses import resolve
from nextbest.client.answers import Customer, Decision
from nextbest.client.attributes import Attributes
from nextbest.client.channels import (
    BATCH_TIMEOUT_FACTOR,
    Connection,
    ConnectionArguments,
    Rotation,
    open_channels,
)
from nextbest.client.credentials import bearer
from nextbest.client.decoding import decode_batch, decode_customer, decode_decision
from nextbest.client.encoding import assemble, assemble_batches, assemble_explain, batches
from nextbest.client.errors import NextbestError, NotFound, refine
from nextbest.client.question import (
    BatchArguments,
    DecideArguments,
    ExplainArguments,
    Question,
    RequestedCustomer,
)
from nextbest.client.streaming import Answered, ask_async
from nextbest.client.trace_context import metadata
from nextbest.client.values import check_seconds, check_text
from nextbest.ports import DECISION_ADDRESS
from nextbest.v1 import customer_pb2, customer_pb2_grpc, decision_pb2_grpc


class AsyncClient:
    """Connections to decision servers, for one event loop; close it, or use it in an `async with` block.

        async with nextbest.AsyncClient("127.0.0.1:50051") as client:
            decision = await client.decide(customer_id="c-1", channel="web", placements={"hero": 1})

    Attributes:
        address: Of the server, or of several, for people.
        timeout_s: After which a call that does not say otherwise fails with `DeadlineExceeded`.
        customers: What is stored of customers.
    """

    def __init__(
        self,
        address: str | Sequence[str] = DECISION_ADDRESS,
        *,
        timeout_s: float = 1.0,
        **connection: Unpack[ConnectionArguments],
    ) -> None:
        """Prepares connections; nothing is sent yet.

        Args:
            address: `host:port`, or any name that gRPC resolves (`dns:///decisions:50051`,
                `unix:/run/decide`); calls rotate over all servers of the name. Or a list of `host:port`,
                whose names are resolved once, now.
            timeout_s: Greater than 0.
            connection: `connections`, `keep_alive`, `retry`, `tls`, `api_key`; see
                `nextbest.client.channels.Connection`.

        Raises:
            InvalidRequest: An argument is not valid; `field` names it.
            Unavailable: A name of a list has no address.
        """
        target, how = resolve(address), Connection(**connection)
        self.address = target.text
        self.timeout_s = check_seconds(timeout_s)
        self._identity = bearer(how.api_key)
        self._channels = open_channels(grpc.aio.insecure_channel, grpc.aio.secure_channel, target, how)
        channel = cast("grpc.aio.Channel", Rotation(self._channels))
        self._decisions = decision_pb2_grpc.DecisionServiceStub(channel)
        self.customers = AsyncCustomers(customer_pb2_grpc.CustomerServiceStub(channel), self._call)

    async def decide(
        self,
        *,
        timeout_s: float | None = None,
        traceparent: str | None = None,
        **question: Unpack[DecideArguments],
    ) -> Decision:
        """Asks which actions to show this customer, now, in these placements.

        Args:
            timeout_s: Instead of the client's.
            traceparent: W3C trace context to answer under; None: OpenTelemetry's current span, if any.
            question: `channel` and `placements`, and what else there is to say: `customer_id`, `customer`,
                `context`, `dry_run`, `explanation`, `contributions`, `contributions_top`, `now`, `seed`; see
                `nextbest.Question`.

        Raises:
            InvalidRequest: An argument of the question is not valid; `field` names it.
            DeadlineExceeded: No answer in time.
            Unavailable: No server was reached.
            NextbestError: Any other failure.
        """
        request = assemble(Question(**question))
        answer = await self._call(self._decisions.Decide, request, timeout_s, traceparent)
        return decode_decision(answer)

    async def decide_batch(
        self,
        customers: Iterable[RequestedCustomer],
        *,
        timeout_s: float | None = None,
        traceparent: str | None = None,
        **question: Unpack[BatchArguments],
    ) -> list[Decision | NextbestError]:
        """Asks the same question for many customers; other calls are answered in between.

        Sent in calls of 1,000 customers, one after the other; each call sees one bundle.

        Args:
            customers: Ids, `Customer`s, pairs of id and attributes, or attributes alone, as for
                `decide(customer=...)`; sent attributes take precedence over stored ones.
            timeout_s: Of each call, instead of ten times the client's.
            traceparent: As for `decide`.
            question: As for `decide`, without `customer_id` and `customer`.

        Returns:
            In the order of the customers, a decision each, or the error for this customer alone, usually
            `InvalidRequest`.

        Raises:
            NextbestError: A whole call failed, as for `decide`.
        """
        timeout = BATCH_TIMEOUT_FACTOR * self.timeout_s if timeout_s is None else timeout_s
        answers: list[Decision | NextbestError] = []
        for request in assemble_batches(Question(**question), customers):
            answer = await self._call(self._decisions.DecideBatch, request, timeout, traceparent)
            answers += decode_batch(answer)
        return answers

    def decide_stream(
        self,
        questions: AsyncIterable[Question] | Iterable[Question],
        *,
        timeout_s: float | None = None,
        traceparent: str | None = None,
    ) -> AsyncIterator[Answered]:
        """Asks questions on one call, up to 256 under way, and gives each back with its answer.

            async for question, answer in client.decide_stream(questions):
                if isinstance(answer, nextbest.errors.NextbestError): ...

        A call costs less this way than one by one, and stays with one server: a stream that has begun is
        not tried again elsewhere. Leaving the loop early cancels what is under way.

        Args:
            questions: Read as answers make room.
            timeout_s: Of the stream as a whole; None: it has none.
            traceparent: Of all decisions, as for `decide`.

        Yields:
            The question, and its decision or error.

        Raises:
            Unavailable: The server went away or is stopping; `unanswered` has the questions to ask again.
            NextbestError: Any other failure of the stream, as for `decide`; `unanswered` as well. Whatever
                `questions` raises comes out, once what was asked before has been answered.
        """
        if timeout_s is not None:
            timeout_s = check_seconds(timeout_s)
        sent = (*self._identity, *metadata(traceparent))
        call = partial(self._decisions.DecideStream, timeout=timeout_s, metadata=sent)
        return ask_async(call, questions, self.address, timeout_s)

    async def explain(
        self,
        *,
        actions: Iterable[str] = (),
        timeout_s: float | None = None,
        traceparent: str | None = None,
        **question: Unpack[ExplainArguments],
    ) -> Decision:
        """Makes the same decision as a dry run, its `explanation` filled.

        Args:
            actions: Those to explain; none given: all of the bundle.
            timeout_s: As for `decide`.
            traceparent: As for `decide`.
            question: As for `decide`, without `dry_run` and `explanation`.

        Raises:
            NextbestError: As for `decide`.
        """
        request = assemble_explain(Question(dry_run=True, **question), actions)
        answer = await self._call(self._decisions.Explain, request, timeout_s, traceparent)
        return decode_decision(answer.decision)

    async def close(self) -> None:
        """Closes the connections; calls under way fail."""
        await asyncio.gather(*(channel.close() for channel in self._channels))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(
        self, method: Any, request: Any, timeout_s: float | None, traceparent: str | None = None
    ) -> Any:
        timeout = self.timeout_s if timeout_s is None else check_seconds(timeout_s)
        sent = (*self._identity, *metadata(traceparent))
        try:
            return await method(request, timeout=timeout, metadata=sent)
        except grpc.RpcError as error:
            raise refine(error, self.address, timeout) from None


class AsyncCustomers:
    """What a server stores of customers; made by `AsyncClient`."""

    def __init__(
        self, stub: "customer_pb2_grpc.CustomerServiceAsyncStub", call: Callable[..., Awaitable[Any]]
    ) -> None:
        self._stub = stub
        self._call = call

    async def upsert(
        self, customers: Iterable[Customer | tuple[str, Attributes]], *, timeout_s: float | None = None
    ) -> int:
        """Merges attributes into stored customers, creating those that are new; None removes an attribute.

        Sent in calls of 1,000 customers. A call stores all of its customers or none; an error leaves
        earlier calls in force.

        Args:
            customers: `Customer`s, or pairs of id and attributes; read as it goes.
            timeout_s: Of each call, instead of the client's.

        Returns:
            How many were stored.

        Raises:
            InvalidRequest: An attribute or id is not valid; `field` names it.
            NextbestError: As for `Client.decide`.
        """
        count = 0
        for request in batches(customers):
            count += (await self._call(self._stub.Upsert, request, timeout_s)).upserted
        return count

    async def get(self, customer_id: str, *, timeout_s: float | None = None) -> Customer | None:
        """Returns what is stored of a customer; None when nothing is.

        Raises:
            NextbestError: As for `Client.decide`.
        """
        request = customer_pb2.GetRequest(customer_id=check_text(customer_id, "customer_id"))
        try:
            answer = await self._call(self._stub.Get, request, timeout_s)
        except NotFound:
            return None
        return decode_customer(answer.customer)

    async def delete(self, customer_id: str, *, timeout_s: float | None = None) -> bool:
        """Forgets a customer; False when there was nothing to forget.

        Raises:
            NextbestError: As for `Client.decide`.
        """
        request = customer_pb2.DeleteRequest(customer_id=check_text(customer_id, "customer_id"))
        answer = await self._call(self._stub.Delete, request, timeout_s)
        return bool(answer.deleted)
