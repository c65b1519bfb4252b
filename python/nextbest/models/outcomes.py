"""A file of outcomes -> propensities and their outcomes.

Rows are outcomes of decisions: background samples and golden rows have no outcome, and cannot be used.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nextbest.casting.form import Form
from nextbest.diagnostics.suggestion import did_you_mean, nearest, suggest
from nextbest.models.refusal import ROWS, ModelError
from nextbest.models.rows import cast_rows, read_columns

_PROPENSITY: Final = "propensity"
_OUTCOME: Final = "outcome"
_ACTION: Final = "action"
_MODEL: Final = "model"
_ROW: Final = " row"
_WHAT: Final = "outcomes"
_LISTED: Final = 12


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What was foretold, and what happened.

    Attributes:
        propensities: 0.0 to 1.0, at least one.
        outcomes: 0 or 1 each.
        actions: What each was about; None where the file does not say.
    """

    propensities: NDArray[np.float64]
    outcomes: NDArray[np.float64]
    actions: NDArray[Any] | None


def read_outcomes(path: Path, model: str, form: Form | None = None) -> Outcomes:
    """Reads outcomes of a model.

    Args:
        path: Parquet or CSV, by its suffix, with the columns `propensity` and `outcome`.
        model: Where there is a column `model`, only its rows are taken; names are text, as ids are.
        form: How a CSV file is written.

    Raises:
        ModelError: NB663: the file cannot be read, lacks a column, or holds what is neither.
    """
    found = read_columns(path, _WHAT, form)
    for column in (_PROPENSITY, _OUTCOME):
        if column not in found:
            remedy = _adding(column, found)
            raise ModelError(f"the outcomes have no column `{column}`", remedy, ROWS)
    frame = pl.DataFrame(
        [
            *(cast_rows(found[name], "double", _WHAT) for name in (_PROPENSITY, _OUTCOME)),
            *(_names(found[name]) for name in (_ACTION, _MODEL) if name in found),
        ]
    ).with_row_index(_ROW, 1)
    if _MODEL in frame.columns:
        known = frame[_MODEL].unique().drop_nulls().to_list()
        frame = frame.filter(pl.col(_MODEL) == model)
        if frame.is_empty():
            remedy = suggest(model, known, otherwise="leave the column `model` out")
            raise ModelError(f"no outcome is of the model `{model}`", remedy, ROWS)
    if frame.is_empty():
        raise ModelError("there are no outcomes: the table is empty", "give at least one row", ROWS)
    propensities = _numbers(frame, _PROPENSITY)
    outcomes = _numbers(frame, _OUTCOME)
    is_share = (propensities >= 0.0) & (propensities <= 1.0)
    _require(frame, _PROPENSITY, is_share, "give numbers from 0.0 to 1.0")
    remedy = "give 1 where it happened, and 0 where it did not"
    _require(frame, _OUTCOME, np.isin(outcomes, (0.0, 1.0)), remedy)
    actions = None
    if _ACTION in frame.columns:
        actions = np.array(frame[_ACTION].fill_null("").to_list(), dtype=object)
    return Outcomes(propensities, outcomes, actions)


def _adding(column: str, found: Collection[str]) -> str:
    """The remedy for a column that is missing; the other one that is needed is never meant by its name."""
    others = [name for name in found if name not in {_PROPENSITY, _OUTCOME}]
    best = nearest(column, others)
    if best is not None:
        return did_you_mean(best)
    content = (
        "numbers from 0.0 to 1.0" if column == _PROPENSITY else "1 where it happened, 0 where it did not"
    )
    there = ", ".join(f"`{name}`" for name in list(found)[:_LISTED])
    return f"add it, with {content}" + (f"; there are {there}" if there else "")


def _names(series: pl.Series) -> pl.Series:
    """Names of models and actions; where there is none, null."""
    if series.dtype == pl.Null or series.dtype.is_integer():
        return series.cast(pl.String)
    return cast_rows(series, "string", _WHAT)


def _numbers(frame: pl.DataFrame, column: str) -> NDArray[np.float64]:
    return frame[column].fill_null(float("nan")).to_numpy()


def _require(frame: pl.DataFrame, column: str, fits: NDArray[np.bool_], remedy: str) -> None:
    if not fits.all():
        row = frame[_ROW][int(np.argmin(fits))]
        raise ModelError(f"row {row} of the outcomes has no `{column}`, or a wrong one", remedy, ROWS)
