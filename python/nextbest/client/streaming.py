"""`DecideStream`: questions on one call, and whose answer is whose.

Both clients share what is known of the questions under way; only the waiting differs.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, Final

import grpc

from nextbest.client.answers import Decision
from nextbest.client.decoding import decode_decision
from nextbest.client.encoding import assemble
from nextbest.client.errors import (
    DeadlineExceeded,
    InvalidRequest,
    NextbestError,
    ServerFailed,
    Unavailable,
    of_failure,
    refine,
)
from nextbest.client.question import Question
from nextbest.client.values import check_iterable
from nextbest.v1 import decision_pb2

UNDER_WAY_MAX: Final = 256
"""Questions without an answer, of one stream: further ones are asked as answers are read."""

_QUESTIONS: Final = 'a list of questions, [Question(channel="web", placements={"hero": 1})],'
_SENT_TOO_LATE: Final = "Internal error from Core"

Answered = tuple[Question, Decision | NextbestError]


class _UnderWay:
    """Questions that were sent and not answered."""

    def __init__(self) -> None:
        self._questions: dict[int, Question] = {}
        self._sent = 0
        # What the iterable of questions raised.
        self.failure: BaseException | None = None

    def send(self, question: Question) -> decision_pb2.StreamedRequest:
        if not isinstance(question, Question):
            form = 'Question(channel="web", placements={"hero": 1}, customer={"age": 42})'
            message = f"a Question is needed, {form}, not {type(question).__name__}"
            raise InvalidRequest(message, f"questions[{self._sent}]")
        request = assemble(question)
        self._sent += 1
        self._questions[self._sent] = question
        return decision_pb2.StreamedRequest(request_id=self._sent, decide=request)

    def answer(self, answer: decision_pb2.StreamedResponse) -> Answered:
        question = self._questions.pop(answer.request_id, None)
        if question is None:
            raise ServerFailed(f"an answer to a question that was not asked: {answer.request_id}")
        if answer.WhichOneof("result") == "decided":
            return question, decode_decision(answer.decided)
        return question, of_failure(answer.failure)

    def break_off(self, error: NextbestError) -> NextbestError:
        error.unanswered = tuple(self._questions.values())
        return error

    def end(self) -> None:
        """After the server has ended the call with OK."""
        if self.failure is not None:
            raise self.failure
        if self._questions:
            raise self.break_off(ServerFailed("the server ended the stream before it had answered"))


def ask(
    call: Any, questions: Iterable[Question], address: str, timeout_s: float | None
) -> Iterator[Answered]:
    """Asks over a blocking stub, and gives each question back with its answer.

    Args:
        call: Opens the stream, given an iterator of requests.
        questions: Read on a thread of gRPC's, as answers make room.
        address: Of the server, for messages.
        timeout_s: Of the stream, for messages; None: it has none.
    """
    under_way = _UnderWay()
    room = threading.Semaphore(UNDER_WAY_MAX)
    is_over = threading.Event()

    def requests() -> Iterator[decision_pb2.StreamedRequest]:
        try:
            for question in check_iterable(questions, "questions", _QUESTIONS):
                room.acquire()
                if is_over.is_set():
                    return
                yield under_way.send(question)
        except BaseException as failure:  # noqa: BLE001 - raised where the answers are read
            under_way.failure = failure

    answers = call(requests())
    try:
        for answer in answers:
            answered = under_way.answer(answer)
            room.release()
            yield answered
        under_way.end()
    except grpc.RpcError as error:
        raise under_way.break_off(refine(error, address, timeout_s or 0.0)) from None
    finally:
        is_over.set()
        room.release()
        answers.cancel()


async def ask_async(
    call: Any,
    questions: AsyncIterable[Question] | Iterable[Question],
    address: str,
    timeout_s: float | None,
) -> AsyncIterator[Answered]:
    """The same over a stub of asyncio; questions are read on the event loop."""
    under_way = _UnderWay()
    room = asyncio.Semaphore(UNDER_WAY_MAX)

    async def requests() -> AsyncIterator[decision_pb2.StreamedRequest]:
        try:
            async for question in _as_async(questions):
                await room.acquire()
                yield under_way.send(question)
        except Exception as failure:  # noqa: BLE001 - raised where the answers are read
            under_way.failure = failure

    started_s = time.monotonic()
    answers = call(requests())
    try:
        async for answer in answers:
            answered = under_way.answer(answer)
            room.release()
            yield answered
        under_way.end()
    except grpc.RpcError as error:
        is_late = timeout_s is not None and time.monotonic() - started_s >= timeout_s
        raise under_way.break_off(_ended(error, address, timeout_s or 0.0, is_late=is_late)) from None
    finally:
        answers.cancel()


def _ended(error: grpc.RpcError, address: str, timeout_s: float, *, is_late: bool) -> NextbestError:
    found = refine(error, address, timeout_s)
    if found.message != _SENT_TOO_LATE:
        return found
    # gRPC forgets why a call has ended when it was just sending.
    if is_late:
        return DeadlineExceeded(f"no answer from {address} within {timeout_s:g} s", "DEADLINE_EXCEEDED")
    return Unavailable(f"{address} ended the stream while a question was on its way", "UNAVAILABLE")


async def _as_async(questions: AsyncIterable[Question] | Iterable[Question]) -> AsyncIterator[Question]:
    if isinstance(questions, AsyncIterable):
        async for question in questions:
            yield question
    else:
        for question in check_iterable(questions, "questions", _QUESTIONS):
            yield question
