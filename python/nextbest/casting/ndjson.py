"""Lines of JSON objects -> columns: typed if all values have one type, of Python objects if not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from nextbest.casting.json_text import decode_json_exactly
from nextbest.casting.lists import list_column
from nextbest.casting.number import EXACT_MAX
from nextbest.casting.refusal import CastError
from nextbest.regular_file import open_file

_CHUNK: Final = 10_000
"""Lines held as Python objects at a time."""
_TYPES: Final[Mapping[type, pl.DataType]] = {
    type(None): pl.Null(),
    bool: pl.Boolean(),
    int: pl.Int64(),
    float: pl.Float64(),
    str: pl.String(),
}
_EXAMPLE: Final = 'write one object a line, {"customer_id": "c-1", "age": 42}'


def read_lines(path: Path) -> tuple[dict[str, pl.Series], dict[str, pl.Series]]:
    """Reads a file; blank lines are skipped. Numbers keep their digits, as with `decode_json_exactly`.

    Returns:
        The columns, null where a line does not have the key; and, for columns with such lines, which lines.

    Raises:
        CastError: A line is not a JSON object, or has a key twice.
        OSError: It cannot be read.
    """
    columns: dict[str, list[pl.Series]] = {}
    absences: dict[str, list[pl.Series]] = {}
    rows: list[dict[str, Any]] = []
    done = 0
    with open_file(path) as file:
        for number, line in enumerate(file, 1):
            written = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if written.isspace() or not written:
                continue
            rows.append(_object(path, number, written))
            if len(rows) == _CHUNK:
                _add(columns, absences, rows, done)
                done += len(rows)
                rows = []
    _add(columns, absences, rows, done)
    done += len(rows)
    joined = {name: _joined(name, parts, done) for name, parts in columns.items()}
    absent = {name: pl.concat(parts) for name, parts in absences.items()}
    return joined, {name: series for name, series in absent.items() if series.any()}


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        found = decode_json_exactly(line)
    except CastError as error:
        raise CastError(f"line {number} of `{path}`: {error.message}", error.help or _EXAMPLE) from None
    if not isinstance(found, dict):
        raise CastError(f"line {number} of `{path}` is not a JSON object", _EXAMPLE)
    return found


def _add(
    columns: dict[str, list[pl.Series]],
    absences: dict[str, list[pl.Series]],
    rows: list[dict[str, Any]],
    done: int,
) -> None:
    """Appends a chunk of rows to the columns, and records the rows that lack a key."""
    names = dict.fromkeys(name for row in rows for name in row)
    for name in (*columns, *(name for name in names if name not in columns)):
        parts = columns.setdefault(name, [pl.Series([None] * done, dtype=pl.Null)] if done else [])
        values = [row.get(name) for row in rows]
        parts.append(_packed(values))
        lacking = [name not in row for row in rows] if None in values else [False] * len(rows)
        marks = absences.setdefault(name, [pl.Series([True] * done, dtype=pl.Boolean)])
        marks.append(pl.Series(lacking, dtype=pl.Boolean))


def _packed(values: list[Any]) -> pl.Series:
    """The values as a typed column if they have one type, as objects if not."""
    dtype = _dtype(values)
    try:
        if isinstance(dtype, pl.List):
            return list_column("", values, pl.String())
        return pl.Series(values, dtype=dtype, strict=dtype != pl.Float64)
    except (OverflowError, TypeError, ValueError, pl.exceptions.PolarsError):
        # Whole numbers beyond 64 bits, or lone surrogates.
        return pl.Series(values, dtype=pl.Object)


def _dtype(values: list[Any]) -> pl.DataType:
    types = {type(value) for value in values} - {type(None)}
    if len(types) <= 1:
        found = _TYPES.get(next(iter(types), type(None)))
        if found is not None:
            return found
    is_exact = all(type(value) is not int or abs(value) <= EXACT_MAX for value in values)
    if types == {int, float} and is_exact:
        return pl.Float64()
    if types == {list} and all(type(item) is str for value in values if value for item in value):
        return pl.List(pl.String())
    return pl.Object()


def _joined(name: str, parts: list[pl.Series], count: int) -> pl.Series:
    """Joins the chunks into one column."""
    types = {part.dtype for part in parts} - {pl.Null()}
    if len(types) > 1:
        joined = _packed([value for part in parts for value in part.to_list()])
    elif types:
        joined = pl.concat(
            [part.cast(next(iter(types))) if part.dtype == pl.Null else part for part in parts]
        )
    else:
        joined = pl.Series([None] * count, dtype=pl.Null)
    return joined.alias(name)
