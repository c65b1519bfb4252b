"""A table of customers in a file -> batches of customers for `Upsert`.

Columns map to attributes of the same name. Parquet brings its types; those of CSV and NDJSON are inferred
from the whole file. A null is an absent attribute, and so is NaN, which is what pandas writes for one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError
from nextbest.question import CUSTOMERS_PER_CALL_MAX
from nextbest.values import AttributeValue

_SUFFIXES: Final = (".parquet", ".csv", ".tsv", ".ndjson", ".jsonl")


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of the file.

    Attributes:
        first_row: Number of the first, from 1; a header is not counted.
        customers: Id and attributes of each.
    """

    first_row: int
    customers: list[tuple[str, Mapping[str, AttributeValue]]]


class CustomerTable:
    """A file of customers, one a row."""

    def __init__(self, path: Path, id_column: str, schema: Mapping[str, str] | None = None) -> None:
        """Reads the file.

        Args:
            path: Parquet, CSV, TSV or NDJSON, by its suffix.
            id_column: Holds the customers' ids; of text or whole numbers.
            schema: Attribute name -> type of `schema.yaml`; columns that it does not name are left out, and
                the others are cast to it. None: every column is taken as it is.

        Raises:
            CommandError: The file cannot be read, has no such column, or one whose type no attribute can
                have.
        """
        frame = _read(path)
        if id_column not in frame.columns:
            raise CommandError(
                f"`{path}` has no column `{id_column}`",
                f"name the column of customer ids with --id; there are {', '.join(frame.columns[:12])}",
                ExitCode.USAGE,
                "--id",
            )
        self.attributes = [
            name for name in frame.columns if name != id_column and (schema is None or name in schema)
        ]
        self.left_out = [name for name in frame.columns if name not in {id_column, *self.attributes}]
        columns = [
            _attribute_column(path, frame[name], (schema or {}).get(name, "")) for name in self.attributes
        ]
        self._ids = _id_column(path, frame[id_column])
        self._frame = pl.DataFrame(columns)
        self.row_count = len(frame)

    def batches(self) -> Iterator[Batch]:
        """Yields all rows in their order, `CUSTOMERS_PER_CALL_MAX` at a time."""
        for start in range(0, self.row_count, CUSTOMERS_PER_CALL_MAX):
            ids = self._ids.slice(start, CUSTOMERS_PER_CALL_MAX).to_list()
            if self.attributes:
                rows = self._frame.slice(start, CUSTOMERS_PER_CALL_MAX).to_dicts()
            else:
                rows = [{} for _ in ids]
            yield Batch(start + 1, list(zip([id_ or "" for id_ in ids], rows, strict=True)))


def _read(path: Path) -> pl.DataFrame:
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise CommandError(
            f"`{path}` is of no kind that can be read",
            f"use a file of {', '.join(_SUFFIXES)}",
            ExitCode.USAGE,
        )
    try:
        match suffix:
            case ".parquet":
                return pl.read_parquet(path)
            case ".ndjson" | ".jsonl":
                return pl.read_ndjson(path, infer_schema_length=None)
            case _:
                separator = "\t" if suffix == ".tsv" else ","
                return pl.read_csv(path, separator=separator, infer_schema_length=None, try_parse_dates=True)
    except OSError as error:
        raise CommandError(f"`{path}` cannot be read: {error}", "check the path", ExitCode.USAGE) from None
    except pl.exceptions.PolarsError as error:
        reason = str(error).split("\n", 1)[0]
        raise CommandError(f"`{path}` cannot be read: {reason}", "check the file", ExitCode.USAGE) from None


def _id_column(path: Path, column: pl.Series) -> pl.Series:
    if column.dtype.is_integer() or column.dtype in {pl.String, pl.Categorical, pl.Enum}:
        return column.cast(pl.String)
    raise CommandError(
        f"the column `{column.name}` of `{path}` holds {column.dtype}, ids are text or whole numbers",
        "name another column with --id",
        ExitCode.USAGE,
        "--id",
    )


def _attribute_column(path: Path, column: pl.Series, kind: str) -> pl.Series:
    """Casts a column to one of the types that attributes have."""
    dtype = column.dtype
    target = _target(dtype, kind)
    if target is None:
        raise CommandError(
            f"the column `{column.name}` of `{path}` holds {dtype}, which no attribute can",
            "leave it out of the file, or cast it to a number, text, boolean, time or list",
            ExitCode.USAGE,
            column.name,
        )
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
        column = column.dt.replace_time_zone("UTC")
    cast = column.cast(target)
    return cast.fill_nan(None) if target == pl.Float64 else cast


def _target(dtype: pl.DataType, kind: str) -> pl.DataType | None:
    moment = pl.Datetime("us", "UTC")
    found: pl.DataType | None = None
    if isinstance(dtype, pl.List | pl.Array):
        found = _list_target(dtype.inner)
    elif dtype.is_integer() or dtype.is_float() or dtype.is_decimal():
        found = pl.Int64() if dtype.is_integer() and kind != "double" and dtype != pl.UInt64 else pl.Float64()
        found = pl.UInt64() if dtype == pl.UInt64 and kind != "double" else found
    elif isinstance(dtype, pl.Boolean | pl.String | pl.Null):
        found = dtype
    elif isinstance(dtype, pl.Categorical | pl.Enum):
        found = pl.String()
    elif isinstance(dtype, pl.Datetime | pl.Date):
        found = moment
    elif isinstance(dtype, pl.Duration):
        found = pl.Duration("us")
    return found


def _list_target(inner: object) -> pl.DataType | None:
    # A column of nothing but empty lists does not tell its type; an empty list is of either.
    if isinstance(inner, pl.String | pl.Categorical | pl.Enum | pl.Null):
        return pl.List(pl.String)
    if isinstance(inner, pl.DataType) and inner.is_integer():
        return pl.List(pl.Int64)
    return None


def column_of(field: str, columns: Sequence[str]) -> tuple[int, str] | None:
    """Finds row (from 0, within the call) and column that an error is about.

    Args:
        field: Such as `customers[12].attributes[3].value`, or `customers[12].balance`.
        columns: The attributes, in the order they were sent.

    Returns:
        None when the field names no customer; an empty column when it names no attribute.
    """
    head, _, rest = field.partition(".")
    if not head.startswith("customers[") or not head.endswith("]"):
        return None
    row = int(head[len("customers[") : -1])
    if rest.startswith("attributes["):
        index = int(rest[len("attributes[") : rest.index("]")])
        return row, columns[index] if index < len(columns) else ""
    return row, rest
