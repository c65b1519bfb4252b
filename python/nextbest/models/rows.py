"""A table of rows -> the inputs of a model, as a server would fill them.

Columns are named by attribute, `customer.age`, or by place, `features[0]`. Where a value is missing, what the
binding lets stand in does; without it, a number is NaN, and a row that lacks anything else has no score.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nextbest.diagnostics.suggestion import suggest
from nextbest.models.manifest import Manifest
from nextbest.models.refusal import ROWS, ModelError
from nextbest.models.signature import Element, Signature

BACKGROUND_ROWS_MAX: Final = 10_000
GOLDEN_ROWS_MAX: Final = 100_000
_SUFFIXES: Final = (".parquet", ".csv")
EXPECTED: Final = "expected"
_TARGETS: Final[dict[Element, tuple[Any, Any]]] = {
    Element.FLOAT32: (pl.Float64(), np.float32),
    Element.FLOAT64: (pl.Float64(), np.float64),
    Element.INT64: (pl.Int64(), np.int64),
    Element.STRING: (pl.String(), np.object_),
    Element.BOOLEAN: (pl.Boolean(), np.bool_),
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
    """

    what: str
    frame: pl.DataFrame

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
                    (column.attribute, f"{name}[{index}]"),
                    json.loads(column.missing) if column.missing else None,
                )
                for index, column in enumerate(columns)
            ),
        )
        for name, columns in manifest.binding.inputs.items()
    ]


def unbound_inputs(signature: Signature) -> list[InputTable]:
    """The inputs by place; one of which nobody knows how many columns it has, has none."""
    tables = []
    for tensor in signature.inputs:
        width = tensor.shape[1] if len(tensor.shape) == 2 else None
        if width is None or tensor.element is Element.OTHER:
            tables.append(InputTable(tensor.name, tensor.element, ()))
            continue
        short = (tensor.name,) if width == 1 else ()
        columns = [InputColumn((f"{tensor.name}[{index}]", *short)) for index in range(width)]
        tables.append(InputTable(tensor.name, tensor.element, tuple(columns)))
    return tables


def read_table(path: Path, inputs: list[InputTable], what: str, *, with_expected: bool) -> Table:
    """Reads a table.

    Args:
        path: Parquet or CSV, by its suffix.
        inputs: Of the model.
        what: It is, for messages.
        with_expected: It has scores too.

    Raises:
        ModelError: NB663: it cannot be read, or lacks a column.
    """
    columns = [(column, table.element) for table in inputs for column in table.columns]
    frame = _read(path, {name: element for column, element in columns for name in column.names}, what)
    chosen: dict[str, pl.Series] = {}
    for column, element in columns:
        name = next((name for name in column.names if name in frame.columns), None)
        if name is None:
            wanted = column.names[0]
            remedy = suggest(
                wanted, frame.columns, otherwise=f"add it; there are {', '.join(frame.columns[:8])}"
            )
            raise ModelError(f"the {what} have no column `{wanted}`", remedy, ROWS)
        chosen[column.names[0]] = _cast(frame[name], element, what)
    if with_expected:
        if EXPECTED not in frame.columns:
            remedy = "add it, with the scores of the training framework"
            raise ModelError(f"the {what} have no column `{EXPECTED}`", remedy, ROWS)
        chosen[EXPECTED] = _cast(frame[EXPECTED], Element.FLOAT64, what)
    made = pl.DataFrame([series.alias(name) for name, series in chosen.items()])
    if not len(made):
        raise ModelError(f"there are no {what}: the table is empty", "give at least one row", ROWS)
    return Table(what, made)


def decode_table(data: bytes, what: str) -> Table:
    """Reads a table that was encoded as Parquet.

    Raises:
        ModelError: NB663: it is none.
    """
    try:
        return Table(what, pl.read_parquet(io.BytesIO(data)))
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).split("\n", 1)[0]
        raise ModelError(f"the {what} cannot be read: {reason}", "push the model again", ROWS) from None


def sample(table: Table, count: int) -> Table:
    """So many rows of a table, evenly spread over it; the same ones each time."""
    if len(table.frame) <= count:
        return table
    indices = np.linspace(0, len(table.frame) - 1, count).astype(np.int64)
    return Table(table.what, table.frame[indices.tolist()])


def drop_unanswerable(table: Table, inputs: list[InputTable]) -> Table:
    """The table without rows that a server would not score, as something but a number is missing.

    Raises:
        ModelError: NB663: none is left.
    """
    keep = np.ones(len(table.frame), dtype=bool)
    for name in _needed(inputs):
        keep &= table.frame[name].is_not_null().to_numpy()
    if not keep.any():
        remedy = "let something stand in: {attribute: ..., missing: ...}"
        raise ModelError(f"every row of the {table.what} lacks a value", remedy, ROWS)
    return table if keep.all() else Table(table.what, table.frame.filter(pl.Series(keep)))


def fill_inputs(table: Table, inputs: list[InputTable]) -> dict[str, NDArray[Any]]:
    """Fills the inputs of a model.

    Raises:
        ModelError: NB663: a row lacks something that is no number, and nothing stands in.
    """
    for name in _needed(inputs):
        missing = table.frame[name].is_null().arg_true()
        if len(missing):
            message = f"row {missing[0] + 1} of the {table.what} lacks `{name}`"
            remedy = "fill it in, or let something stand in: {attribute: ..., missing: ...}"
            raise ModelError(message, remedy, ROWS)
    filled = {}
    for given in inputs:
        dtype = _TARGETS[given.element][1]
        columns = []
        for column in given.columns:
            series = table.frame[column.names[0]]
            if column.missing is not None:
                series = series.fill_null(column.missing)
            elif dtype in {np.float32, np.float64}:
                series = series.fill_null(float("nan"))
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


def _read(path: Path, elements: dict[str, Element], what: str) -> pl.DataFrame:
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise ModelError(f"`{path}` is of no kind that can be read", "give a file of .parquet or .csv", ROWS)
    try:
        if suffix == ".parquet":
            return pl.read_parquet(path)
        # Text that looks like a number stays text where the model takes text.
        with path.open("rb") as file:
            header = pl.read_csv(file, n_rows=0).columns
        texts = {name: pl.String() for name in header if elements.get(name) is Element.STRING}
        return pl.read_csv(path, infer_schema_length=None, schema_overrides=texts)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).split("\n", 1)[0]
        raise ModelError(f"the {what} `{path}` cannot be read: {reason}", "check the file", ROWS) from None


def _cast(series: pl.Series, element: Element, what: str) -> pl.Series:
    target, _ = _TARGETS[element]
    dtype = series.dtype
    is_number = dtype.is_numeric() or dtype in {pl.Boolean, pl.Null}
    fits = {
        Element.STRING: dtype in {pl.String, pl.Categorical, pl.Enum, pl.Null},
        Element.BOOLEAN: dtype in {pl.Boolean, pl.Null},
        Element.INT64: is_number and not dtype.is_float(),
    }.get(element, is_number)
    if not fits:
        words = {Element.STRING: "text", Element.BOOLEAN: "true or false", Element.INT64: "whole numbers"}
        remedy = f"give {words.get(element, 'numbers')}"
        raise ModelError(f"the column `{series.name}` of the {what} holds {dtype}", remedy, ROWS)
    try:
        cast = series.cast(target)
    except pl.exceptions.PolarsError as error:
        reason = str(error).split("\n", 1)[0]
        raise ModelError(f"the column `{series.name}` of the {what}: {reason}", "check it", ROWS) from None
    # What pandas writes for a missing number.
    return cast.fill_nan(None) if target == pl.Float64 else cast
