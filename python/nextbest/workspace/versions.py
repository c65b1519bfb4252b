"""Model files that name a version of a pushed model -> that version, with its bytes verified.

A version has the binding and the card that its owner pushed. A model file may give another binding; if it
gives none, that of the version is used, and findings are reported where it is written.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.models import ModelError
from nextbest.models.reference import Reference
from nextbest.models.refusal import ROWS_ABSENT
from nextbest.registry.manifest import Manifest
from nextbest.registry.records import decode
from nextbest.registry.registry import FOLDER, Registry, Version
from nextbest.workspace.baseline import Baseline
from nextbest.workspace.definitions import BindingFile, Kind, ModelFile
from nextbest.workspace.document import Document
from nextbest.workspace.load import Source, Workspace
from nextbest.workspace.source import parse
from nextbest.workspace.validation import validate

BINDING = "binding.yaml"
CARD = "card.yaml"
BACKGROUND = "background.parquet"
REFERENCE = "reference.json"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The version that a model file names.

    Attributes:
        version: Which.
        onnx: Its bytes.
        any_operator: Whether it was pushed with operators outside the allow-list.
        binding: The file that its binding is written in; None if the model file has one, or there is none.
        manifest: The record of its push.
        background: Its background sample, as Parquet; None where it was pushed without.
        baseline: The baseline of the running model.
    """

    version: Version
    onnx: bytes
    any_operator: bool
    binding: Document | None
    manifest: Manifest
    background: bytes | None
    baseline: Baseline


def resolve(workspace: Workspace, registry: Path | None) -> tuple[dict[str, Resolved], list[Diagnostic]]:
    """Finds the versions that the model files of a workspace name.

    Args:
        workspace: As loaded. Keys that a model file leaves out and the binding of its version has are filled
        in.
        registry: The folder that models are pushed to; None: the workspace's own.

    Returns:
        By the path of the model file, the versions that could be read; and the findings of the others.
    """
    found: dict[str, Resolved] = {}
    diagnostics: list[Diagnostic] = []
    store = Registry(registry or workspace.root / FOLDER)
    for index, source in enumerate(workspace.models):
        resolved, filled, problems = _find(workspace, store, source)
        diagnostics += problems
        workspace.models[index] = filled
        if resolved is not None:
            found[source.document.file] = resolved
    return found, diagnostics


def _find(
    workspace: Workspace, store: Registry, source: Source[ModelFile]
) -> tuple[Resolved | None, Source[ModelFile], list[Diagnostic]]:
    document = source.document
    written = document.node.keys if document.node is not None else {}
    if "version" not in written:
        if "file" in written:
            return None, source, []
        remedy = "add `file:`, the ONNX file, or `version:`, a pushed version"
        return None, source, [Diagnostic("NB202", "`file` is missing", document.value(), remedy)]
    problems = []
    if "file" in written:
        message = f"`{source.definition.name}` has both a file and a version"
        problems.append(Diagnostic("NB621", message, document.name("version"), "remove one of the two"))
    elif source.definition.version:
        # It is not text, which is reported already.
        try:
            return _resolve(workspace, store, source)
        except ModelError as error:
            problems.append(Diagnostic(error.code, error.message, document.value("version"), error.help))
    # The version may have the prior of the model: whether one is missing is unknown.
    return None, _filled(source, BindingFile(prior=0.0)), problems


def _resolve(
    workspace: Workspace, store: Registry, source: Source[ModelFile]
) -> tuple[Resolved, Source[ModelFile], list[Diagnostic]]:
    name = source.definition.name
    version = store.resolve(name, source.definition.version)
    if version.digest in store.aliases(name).retired:
        remedy = f"use another one: `nextbest model show {name}` lists them"
        raise ModelError(f"the version {version} is retired", remedy, "NB619")
    manifest, onnx = store.verify(version), store.model(version)
    diagnostics = []
    if manifest.card is not None and manifest.card.is_expired(
        datetime.fromtimestamp(workspace.now_us / 1e6, UTC)
    ):
        message = f"the model card of {version} expired on {manifest.card.expires}"
        remedy = (
            f"ask its owner, {manifest.card.owner}, for a new version, or to extend its card: nextbest "
            f"model revise {version} --card card.yaml"
        )
        position = source.document.value("version")
        diagnostics.append(Diagnostic("NB620", message, position, remedy, Severity.WARNING))
    written = store.file(version, manifest, BINDING)
    document, binding = None, BindingFile()
    if written is not None:
        document, _ = parse(_shown(workspace, version), written)
        # It was valid when it was pushed.
        found, _ = validate(document, Kind.BINDING)
        binding = found if isinstance(found, BindingFile) else binding
    given = source.definition.inputs
    source = _filled(source, _with_names(binding, manifest))
    document = None if given else document
    if document is not None:
        workspace.sources[document.file] = document.lines
    background = store.file(version, manifest, BACKGROUND)
    diagnostics += _lost(store, version, manifest, source)
    baseline = Baseline(manifest, _reference(store, version, manifest))
    resolved = Resolved(version, onnx, manifest.any_operator, document, manifest, background, baseline)
    return resolved, source, diagnostics


def _lost(
    store: Registry, version: Version, manifest: Manifest, source: Source[ModelFile]
) -> list[Diagnostic]:
    """A warning of what a version cannot do without the rows that are missing."""
    engine = manifest.report.engine
    is_native = engine is None or engine.name == "native"
    fates = {name: store.fate_of(version, manifest, name) for name in (BACKGROUND, REFERENCE)}
    lost = []
    if fates[BACKGROUND] and is_native and not source.definition.background:
        lost.append("its propensities have no contributions")
    if fates[REFERENCE]:
        lost.append("`model health` has no baseline")
    if not lost:
        return []
    message = f"the background sample of {version} is missing ({fates[BACKGROUND]}): {' and '.join(lost)}"
    is_forgotten = store.amendments(version.name).forgetting(version.digest, BACKGROUND) is not None
    remedy = (
        "give another sample in this file, `background: sample.parquet`, or push a new version with one"
        if is_forgotten
        else f"copy it into `{version.folder}`, or push the same files again"
    )
    return [Diagnostic(ROWS_ABSENT, message, source.document.value("version"), remedy, Severity.WARNING)]


def _reference(store: Registry, version: Version, manifest: Manifest) -> Reference | None:
    written = store.file(version, manifest, REFERENCE)
    # Its bytes are unchanged since the push.
    return decode(Reference, json.loads(written)) if written is not None else None


def _with_names(binding: BindingFile, manifest: Manifest) -> BindingFile:
    """A binding with what the push bound by name, so that another schema does not change it."""
    by_name = {
        name: [column.attribute for column in columns]
        for name, columns in manifest.binding.inputs.items()
        if any(column.is_by_name for column in columns)
    }
    return binding.model_copy(update={"inputs": {**by_name, **binding.inputs}}) if by_name else binding


def _filled(source: Source[ModelFile], binding: BindingFile) -> Source[ModelFile]:
    """A model file, with the keys that it leaves out taken from a binding."""
    open_ = BindingFile.model_fields.keys() - source.definition.model_fields_set
    update = {name: getattr(binding, name) for name in open_}
    return Source(source.document, source.definition.model_copy(update=update))


def _shown(workspace: Workspace, version: Version) -> str:
    path = version.folder / BINDING
    return path.relative_to(workspace.root).as_posix() if path.is_relative_to(workspace.root) else str(path)
