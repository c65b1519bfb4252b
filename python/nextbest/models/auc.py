"""Scores of several models of the same rows, and outcomes -> areas under their ROC curves, with covariance.

After DeLong, DeLong and Clarke-Pearson (1988, "Comparing the areas under two or more correlated receiver
operating characteristic curves: a nonparametric approach"), in the form of Sun and Xu (2014, "Fast
implementation of DeLong's algorithm"): by ranks, in n log n steps where the definition takes every pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Areas:
    """Areas under curves.

    Attributes:
        values: Of each model, 0.0 to 1.0: how likely a row whose outcome is 1 has a higher score than one
            whose outcome is 0, ties counting one half.
        covariance: Of these estimates, [models, models].
    """

    values: Floats
    covariance: Floats


def measure_areas(scores: Sequence[Floats], happened: NDArray[np.bool_]) -> Areas:
    """Measures areas.

    Args:
        scores: Of each model, without NaN.
        happened: Of each row; at least two rows of either kind.
    """
    values, of_positive, of_negative = [], [], []
    for found in scores:
        positive, negative = found[happened], found[~happened]
        ranks = _ranks(np.concatenate((positive, negative)))
        count, others = len(positive), len(negative)
        # Of each row, the share of the other kind that it is ranked right against.
        of_positive.append((ranks[:count] - _ranks(positive)) / others)
        of_negative.append(1.0 - (ranks[count:] - _ranks(negative)) / count)
        values.append(float(of_positive[-1].mean()))
    spread = [
        np.atleast_2d(np.cov(np.stack(of_kind))) / of_kind[0].size for of_kind in (of_positive, of_negative)
    ]
    return Areas(np.array(values), spread[0] + spread[1])


def _ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle: Floats = (last - (counts - 1) / 2.0)[places]
    return middle
