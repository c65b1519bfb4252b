"""Propensities and outcomes -> how often what was expected has happened, and what to think of that.

Bins hold equally many rows, by rank of propensity: ten of them are deciles. Rows of one propensity are never
torn apart, so that there may be fewer.

A verdict needs two things: that observed and expected differ by a factor that matters (`Limits`), and that
chance does not explain it. With ten bins, one in two healthy models has a bin outside its own 95 % interval,
so p-values are corrected for the number of bins, or of actions.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.chance import binomial_p_value, correct_for_many, wilson
from nextbest.models.recalibration import Recalibration, recalibrate

DECILES: Final = 10
WARN: Final = 1.25
ALERT: Final = 1.5
EVENTS_MIN: Final = 10
"""Of outcomes that were expected or observed, whichever is more: with fewer there is no verdict."""
CHANCE_MAX: Final = 0.01
"""P-value above which chance explains a difference: of all rows, of all bins together, of all actions
together."""
_LOG_CLEARANCE: Final = float(np.finfo(np.float64).eps)
"""Keeps the logarithm of a propensity of 0 or 1 finite."""


class Verdict(StrEnum):
    """What to think of observed beside expected."""

    CALIBRATED = "calibrated"
    TOO_FEW = "too few"
    WARN = "warn"
    ALERT = "alert"


_BY_WEIGHT: Final = list(Verdict)


@dataclass(frozen=True, slots=True)
class Limits:
    """From which factor between observed and expected on, either way, there is a warning, and an alert."""

    warn: float = WARN
    alert: float = ALERT


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of like propensity.

    Attributes:
        rows: How many.
        expected: Their mean propensity, 0.0 to 1.0.
        observed: The share of them whose outcome is 1.
        low: Lower bound of the Wilson interval of `observed`, at 95 %; `high` is the upper bound.
        high: Its upper end.
        p_value: How likely chance alone would bring such a difference, corrected for the number of bins (of
            actions); 1.0 where there is no verdict.
        verdict: What to think of it.
    """

    rows: int
    expected: float
    observed: float
    low: float
    high: float
    p_value: float = 1.0
    verdict: Verdict = Verdict.TOO_FEW

    @property
    def ratio(self) -> float:
        """Observed to expected; infinite where something happened that was not expected at all."""
        if self.expected > 0.0:
            return self.observed / self.expected
        return math.inf if self.observed > 0.0 else 1.0

    @property
    def is_within(self) -> bool:
        """Whether what was expected lies in the interval of what was observed."""
        return self.low <= self.expected <= self.high

    @property
    def has_enough(self) -> bool:
        """Whether there are outcomes enough for a verdict."""
        return self.rows * max(self.expected, self.observed) >= EVENTS_MIN


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well propensities foretell outcomes.

    Attributes:
        overall: Of all rows. Its verdict is the worse of two: of observed to expected, and of the line
            through log-odds (`recalibration`), which finds a model that is too sure, or not sure enough.
        bins: By propensity, the lowest first.
        actions: By action, where rows name one; the most frequent first.
        brier: Mean squared difference of propensity and outcome, 0.0 to 1.0; less is better.
        log_loss: Mean negative logarithm of what was foretold of the outcome that came, 0.0 or more.
        error: Expected calibration error: mean distance of observed and expected over bins, by their rows.
        error_by_chance: What that would be, about, if every propensity were right.
        recalibration: None where no line can be fitted.
    """

    overall: Bin
    bins: list[Bin]
    actions: dict[str, Bin]
    brier: float
    log_loss: float
    error: float
    error_by_chance: float
    recalibration: Recalibration | None

    @property
    def alerts(self) -> list[str]:
        """What is too far off: `overall`, `decile 3`, `action gold-card`."""
        named = {
            "overall": self.overall,
            **{f"decile {place}": found for place, found in enumerate(self.bins, 1)},
            **{f"action {name}": found for name, found in self.actions.items()},
        }
        return [name for name, found in named.items() if found.verdict is Verdict.ALERT]


def calibrate(
    propensities: NDArray[np.float64],
    outcomes: NDArray[Any],
    actions: NDArray[Any] | None = None,
    limits: Limits | None = None,
) -> Calibration:
    """Compares what was expected with what happened.

    Args:
        propensities: 0.0 to 1.0, at least one.
        outcomes: 0 or 1 each.
        actions: What each row was about.
        limits: The usual ones if None.
    """
    chosen = limits or Limits()
    happened = outcomes.astype(np.float64)
    edges = np.unique(np.quantile(propensities, np.arange(1, DECILES) / DECILES, method="lower"))
    places = np.searchsorted(edges, propensities, side="left")
    bins = [_bin(propensities[places == place], happened[places == place]) for place in np.unique(places)]
    by_action = _by_action(propensities, happened, actions) if actions is not None else {}
    overall = _judge([_bin(propensities, happened)], chosen)[0]
    line = recalibrate(propensities, happened)
    return Calibration(
        overall=_with_line(overall, line, chosen),
        bins=_judge(bins, chosen),
        actions=dict(zip(by_action, _judge(list(by_action.values()), chosen), strict=True)),
        brier=float(np.mean(squared_errors(propensities, happened))),
        log_loss=float(np.mean(log_losses(propensities, happened))),
        error=sum(found.rows * abs(found.observed - found.expected) for found in bins) / len(propensities),
        error_by_chance=_error_by_chance(propensities, places),
        recalibration=line,
    )


def squared_errors(propensities: NDArray[np.float64], happened: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row, the squared difference of propensity and outcome; their mean is the Brier score."""
    squares: NDArray[np.float64] = (propensities - happened) ** 2
    return squares


