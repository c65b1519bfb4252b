"""A table of rows -> the inputs of a model, as a server would fill them.

Columns are named by attribute, `customer.age`, or by position, `features[0]`; an input of one column gives
its name. They are cast to the element type of the input, whatever their values look like. A missing value is
replaced by the value of the binding; without one, a number is NaN, and a row that lacks anything else has no
score.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nextbest.casting import CastError
from nextbest.casting.column import cast_column
from nextbest.casting.form import Form
from nextbest.casting.table import read_table as read_file
from nextbest.diagnostics.suggestion import suggest
from nextbest.models.refusal import ROWS, ModelError
from nextbest.models.signature import Element, Signature
from nextbest.registry.manifest import Manifest

BACKGROUND_ROWS_MAX: Final = 10_000
GOLDEN_ROWS_MAX: Final = 100_000
_SUFFIXES: Final = (".parquet", ".csv")
EXPECTED: Final = "expected"
_TYPES: Final[dict[Element, tuple[str, Any]]] = {
    Element.FLOAT32: ("double", np.float32),
    Element.FLOAT64: ("double", np.float64),
    Element.INT64: ("int", np.int64),
    Element.STRING: ("string", np.object_),
    Element.BOOLEAN: ("bool", np.bool_),
}


@dataclass(frozen=True, slots=True)
class InputColumn:
    """A column of an input.

    Attributes:
        names: By which a table may have it; the first is that of messages.
        missing: Stands in where it is missing; None when nothing does.
    """

    names: tuple[str, ...]
    missing: bool | int | float | str | None = None


@dataclass(frozen=True, slots=True)
class InputTable:
    """An input of a model, with its columns in their order."""

    name: str
    element: Element
    columns: tuple[InputColumn, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a file, of the columns that a model needs.

    Attributes:
        what: `golden rows` or `background sample`, for messages.
        frame: The columns, by their first names, and `expected`.
        places: The position of each row in the file, from 0; None if the table has all of its rows.
    """

    what: str
    frame: pl.DataFrame
    places: NDArray[np.int64] | None = None

    @property
    def short(self) -> str:
        """What it is, after "row 3 of the"."""
        return self.what.removeprefix("rows of the ")

    def row(self, index: int) -> int:
        """The number of a row in its file, from 1."""
        return int(index if self.places is None else self.places[index]) + 1

    def keep(self, indices: NDArray[np.int64]) -> "Table":
        """The table with some of its rows."""
        places = indices if self.places is None else self.places[indices]
        return Table(self.what, self.frame[indices.tolist()], places)

    def encode(self) -> bytes:
        """Encodes the rows as Parquet."""
        target = io.BytesIO()
        self.frame.write_parquet(target)
        return target.getvalue()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The columns as arrays: numbers with NaN, or objects with None, where a value is missing.

        False and true are the numbers 0.0 and 1.0.
        """
        return {
            series.name: series.cast(pl.Float64).to_numpy()
            if series.dtype.is_numeric() or series.dtype == pl.Boolean
            else np.array(series.to_list(), dtype=object)
            for series in self.frame
        }


def inputs_of(manifest: Manifest) -> list[InputTable]:
    """The inputs of a version, with their columns by attribute, or by place where it was pushed unbound."""
    signature = manifest.report.facts.signature
    if not manifest.binding.inputs:
        return unbound_inputs(signature)
    elements = {tensor.name: tensor.element for tensor in signature.inputs}
    return [
        InputTable(
            name,
            elements[name],
            tuple(
                InputColumn(
                    names_of(column.attribute, name, index, len(columns)),
                    json.loads(column.missing) if column.missing else None,
                )
                for index, column in enumerate(columns)
            ),
        )
        for name, columns in manifest.binding.inputs.items()
    ]


def names_of(attribute: str, name: str, index: int, width: int) -> tuple[str, ...]:
    """The names that a table may have a column of an input by.

    Args:
        attribute: That it is bound to; empty where it is not.
        name: Of the input.
        index: Of the column in it.
        width: How many columns the input has.
    """
    # The last is what a table of customers calls it, as `customers load` reads one.
    names = (attribute, f"{name}[{index}]", name if width == 1 else "", attribute.partition(".")[2])
    return tuple(dict.fromkeys(name for name in names if name))


def unbound_inputs(signature: Signature) -> list[InputTable]:
    """The inputs by position; empty for an input with an unknown number of columns."""
    tables = []
    for tensor in signature.inputs:
        width = tensor.width
        if width is None or tensor.element is Element.OTHER:
            tables.append(InputTable(tensor.name, tensor.element, ()))
            continue
        columns = [InputColumn(names_of("", tensor.name, index, width)) for index in range(width)]
        tables.append(InputTable(tensor.name, tensor.element, tuple(columns)))
    return tables


def read_table(
    path: Path, inputs: list[InputTable], what: str, form: Form | None = None, *, with_expected: bool
) -> Table:
    """Reads a table.

    Args:
        path: Parquet or CSV, by its suffix.
        inputs: Of the model.
        what: It is, for messages.
        form: How a CSV file is written.
        with_expected: It has scores too.

    Raises:
        ModelError: NB663: it cannot be read, lacks a column, or a value is not what the input is made of.
    """
    found = read_columns(path, what, form)
    chosen = cast_inputs(choose_columns(found, inputs, what), inputs, what)
    if with_expected:
        if EXPECTED not in found:
            remedy = "add it, with the scores of the training framework"
            raise ModelError(f"the {what} have no column `{EXPECTED}`", remedy, ROWS)
        chosen[EXPECTED] = cast_rows(found[EXPECTED], "double", what)
        missing = chosen[EXPECTED].is_null().arg_true()
        if len(missing):
            remedy = "fill in the score of the training framework, or leave the row out"
            raise ModelError(f"row {missing[0] + 1} of the {what} has no `{EXPECTED}`", remedy, ROWS)
    made = pl.DataFrame([series.alias(name) for name, series in chosen.items()])
    if not len(made):
        raise ModelError(f"there are no {what}: the table is empty", "give at least one row", ROWS)
    return Table(what, made)


def choose_columns(
    found: Mapping[str, pl.Series], inputs: list[InputTable], what: str
) -> dict[str, pl.Series]:
    """The columns that a model needs, by their first names, as they are written.

    Raises:
        ModelError: NB663: one is not there, or two would be the same.
    """
    chosen: dict[str, pl.Series] = {}
    sources: dict[str, str] = {}
    for column in (column for table in inputs for column in table.columns):
        name = next((name for name in column.names if name in found), None)
        if name is None:
            wanted = column.names[0]
            remedy = suggest(wanted, found, otherwise=f"add it; there are {', '.join([*found][:8])}")
            raise ModelError(f"the {what} have no column `{wanted}`", remedy, ROWS)
        other = sources.setdefault(name, column.names[0])
        if other != column.names[0]:
            message = f"the column `{name}` of the {what} could be `{other}` or `{column.names[0]}`"
            raise ModelError(message, f"name it `{other}`, and add `{column.names[0]}`", ROWS)
        chosen[column.names[0]] = found[name]
    return chosen


def cast_inputs(chosen: Mapping[str, pl.Series], inputs: list[InputTable], what: str) -> dict[str, pl.Series]:
    """Casts the columns that a model needs to what its inputs are made of.

    Raises:
        ModelError: NB663: a value is not of the type.
    """
    return {
        column.names[0]: cast_rows(chosen[column.names[0]], _TYPES[table.element][0], what)
        for table in inputs
        for column in table.columns
    }


def decode_table(data: bytes, what: str) -> Table:
    """Reads a table that was encoded as Parquet.

    Raises:
        ModelError: NB663: it is not one.
    """
    try:
        return Table(what, pl.read_parquet(io.BytesIO(data)))
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).split("\n", 1)[0]
        raise ModelError(f"the {what} cannot be read: {reason}", "push the model again", ROWS) from None


def sample(table: Table, count: int) -> Table:
    """The given number of rows of a table, evenly spread over it; always the same ones."""
    if len(table.frame) <= count:
        return table
    indices = np.linspace(0, len(table.frame) - 1, count).astype(np.int64)
    return table.keep(indices)


def drop_unanswerable(table: Table, inputs: list[InputTable]) -> Table:
    """The table without rows that a server would not score, as something but a number is missing.

    Raises:
        ModelError: NB663: none is left.
    """
    keep = answerable(table, inputs)
    if not keep.any():
        remedy = "write a value for missing ones into the binding: {attribute: ..., missing: ...}"
        raise ModelError(f"every row of the {table.what} lacks a value", remedy, ROWS)
    return table if keep.all() else table.keep(np.flatnonzero(keep))


def answerable(table: Table, inputs: list[InputTable]) -> NDArray[np.bool_]:
    """Whether a server would score each row: only numbers are missing, or the binding has values."""
    keep = np.ones(len(table.frame), dtype=bool)
    for name in _needed(inputs):
        keep &= table.frame[name].is_not_null().to_numpy()
    return keep


def fill_inputs(table: Table, inputs: list[InputTable]) -> dict[str, NDArray[Any]]:
    """Fills the inputs of a model.

    Raises:
        ModelError: NB663: a row lacks a value that is not a number, and the binding has no value for it.
    """
    for name in _needed(inputs):
        missing = table.frame[name].is_null().arg_true()
        if len(missing):
            message = f"row {table.row(missing[0])} of the {table.short} lacks `{name}`"
            remedy = "fill it in, or write a value for it into the binding: {attribute: ..., missing: ...}"
            raise ModelError(message, remedy, ROWS)
    filled = {}
    for given in inputs:
        dtype = _TYPES[given.element][1]
        columns = []
        for column in given.columns:
            series = table.frame[column.names[0]]
            if column.missing is not None:
                series = series.fill_null(column.missing)
            elif dtype in {np.float32, np.float64}:
                series = series.fill_null(float("nan"))
            # Of what is too large for float32, `overflow` warns.
            with np.errstate(over="ignore"):
                columns.append(series.to_numpy().astype(dtype))
        filled[given.name] = np.stack(columns, axis=1)
    return filled


def _needed(inputs: list[InputTable]) -> list[str]:
    """Columns without which a row has no score."""
    floats = {Element.FLOAT32, Element.FLOAT64}
    return [
        column.names[0]
        for table in inputs
        for column in table.columns
        if table.element not in floats and column.missing is None
    ]


def read_columns(path: Path, what: str, form: Form | None) -> dict[str, pl.Series]:
    """Reads the columns of a file of rows, as they are written.

    Raises:
        ModelError: NB663: it cannot be read.
    """
    try:
        return read_file(path, form, _SUFFIXES).columns
    except CastError as error:
        raise ModelError(f"the {what}: {error.message}", error.help, ROWS) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(f"the {what} `{path}` cannot be read: {reason}", "check the path", ROWS) from None


def cast_rows(series: pl.Series, kind: str, what: str) -> pl.Series:
    """Casts a column to a type of `schema.yaml`; among numbers, true and false are 1 and 0, as in a server.

    Raises:
        ModelError: NB663: a value is not of the type.
    """
    try:
        column = cast_column(_as_numbers(series) if kind in {"int", "double"} else series, kind)
    except CastError as error:
        raise ModelError(
            f"the column `{series.name}` of the {what}: {error.message}", error.help, ROWS
        ) from None
    for row, refusal in column.refusals.items():
        where = f"row {row + 1} of the {what.removeprefix('rows of the ')}, column `{series.name}`"
        raise ModelError(f"{where}: {refusal.message}", refusal.help, ROWS)
    return column.values


def _as_numbers(series: pl.Series) -> pl.Series:
    if series.dtype == pl.Boolean:
        return series.cast(pl.Int64)
    if series.dtype == pl.String:
        return series.replace(
            {"true": "1", "True": "1", "TRUE": "1", "false": "0", "False": "0", "FALSE": "0"}
        )
    return series
