"""A column without a declared type -> the type that the server is asked to use for it.

Used only for values that are sent to a server when no bundle is available: the server checks each value
against its own schema, so a wrong guess is refused and never stored.
"""

from typing import Final

import polars as pl

from nextbest.casting.refusal import CastError

_PATTERNS: Final = {
    "bool": r"^([Tt]rue|TRUE|[Ff]alse|FALSE)$",
    "int": r"^(0|-?[1-9][0-9]{0,18})$",
    "double": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$",
    "timestamp": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+([Zz]|[+-][0-9:]+)?)?$",
}
_TYPES: Final = {
    "string": pl.String | pl.Categorical | pl.Enum | pl.Null,
    "bool": pl.Boolean,
    "timestamp": pl.Datetime | pl.Date,
    "duration": pl.Duration,
}


def infer(series: pl.Series, *, is_text: bool) -> str:
    """Chooses a type of `schema.yaml`.

    A CSV column becomes whole numbers, numbers, truth values or timestamps if every value is written in that
    form, and text if not: one number with a leading zero makes it a text column. A text column of a typed
    file (Parquet) stays text.

    Args:
        series: The column of the file.
        is_text: Whether the file format has no types, only text.

    Raises:
        CastError: No type fits all values.
    """
    dtype = series.dtype
    if dtype.is_object():
        return _mixed(series)
    if is_text and dtype == pl.String:
        return _spelled(series)
    if isinstance(dtype, pl.List | pl.Array):
        inner = dtype.inner
        return "list<int>" if isinstance(inner, pl.DataType) and inner.is_integer() else "list<string>"
    for kind, types in _TYPES.items():
        if isinstance(dtype, types):
            return kind
    if dtype.is_numeric():
        return "int" if dtype.is_integer() else "double"
    raise CastError(
        f"the column `{series.name}` holds {dtype}, a type that attributes cannot have",
        "leave it out of the file, or cast it to a number, text, truth value, time or list",
    )


def _spelled(series: pl.Series) -> str:
    values = series.drop_nulls()
    if values.is_empty():
        return "string"
    return next((kind for kind, pattern in _PATTERNS.items() if values.str.contains(pattern).all()), "string")


def _mixed(series: pl.Series) -> str:
    values = [value for value in series.to_list() if value is not None]
    if all(isinstance(value, list) for value in values):
        whole = all(isinstance(item, int) for value in values for item in value)
        return "list<int>" if whole else "list<string>"
    types = {type(value) for value in values}
    if dict in types:
        message = f"the column `{series.name}` holds JSON objects, which attributes cannot hold"
        raise CastError(message, "leave the column out, or give each key of the objects its own column")
    if types == {int}:
        return "int"
    if not types & {str, bool, list, dict}:
        return "double"
    raise CastError(
        f"the column `{series.name}` holds values of several types",
        "write all values in one type, or give --bundle: its schema has the type",
    )
