"""Scores of the remaining actions -> the action in each placement. The meaning, in plain Python."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import xxhash


@dataclass(frozen=True, slots=True)
class Candidate:
    """An action that policies left, with its scores.

    Attributes:
        treatments: Names of treatments whose conditions hold, in the action's order, by placement.
    """

    action: str
    group: str
    mandatory: bool
    propensity: float
    context_weight: float
    value: float
    lever: float
    priority: float
    treatments: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Placed:
    """An action in its place. `rank` is 0 for a fallback."""

    action: str
    treatment: str
    rank: int
    candidate: Candidate | None


@dataclass(frozen=True, slots=True)
class Rules:
    """What arbitration goes by."""

    propensity_threshold: float
    priority_threshold: float
    group_limits: Mapping[str, int]
    fallbacks: Mapping[str, tuple[str, str]]
    """Placement -> its fallback action and treatment."""


def arbitrate(
    customer_id: str, candidates: Sequence[Candidate], places: Sequence[tuple[str, int]], rules: Rules
) -> dict[str, list[Placed]]:
    """Fills the places in their order with the best candidates."""
    ranked = sorted(candidates, key=_rank_key(customer_id))
    left = [
        (rank, candidate)
        for rank, candidate in enumerate(_above(ranked, rules), start=1)
        if candidate.mandatory or candidate.priority >= rules.priority_threshold
    ]
    placed: set[str] = set()
    in_group: dict[str, int] = {}
    answer: dict[str, list[Placed]] = {}
    for placement, count in places:
        here: list[Placed] = []
        for rank, candidate in left:
            if len(here) == count:
                break
            treatments = candidate.treatments.get(placement, ())
            limit = rules.group_limits.get(candidate.group)
            full = limit is not None and in_group.get(candidate.group, 0) >= limit
            if treatments and candidate.action not in placed and not full:
                here.append(Placed(candidate.action, treatments[0], rank, candidate))
                placed.add(candidate.action)
                in_group[candidate.group] = in_group.get(candidate.group, 0) + 1
        if not here and placement in rules.fallbacks:
            action, treatment = rules.fallbacks[placement]
            if action not in placed:
                here.append(Placed(action, treatment, 0, None))
                placed.add(action)
        answer[placement] = here
    return answer


def _above(ranked: Sequence[Candidate], rules: Rules) -> list[Candidate]:
    return [c for c in ranked if c.mandatory or c.propensity >= rules.propensity_threshold]


def _rank_key(customer_id: str) -> Callable[[Candidate], tuple[bool, float, int, str]]:
    def key(candidate: Candidate) -> tuple[bool, float, int, str]:
        tie = xxhash.xxh3_64_intdigest(customer_id.encode() + b"\0" + candidate.action.encode())
        return (not candidate.mandatory, -candidate.priority, tie, candidate.action)

    return key
