"""Models of plain files that ONNX Runtime runs -> those whose scores depend on the other rows of a run.

A push tests each version, and a native model scores each row alone. The remaining models are tested in the
same way, in a separate process, on generated rows, because a plain file comes without rows.
"""

from collections.abc import Mapping, Sequence

from nextbest.diagnostics import Diagnostic
from nextbest.models.refusal import DEPENDENT
from nextbest.v1 import bundle_pb2
from nextbest.workspace.binding import Binding
from nextbest.workspace.versions import Resolved


def check_independence(
    versions: Mapping[str, Resolved], bindings: Sequence[Binding], bundle: bundle_pb2.Bundle
) -> list[Diagnostic]:
    """Tests the models that have not been tested yet.

    Args:
        versions: By model file, the versions that are named in place of a file.
        bindings: The models that could be read.
        bundle: Shows which of them have a native form.

    Returns:
        NB671 for each whose rows affect each other and whose file does not have `rows: one`.
    """
    models = {model.name: model for model in bundle.models}
    diagnostics: list[Diagnostic] = []
    for binding in bindings:
        model = models.get(binding.source.definition.name)
        resolved = versions.get(binding.source.document.file)
        if model is None or model.HasField("native") or not _is_bound(binding):
            continue
        if resolved is not None and _was_tried(resolved, model):
            continue
        diagnostics += _try(binding, any_operator=resolved is not None and resolved.any_operator)
    return diagnostics


def _is_bound(binding: Binding) -> bool:
    """Whether every input has its columns, and there is an output; if not, there is an error already."""
    return bool(binding.output and binding.inputs) and all(given.columns for given in binding.inputs)


def _was_tried(resolved: Resolved, model: bundle_pb2.Model) -> bool:
    """Whether the push tested the version in the way in which the bundle runs it."""
    manifest = resolved.manifest
    return manifest.report.independence is not None and model.row_by_row == manifest.binding.row_by_row


def _try(binding: Binding, *, any_operator: bool) -> list[Diagnostic]:
    # Loads slowly, and few workspaces have such a model.
    from nextbest.models.job import Job, Plan  # noqa: PLC0415
    from nextbest.models.validation import validate  # noqa: PLC0415

    definition, document = binding.source.definition, binding.source.document
    job = Job(
        binding.onnx,
        Plan.INDEPENDENCE,
        any_operator=any_operator,
        output=binding.output,
        column=binding.positive_column,
        row_by_row=definition.is_row_by_row,
        columns={given.name: [column.reference for column in given.columns] for given in binding.inputs},
    )
    position = document.value("file" if definition.file else "version")
    return [
        Diagnostic(refusal.code, f"`{definition.name}` {refusal.message}", position, refusal.help)
        for refusal in validate(job).refusals
        if refusal.code == DEPENDENT
    ]