def log_losses(propensities: NDArray[np.float64], happened: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row, the negative logarithm of what was foretold of the outcome that came; finite."""
    clipped = np.clip(propensities, _LOG_CLEARANCE, 1.0 - _LOG_CLEARANCE)
    losses: NDArray[np.float64] = -np.log(np.where(happened > 0.0, clipped, 1.0 - clipped))
    return losses


def _bin(propensities: NDArray[np.float64], happened: NDArray[np.float64]) -> Bin:
    low, high = wilson(int(happened.sum()), len(happened))
    return Bin(len(happened), float(propensities.mean()), float(happened.mean()), low, high)


def _by_action(
    propensities: NDArray[np.float64], happened: NDArray[np.float64], actions: NDArray[Any]
) -> dict[str, Bin]:
    names, places, counts = np.unique(actions.astype(str), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[at]): _bin(propensities[places == at], happened[places == at]) for at in order}


def _judge(bins: Sequence[Bin], limits: Limits) -> list[Bin]:
    """The bins with their verdicts; those with too few outcomes are not counted among the tests."""
    tested = [found for found in bins if found.has_enough]
    p_values = [
        binomial_p_value(round(found.rows * found.observed), found.rows, found.expected) for found in tested
    ]
    corrected = iter(correct_for_many(p_values))
    judged = []
    for found in bins:
        if found.has_enough:
            ratio, p_value = found.ratio, next(corrected)
            factor = max(ratio, 1.0 / ratio) if ratio > 0.0 else math.inf
            judged.append(replace(found, p_value=p_value, verdict=_verdict(factor, p_value, limits)))
        else:
            judged.append(found)
    return judged


def _verdict(factor: float, p_value: float, limits: Limits) -> Verdict:
    if factor < limits.warn:
        return Verdict.CALIBRATED
    if p_value > CHANCE_MAX:
        return Verdict.TOO_FEW
    return Verdict.ALERT if factor >= limits.alert else Verdict.WARN


def _with_line(overall: Bin, line: Recalibration | None, limits: Limits) -> Bin:
    if line is None or not overall.has_enough:
        return overall
    verdict = _verdict(line.factor, line.p_value, limits)
    return replace(overall, verdict=max(overall.verdict, verdict, key=_BY_WEIGHT.index))


def _error_by_chance(propensities: NDArray[np.float64], places: NDArray[np.int64]) -> float:
    """The sum over bins of the mean absolute deviation of a normal variable: sqrt(2 / pi) sigma."""
    variances = np.bincount(places, weights=propensities * (1.0 - propensities))
    return float(np.sqrt(2.0 / math.pi * variances).sum() / len(propensities))
