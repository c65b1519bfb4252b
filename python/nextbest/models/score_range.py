"""Scores of a background sample -> a refusal where they cannot be propensities, with the likely cause.

A propensity is a number from 0 to 1 that is not the same for everybody.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.job import Job, Rows
from nextbest.models.refusal import CONSTANT, RANGE, ModelError
from nextbest.models.scoring import Scores

_DEVIATION_MIN: Final = 1e-9
_ROUNDING: Final = 1e-5
"""By which the sum of a forest's float32 shares may pass 1; 500 trees of pure leaves pass it by 1.3e-6."""
_PERCENT: Final = 100.0
_NAMED_MAX: Final = 5


def is_no_probability(scores: Scores) -> NDArray[np.bool_]:
    """Whether each score is outside of 0 to 1, or is not a number."""
    return ~((scores >= -_ROUNDING) & (scores <= 1.0 + _ROUNDING))


def range_remedy(scores: Scores) -> str:
    """What to export in place of scores, of which some are outside of 0 to 1."""
    known = scores[np.isfinite(scores)]
    if len(known) and np.all(known == np.round(known)):
        return "these are whole numbers, as classes are: bind the output of probabilities with `output:`"
    if np.any(known < -_ROUNDING):
        return (
            "negative scores are margins (log-odds) or those of a regression: export a classifier's "
            "`predict_proba`, with its logistic"
        )
    if len(known) and known.max() <= _PERCENT:
        return "export a classifier's probabilities from 0 to 1, and not percentages or counts"
    return "export a classifier's probabilities: numbers from 0 to 1"


def refuse_scores(scores: Scores, job: Job) -> ModelError | None:
    """The refusal of the scores of a background sample; None where they can be propensities.

    Args:
        scores: One a row.
        job: Has the rows.
    """
    rows = job.background or {}
    present = scores[~np.isnan(scores)]
    if not len(present):
        missing = _columns_where(job, rows, lambda column: bool(_is_missing(column).all()))
        reason = f": {missing} is missing in all of them" if missing else ""
        remedy = (
            "bind its inputs to attributes that rows have, or write a value for missing ones into the "
            "binding: {attribute: ..., missing: ...}"
        )
        return ModelError(f"has no score for any row of the background sample{reason}", remedy, RANGE)
    wrong = is_no_probability(present)
    if wrong.any():
        message = (
            f"has scores from {present.min():g} to {present.max():g} on the background sample; "
            f"{np.count_nonzero(wrong):,} of {len(present):,} are outside of 0 to 1"
        )
        return ModelError(message, range_remedy(present), RANGE)
    if len(present) > 1 and float(np.ptp(present)) <= _DEVIATION_MIN:
        return _constant(present, job, rows)
    return None


def _constant(scores: Scores, job: Job, rows: Rows) -> ModelError:
    message = f"has the same score, {scores[0]:g}, for all {len(scores):,} rows of the background sample"
    if all(bool((table == table[:1]).all()) for table in rows.values()):
        remedy = "give a sample of different customers: the rows of this one are all alike"
        return ModelError(message, remedy, CONSTANT)
    same = _columns_where(
        job, rows, lambda column: bool((column == column[:1]).all() | _is_missing(column).all())
    )
    remedy = "bind its inputs to the right attributes, in the units of training"
    if same:
        remedy = f"{remedy}; {same} is the same in all rows"
    return ModelError(message, remedy, CONSTANT)


def _columns_where(job: Job, rows: Rows, holds: Callable[[NDArray[Any]], bool]) -> str:
    """The columns that something holds for, as in a sentence; empty where there is none."""
    found = []
    for name, table in rows.items():
        names = job.columns.get(name, ())
        flat = table.reshape(len(table), -1)
        found += [
            names[index] if index < len(names) else f"{name}[{index}]"
            for index in range(flat.shape[1])
            if holds(flat[:, index])
        ]
    return ", ".join(f"`{name}`" for name in found[:_NAMED_MAX])


def _is_missing(column: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), dtype=bool)
