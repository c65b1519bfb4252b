"""Two servers -> whether they decide the same when they are asked the same."""

import time
from collections.abc import Sequence

import grpc

from nextbest.demo import questions
from nextbest.v1 import decision_pb2, decision_pb2_grpc

PRIORITY_TOLERANCE = 1e-6
MOMENT_SEED = 17
TIMEOUT_S = 10.0


class DifferenceError(Exception):
    """Two servers answered differently; the message shows both."""


def verify(address: str, peer_address: str, customer_ids: Sequence[str]) -> int:
    """Asks both about each customer in every channel, and compares.

    Returns:
        How many decisions were compared.

    Raises:
        DifferenceError: An answer differs: another action, treatment, rank or reason, or a priority by more
            than `PRIORITY_TOLERANCE`, relative where it is above 1.
    """
    now_us = time.time_ns() // 1_000
    count = 0
    with grpc.insecure_channel(address) as first, grpc.insecure_channel(peer_address) as second:
        stubs = [decision_pb2_grpc.DecisionServiceStub(channel) for channel in (first, second)]
        for channel in questions.PLACEMENTS:
            moments = questions.moments(channel, len(customer_ids), seed=MOMENT_SEED)
            for customer_id, moment in zip(customer_ids, moments, strict=True):
                request = questions.encode(moment, customer_id)
                request.dry_run, request.now_us, request.seed = True, now_us, 1
                ours, theirs = (stub.Decide(request, timeout=TIMEOUT_S) for stub in stubs)
                _compare(f"{customer_id} {channel}", ours, theirs)
                count += 1
    return count


def _compare(where: str, ours: decision_pb2.DecideResponse, theirs: decision_pb2.DecideResponse) -> None:
    found, expected = _places(ours), _places(theirs)
    if found != expected:
        raise DifferenceError(f"{where}:\n  {found}\n  {expected}")
    for mine, other in zip(_actions(ours), _actions(theirs), strict=True):
        difference = abs(mine.score.priority - other.score.priority)
        if difference > PRIORITY_TOLERANCE * max(1.0, abs(other.score.priority)):
            raise DifferenceError(f"{where}, {mine.action}:\n{mine.score}\n{other.score}")


def _places(answer: decision_pb2.DecideResponse) -> list[tuple[object, ...]]:
    return [
        (placement.name, action.action, action.treatment, action.rank, action.reason)
        for placement in answer.placements
        for action in placement.actions
    ]


def _actions(answer: decision_pb2.DecideResponse) -> list[decision_pb2.RankedAction]:
    return [action for placement in answer.placements for action in placement.actions]
