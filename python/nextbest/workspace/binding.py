"""A model's file and its ONNX signature -> inputs bound to attributes, and what does not fit.

Does not report attributes that do not exist: the compiler of expressions resolves references.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nextbest.diagnostics import Diagnostic, Position, Severity
from nextbest.diagnostics.suggestion import nearest, one_of, suggest
from nextbest.expression import Type
from nextbest.models import SIZE_BYTES_MAX, Element, Labels, ModelError, Signature, Tensor, inspect
from nextbest.models.known_faults import find_faults_of_file
from nextbest.models.zipmap import strip_zipmap
from nextbest.v1 import customer_pb2
from nextbest.workspace.baseline import Baseline
from nextbest.workspace.definitions import (
    AttributeDefinition,
    BindingFile,
    ColumnDefinition,
    ModelFile,
    PropensityDefinition,
)
from nextbest.workspace.document import Document
from nextbest.workspace.elements import ELEMENT_WORDS, FITTING, encode_missing
from nextbest.workspace.files import read_file
from nextbest.workspace.load import Progress, Source, Workspace
from nextbest.workspace.matching import Match, Matcher, describe_matches, describe_misses
from nextbest.workspace.score_column import Problem, find_column, positive_column
from nextbest.workspace.versions import Resolved

Bindable = str | ColumnDefinition | Sequence[str | ColumnDefinition]
"""What an input is bound to: an attribute, or one for each column."""
_NO_PROBABILITIES = "export it with an output of probabilities: floats of the shape [rows, classes]"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an input: its attribute, where that is written, and its value for a missing attribute."""

    reference: str
    path: tuple[str | int, ...]
    missing: customer_pb2.Value | None


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a model, with its columns in their order."""

    name: str
    element: Element
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Binding:
    """A model with the inputs that could be bound; complete if there are no findings.

    Attributes:
        source: The model file.
        document: Where its inputs are bound: the model file, or the binding that its version was pushed with.
        onnx: Its bytes.
        inputs: In the graph's order.
        output: Holds the propensities.
        positive_column: Of the output, from 0.
        labels: Of the output's columns, where the model has them.
        baseline: Of the version that the model file names; None for a plain file.
    """

    source: Source[ModelFile]
    document: Document
    onnx: bytes
    inputs: tuple[Input, ...]
    output: str
    positive_column: int
    labels: Labels | None
    baseline: Baseline | None


def bind(
    workspace: Workspace, versions: Mapping[str, Resolved], progress: Progress
) -> tuple[list[Binding], list[Diagnostic]]:
    """Reads the ONNX files of a workspace and binds their inputs.

    Args:
        workspace: As loaded.
        versions: By model file, the versions that are named in place of a file.
        progress: Called for each model.

    Returns:
        The models that could be read, by name, and the findings.
    """
    bindings: list[Binding] = []
    diagnostics: list[Diagnostic] = []
    models = sorted(workspace.models, key=lambda source: (source.definition.name, source.document.file))
    used = _used(workspace)
    for done, source in enumerate(models):
        progress("models", done, len(models))
        name = source.definition.name
        if name not in used and workspace.has_sound_actions:
            remedy = f"write `propensity: {name}` with an action, or remove the file"
            position = source.document.value("name")
            diagnostics.append(
                Diagnostic("NB614", f"no action uses the model `{name}`", position, remedy, Severity.WARNING)
            )
        binding, found = _bind(workspace, source, versions.get(source.document.file))
        diagnostics += found
        if binding is not None:
            bindings.append(binding)
    return bindings, diagnostics


def _bind(
    workspace: Workspace, source: Source[ModelFile], resolved: Resolved | None
) -> tuple[Binding | None, list[Diagnostic]]:
    model, document = source.definition, source.document
    onnx, found = (resolved.onnx, []) if resolved is not None else _read(workspace.root, source)
    if onnx is None:
        return None, found
    try:
        onnx = strip_zipmap(onnx, any_operator=resolved is not None and resolved.any_operator)
        signature = inspect(onnx, any_operator=resolved is not None and resolved.any_operator)
    except ModelError as error:
        position = document.value("file" if resolved is None else "version")
        message = f"`{model.file or model.version}` is not usable: {error.message}"
        return None, [*found, Diagnostic("NB603", message, position, error.help)]
    written = resolved.binding if resolved is not None and resolved.binding is not None else document
    binder = Binder(workspace, model, document, written)
    baseline = resolved.baseline if resolved is not None else None
    inputs, output, column = binder.bind(signature)
    labels = labels_of_output(signature, output)
    binding = Binding(source, written, onnx, inputs, output, column, labels, baseline)
    if resolved is None:
        found += _faults(source, onnx)
    return binding, [*found, *binder.diagnostics, *_columns(workspace, binding, signature)]


def _faults(source: Source[ModelFile], onnx: bytes) -> list[Diagnostic]:
    """Warnings that a push would give, for a plain file."""
    name, position = source.definition.name, source.document.value("file")
    return [
        Diagnostic(fault.code, f"`{name}`: {fault.message}", position, fault.help, Severity.WARNING)
        for fault in find_faults_of_file(onnx)
    ]


def labels_of_output(signature: Signature, output: str) -> Labels | None:
    """The classes of an output's columns; None if the model does not name them."""
    return next((tensor.labels for tensor in signature.outputs if tensor.name == output), None)


