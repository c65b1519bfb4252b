"""Two servers -> whether they decide the same when they are asked the same."""

import time
from collections.abc import Sequence

import grpc

from nextbest.demo import questions
from nextbest.v1 import decision_pb2, decision_pb2_grpc

# A native net's propensity is within 1e-6 of ONNX Runtime's: of a small one that is more than a millionth.
PRIORITY_TOLERANCE = 2e-5
MOMENT_SEED = 17
TIMEOUT_S = 10.0


class DifferenceError(Exception):
    """Two servers answered differently; the message shows both."""


def verify(address: str, peer_address: str, customer_ids: Sequence[str]) -> int:
    """Asks both about each customer in every channel, and compares.

    Returns:
        How many decisions were compared.

    Raises:
        DifferenceError: An answer differs: a priority by more than `PRIORITY_TOLERANCE`, relative where it is
            above 1; or another action, treatment, rank or reason, but where priorities are as good as equal.
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
    if [place[0] for place in found] != [place[0] for place in expected]:
        raise DifferenceError(f"{where}:\n  {found}\n  {expected}")
    answers = zip(found, expected, _actions(ours), _actions(theirs), strict=True)
    for place, other_place, mine, other in answers:
        difference = abs(mine.score.priority - other.score.priority)
        is_ranked = mine.rank > 0 and other.rank > 0
        if difference > PRIORITY_TOLERANCE * max(1.0, abs(other.score.priority)) or (
            place != other_place and not is_ranked
        ):
            raise DifferenceError(f"{where}, {place} {other_place}:\n{mine.score}\n{other.score}")


def _places(answer: decision_pb2.DecideResponse) -> list[tuple[object, ...]]:
    return [
        (placement.name, action.action, action.treatment, action.rank, action.reason)
        for placement in answer.placements
        for action in placement.actions
    ]


def _actions(answer: decision_pb2.DecideResponse) -> list[decision_pb2.RankedAction]:
    return [action for placement in answer.placements for action in placement.actions]
