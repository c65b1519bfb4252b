"""A binding and the signature of a pushed model -> its columns by name, and the tables that fill them."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from nextbest.casting.form import Form
from nextbest.diagnostics import Diagnostic, Severity
from nextbest.models import ModelError, Signature
from nextbest.models.refusal import ROWS
from nextbest.models.rows import (
    BACKGROUND_ROWS_MAX,
    GOLDEN_ROWS_MAX,
    InputColumn,
    InputTable,
    Table,
    drop_unanswerable,
    names_of,
    read_table,
    sample,
    unbound_inputs,
)
from nextbest.registry import manifest as manifests
from nextbest.v1 import customer_pb2
from nextbest.workspace.binding import Binder, Input, labels_of_output
from nextbest.workspace.conditions import Conditions
from nextbest.workspace.definitions import BindingFile, Kind, SchemaFile
from nextbest.workspace.document import Document
from nextbest.workspace.files import read_file
from nextbest.workspace.load import Source, Workspace
from nextbest.workspace.matching import describe_matches, describe_misses
from nextbest.workspace.source import FILE_BYTES_MAX, parse
from nextbest.workspace.validation import validate

_IN_A_FILE: Final = ", in a file for --inputs (`nextbest model bind` writes a draft)"


@dataclass(frozen=True, slots=True)
class Bound:
    """A model with its columns named.

    Attributes:
        plain: The binding as the manifest stores it.
        tables: Its inputs; empty for an input with an unknown number of columns.
        diagnostics: The findings.
    """

    plain: manifests.Binding
    tables: list[InputTable]
    diagnostics: list[Diagnostic]


def bind_columns(root: Path, definition: BindingFile, document: Document, signature: Signature) -> Bound:
    """Binds the columns of a model that is pushed.

    Args:
        root: The workspace whose schema types the attributes, if it has one.
        definition: What is bound; without inputs, columns are named by position.
        document: Where the binding is written; without a node, nowhere.
        signature: The signature of the model.
    """
    workspace, is_typed = schema_alone(root)
    binder = Binder(workspace, definition, document, document)

    def plain(inputs: dict[str, list[manifests.BoundColumn]], output: str, column: int) -> manifests.Binding:
        labels = labels_of_output(signature, output)
        label = labels.of(column) if labels is not None else ""
        return manifests.Binding(inputs, output, column, definition.prior, label, definition.is_row_by_row)

    if not definition.inputs and not _is_named(binder, signature):
        output, column = binder.output(signature)
        found = _placed(binder.diagnostics + _half_named(binder, signature), document)
        return Bound(plain({}, output, column), unbound_inputs(signature), found)
    inputs, output, column = binder.bind(signature)
    found = list(binder.diagnostics)
    if is_typed:
        conditions = Conditions(workspace)
        for given in inputs:
            for bound in given.columns:
                conditions.reference(document, bound.path, bound.reference)
        found += conditions.diagnostics
    tables = [table_of(given) for given in inputs]
    written = {
        table.name: [_written(column, is_by_name=table.name in binder.by_name) for column in table.columns]
        for table in tables
    }
    return Bound(plain(written, output, column), tables, _placed(found, document))


def _is_named(binder: Binder, signature: Signature) -> bool:
    """Whether every column of every input has the name of an attribute."""
    matches = [binder.match(tensor) for tensor in signature.inputs]
    return all(found and all(match.reference is not None for match in found) for found in matches)


def _half_named(binder: Binder, signature: Signature) -> list[Diagnostic]:
    """Explains why a version is not bound if only some of its columns have names of attributes."""
    matches = [match for tensor in signature.inputs for match in binder.match(tensor)]
    found = [match for match in matches if match.reference is not None]
    if not found:
        return []
    misses = describe_misses([match for match in matches if match.reference is None])
    message = f"not bound: only some columns have the names of attributes, {describe_matches(found)}"
    remedy = "give --inputs: `nextbest model bind` writes a draft"
    return [Diagnostic("NB685", message, None, f"{remedy} ({misses})" if misses else remedy, Severity.NOTE)]


def _placed(diagnostics: list[Diagnostic], document: Document) -> list[Diagnostic]:
    """Findings about a file; without a file, they have no position."""
    if document.node is not None:
        return diagnostics
    return [
        replace(diagnostic, position=None, help=f"{diagnostic.help}{_IN_A_FILE}")
        if "--inputs" not in diagnostic.help
        else replace(diagnostic, position=None)
        for diagnostic in diagnostics
    ]


def read_tables(
    golden: Path | None, background: Path | None, inputs: list[InputTable], form: Form | None = None
) -> tuple[Table | None, Table | None]:
    """Reads golden rows and a background sample, of which at most `BACKGROUND_ROWS_MAX` are kept.

    Args:
        golden: Rows with expected scores.
        background: A sample of real rows.
        inputs: The inputs of the model.
        form: How CSV files are written.

    Raises:
        ModelError: NB663: the rows do not fit the model.
    """
    if golden is None and background is None:
        return None, None
    for given in inputs:
        if not given.columns:
            message = f"the input `{given.name}` has an unknown number of columns"
            raise ModelError(message, "bind it with --inputs", ROWS)
    known, occurring = None, None
    if golden is not None:
        known = read_table(golden, inputs, "golden rows", form, with_expected=True)
        if len(known.frame) > GOLDEN_ROWS_MAX:
            message = (
                f"there are {len(known.frame):,} golden rows, but at most {GOLDEN_ROWS_MAX:,} are compared"
            )
            raise ModelError(message, "give a sample of these rows", ROWS)
    if background is not None:
        table = read_table(background, inputs, "rows of the background sample", form, with_expected=False)
        occurring = sample(drop_unanswerable(table, inputs), BACKGROUND_ROWS_MAX)
    return known, occurring


def schema_alone(root: Path) -> tuple[Workspace, bool]:
    """A workspace that consists of its schema only, if the schema can be read."""
    workspace = Workspace(root)
    try:
        document, _ = parse("schema.yaml", read_file(root / "schema.yaml", FILE_BYTES_MAX))
    except OSError:
        return workspace, False
    if document.node is None:
        return workspace, False
    workspace.names.add(Kind.SCHEMA, document)
    definition, _ = validate(document, Kind.SCHEMA)
    if not isinstance(definition, SchemaFile):
        return workspace, False
    workspace.schema = Source(document, definition)
    return workspace, True


def table_of(given: Input) -> InputTable:
    """An input with the column names that a table may use."""
    columns = tuple(
        InputColumn(names_of(bound.reference, given.name, index, len(given.columns)), _plain(bound.missing))
        for index, bound in enumerate(given.columns)
    )
    return InputTable(given.name, given.element, columns)


def _written(column: InputColumn, *, is_by_name: bool) -> manifests.BoundColumn:
    missing = "" if column.missing is None else json.dumps(column.missing)
    return manifests.BoundColumn(column.names[0], missing, is_by_name)


def _plain(value: customer_pb2.Value | None) -> Any:
    kind = value.WhichOneof("kind") if value is not None else None
    return getattr(value, kind) if kind is not None else None
