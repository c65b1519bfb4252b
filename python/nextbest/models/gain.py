"""Scores and outcomes -> how many of the positive rows are among those with the highest scores."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DECILES: Final = 10
_POINTS_MAX: Final = 200
"""Of a curve that is drawn."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decile:
    """A tenth of the rows, by score; the first has the highest.

    Attributes:
        rate: Share of positive rows in it, 0.0 to 1.0.
        lift: That share to the one in all rows.
        captured: Share of all positive rows that are in it or in a decile before.
        lift_so_far: Lift of this decile and those before it together.
    """

    rate: float
    lift: float
    captured: float
    lift_so_far: float


class GainCurve:
    """The share of positive rows among the rows with the highest scores, whatever the share of rows.

    Rows of one score come in no order: a cut among them takes the same share of their positive rows, so that
    the order of a file does not matter.
    """

    def __init__(self, scores: Floats, happened: NDArray[np.bool_]) -> None:
        _, places = np.unique(-scores, return_inverse=True)
        rows = np.bincount(places)
        positive = np.bincount(places, weights=happened.astype(np.float64))
        self._rate = float(happened.mean())
        self._rows = np.concatenate(([0.0], np.cumsum(rows) / len(scores)))
        self._positive = np.concatenate(([0.0], np.cumsum(positive) / max(1.0, positive.sum())))

    def captured(self, shares: Floats) -> Floats:
        """The shares of positive rows among these shares of rows, each 0.0 to 1.0."""
        return np.interp(shares, self._rows, self._positive)

    def deciles(self) -> list[Decile]:
        """The curve by tenths of the rows."""
        captured = self.captured(np.arange(DECILES + 1) / DECILES)
        lifts = np.diff(captured) * DECILES
        return [
            Decile(
                rate=float(lift * self._rate),
                lift=float(lift),
                captured=float(captured[place]),
                lift_so_far=float(captured[place] * DECILES / place),
            )
            for place, lift in enumerate(lifts, 1)
        ]

    def points(self) -> tuple[Floats, Floats]:
        """Shares of rows and of positive rows, to draw."""
        shares = np.linspace(0.0, 1.0, _POINTS_MAX + 1)
        return shares, self.captured(shares)
