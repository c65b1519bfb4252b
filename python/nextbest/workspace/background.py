"""Background samples -> native models of a bundle with the baseline of their contributions.

A sample is next to the model file that names it, or was pushed with the version. Without one, a model has
scores, but no contributions. A model that ONNX Runtime runs never has contributions.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nextbest.casting.form import Form
from nextbest.diagnostics import Diagnostic, Position, Severity
from nextbest.models import ModelError
from nextbest.v1 import bundle_pb2
from nextbest.workspace.binding import Binding
from nextbest.workspace.load import Workspace
from nextbest.workspace.versions import Resolved

if TYPE_CHECKING:
    from nextbest.models.rows import InputTable, Table

_WHAT = "rows of the background sample"


def count_background(
    workspace: Workspace,
    versions: Mapping[str, Resolved],
    bindings: Sequence[Binding],
    bundle: bundle_pb2.Bundle,
) -> list[Diagnostic]:
    """Counts the sample of each model that has one.

    Args:
        workspace: As loaded.
        versions: By model file, the versions that are named in place of a file.
        bindings: The models that could be read.
        bundle: Its native models are completed.

    Returns:
        The findings about samples.
    """
    models = {model.name: model for model in bundle.models if model.HasField("native")}
    diagnostics: list[Diagnostic] = []
    for binding in bindings:
        model = models.get(binding.source.definition.name)
        resolved = versions.get(binding.source.document.file)
        is_named = bool(binding.source.definition.background)
        if model is None and is_named:
            position = binding.source.document.name("background")
            remedy = "remove it; `nextbest bundle show` reports why the model is not run natively"
            message = "the background sample is not read: a model that ONNX Runtime runs has no contributions"
            diagnostics.append(Diagnostic("NB225", message, position, remedy, Severity.WARNING))
        if model is None or not (is_named or (resolved is not None and resolved.background is not None)):
            continue
        position = binding.source.document.value("background" if is_named else "version")
        try:
            table, inputs = _sample(workspace.root, binding, resolved)
            if is_named:
                diagnostics += _overflow(table, inputs, position)
            _count(model, binding, table, inputs)
        except ModelError as error:
            diagnostics.append(Diagnostic(error.code, error.message, position, error.help))
    return diagnostics


def _overflow(table: "Table", inputs: "list[InputTable]", position: Position) -> list[Diagnostic]:
    # Loads slowly, and only a workspace with samples needs it.
    from nextbest.models.overflow import warn_of_overflow  # noqa: PLC0415

    found = warn_of_overflow(table, inputs)
    return [Diagnostic(each.code, each.message, position, each.help, Severity.WARNING) for each in found]


def _sample(root: Path, binding: Binding, resolved: Resolved | None) -> "tuple[Table, list[InputTable]]":
    """The rows, and the inputs that they fill."""
    # Loads slowly, and only a workspace with samples needs it.
    from nextbest.models.refusal import ROWS  # noqa: PLC0415
    from nextbest.models.rows import decode_table, inputs_of, read_table  # noqa: PLC0415
    from nextbest.workspace.columns import table_of  # noqa: PLC0415

    written = binding.source.definition.background
    if not written and resolved is not None and resolved.background is not None:
        return decode_table(resolved.background, _WHAT), inputs_of(resolved.manifest)
    inputs = [table_of(given) for given in binding.inputs]
    path = ((root / binding.source.document.file).parent / written).resolve()
    if not path.is_relative_to(root.resolve()):
        remedy = "copy it into the workspace: files outside of it are not read"
        raise ModelError(f"`{written}` is outside the workspace", remedy, "NB616")
    if not path.is_file():
        raise ModelError(
            f"there is no file `{written}`", "put it beside this file, or correct the name", ROWS
        )
    return read_table(path, inputs, _WHAT, Form(can_be_given=False), with_expected=False), inputs


def _count(model: bundle_pb2.Model, binding: Binding, table: "Table", inputs: "list[InputTable]") -> None:
    from nextbest.models.native import lines  # noqa: PLC0415
    from nextbest.models.native.background import SampleError, add_background  # noqa: PLC0415
    from nextbest.models.refusal import ROWS  # noqa: PLC0415
    from nextbest.models.rows import (  # noqa: PLC0415
        BACKGROUND_ROWS_MAX,
        drop_unanswerable,
        fill_inputs,
        sample,
    )

    chosen = sample(drop_unanswerable(table, inputs), BACKGROUND_ROWS_MAX)
    rows = fill_inputs(chosen, inputs)
    tensors = ((given.name, given.element) for given in binding.inputs)
    try:
        add_background(model.native, len(chosen.frame), *lines(tensors, rows))
    except SampleError as error:
        remedy = "give real rows, with the texts and numbers that the model knows"
        raise ModelError(str(error), remedy, ROWS) from None
