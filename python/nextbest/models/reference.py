"""A background sample and its scores -> histograms that later scores and features are compared with.

Bins are those that hold equally many rows of the sample; the first and the last are open.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 20
CATEGORIES_MAX: Final = 100
_SHARE_MIN: Final = 1e-4
"""Stands in for an empty bin: the index would be infinite."""


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
    edges = np.zeros(0)
    if len(finite):
        # By rank, so that an edge is a value that occurs.
        edges = np.unique(np.quantile(finite, np.arange(1, BINS) / BINS, method="lower"))
    counts = count(present_numbers, edges)
    return Histogram(len(values), len(values) - len(present_numbers), edges.tolist(), counts.tolist())


def count(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many values each bin holds; one that is an edge belongs to the bin below."""
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)


def stability_index(reference: Histogram, values: NDArray[np.float64]) -> float:
    """The population stability index of numbers against a histogram: 0 when they are spread alike.

    By convention, below 0.1 little has changed, above 0.25 much; both depend on the number of rows.
    """
    expected = np.array(reference.counts, dtype=np.float64)
    found = count(values[~np.isnan(values)], np.array(reference.edges)).astype(np.float64)
    shares = [np.maximum(counts / max(1.0, counts.sum()), _SHARE_MIN) for counts in (expected, found)]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))
