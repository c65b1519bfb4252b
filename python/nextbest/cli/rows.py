"""A table of customers in a file -> batches of customers for `Upsert`, or one customer of it.

Columns map to attributes of the same name, and are cast to the types of a schema; without one, Parquet and
NDJSON bring their own types, and those of CSV are inferred from the whole column. A null is an absent
attribute; an attribute that a line of NDJSON does not name is left as it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from nextbest.casting import IDENTIFIER, CastError, Schema
from nextbest.casting.column import Column, cast_column
from nextbest.casting.days import has_dates
from nextbest.casting.form import Form
from nextbest.casting.inference import infer
from nextbest.casting.table import Table, read_table
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError
from nextbest.client.attributes import AttributeValue
from nextbest.client.encoding import CUSTOMERS_PER_CALL_MAX
from nextbest.diagnostics.suggestion import nearest


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not stored.

    Attributes:
        row: From 1; a header is not counted.
        column: Empty when the row as a whole is at fault.
        message: Why.
    """

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of the file.

    Attributes:
        row_count: How many rows it is made of.
        customers: Row, id and attributes of those that can be sent.
        refusals: The refused rows.
    """

    row_count: int
    customers: list[tuple[int, str, Mapping[str, AttributeValue]]]
    refusals: list[Refusal]


@dataclass(frozen=True, slots=True)
class Found:
    """One customer of a file.

    Attributes:
        attributes: The customer's attributes in the file.
        columns: The columns that are attributes.
        left_out: Columns that the schema does not have.
    """

    attributes: dict[str, AttributeValue]
    columns: list[str]
    left_out: list[str]


class CustomerTable:
    """A file of customers, one a row."""

    def __init__(
        self, path: Path, id_column: str, schema: Schema | None = None, form: Form | None = None
    ) -> None:
        """Reads the file.

        Args:
            path: Parquet, CSV, TSV or NDJSON, by its suffix.
            id_column: The column of the customers' ids; text or whole numbers.
            schema: Columns that it does not name are left out, and the others are cast to it. Empty: only ids
                are read. None: every column is read, with an inferred type.
            form: How a CSV file is written.

        Raises:
            CommandError: The file cannot be read, lacks the id column, has a column of an unsupported type,
                or has no column that is an attribute of the schema.
        """
        table = _read(path, id_column, form)
        ids = _column(path, table.columns[id_column], IDENTIFIER)
        self.row_count = table.row_count
        self.attributes = [name for name in table.columns if _is_taken(name, id_column, schema)]
        self.left_out = _left_out(path, table, id_column, self.attributes, schema)
        named = ids.values.drop_nulls()
        self.repeated_count = len(named) - named.n_unique()
        columns = _attributes(path, table, self.attributes, schema)
        self.dates_of_utc = [
            name for name in self.attributes if schema is None and has_dates(table.columns[name])
        ]
        self._ids = ids.values
        self._frame = pl.DataFrame([column.values for column in columns])
        self._absent = {name: table.absent[name] for name in self.attributes if name in table.absent}
        self._refusals: dict[int, Refusal] = {}
        for name, column in zip((id_column, *self.attributes), (ids, *columns), strict=True):
            for row, error in column.refusals.items():
                self._refusals.setdefault(row, Refusal(row + 1, name, f"{error.message}: {error.help}"))

    def batches(self) -> Iterator[Batch]:
        """Yields all rows in their order, `CUSTOMERS_PER_CALL_MAX` at a time."""
        for start in range(0, self.row_count, CUSTOMERS_PER_CALL_MAX):
            ids = self._ids.slice(start, CUSTOMERS_PER_CALL_MAX).to_list()
            if self.attributes:
                rows = self._frame.slice(start, CUSTOMERS_PER_CALL_MAX).to_dicts()
            else:
                rows = [{} for _ in ids]
            self._leave_out(start, rows)
            refused = [row for row in range(start, start + len(ids)) if row in self._refusals]
            customers: list[tuple[int, str, Mapping[str, AttributeValue]]] = [
                (row + 1, id_, attributes)
                for row, (id_, attributes) in enumerate(zip(ids, rows, strict=True), start)
                if row not in self._refusals
            ]
            yield Batch(len(ids), customers, [self._refusals[row] for row in refused])

    def _leave_out(self, start: int, rows: list[dict[str, AttributeValue]]) -> None:
        """Removes attributes that rows do not name: as missing values they would remove stored ones."""
        for name, absent in self._absent.items():
            for row in absent.slice(start, len(rows)).arg_true():
                del rows[int(row)][name]


def find_customer(
    path: Path, id_column: str, customer_id: str, schema: Schema, form: Form | None = None
) -> Found:
    """Looks up one customer in a file; a later row takes precedence, as when they are loaded.

    Args:
        path: As for `CustomerTable`.
        id_column: The column of ids, by the same name.
        customer_id: The customer to look up.
        schema: Of the bundle.
        form: How a CSV file is written.

    Raises:
        CommandError: The file cannot be read, does not have the customer, or has a value that is not of its
            attribute's type, or none of its columns is an attribute.
    """
    table = _read(path, id_column, form)
    names = [name for name in table.columns if _is_taken(name, id_column, schema)]
    left_out = _left_out(path, table, id_column, names, schema)
    ids = _column(path, table.columns[id_column], IDENTIFIER).values
    is_wanted = (ids == customer_id).fill_null(value=False)
    rows = [int(row) for row in is_wanted.arg_true()]
    if not rows:
        known = ids.drop_nulls().unique().sort().to_list()
        best = nearest(customer_id, known)
        remedy = f"its column `{id_column}` has {len(known):,} ids; --id-column names another column"
        if best is not None:
            remedy = f"did you mean `{best}`?"
        message = f"`{path}` has no customer `{customer_id}`"
        raise CommandError(message, remedy, ExitCode.REFUSED, "--customer-id")
    found = Table({name: series.gather(rows) for name, series in table.columns.items()}, table.is_text)
    attributes: dict[str, AttributeValue] = {}
    columns = _attributes(path, found, names, schema)
    for name, column in zip(names, columns, strict=True):
        for row, error in column.refusals.items():
            message = f"row {rows[row] + 1} of `{path}`, column `{name}`: {error.message}"
            raise CommandError(message, error.help, ExitCode.USAGE, "--customers")
        absent = table.absent[name].gather(rows) if name in table.absent else None
        named = column.values if absent is None else column.values.filter(~absent)
        if len(named):
            attributes[name] = named.to_list()[-1]
    return Found(attributes, names, left_out)


def suggestions(left_out: list[str], schema: Schema, attributes: list[str]) -> str:
    """Lists columns that a schema does not have, each with the most similar attribute."""
    absent = [name for name in schema if name not in attributes]
    listed = []
    for name in left_out:
        best = nearest(name.removeprefix("customer."), absent)
        listed.append(f"{name} (did you mean `{best}`?)" if best is not None else name)
    return ", ".join(listed)


def _is_taken(name: str, id_column: str, schema: Schema | None) -> bool:
    return name != id_column and (schema is None or name in schema)


def _left_out(path: Path, table: Table, id_column: str, taken: list[str], schema: Schema | None) -> list[str]:
    """The columns that the schema does not have; if no column is left, that is an error."""
    left_out = [name for name in table.columns if name not in {id_column, *taken}]
    if schema and left_out and not taken:
        remedy = f"use the names of attributes as column names; there are {suggestions(left_out, schema, [])}"
        raise CommandError(f"no column of `{path}` is an attribute", remedy, ExitCode.USAGE)
    return left_out


def _read(path: Path, id_column: str, form: Form | None) -> Table:
    try:
        table = read_table(path, form)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(f"`{path}` cannot be read: {reason}", "check the path", ExitCode.USAGE) from None
    except CastError as error:
        raise CommandError(error.message, error.help, ExitCode.USAGE) from None
    if id_column in table.columns:
        return table
    names = list(table.columns)
    best = nearest(id_column, names)
    there = f"did you mean `{best}`?" if best is not None else f"there are {', '.join(names[:12])}"
    raise CommandError(
        f"`{path}` has no column `{id_column}`",
        f"name the column of customer ids; {there}",
        ExitCode.USAGE,
        "--id-column",
    )


def _column(path: Path, series: pl.Series, kind: str, zone: str = "") -> Column:
    try:
        return cast_column(series, kind, zone)
    except CastError as error:
        message = f"the column `{series.name}` of `{path}`: {error.message}"
        raise CommandError(message, error.help, ExitCode.USAGE, series.name) from None


def _attributes(path: Path, table: Table, names: list[str], schema: Schema | None) -> list[Column]:
    columns = []
    for name in names:
        series = table.columns[name]
        try:
            kind = infer(series, is_text=table.is_text) if schema is None else schema[name]
        except CastError as error:
            raise CommandError(f"`{path}`: {error.message}", error.help, ExitCode.USAGE, name) from None
        columns.append(_column(path, series, kind, schema.time_zone if schema is not None else ""))
    return columns
