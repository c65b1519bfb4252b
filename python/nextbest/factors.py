"""Two scores of a decision -> which of their factors put one above the other, in words.

A rank alone is not a reason: `value 120 EUR against 40 EUR outweighs propensity 3.1 % against 4.0 %` is one.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from nextbest.client.scores import Score
from nextbest.wording import short_number, word_amount, word_percent

_TOLERANCE: Final = 1e-6
"""Relative: within it, two priorities are the same, and a priority is the product of its factors."""
_DIGITS_MIN: Final = 2
_DIGITS_MAX: Final = 8
_HUNDRED: Final = 100.0
_LARGE: Final = 1e6
"""From here on, decimals say nothing."""
_MINOR: Final = 0.1
"""A factor that changes the outcome by less than this part of the largest is not mentioned."""


Rivals = Mapping[int, tuple[str, Score]]
"""Of each rank that is known, the action and its score."""


def compare(winner: Score, loser: Score, currency: str) -> str:
    """Returns why the first ranks above the second; empty where their factors do not say it.

    Args:
        winner: Of the action with the higher priority.
        loser: Of the other.
        currency: Of values.
    """
    if math.isclose(winner.priority, loser.priority, rel_tol=_TOLERANCE):
        return "the same priority, and the order of equals is drawn for each customer"
    if not (is_product(winner) and is_product(loser)):
        return _against("priority", winner.priority, loser.priority, _number)
    found = _factors(winner, loser, currency)
    if any(factor.weight is None for factor in found):
        # For numbers that are not positive, the share of a factor is unknown.
        higher = [factor.text for factor in found if factor.weight is None and factor.is_higher]
        return " and ".join(higher) or _against("priority", winner.priority, loser.priority, _number)
    raising = _largest(found, 1.0)
    lowering = _largest(found, -1.0)
    text = " and ".join(factor.text for factor in raising)
    if lowering and text:
        verb = "outweighs" if len(raising) == 1 else "outweigh"
        text += f" {verb} {' and '.join(factor.text for factor in lowering)}"
    return text


def word_lead(
    rank: int,
    score: Score,
    rivals: Rivals,
    currency: str,
    labels: Mapping[str, str] | None = None,
) -> str:
    """Returns why an action is ahead of the next: `ahead of gold-card: value 120 EUR against 40 EUR`.

    Args:
        rank: Of the action.
        score: Of the action.
        rivals: The other actions by rank; empty if none is known, and so is the answer then.
        currency: Of values.
        labels: What to call actions instead of their names.
    """
    following = min((other for other in rivals if other > rank), default=None)
    if following is None:
        return ""
    rival, other = rivals[following]
    reason = compare(score, other, currency)
    return f"ahead of {(labels or {}).get(rival, rival)}: {reason}" if reason else ""


@dataclass(frozen=True, slots=True)
class _Factor:
    """One of two scores' factors.

    Attributes:
        weight: The logarithm of the ratio; None where there is none.
        is_higher: It is the winner's that is higher.
        text: `value 120 EUR against 40 EUR`.
    """

    weight: float | None
    is_higher: bool
    text: str


def _factors(winner: Score, loser: Score, currency: str) -> list[_Factor]:
    """Those that differ."""

    def amount(value: float, digits: int) -> str:
        if digits > _DIGITS_MIN:
            return f"{value:,.{digits - 1}f} {currency}".rstrip()
        # Cents of hundreds decide nothing.
        return word_amount(round(value) if abs(value) >= _HUNDRED else value, currency)

    of_each: list[tuple[str, float, float, Callable[[float, int], str]]] = [
        ("propensity", winner.propensity, loser.propensity, word_percent),
        ("value", winner.value, loser.value, amount),
        ("context weight", winner.context_weight, loser.context_weight, _number),
        ("lever", winner.lever, loser.lever, _number),
    ]
    return [
        _Factor(
            math.log(ours / theirs) if ours > 0.0 and theirs > 0.0 else None,
            ours > theirs,
            _against(what, ours, theirs, write),
        )
        for what, ours, theirs, write in of_each
        if not math.isclose(ours, theirs, rel_tol=_TOLERANCE)
    ]


def _largest(found: list[_Factor], sign: float) -> list[_Factor]:
    """The factors in one direction, the largest first, without those that hardly matter."""
    weights = {id(factor): sign * (factor.weight or 0.0) for factor in found}
    chosen = sorted(
        (factor for factor in found if weights[id(factor)] > 0.0), key=lambda one: -weights[id(one)]
    )
    most = max((abs(weight) for weight in weights.values()), default=0.0)
    return [factor for factor in chosen if weights[id(factor)] >= _MINOR * most][:2]


def _against(what: str, ours: float, theirs: float, write: Callable[[float, int], str]) -> str:
    """`value 120 EUR against 40 EUR`, with enough digits to distinguish the two."""
    written = f"{ours:g}", f"{theirs:g}"
    for digits in range(_DIGITS_MIN, _DIGITS_MAX):
        written = write(ours, digits), write(theirs, digits)
        if written[0] != written[1]:
            break
    return f"{what} {written[0]} against {written[1]}"


def _number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}" if abs(value) < _LARGE else short_number(value)


def is_product(score: Score) -> bool:
    """Whether the priority is P x C x V x L, and not the workspace's own formula."""
    product = score.propensity * score.context_weight * score.value * score.lever
    return math.isclose(product, score.priority, rel_tol=_TOLERANCE, abs_tol=1e-300)
