"""Scores of the same rows and outcomes -> how good each model is, and whether one is better.

Intervals hold the true value 95 times in 100. Those of the area under the ROC curve, and of the difference of
two, are DeLong's (`auc`). Those of log loss and Brier score, which are means over rows, and of their paired
differences, are by the normal approximation of a mean; a bootstrap would need random numbers, and more time.
Rows are taken to be independent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.auc import measure_areas
from nextbest.models.calibration import Calibration, calibrate, log_losses, squared_errors
from nextbest.models.chance import Z
from nextbest.models.gain import Decile, GainCurve

Floats = NDArray[np.float64]

AUC: Final = "AUC"
LOG_LOSS: Final = "log loss"
BRIER: Final = "Brier score"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, and the ends of its interval."""

    value: float
    low: float
    high: float


class Direction(StrEnum):
    """What is known of a difference."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    """Every row has the same score from both."""
    UNKNOWN = "unknown"
    """The interval holds zero."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Of the second model to the first, by one measure.

    Attributes:
        measure: `AUC`, of which more is better, `log loss` or `Brier score`, of which less is.
        change: Second less first.
        direction: Whether the second is better.
    """

    measure: str
    change: Estimate
    direction: Direction


@dataclass(frozen=True, slots=True)
class Performance:
    """How good the scores of one model are.

    Attributes:
        auc: Area under the ROC curve, 0.5 for a model that knows nothing.
        log_loss: Mean negative logarithm of what was foretold of the outcome that came; less is better.
        brier: Mean squared difference of score and outcome; less is better.
        calibration: Observed against expected.
        gain: By decile of score, the highest first.
        curve: The same for every share of rows.
    """

    auc: Estimate
    log_loss: Estimate
    brier: Estimate
    calibration: Calibration
    gain: list[Decile]
    curve: GainCurve


def measure(
    scores: Sequence[Floats], happened: NDArray[np.bool_]
) -> tuple[list[Performance], list[Difference]]:
    """Measures one model, or two and their differences.

    Args:
        scores: Of each model, 0.0 to 1.0.
        happened: Of each row; at least two rows of either kind.
    """
    outcomes = happened.astype(np.float64)
    areas = measure_areas(scores, happened)
    losses = [log_losses(found, outcomes) for found in scores]
    squares = [squared_errors(found, outcomes) for found in scores]
    performances = []
    for index, found in enumerate(scores):
        curve = GainCurve(found, happened)
        area = _estimate(float(areas.values[index]), float(areas.covariance[index, index]))
        performances.append(
            Performance(
                auc=Estimate(area.value, max(0.0, area.low), min(1.0, area.high)),
                log_loss=_mean(losses[index]),
                brier=_mean(squares[index]),
                calibration=calibrate(found, outcomes),
                gain=curve.deciles(),
                curve=curve,
            )
        )
    if len(scores) != 2:
        return performances, []
    contrast = np.array([-1.0, 1.0])
    change = _estimate(float(contrast @ areas.values), float(contrast @ areas.covariance @ contrast))
    is_same = bool(np.array_equal(scores[0], scores[1]))
    return performances, [
        _difference(AUC, change, sign=1, is_same=is_same),
        _difference(LOG_LOSS, _mean(losses[1] - losses[0]), sign=-1, is_same=is_same),
        _difference(BRIER, _mean(squares[1] - squares[0]), sign=-1, is_same=is_same),
    ]


def _difference(measure: str, change: Estimate, *, sign: int, is_same: bool) -> Difference:
    if is_same:
        return Difference(measure, change, Direction.SAME)
    if change.low <= 0.0 <= change.high:
        return Difference(measure, change, Direction.UNKNOWN)
    is_better = change.value * sign > 0.0
    return Difference(measure, change, Direction.BETTER if is_better else Direction.WORSE)


def _mean(values: Floats) -> Estimate:
    return _estimate(float(values.mean()), float(values.var(ddof=1)) / len(values))


def _estimate(value: float, variance: float) -> Estimate:
    # Rounding may leave a crumb below zero where models agree.
    half = Z * math.sqrt(max(0.0, variance))
    return Estimate(value, value - half, value + half)
