"""A column of labels -> whether each row is positive."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nextbest.diagnostics.suggestion import suggest
from nextbest.models.refusal import LABELS, ModelError

_TRUTHS: Final = {"1": True, "true": True, "0": False, "false": False}
_SHOWN: Final = 80
_LISTED: Final = 5


def read_labels(series: pl.Series, positive: str = "") -> NDArray[np.bool_]:
    """Reads labels.

    Args:
        series: 0 and 1, false and true, or any values where one is called positive.
        positive: The value of positive rows, as it is written; every other value is negative. Empty: 1, true.

    Raises:
        ModelError: NB682: a row has no label, a label is neither, no row has the positive one, or all have.
    """
    name, texts = series.name, _texts(series)
    missing = texts.is_null().arg_true()
    if len(missing):
        remedy = "fill it in, or leave out the rows whose outcome is not known yet"
        raise ModelError(f"row {missing[0] + 1} has no `{name}`", remedy, LABELS)
    if not len(texts):
        raise ModelError("there are no rows: the table is empty", "give at least one row", LABELS)
    found = texts.unique().sort().to_list()
    if positive:
        wanted = _spelled(positive) if series.dtype.is_numeric() else positive
        wanted = positive.casefold() if series.dtype == pl.Boolean else wanted
        if wanted not in found:
            listed = f"there are {_listed(found)}"
            remedy = suggest(positive, found, otherwise=f"give a value that occurs: {listed}")
            raise ModelError(f"no row has `{positive}` as its `{name}`", remedy, LABELS)
        labels = (texts == wanted).to_numpy()
    else:
        labels = _truths(texts, name, found)
    if labels.all() or not labels.any():
        message = f"all {len(labels):,} rows are {'positive' if labels.all() else 'negative'} by `{name}`"
        raise ModelError(message, "give rows of both kinds, as they occur", LABELS)
    return labels


def _truths(texts: pl.Series, name: str, found: list[str]) -> NDArray[np.bool_]:
    known = {text: _TRUTHS.get(_spelled(text).casefold()) for text in found}
    if None in known.values():
        remedy = f"give --positive with the value of positive rows; there are {_listed(found)}"
        raise ModelError(f"`{name}` does not say which rows are positive", remedy, LABELS)
    return np.array([known[text] for text in texts.to_list()], dtype=bool)


def _texts(series: pl.Series) -> pl.Series:
    """The labels as texts, null where there is none; whole numbers without a fraction."""
    if series.dtype.is_float():
        texts = [None if v is None or np.isnan(v) else _spelled(repr(v)) for v in series.to_list()]
        return pl.Series(series.name, texts, dtype=pl.String)
    if series.dtype.is_nested() or series.dtype in {pl.Binary, pl.Object}:
        raise ModelError(f"`{series.name}` holds {series.dtype}", "give 0 and 1, or texts", LABELS)
    return series.cast(pl.String)


def _spelled(text: str) -> str:
    """A number in one form: `1.0` is `1`."""
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else text


def _listed(found: list[str]) -> str:
    more = f" and {len(found) - _LISTED:,} more values" if len(found) > _LISTED else ""
    return ", ".join(f"`{_cut(text)}`" for text in found[:_LISTED]) + more


def _cut(text: str) -> str:
    """A value that is a document, not a class, is known by its beginning."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
