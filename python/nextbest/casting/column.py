"""A column of a file -> a column of a declared type, and the rows whose values do not fit the type.

polars casts most rows at once (`spelled` for text, `stored` for Arrow's types). The remaining rows are cast
one by one with `cast`, so that a column means the same as its single values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from nextbest.casting import spelled, stored
from nextbest.casting.days import begin_days
from nextbest.casting.lists import list_column
from nextbest.casting.refusal import CastError
from nextbest.casting.value import IDENTIFIER, cast

TARGETS: Final[Mapping[str, pl.DataType]] = {
    "bool": pl.Boolean(),
    "int": pl.Int64(),
    "double": pl.Float64(),
    "string": pl.String(),
    "timestamp": stored.MOMENT,
    "duration": pl.Duration("us"),
    "list<string>": pl.List(pl.String()),
    "list<int>": pl.List(pl.Int64()),
    IDENTIFIER: pl.String(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that was cast.

    Attributes:
        values: Of the declared type; null where a value is missing or refused.
        refusals: By row, from 0: why the value does not fit the type.
    """

    values: pl.Series
    refusals: dict[int, CastError] = field(default_factory=dict)


def cast_column(series: pl.Series, kind: str, zone: str = "") -> Column:
    """Casts a column.

    Args:
        series: A column of text, of any Arrow type, or of Python objects.
        kind: A type of `schema.yaml`, or `IDENTIFIER`, whose values must not be missing.
        zone: The time zone in which a date begins: `time_zone` of the workspace; empty: UTC.

    Raises:
        CastError: No value of a column of this type can have the declared type.
    """
    if isinstance(series.dtype, pl.Categorical | pl.Enum | pl.Null):
        series = series.cast(pl.String)
    quick = spelled.QUICK if series.dtype == pl.String else stored.QUICK
    found = quick[kind](series) if kind in quick else None
    if found is not None and kind == "timestamp" and zone:
        found = begin_days(series, found, zone)
    column = _one_by_one(series, kind, zone) if found is None else _complete(series, kind, *found, zone)
    if kind != IDENTIFIER:
        return column
    missing = CastError("the id is missing", "write an id for each customer")
    rows = [int(row) for row in column.values.is_null().arg_true()]
    return Column(column.values, dict.fromkeys(rows, missing) | column.refusals)


def _complete(series: pl.Series, kind: str, values: pl.Series, left: pl.Series, zone: str) -> Column:
    """Casts the remaining rows one by one; `left` marks them."""
    values = values.alias(series.name)
    if not left.any():
        return Column(values)
    if series.dtype.is_temporal():
        # #Python has no such values, so the message does not show one.
        what = "longer than 10,000 years" if kind == "duration" else "outside the years 0001 to 9999"
        error = CastError(f"the value is {what}", "correct it, or leave it out")
        return Column(values.set(left, None), {int(row): error for row in left.arg_true()})
    rest = pl.select(pl.when(left).then(series)).to_series().alias(series.name)
    slow = _one_by_one(rest, kind, zone)
    return Column(values.zip_with(~left, slow.values), slow.refusals)


def _one_by_one(series: pl.Series, kind: str, zone: str) -> Column:
    """Casts each value.

    Raises:
        CastError: The column has an Arrow type, and its first value cannot have the declared type.
    """
    is_text, is_mixed = series.dtype == pl.String, series.dtype.is_object()
    known: dict[object, Any] = {}
    values: list[Any] = []
    refusals: dict[int, CastError] = {}
    for row, value in enumerate(series.to_list()):
        found = known.get(value) if is_text else None
        if found is None and value is not None:
            try:
                found = cast(value, kind, zone)
            except CastError as error:
                if not (is_text or is_mixed or stored.can_hold(series.dtype, kind)):
                    raise
                found = error
            if is_text:
                known[value] = found
        if isinstance(found, CastError):
            refusals[row], found = found, None
        values.append(found)
    target = TARGETS[kind]
    if isinstance(target, pl.List):
        inner = pl.Int64() if target.inner == pl.Int64 else pl.String()
        return Column(list_column(series.name, values, inner), refusals)
    return Column(pl.Series(series.name, values, target), refusals)
