"""Propensities and outcomes -> how often what was expected has happened.

Bins hold equally many rows, by rank of propensity: ten of them are deciles. Rows of one propensity are never
torn apart, so that there may be fewer.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

DECILES: Final = 10
Z: Final = 1.959963984540054
"""Of an interval that holds the true rate 95 times in 100."""
_LOG_CLEARANCE: Final = float(np.finfo(np.float64).eps)
"""Keeps the logarithm of a propensity of 0 or 1 finite."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of like propensity.

    Attributes:
        rows: How many.
        expected: Their mean propensity, 0.0 to 1.0.
        observed: The share of them whose outcome is 1.
        low: Lower end of the Wilson interval of `observed`, at 95 %; likewise `high`.
        high: Its upper end.
    """

    rows: int
    expected: float
    observed: float
    low: float
    high: float

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


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well propensities foretell outcomes.

    Attributes:
        overall: Of all rows.
        bins: By propensity, the lowest first.
        actions: By action, where rows name one; the most frequent first.
        brier: Mean squared difference of propensity and outcome, 0.0 to 1.0; less is better.
        log_loss: Mean negative logarithm of what was foretold of the outcome that came, 0.0 or more.
        error: Expected calibration error: mean distance of observed and expected over bins, by their rows.
    """

    overall: Bin
    bins: list[Bin]
    actions: dict[str, Bin]
    brier: float
    log_loss: float
    error: float


def calibrate(
    propensities: NDArray[np.float64], outcomes: NDArray[Any], actions: NDArray[Any] | None = None
) -> Calibration:
    """Compares what was expected with what happened.

    Args:
        propensities: 0.0 to 1.0, at least one.
        outcomes: 0 or 1 each.
        actions: What each row was about.
    """
    happened = outcomes.astype(np.float64)
    edges = np.unique(np.quantile(propensities, np.arange(1, DECILES) / DECILES, method="lower"))
    places = np.searchsorted(edges, propensities, side="left")
    bins = [_bin(propensities[places == place], happened[places == place]) for place in np.unique(places)]
    clipped = np.clip(propensities, _LOG_CLEARANCE, 1.0 - _LOG_CLEARANCE)
    foretold = np.where(happened > 0.0, clipped, 1.0 - clipped)
    return Calibration(
        overall=_bin(propensities, happened),
        bins=bins,
        actions=_by_action(propensities, happened, actions) if actions is not None else {},
        brier=float(np.mean((propensities - happened) ** 2)),
        log_loss=float(-np.mean(np.log(foretold))),
        error=sum(found.rows * abs(found.observed - found.expected) for found in bins) / len(propensities),
    )


def wilson(happened: int, rows: int) -> tuple[float, float]:
    """The Wilson score interval of a rate, at 95 %.

    It stays within 0.0 and 1.0, and is sound for few rows and for rare outcomes.
    """
    rate, square = happened / rows, Z * Z
    middle = (rate + square / (2 * rows)) / (1 + square / rows)
    half = Z * math.sqrt(rate * (1 - rate) / rows + square / (4 * rows * rows)) / (1 + square / rows)
    # Exact at the ends, where rounding would leave a crumb.
    low = 0.0 if happened == 0 else max(0.0, middle - half)
    high = 1.0 if happened == rows else min(1.0, middle + half)
    return low, high


def _bin(propensities: NDArray[np.float64], happened: NDArray[np.float64]) -> Bin:
    low, high = wilson(int(happened.sum()), len(happened))
    return Bin(len(happened), float(propensities.mean()), float(happened.mean()), low, high)


def _by_action(
    propensities: NDArray[np.float64], happened: NDArray[np.float64], actions: NDArray[Any]
) -> dict[str, Bin]:
    names, places, counts = np.unique(actions.astype(str), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[at]): _bin(propensities[places == at], happened[places == at]) for at in order}
