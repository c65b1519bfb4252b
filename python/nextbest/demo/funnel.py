"""Explained decisions of many customers -> how many actions each stage keeps, and why it drops the others."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from nextbest.client.explanations import Stage
from nextbest.demo.questions import PLACEMENTS, encode, moments
from nextbest.v1 import decision_pb2

EXPLAINED_CHANNEL = "web"
MOMENT_SEED = 11

_POLICY_STAGES = (
    decision_pb2.STAGE_ELIGIBILITY,
    decision_pb2.STAGE_APPLICABILITY,
    decision_pb2.STAGE_SUITABILITY,
    decision_pb2.STAGE_TREATMENT,
)


@dataclass(frozen=True, slots=True)
class StageMean:
    """How many actions remain after a stage, the mean over customers."""

    stage: Stage
    remaining: float


@dataclass(frozen=True, slots=True)
class LeavingReason:
    """Why a policy stage drops actions.

    Attributes:
        stage: Where they are dropped.
        reason: In the marketer's words.
        count: Times an action was dropped for it, over all customers; an action that fails two conditions of
            the stage counts for both.
    """

    stage: Stage
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often a placement was filled.

    Attributes:
        won: Share of customers with an action that won its place, 0.0 to 1.0.
        fallback: Share of customers who saw the fallback instead.
        actions: How many different actions were placed.
    """

    channel: str
    placement: str
    won: float
    fallback: float
    actions: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """Where actions go.

    Attributes:
        customers: How many were asked about, in each channel.
        decisions: How many decisions that took.
        stages: Of one channel's decisions, in the order of the stages; the first counts all actions.
        reasons: Of the same decisions, most frequent first.
        coverage: Each placement of each channel.
    """

    customers: int
    decisions: int
    stages: list[StageMean]
    reasons: list[LeavingReason]
    coverage: list[Coverage]


def measure(
    customer_ids: Sequence[str],
    decide: Callable[[decision_pb2.DecideRequest], decision_pb2.DecideResponse],
    advance: Callable[[], None] = lambda: None,
) -> Funnel:
    """Decides for each customer in every channel, and counts.

    Args:
        customer_ids: Whom to ask about, at least one.
        decide: Answers one request.
        advance: Called after each decision.
    """
    remaining: Counter[int] = Counter()
    reasons: Counter[tuple[int, str]] = Counter()
    coverage = []
    for channel, placements in PLACEMENTS.items():
        explained = channel == EXPLAINED_CHANNEL
        placed = _Placed(placements)
        asked = zip(customer_ids, moments(channel, len(customer_ids), seed=MOMENT_SEED), strict=True)
        for customer_id, moment in asked:
            request = encode(moment, customer_id)
            if explained:
                request.explanation = decision_pb2.EXPLANATION_LEVEL_FULL
            answer = decide(request)
            placed.add(answer)
            for count in answer.explanation.funnel:
                remaining[count.stage] += count.remaining
            reasons.update(_reasons(answer.explanation.actions))
            advance()
        coverage += placed.coverage(channel, len(customer_ids))
    return Funnel(
        customers=len(customer_ids),
        decisions=len(customer_ids) * len(PLACEMENTS),
        stages=[
            StageMean(_stage(stage), remaining[stage] / len(customer_ids)) for stage in sorted(remaining)
        ],
        reasons=[LeavingReason(_stage(stage), reason, n) for (stage, reason), n in reasons.most_common(10)],
        coverage=coverage,
    )


class _Placed:
    """The actions placed in one channel."""

    def __init__(self, placements: Iterable[str]) -> None:
        self.won: Counter[str] = Counter()
        self.fallback: Counter[str] = Counter()
        self.actions: dict[str, set[str]] = {name: set() for name in placements}

    def add(self, answer: decision_pb2.DecideResponse) -> None:
        for placement in answer.placements:
            self.actions[placement.name].update(action.action for action in placement.actions)
            kinds = {action.reason == decision_pb2.REASON_FALLBACK for action in placement.actions}
            self.won[placement.name] += False in kinds
            self.fallback[placement.name] += kinds == {True}

    def coverage(self, channel: str, customers: int) -> list[Coverage]:
        return [
            Coverage(channel, name, self.won[name] / customers, self.fallback[name] / customers, len(actions))
            for name, actions in self.actions.items()
        ]


def _reasons(actions: Iterable[decision_pb2.ActionExplanation]) -> Iterable[tuple[int, str]]:
    for action in actions:
        if action.dropped_at in _POLICY_STAGES:
            # A condition may have several clauses, and treatments may share a reason: count it once.
            here = {
                clause.reason or clause.condition
                for clause in action.clauses
                if clause.stage == action.dropped_at
            }
            for reason in here:
                yield action.dropped_at, reason


def _stage(number: int) -> Stage:
    name = decision_pb2.Stage.Name(decision_pb2.Stage.ValueType(number))
    return Stage(name.removeprefix("STAGE_").lower())
