"""A file of rows -> its columns in the file's types: text of CSV, JSON values of NDJSON, types of Parquet.

This module infers no types: `cast_column` applies the schema; without a schema, `inference` chooses a type.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from nextbest.casting.form import Form
from nextbest.casting.ndjson import read_lines
from nextbest.casting.refusal import CastError
from nextbest.casting.separated import read_separated
from nextbest.regular_file import open_file

SUFFIXES: Final = (".parquet", ".csv", ".tsv", ".ndjson", ".jsonl")


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was read.

    Attributes:
        columns: By name, in the order of the file, all of the same length.
        is_text: Whether the file format has no types, only text.
        absent: By column, the rows that do not have the key at all, as opposed to an explicit null.
    """

    columns: dict[str, pl.Series]
    is_text: bool = False
    absent: dict[str, pl.Series] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        """The number of rows, without a header."""
        return len(next(iter(self.columns.values()), ()))


def read_table(path: Path, form: Form | None = None, suffixes: tuple[str, ...] = SUFFIXES) -> Table:
    """Reads a file of rows.

    Args:
        path: Parquet, CSV, TSV or NDJSON, by its suffix.
        form: How a CSV or TSV file is written; None: UTF-8, with commas or tabs.
        suffixes: The accepted kinds of file.

    Raises:
        CastError: It is another kind of file, or its content is not valid for its kind.
        OSError: It cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        raise CastError(f"`{path}` is not a supported kind of file", f"give a file of {', '.join(suffixes)}")
    form = form or Form()
    if suffix not in {".csv", ".tsv"} and form != Form(can_be_given=form.can_be_given):
        remedy = "leave out --separator and --encoding"
        raise CastError(f"`{path}` is not CSV: a separator and an encoding apply to CSV only", remedy)
    match suffix:
        case ".parquet":
            return Table(_read_parquet(path))
        case ".ndjson" | ".jsonl":
            columns, absent = read_lines(path)
            return Table(columns, absent=absent)
        case _:
            form = form if form.separator or suffix == ".csv" else form.with_separator("\t")
            return Table(read_separated(path, form), is_text=True)


def _read_parquet(path: Path) -> dict[str, pl.Series]:
    with open_file(path) as file:
        try:
            return {series.name: series for series in pl.read_parquet(file)}
        except pl.exceptions.PolarsError as error:
            reason = str(error).split("\n", 1)[0]
            raise CastError(f"`{path}` cannot be read: {reason}", "check the file") from None