def _columns(workspace: Workspace, binding: Binding, signature: Signature) -> Iterator[Diagnostic]:
    """Words which actions request a column that the output does not have."""
    tensor = next((tensor for tensor in signature.outputs if tensor.name == binding.output), None)
    if tensor is None:
        return
    for group in workspace.groups:
        for name, action in group.definition.actions.items():
            match action.propensity:
                case PropensityDefinition(model=model, column=(int() | str()) as column) if (
                    model == binding.source.definition.name
                ):
                    _, problem = find_column(tensor, column, "column")
                    position = group.document.value("actions", name, "propensity", "column")
                    if problem is not None:
                        yield _placed(problem, position)


def _placed(problem: Problem, position: Position) -> Diagnostic:
    return Diagnostic(problem.code, problem.message, position, problem.help, problem.severity)


def _used(workspace: Workspace) -> set[str]:
    used: set[str] = set()
    for group in workspace.groups:
        for action in group.definition.actions.values():
            match action.propensity:
                case PropensityDefinition(model=name):
                    used.add(name)
                case str() as name:
                    used.add(name)
    return used


def _read(root: Path, source: Source[ModelFile]) -> tuple[bytes | None, list[Diagnostic]]:
    if not source.definition.file or source.definition.version:
        # Reported already: neither of them is there, both are, or the version is not.
        return None, []
    position = source.document.value("file")
    written = source.definition.file
    folder = (root / source.document.file).parent
    path = (folder / written).resolve()
    if not path.is_relative_to(root.resolve()):
        remedy = "copy it into the workspace: files outside of it are not read"
        return None, [Diagnostic("NB616", f"`{written}` is outside the workspace", position, remedy)]
    try:
        return read_file(path, SIZE_BYTES_MAX), []
    except FileNotFoundError:
        known = sorted(other.name for other in folder.glob("*.onnx"))
        remedy = suggest(written, known, otherwise="put it beside this file, or correct the name")
        return None, [Diagnostic("NB602", f"there is no file `{written}`", position, remedy)]
    except OSError as error:
        message = f"`{written}` cannot be read: {(error.strerror or str(error)).lower()}"
        return None, [Diagnostic("NB602", message, position, "make it a regular file with read permission")]


