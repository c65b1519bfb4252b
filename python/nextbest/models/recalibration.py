"""Propensities and outcomes -> the line that would put the propensities right, and how far it moves them.

The logistic recalibration of Cox (1958, "Two further applications of a model for binary regression"): the
log-odds of the outcome are `intercept + slope * log-odds of the propensity`. A calibrated model has 0 and 1;
a slope below 1 belongs to a model whose propensities are too far apart.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_ITERATIONS_MAX: Final = 50
_TOLERANCE: Final = 1e-10
_CLEARANCE: Final = float(np.finfo(np.float64).eps)
"""Keeps the log-odds of a propensity of 0 or 1 finite."""
_SPREAD_MIN: Final = 1e-9
"""Of log-odds; with less, a line has no slope."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recalibration:
    """The line, and what it means.

    Attributes:
        intercept: 0.0 where calibrated.
        slope: 1.0 where calibrated.
        p_value: How likely chance alone would move the line so far, 0.0 to 1.0: the score test of both at
            once, with two degrees of freedom.
        factor: By which the line changes propensities on average, 1.0 or more: one and the mean absolute
            change, relative to the smaller of mean propensity and observed rate.
    """

    intercept: float
    slope: float
    p_value: float
    factor: float


def recalibrate(propensities: Floats, happened: Floats) -> Recalibration | None:
    """Fits the line; None where there is none: equal propensities, one outcome only, or perfect separation.

    Args:
        propensities: 0.0 to 1.0, at least one.
        happened: 0.0 or 1.0 each.
    """
    odds = log_odds(propensities)
    rate = float(happened.mean())
    if float(odds.std()) < _SPREAD_MIN or rate in {0.0, 1.0} or _is_separated(odds, happened):
        return None
    line = _fit(odds, happened)
    if line is None:
        return None
    moved = float(np.abs(_probability(line[0] + line[1] * odds) - propensities).mean())
    return Recalibration(
        intercept=line[0],
        slope=line[1],
        p_value=_score_test(odds, propensities, happened),
        factor=1.0 + moved / max(_CLEARANCE, min(rate, float(propensities.mean()))),
    )


def log_odds(propensities: Floats) -> Floats:
    """The log-odds; those of 0 and 1 are finite."""
    clipped = np.clip(propensities, _CLEARANCE, 1.0 - _CLEARANCE)
    return np.log(clipped) - np.log1p(-clipped)


def _is_separated(odds: Floats, happened: Floats) -> bool:
    """Whether a threshold divides the outcomes: the likelihood then grows with the slope, for ever."""
    with_, without = odds[happened > 0.0], odds[happened == 0.0]
    return bool(without.max() <= with_.min() or with_.max() <= without.min())


def _probability(odds: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(odds, -700.0, 700.0)))


def _fit(odds: Floats, happened: Floats) -> tuple[float, float] | None:
    """Maximum likelihood by Newton's steps, halved where they overshoot; None without a maximum."""
    line = np.array([0.0, 1.0])
    loss = _loss(line, odds, happened)
    for _ in range(_ITERATIONS_MAX):
        expected = _probability(line[0] + line[1] * odds)
        step = _solve(odds, expected, happened)
        if step is None:
            return None
        fraction = 1.0
        while (fresh := _loss(line + fraction * step, odds, happened)) > loss and fraction > _TOLERANCE:
            fraction /= 2.0
        line, change, loss = line + fraction * step, loss - fresh, fresh
        if change <= _TOLERANCE * max(1.0, loss):
            return float(line[0]), float(line[1])
    return None


def _solve(odds: Floats, expected: Floats, happened: Floats) -> Floats | None:
    """Information⁻¹ · score of intercept and slope; None where the information is singular."""
    score, information = _moments(odds, expected, happened)
    if not np.linalg.det(information) > 0.0:
        return None
    return np.linalg.solve(information, score).astype(np.float64)


def _moments(odds: Floats, expected: Floats, happened: Floats) -> tuple[Floats, Floats]:
    left, weight = happened - expected, expected * (1.0 - expected)
    score = np.array([left.sum(), (left * odds).sum()])
    cross = (weight * odds).sum()
    return score, np.array([[weight.sum(), cross], [cross, (weight * odds * odds).sum()]])


def _loss(line: Floats, odds: Floats, happened: Floats) -> float:
    """Sum of the negative log-likelihood."""
    predicted = line[0] + line[1] * odds
    return float((np.logaddexp(0.0, predicted) - happened * predicted).sum())


def _score_test(odds: Floats, propensities: Floats, happened: Floats) -> float:
    """Rao's score test of intercept 0 and slope 1: chi-squared with two degrees, whose tail is exp(-x/2)."""
    score, information = _moments(odds, propensities, happened)
    if not np.linalg.det(information) > 0.0:
        return 1.0
    return math.exp(-0.5 * float(score @ np.linalg.solve(information, score)))
