"""A background sample and its scores -> histograms that later scores and features are compared with.

Each bin holds the same number of rows of the sample; the first and the last are open. Their edges are between
the values that occur: a score that another engine rounds differently stays in its bin.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 20
CATEGORIES_MAX: Final = 100
SHARE_MIN: Final = 1e-4
"""Stands in for an empty bin: the index would be infinite."""
_EDGE_CLEARANCE: Final = 2e-6
"""The step above the largest value: relative, or absolute below 1."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often values occur.

    Attributes:
        rows: How many there are, missing ones included.
        missing: How many of them are missing.
        edges: Between the bins of numbers, ascending: one less than there are bins.
        counts: Of numbers, of each bin.
        categories: Of text, the most frequent, at most `CATEGORIES_MAX`.
        others: Of text, all that are not among them.
    """

    rows: int
    missing: int
    edges: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    categories: dict[str, int] = field(default_factory=dict)
    others: int = 0


@dataclass(frozen=True, slots=True)
class Reference:
    """Histograms of each feature, by name, and of the scores."""

    features: dict[str, Histogram]
    scores: Histogram


def histogram_of(values: NDArray[Any]) -> Histogram:
    """Counts numbers, missing where they are NaN, or texts, missing where they are None."""
    if values.dtype.kind not in "fiub":
        present = [str(value) for value in values if value is not None]
        found, counts = np.unique(present, return_counts=True)
        order = np.argsort(-counts, kind="stable")[:CATEGORIES_MAX]
        categories = {str(found[index]): int(counts[index]) for index in order}
        others = len(present) - sum(categories.values())
        return Histogram(len(values), len(values) - len(present), categories=categories, others=others)
    numbers = values.astype(np.float64)
    present_numbers = numbers[~np.isnan(numbers)]
    finite = present_numbers[np.isfinite(present_numbers)]
    edges = _edges(np.unique(finite), finite) if len(finite) else np.zeros(0)
    counts = count(present_numbers, edges)
    return Histogram(len(values), len(values) - len(present_numbers), edges.tolist(), counts.tolist())


def _edges(distinct: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges half-way from the quantiles, which are values that occur, to the next larger ones."""
    below = np.unique(np.quantile(values, np.arange(1, BINS) / BINS, method="lower"))
    largest = float(distinct[-1])
    beyond = largest + max(1.0, abs(largest)) * _EDGE_CLEARANCE
    above = np.append(distinct, beyond)[np.searchsorted(distinct, below) + 1]
    middle = below / 2 + above / 2
    # Between two neighbouring floats there is nothing.
    return np.unique(np.where(middle < above, middle, below))


def count(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many values each bin holds; one that is an edge belongs to the bin below."""
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)


def stability_index(reference: Histogram, values: NDArray[np.float64]) -> float:
    """The population stability index of numbers against a histogram; see `index_of`."""
    return index_of(reference.counts, count(values[~np.isnan(values)], np.array(reference.edges)).tolist())


def index_of(expected: Sequence[int], found: Sequence[int]) -> float:
    """The population stability index of counts in the same bins: 0.0 when they are spread alike, else more.

    By convention, below 0.1 little has changed, above 0.25 much; both depend on the number of rows and of
    bins. An empty bin counts as a share of `SHARE_MIN`.
    """
    counts = [np.array(rows, dtype=np.float64) for rows in (expected, found)]
    shares = [np.maximum(rows / max(1.0, rows.sum()), SHARE_MIN) for rows in counts]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def chance_of(bins: int, expected: int, found: int) -> float:
    """The expected stability index of two samples of these sizes that differ only by chance.

    The index is then distributed as chi-squared with one degree of freedom less than there are bins, times
    the sum of the reciprocals of both numbers of rows. Infinite without rows.
    """
    return (bins - 1) * (1.0 / expected + 1.0 / found) if expected and found else math.inf
