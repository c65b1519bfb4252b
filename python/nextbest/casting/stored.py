"""Columns of Arrow types -> values that fit the declared type; and a mask of the remaining rows."""

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from nextbest.casting.duration import US_MAX
from nextbest.casting.number import EXACT_MAX
from nextbest.casting.value import IDENTIFIER

MOMENT: Final = pl.Datetime("us", "UTC")
_YEARS_US: Final = (-62_135_596_800_000_000, 253_402_300_799_999_999)

Quick = tuple[pl.Series, pl.Series]
"""Values, and a mask of the rows that remain to be cast one by one."""


def nowhere(series: pl.Series) -> pl.Series:
    """No row remains."""
    return pl.repeat(value=False, n=len(series), dtype=pl.Boolean, eager=True)


def within_years(moments: pl.Series) -> pl.Series:
    """Where moments are in the years 0001 to 9999; null where the value is null."""
    return moments.dt.epoch("us").is_between(*_YEARS_US)


def can_hold(dtype: pl.DataType, kind: str) -> bool:
    """Whether a column of an Arrow type can hold values of the declared type and others."""
    is_number = dtype.is_numeric()
    match kind:
        case "int" | "double" | "bool":
            return is_number
        case "list<string>" | "list<int>":
            return dtype.is_nested()
        case _:
            return kind == IDENTIFIER and dtype.is_decimal()


def _ints(series: pl.Series) -> Quick | None:
    dtype = series.dtype
    if dtype.is_integer():
        values = series.cast(pl.Int64, strict=False)
        return values, series.is_not_null() & values.is_null()
    if not dtype.is_float():
        return None
    series = series.fill_nan(None)
    whole = (series == series.round(0)) & (series.abs() <= EXACT_MAX)
    values = pl.select(pl.when(whole).then(series)).to_series().cast(pl.Int64)
    return values, series.is_not_null() & values.is_null()


def _doubles(series: pl.Series) -> Quick | None:
    if not (series.dtype.is_integer() or series.dtype.is_float()):
        return None
    values = series.cast(pl.Float64).fill_nan(None)
    return values, values.is_infinite().fill_null(value=False)


def _flags(series: pl.Series) -> Quick | None:
    if series.dtype == pl.Boolean:
        return series, nowhere(series)
    if not series.dtype.is_integer():
        return None
    known = series.is_in([0, 1]).fill_null(value=False)
    return pl.select(pl.when(known).then(series == 1)).to_series(), series.is_not_null() & ~known


def _moments(series: pl.Series) -> Quick | None:
    dtype = series.dtype
    if not isinstance(dtype, pl.Datetime | pl.Date):
        return None
    if isinstance(dtype, pl.Date):
        series = series.cast(pl.Datetime("us"))
    if not isinstance(series.dtype, pl.Datetime) or series.dtype.time_zone is None:
        series = series.dt.replace_time_zone("UTC")
    values = series.cast(MOMENT)
    return values, ~within_years(values).fill_null(value=True)


def _durations(series: pl.Series) -> Quick | None:
    if not isinstance(series.dtype, pl.Duration):
        return None
    values = series.cast(pl.Duration("us"))
    fits = values.cast(pl.Int64).is_between(-US_MAX, US_MAX)
    return values, ~fits.fill_null(value=True)


def _texts(series: pl.Series) -> Quick | None:
    if not isinstance(_inner(series), pl.String | pl.Categorical | pl.Enum | pl.Null):
        return None
    values = series.cast(pl.List(pl.String))
    return values, _incomplete(values)


def _whole_numbers(series: pl.Series) -> Quick | None:
    inner = _inner(series)
    if inner is None or not (inner.is_integer() or inner == pl.Null) or inner == pl.UInt64:
        return None
    values = series.cast(pl.List(pl.Int64))
    return values, _incomplete(values)


def _identifiers(series: pl.Series) -> Quick | None:
    return (series.cast(pl.String), nowhere(series)) if series.dtype.is_integer() else None


def _inner(series: pl.Series) -> pl.DataType | None:
    inner = series.dtype.inner if isinstance(series.dtype, pl.List | pl.Array) else None
    return inner if isinstance(inner, pl.DataType) else None


def _incomplete(values: pl.Series) -> pl.Series:
    """Where a list has a missing element."""
    return (values.list.len() != values.list.drop_nulls().list.len()).fill_null(value=False)


QUICK: Final[Mapping[str, Callable[[pl.Series], Quick | None]]] = {
    "int": _ints,
    "double": _doubles,
    "bool": _flags,
    "timestamp": _moments,
    "duration": _durations,
    "list<string>": _texts,
    "list<int>": _whole_numbers,
    IDENTIFIER: _identifiers,
}
"""By type; None if such a column is not cast at once."""