class Binder:
    """Binds the inputs of a model to attributes.

    Attributes:
        diagnostics: The findings, after `bind` was called.
        by_name: The inputs without a binding whose names are names of attributes, after `bind` was called.
    """

    def __init__(
        self, workspace: Workspace, definition: BindingFile, document: Document, inputs: Document
    ) -> None:
        """Takes what is bound.

        Args:
            workspace: Its schema types the attributes; without one, any attribute fits.
            definition: What is bound, and what is the score.
            document: Where that is written.
            inputs: Where the inputs are bound, if not there.
        """
        self.diagnostics: list[Diagnostic] = []
        self._definition = definition
        self._document = document
        self._inputs = inputs
        self._attributes = dict(_attributes(workspace))
        types = {name: Type(attribute.type) for name, attribute in self._attributes.items()}
        self._matcher = Matcher(types)
        self.by_name: dict[str, list[Match]] = {}

    def bind(self, signature: Signature) -> tuple[tuple[Input, ...], str, int]:
        """Binds inputs; returns them with the output of the scores and the column of the positive class."""
        model = self._definition
        known = {tensor.name: tensor for tensor in signature.inputs}
        node = self._inputs.node
        given = node.child("inputs") if node is not None else None
        unknown = [name for name in model.inputs if name not in known]
        for name in unknown:
            if given is not None:
                remedy = suggest(name, known, otherwise=f"its inputs are {one_of(known)}")
                position = self._inputs.key(given, name)
                self._report("NB606", f"the model has no input `{name}`", position, remedy)
        inputs = []
        for tensor in signature.inputs:
            if tensor.name in model.inputs:
                inputs.append(self._input(tensor, model.inputs[tensor.name]))
            elif (given is None or tensor.name not in given.keys) and not nearest(tensor.name, unknown):
                inputs += self._bind_by_name(tensor)
        self._report_names()
        output, column = self.output(signature)
        return tuple(inputs), output, column

    def _report(self, code: str, message: str, position: Position, remedy: str) -> None:
        self.diagnostics.append(Diagnostic(code, message, position, remedy))

    def match(self, tensor: Tensor) -> list[Match]:
        """Finds the attributes whose names the columns of an input have."""
        return self._matcher.match(tensor, FITTING.get(tensor.element, frozenset()))

    def _bind_by_name(self, tensor: Tensor) -> list[Input]:
        matches = self.match(tensor)
        references = [match.reference for match in matches if match.reference is not None]
        if matches and len(references) == len(matches):
            self.by_name[tensor.name] = matches
            return [self._input(tensor, references if tensor.columns else references[0])]
        remedy = f"add `{tensor.name}:` with {_columns_wanted(tensor)}"
        if misses := describe_misses(matches):
            remedy += f" ({misses})"
        message = f"the model's input `{tensor.name}` is not bound"
        self._report("NB605", message, self._inputs.value("inputs"), remedy)
        return []

    def _report_names(self) -> None:
        if not self.by_name:
            return
        matches = [match for found in self.by_name.values() for match in found]
        message = f"bound by their names: {describe_matches(matches)}"
        remedy = "to bind one to another attribute, write it below `inputs:`"
        position = self._inputs.value("inputs")
        self.diagnostics.append(Diagnostic("NB685", message, position, remedy, Severity.NOTE))

    def _input(self, tensor: Tensor, given: Bindable) -> Input:
        path: tuple[str | int, ...] = ("inputs", tensor.name)
        columns = []
        for index, column in enumerate(given if isinstance(given, list) else [given]):
            columns.append(self._column(tensor, (*path, index) if isinstance(given, list) else path, column))
        position = self._inputs.value(*path)
        if len(tensor.shape) not in {1, 2} or tensor.element is Element.OTHER:
            remedy = (
                "export it with inputs of the shape [rows, columns] or [rows], of float, double, int64, "
                "string or bool"
            )
            message = f"the input `{tensor.name}` is {_described(tensor)}, which cannot be bound"
            self._report("NB608", message, position, remedy)
        elif tensor.shape[0] is not None:
            shape = "[None]" if tensor.is_vector else f"[None, {tensor.width or 'None'}]"
            remedy = f"export it with an open number of rows: {shape}"
            message = f"the input `{tensor.name}` takes exactly {tensor.shape[0]} rows at a time"
            self._report("NB612", message, position, remedy)
        elif tensor.width is not None and tensor.width != len(columns):
            count = f"{tensor.width} column{'s' * (tensor.width != 1)}"
            message = f"the input `{tensor.name}` has {count}, but {len(columns)} are bound"
            self._report("NB608", message, position, f"bind {_columns_wanted(tensor)}, in the model's order")
        return Input(tensor.name, tensor.element, tuple(columns))

    def _column(self, tensor: Tensor, path: tuple[str | int, ...], column: str | ColumnDefinition) -> Column:
        document = self._inputs
        if isinstance(column, str):
            reference, missing = column, None
        else:
            reference, missing = column.attribute, column.missing
        here = path if isinstance(column, str) else (*path, "attribute")
        attribute = self._attributes.get(reference)
        fitting = FITTING.get(tensor.element)
        if attribute is not None and fitting is not None and Type(attribute.type) not in fitting:
            words = ELEMENT_WORDS[tensor.element]
            message = f"`{reference}` is a {attribute.type}, but the input `{tensor.name}` takes {words}"
            remedy = f"bind an attribute of the type {one_of(sorted(fitting))}, or encode it in the model"
            self._report("NB607", message, document.value(*here), remedy)
        stands_in = encode_missing(tensor.element, missing)
        if missing is not None and stands_in is None and fitting is not None:
            position = document.value(*path, "missing")
            remedy = f"write {ELEMENT_WORDS[tensor.element]}: the model's input takes nothing else"
            written = document.written(*path, "missing")
            self._report("NB613", f"`missing: {written}` does not fit `{reference}`", position, remedy)
        return Column(reference, here, stands_in)

    def output(self, signature: Signature) -> tuple[str, int]:
        """Finds the output of the scores, and its column of the positive class."""
        model, document = self._definition, self._document
        tensors = {tensor.name: tensor for tensor in signature.outputs}
        if model.output is None:
            suitable = [tensor for tensor in tensors.values() if tensor.is_scores]
            if len(suitable) != 1:
                reason = "several outputs are possible" if suitable else "none of its outputs is possible"
                message = f"it is not clear which output holds the probabilities: {reason}"
                remedy = f"add `output:`, one of {one_of(tensors)}" if suitable else _NO_PROBABILITIES
                self._report("NB610", message, document.value("file"), remedy)
                return "", 0
            return suitable[0].name, self._positive(suitable[0])
        position = document.value("output")
        tensor = tensors.get(model.output)
        if tensor is None:
            remedy = suggest(model.output, tensors, otherwise=f"its outputs are {one_of(tensors)}")
            self._report("NB609", f"the model has no output `{model.output}`", position, remedy)
            return model.output, 0
        if not tensor.is_scores:
            message = f"the output `{tensor.name}` holds no probabilities: it is {_described(tensor)}"
            others = [other.name for other in tensors.values() if other.is_scores]
            remedy = f"use {one_of(others)}" if others else _NO_PROBABILITIES
            self._report("NB610", message, position, remedy)
            return model.output, 0
        return model.output, self._positive(tensor)

    def _positive(self, tensor: Tensor) -> int:
        wanted = self._definition.positive_class
        column, problem = positive_column(tensor, wanted)
        if problem is not None:
            key = "positive_class" if wanted is not None else "output"
            self.diagnostics.append(_placed(problem, self._document.value(key)))
        return column


def _attributes(workspace: Workspace) -> Iterator[tuple[str, AttributeDefinition]]:
    if workspace.schema is None:
        return
    schema = workspace.schema.definition
    for root, attributes in (
        ("customer", schema.customer),
        ("context", schema.context),
        ("action", schema.action),
    ):
        for name, attribute in attributes.items():
            yield f"{root}.{name}", attribute


def _columns_wanted(tensor: Tensor) -> str:
    count = tensor.width
    if count is None:
        return "one or more attributes"
    return "one attribute" if count == 1 else f"a list of {count} attributes"


def _described(tensor: Tensor) -> str:
    shape = ", ".join("rows" if index == 0 and size is None else str(size or "any")
                      for index, size in enumerate(tensor.shape))  # fmt: skip
    return f"{tensor.type_text} of the shape [{shape}]" if tensor.shape else tensor.type_text
