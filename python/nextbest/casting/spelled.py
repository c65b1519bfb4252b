"""Columns of text -> values in the usual notations, cast by polars; and a mask of the remaining rows.

The patterns are narrower than `cast`: a text that they accept must mean the same in both.
"""

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from nextbest.casting.stored import Quick, nowhere, within_years
from nextbest.casting.value import FALSE, IDENTIFIER, MISSING, TRUE

_WHOLE: Final = r"^-?[0-9]{1,18}(\.0*)?$"
_NUMBER: Final = r"^-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?$"
_MOMENT: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z?)?$"
)


def _texts(series: pl.Series) -> Quick:
    return series, nowhere(series)


def _identifiers(series: pl.Series) -> Quick:
    left = (series == "") | (series != series.str.strip_chars())
    return series, left.fill_null(value=False)


def _stripped(series: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The texts without surrounding blanks, and a mask of missing values."""
    texts = series.str.strip_chars()
    return texts, texts.is_null() | texts.str.to_lowercase().is_in(sorted(MISSING))


def _read(series: pl.Series, pattern: str, convert: Callable[[pl.Series], pl.Series]) -> Quick:
    texts, missing = _stripped(series)
    plain = texts.str.contains(pattern) & ~missing
    values = convert(pl.select(pl.when(plain).then(texts)).to_series())
    return values, ~missing & values.is_null()


def _ints(series: pl.Series) -> Quick:
    return _read(series, _WHOLE, lambda texts: texts.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False))


def _doubles(series: pl.Series) -> Quick:
    return _read(series, _NUMBER, lambda texts: texts.cast(pl.Float64, strict=False))


def _moments(series: pl.Series) -> Quick:
    return _read(series, _MOMENT, _to_moments)


def _to_moments(texts: pl.Series) -> pl.Series:
    dates = texts.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    plain = texts.str.strip_suffix("Z").str.replace("T", " ", literal=True)
    times = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    found = dates.zip_with(dates.is_not_null(), times).dt.replace_time_zone("UTC")
    return found.set(~within_years(found), None)


def _flags(series: pl.Series) -> Quick:
    texts, missing = _stripped(series)
    lowered = texts.str.to_lowercase()
    is_true, is_false = lowered.is_in(sorted(TRUE)), lowered.is_in(sorted(FALSE))
    known = (is_true | is_false).fill_null(value=False)
    return pl.select(pl.when(known).then(is_true)).to_series(), ~missing & ~known


QUICK: Final[Mapping[str, Callable[[pl.Series], Quick | None]]] = {
    "string": _texts,
    IDENTIFIER: _identifiers,
    "int": _ints,
    "double": _doubles,
    "bool": _flags,
    "timestamp": _moments,
}
"""By type; durations and lists are read one by one."""
