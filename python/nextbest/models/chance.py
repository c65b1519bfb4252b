"""Counts, and the rate that was expected -> how likely chance alone would bring them.

Plain float arithmetic, so that a server's host needs no statistics package. Rows are taken to be independent.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

Z: Final = 1.959963984540054
"""Of an interval that holds the true value 95 times in 100."""
_TAIL_DEVIATIONS: Final = 40
"""Counts farther from the mean than this have no share that a float can hold."""


def binomial_p_value(happened: int, rows: int, rate: float) -> float:
    """How likely a count at least as extreme is, on either side, if every row has this rate: 0.0 to 1.0.

    Twice the smaller tail of the binomial distribution, summed exactly. Where rows have different rates whose
    mean this is, the true tails are smaller still (Hoeffding 1956, "On the distribution of the number of
    successes in independent trials", theorem 5): the p-value then errs on the side of chance.
    """
    if rate <= 0.0 or rate >= 1.0:
        return 1.0 if happened == (0 if rate <= 0.0 else rows) else 0.0
    if happened >= rows * rate:
        return min(1.0, 2.0 * _upper_tail(happened, rows, rate))
    return min(1.0, 2.0 * _upper_tail(rows - happened, rows, 1.0 - rate))


def _upper_tail(happened: int, rows: int, rate: float) -> float:
    """P(X >= happened), for a count that is not below the mean: shares fall from the first on."""
    reach = int(_TAIL_DEVIATIONS * (1.0 + math.sqrt(rows * rate * (1.0 - rate))))
    counts = np.arange(happened, min(rows, happened + reach), dtype=np.float64)
    steps = np.log((rows - counts) / (counts + 1.0)) + math.log(rate) - math.log1p(-rate)
    shares = np.exp(np.concatenate(([0.0], np.cumsum(steps))))
    first = (
        math.lgamma(rows + 1)
        - math.lgamma(happened + 1)
        - math.lgamma(rows - happened + 1)
        + happened * math.log(rate)
        + (rows - happened) * math.log1p(-rate)
    )
    return math.exp(first) * float(shares.sum())


def correct_for_many(p_values: Sequence[float]) -> list[float]:
    """Adjusts p-values of several tests: with none false, the least is below 0.01 once in a hundred times.

    Holm's step-down method (Holm 1979, "A simple sequentially rejective multiple test procedure"), which
    needs no independence of the tests.
    """
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda at: p_values[at])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


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
