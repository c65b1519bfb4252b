"""An ONNX file and a workspace's schema -> a draft of a binding, as YAML with a comment on each line.

Unambiguous bindings are filled in (`matching`). The others have no value: a push refuses the file until a
person has written one. A separate process opens the file, as for every model from outside.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from nextbest.diagnostics import Diagnostic
from nextbest.diagnostics.suggestion import one_of
from nextbest.models import SIZE_BYTES_MAX, ModelError, Signature, Tensor
from nextbest.models.job import Job, Plan
from nextbest.models.validation import validate
from nextbest.models.zipmap import strip_zipmap
from nextbest.printable import printable
from nextbest.workspace.binding import Binder, labels_of_output
from nextbest.workspace.columns import schema_alone
from nextbest.workspace.definitions import BindingFile
from nextbest.workspace.document import Document
from nextbest.workspace.elements import FITTING
from nextbest.workspace.files import read_file
from nextbest.workspace.load import Progress, ignore
from nextbest.workspace.matching import Match, names_of_columns
from nextbest.workspace.scalar import quote

_COLUMNS_MAX = 10_000
_KEY_LENGTH_MAX = 1_000
"""YAML limits keys to 1,024 characters."""
_SHOWN_MAX = 200
_HEAD = (
    "# Fill in the missing values, and check that columns are in the order of training. If an attribute is",
    "# absent, float32 and float64 are NaN; with other types the model has no score, and the prior replaces",
    "# it, unless the entry has a value for it: {attribute: customer.job, missing: unknown}",
)
_TAIL = (
    "# Used when the model has no score: for example the share of customers who accepted in training.",
    "# prior: 0.02",
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A binding that may have missing values.

    Attributes:
        text: YAML.
        by_name: The columns that are filled in.
        missing: The values that are not, as `X[3]` or `output`.
        has_schema: Whether there were attributes to compare names with.
    """

    text: str
    by_name: list[Match]
    missing: list[str]
    has_schema: bool = True


def propose(
    model: Path, root: Path, *, any_operator: bool = False, progress: Progress = ignore
) -> tuple[Proposal | None, list[Diagnostic]]:
    """Proposes a binding.

    Args:
        model: The ONNX file.
        root: Of the workspace whose schema has the attributes.
        any_operator: Accept every standard operator whose memory and time are bounded.
        progress: Called with the stages of the inspection.

    Returns:
        The binding; None with the reasons where the model is refused.

    Raises:
        OSError: The file cannot be read.
    """
    onnx = read_file(model, SIZE_BYTES_MAX)
    with contextlib.suppress(ModelError):
        # The separate process finds these errors again.
        onnx = strip_zipmap(onnx, any_operator=any_operator)
    found = validate(Job(onnx, Plan.INSPECTION, any_operator=any_operator), progress=progress)
    if found.report is None or found.refusals:
        return None, [Diagnostic(one.code, one.message, None, one.help) for one in found.refusals]
    nowhere = Document("", ())
    workspace, has_schema = schema_alone(root)
    binder = Binder(workspace, BindingFile(), nowhere, nowhere)
    proposal = _Writer(model.name, found.report.facts.signature, binder).write()
    return replace(proposal, has_schema=has_schema), []


class _Writer:
    def __init__(self, file: str, signature: Signature, binder: Binder) -> None:
        self._file = file
        self._signature = signature
        self._binder = binder
        self._by_name: list[Match] = []
        self._missing: list[str] = []

    def write(self) -> Proposal:
        lines = [f"# Where the inputs of {printable(self._file)} come from.", *_HEAD, "inputs:"]
        for tensor in self._signature.inputs:
            lines += self._input(tensor)
        lines += [*self._output(), *_TAIL]
        return Proposal("".join(f"{line}\n" for line in lines), self._by_name, self._missing)

    def _input(self, tensor: Tensor) -> Iterator[str]:
        key = _written(tensor.name)
        if len(key) > _KEY_LENGTH_MAX:
            self._missing.append(_shown(tensor.name))
            count = f"its name has {len(tensor.name):,} characters"
            yield f"  # {_shown(tensor.name)} cannot be bound: {count}; export it with a shorter one"
            return
        if tensor.element not in FITTING or len(tensor.shape) not in {1, 2}:
            self._missing.append(tensor.name)
            kind = printable(tensor.type_text)
            yield f"  {key}:  # cannot be bound: {kind}; export it with inputs of [rows, columns]"
            return
        matches = self._binder.match(tensor)
        width = tensor.width
        if width == 1 and not tensor.columns:
            yield _line(f"  {key}:", *self._value(tensor.name, tensor.name, matches[0], tensor.element.value))
            return
        count = "the same number of columns as in training" if width is None else f"{width} columns"
        yield f"  {key}:  # {tensor.element.value}, {count}"
        names = names_of_columns(tensor)
        for index in range(min(len(names) or width or 1, _COLUMNS_MAX)):
            place = f"{tensor.name}[{index}]"
            match = matches[index] if matches else Match("", None)
            yield _line("    -", *self._value(place, names[index] if names else place, match, ""))

    def _value(self, place: str, name: str, match: Match, kind: str) -> tuple[str, str]:
        """The value of a column, empty if a person has to fill it in, and the comment beside it."""
        about = kind or _shown(name)
        if match.reference is not None:
            self._by_name.append(match)
            return match.reference, f"{about}, by its name"
        self._missing.append(place)
        if match.reason:
            return "", f"{about}; {printable(match.reason.replace('`', ''))}"
        return "", f"{about}; may be {match.nearest}" if match.nearest is not None else about

    def _output(self) -> Iterator[str]:
        name, column = self._binder.output(self._signature)
        tensor = next((tensor for tensor in self._signature.outputs if tensor.name == name), None)
        if tensor is None:
            self._missing.append("output")
            suitable = [output.name for output in self._signature.outputs if output.is_scores]
            choices = printable(one_of(suitable).replace("`", "")) if suitable else "none holds probabilities"
            yield f"output:  # the one with the probabilities: {choices}"
            return
        yield _line("output:", _written(name), f"{tensor.element.value}, the probabilities")
        yield from self._positive(tensor, column)

    def _positive(self, tensor: Tensor, column: int) -> Iterator[str]:
        """The class that means "accepts": its column, or no value if classes are texts."""
        count = tensor.width
        labels = labels_of_output(self._signature, tensor.name)
        if labels is not None and labels.are_texts and count != 1:
            self._missing.append("positive_class")
            yield f'positive_class:  # the class that means "accepts": {printable(labels.choices())}'
        elif count != 1:
            columns = f"of {count} columns" if count is not None else "column"
            about = f'{columns}, from 0: the one that means "accepts"'
            listed = f" ({printable(labels.listed())})" if labels is not None else ""
            yield _line("positive_class:", str(column), f"{about}{listed}")


def _shown(name: str) -> str:
    """A name for a comment."""
    text = printable(name[:_SHOWN_MAX])
    return f"{text}..." if len(name) > _SHOWN_MAX else text


def _line(key: str, value: str, comment: str) -> str:
    return f"{key} {value}".rstrip() + (f"  # {comment}" if comment else "")


def _written(text: str) -> str:
    """A text as YAML on one line, whatever it contains."""
    written = quote(text, "") if text.isprintable() else None
    if written is not None:
        return written
    escaped = "".join(
        character if character.isprintable() and character not in '"\\' else f"\\U{ord(character):08X}"
        for character in text
    )
    return f'"{escaped}"'
