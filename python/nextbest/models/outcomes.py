"""A file of outcomes -> propensities, and what became of them.

Rows are what happened to decisions: a background sample and golden rows have no outcome, and are none.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nextbest.diagnostics.suggestion import suggest
from nextbest.models.refusal import ROWS, ModelError

_PROPENSITY: Final = "propensity"
_OUTCOME: Final = "outcome"
_ACTION: Final = "action"
_MODEL: Final = "model"
_ROW: Final = " row"


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


def read_outcomes(path: Path, model: str) -> Outcomes:
    """Reads outcomes of a model.

    Args:
        path: Parquet or CSV, by its suffix, with the columns `propensity` and `outcome`.
        model: Where there is a column `model`, only its rows are taken.

    Raises:
        ModelError: NB663: the file cannot be read, lacks a column, or holds what is neither.
    """
    frame = _read(path)
    for column in (_PROPENSITY, _OUTCOME):
        if column not in frame.columns:
            remedy = suggest(column, frame.columns, otherwise="add it: 0.0 to 1.0, and 0 or 1")
            raise ModelError(f"the outcomes have no column `{column}`", remedy, ROWS)
    frame = frame.with_row_index(_ROW, 1)
    if _MODEL in frame.columns:
        known = frame[_MODEL].unique().drop_nulls().cast(pl.String).to_list()
        frame = frame.filter(pl.col(_MODEL).cast(pl.String) == model)
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
        actions = np.array(frame[_ACTION].cast(pl.String).fill_null("").to_list(), dtype=object)
    return Outcomes(propensities, outcomes, actions)


def _read(path: Path) -> pl.DataFrame:
    suffix = path.suffix.lower()
    if suffix not in {".parquet", ".csv"}:
        raise ModelError(f"`{path}` is of no kind that can be read", "give a file of .parquet or .csv", ROWS)
    try:
        if suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).split("\n", 1)[0]
        raise ModelError(f"the outcomes `{path}` cannot be read: {reason}", "check the file", ROWS) from None


def _numbers(frame: pl.DataFrame, column: str) -> NDArray[np.float64]:
    series = frame[column]
    if not series.dtype.is_numeric() and series.dtype != pl.Boolean:
        raise ModelError(f"the column `{column}` of the outcomes holds {series.dtype}", "give numbers", ROWS)
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _require(frame: pl.DataFrame, column: str, fits: NDArray[np.bool_], remedy: str) -> None:
    if not fits.all():
        row = frame[_ROW][int(np.argmin(fits))]
        raise ModelError(f"row {row} of the outcomes has no `{column}`, or a wrong one", remedy, ROWS)
