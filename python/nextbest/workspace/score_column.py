"""A column of scores by number or by class, as in bindings and actions -> the column, or the finding.

A number counts columns from 0, and a text names a class, also where classes are whole numbers: `"2"`.
"""

from dataclasses import dataclass

from nextbest.diagnostics import Remedy, Severity
from nextbest.diagnostics.suggestion import one_of, suggest
from nextbest.models import Labels, Tensor
from nextbest.workspace.scalar import quote


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the name of a column is not valid: a diagnostic without its position."""

    code: str
    message: str
    help: str
    severity: Severity = Severity.ERROR


def positive_column(tensor: Tensor, wanted: int | str | None) -> tuple[int, Problem | None]:
    """Finds the column of the positive class.

    Args:
        tensor: The output of scores.
        wanted: From the binding; None: the second column, or the only one. Classes that are texts are sorted
            alphabetically, which does not show the positive one: then it is required.
    """
    if wanted is not None:
        return find_column(tensor, wanted, "positive_class")
    labels = tensor.labels
    if labels is not None and labels.are_texts and len(labels.names) > 1:
        message = f"`positive_class` is missing: of the output `{tensor.name}`, {labels.listed()}"
        classes = one_of([f"positive_class: {quoted(name)}" for name in labels.names])
        return 0, Problem("NB676", message, f'add the class that means "accepts": {classes}')
    return 0 if tensor.width == 1 else 1, None


def find_column(tensor: Tensor, wanted: int | str, key: str) -> tuple[int, Problem | None]:
    """Finds a column of scores.

    Args:
        tensor: The output.
        wanted: A column from 0, or a class.
        key: What it is written under.
    """
    if isinstance(wanted, str):
        return _of_class(tensor, wanted)
    columns, labels = tensor.width, tensor.labels
    if columns is not None and wanted >= columns:
        message = f"the output `{tensor.name}` has {columns} column{'s' if columns > 1 else ''}"
        return wanted, Problem("NB611", message, _remedy(labels, wanted, columns))
    if labels is not None and labels.column(str(wanted)) not in {None, wanted}:
        message = (
            f"`{key}: {wanted}` is column {wanted} of the output `{tensor.name}`, the class "
            f"`{labels.of(wanted)}`; the class `{wanted}` is column {labels.column(str(wanted))}"
        )
        remedy = f'write the class, in quotes: `{key}: "{labels.of(wanted)}"` or `{key}: "{wanted}"`'
        return wanted, Problem("NB678", message, remedy, Severity.WARNING)
    return wanted, None


def quoted(label: str) -> str:
    """A class as YAML: in quotes if it would be read as another type."""
    return quote(label, "") or f'"{label}"'


def _of_class(tensor: Tensor, wanted: str) -> tuple[int, Problem | None]:
    labels = tensor.labels
    if labels is None:
        columns = tensor.width
        last = "" if columns is None else f" to {columns - 1}"
        remedy = f"write the number of the column, from 0{last}"
        if wanted.isdecimal() and (columns is None or int(wanted) < columns):
            remedy = Remedy("write the number of the column, without quotes: {}", wanted)
        message = f"the classes of the output `{tensor.name}` have no names in the model"
        return 0, Problem("NB611", message, remedy)
    column = labels.column(wanted)
    if column is not None:
        return column, None
    message = f"`{wanted}` is not a class of the output `{tensor.name}`"
    return 0, Problem(
        "NB611", message, suggest(wanted, labels.names, otherwise=f"its classes are {labels.choices()}")
    )


def _remedy(labels: Labels | None, wanted: int, columns: int) -> str:
    if labels is not None and labels.column(str(wanted)) is not None:
        return Remedy("columns count from 0; write the class in quotes: {}", f'"{wanted}"')
    if columns > 5:
        return f"columns count from 0: use one from 0 to {columns - 1}"
    return f"columns count from 0: use {one_of([str(column) for column in range(columns)])}"
