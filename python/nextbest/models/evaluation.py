"""A file of rows whose outcome is known, and versions -> how good each version is on the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nextbest.diagnostics.suggestion import suggest
from nextbest.models.observed import read_labels
from nextbest.models.performance import Difference, Performance, measure
from nextbest.models.refusal import FEW, LABELS, LEAK, ModelError
from nextbest.models.samples import choose_for_all
from nextbest.models.validation import Progress
from nextbest.models.version_scores import score_rows
from nextbest.registry.manifest import Manifest
from nextbest.registry.registry import Registry, Version

ROWS_MAX: Final = 200_000
"""More rows would take minutes. With this number of rows, one in ten positive, an AUC of 0.8 is accurate to
0.004 either way."""
EACH_MIN: Final = 10
"""Of positive and of negative rows: with fewer, the intervals mean nothing."""
WHAT: Final = "rows of the file"
_ROUNDING: Final = 1e-5
"""By which a server lets a score pass 0 and 1."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is evaluated, on what.

    Attributes:
        versions: One, or two of the same or of different models.
        columns: Of the file, as they are written, all of one length.
        label: The column of the outcome.
        positive: Its value where that is positive; empty: 1 or true, or the class that the models score.
    """

    versions: Sequence[Version]
    columns: Mapping[str, pl.Series]
    label: str
    positive: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good versions are.

    Attributes:
        rows: That were used: each has a score from every version.
        positives: How many of them are positive.
        file_rows: In the file.
        sampled_rows: The rows that were scored: all of the file, or the allowed number, evenly spread over
        it.
        unscored: For each version, the number of these rows without a score: a value that is not a number is
            missing, or the score is not a probability. A server would use the prior for them.
        positive: The label of positive rows that was used; empty: 1 or true.
        performances: For each version.
        differences: Of the second version to the first.
    """

    rows: int
    positives: int
    file_rows: int
    sampled_rows: int
    unscored: list[int]
    positive: str
    performances: list[Performance]
    differences: list[Difference]


def evaluate(registry: Registry, question: Question, progress: Progress) -> Evaluation:
    """Evaluates versions.

    Args:
        registry: That has them.
        question: What, on what.
        progress: Told how far scoring is.

    Raises:
        ModelError: The labels cannot be used (NB682), too few rows are left (NB683), a version takes the
            label (NB684), the rows lack a column or hold what is not of its type (NB663), or a version is
            damaged or fails.
    """
    versions, columns = question.versions, question.columns
    manifests = [registry.verify(version) for version in versions]
    series = _label_of(question)
    positive = question.positive or _class_of(manifests, series)
    happened = read_labels(series, positive)
    chosen = choose_for_all(columns, manifests, WHAT)
    _refuse_leak(question, chosen)
    kept = np.unique(np.linspace(0, len(happened) - 1, min(len(happened), ROWS_MAX)).astype(np.int64))
    scores = [
        score_rows(registry, version, _take(taken, kept), WHAT, progress)
        for version, taken in zip(versions, chosen, strict=True)
    ]
    happened = happened[kept]
    is_scored = [(found >= -_ROUNDING) & (found <= 1.0 + _ROUNDING) for found in scores]
    in_all = np.logical_and.reduce(is_scored)
    _require_enough(happened[in_all], len(kept))
    clipped = [np.clip(found[in_all], 0.0, 1.0) for found in scores]
    performances, differences = measure(clipped, happened[in_all])
    return Evaluation(
        rows=int(in_all.sum()),
        positives=int(happened[in_all].sum()),
        file_rows=len(series),
        sampled_rows=len(kept),
        unscored=[int((~found).sum()) for found in is_scored],
        positive=positive,
        performances=performances,
        differences=differences,
    )


def _label_of(question: Question) -> pl.Series:
    series = question.columns.get(question.label)
    if series is None:
        there = ", ".join(f"`{name}`" for name in list(question.columns)[:8])
        remedy = suggest(question.label, question.columns, otherwise=f"there are {there}")
        raise ModelError(f"the {WHAT} have no column `{question.label}`", remedy, LABELS)
    return series.alias(question.label)


def _class_of(manifests: Sequence[Manifest], series: pl.Series) -> str:
    """The class that all versions score, where the labels are texts and it is one of them; else empty."""
    classes = {manifest.binding.positive_label for manifest in manifests}
    found = next(iter(classes)) if len(classes) == 1 else ""
    is_text = isinstance(series.dtype, pl.String | pl.Categorical | pl.Enum)
    return found if is_text and (series.cast(pl.String) == found).any() else ""


def _refuse_leak(question: Question, chosen: Sequence[Mapping[str, pl.Series]]) -> None:
    label = question.columns[question.label]
    for version, taken in zip(question.versions, chosen, strict=True):
        if any(series is label for series in taken.values()):
            message = (
                f"{version} takes `{question.label}`, the label, as an input: its scores know the outcome"
            )
            raise ModelError(message, "name the column of the outcome", LEAK)


def _take(chosen: Mapping[str, pl.Series], kept: NDArray[np.int64]) -> dict[str, pl.Series]:
    return {name: series[kept] if len(kept) < len(series) else series for name, series in chosen.items()}


def _require_enough(happened: NDArray[np.bool_], rows: int) -> None:
    positives, negatives = int(happened.sum()), int((~happened).sum())
    if min(positives, negatives) < EACH_MIN:
        message = (
            f"{positives:,} positive and {negatives:,} negative rows of {rows:,} have a score: at least "
            f"{EACH_MIN} of each are needed"
        )
        remedy = (
            "give more rows; each row needs its texts and whole numbers, unless the binding has a value "
            "for missing ones"
        )
        raise ModelError(message, remedy, FEW)
