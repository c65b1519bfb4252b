"""A model file, and what its owner says of it -> a version in the registry, or every reason why not.

The same bytes make the same version. What was pushed with them is part of it: bytes that come again with
another binding or card are refused, as a version never changes.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextbest.casting.form import Form
from nextbest.diagnostics import Diagnostic, Severity
from nextbest.diagnostics.suggestion import one_of
from nextbest.models import SIZE_BYTES_MAX, ModelError, Signature
from nextbest.models.card import Card
from nextbest.models.job import Job, Plan
from nextbest.models.manifest import Manifest
from nextbest.models.records import encode
from nextbest.models.reference import Reference, histogram_of
from nextbest.models.refusal import ANOTHER
from nextbest.models.registry import Registry, Version
from nextbest.models.report import Outcome
from nextbest.models.rows import EXPECTED, Table, fill_inputs
from nextbest.models.validation import validate
from nextbest.models.zipmap import strip_zipmap
from nextbest.regular_file import open_file
from nextbest.workspace.columns import Bound, bind_columns, read_tables
from nextbest.workspace.definitions import BindingFile, CardFile, Definition, Kind
from nextbest.workspace.document import Document
from nextbest.workspace.files import read_file
from nextbest.workspace.load import Progress, ignore
from nextbest.workspace.source import FILE_BYTES_MAX, parse
from nextbest.workspace.validation import validate as validate_document
from nextbest.workspace.versions import BACKGROUND, BINDING, CARD, REFERENCE

GOLDEN = "golden.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is pushed.

    Attributes:
        model: The ONNX file.
        name: Of the model.
        by: User name.
        binding: `binding.yaml`; None leaves it to the workspaces that use the model.
        card: `card.yaml`.
        golden: Rows with the scores of the training framework.
        background: Rows as they occur.
        tolerance: Largest difference of a golden row, absolute.
        budget_us: Most that scoring one row may take.
        any_operator: Take every standard operator that has a bound at all.
        workspace: Its schema types the attributes that are bound, where it has one.
        form: How golden rows and background are written, where they are CSV.
        is_dry_run: Do everything but write.
    """

    model: Path
    name: str
    by: str
    binding: Path | None = None
    card: Path | None = None
    golden: Path | None = None
    background: Path | None = None
    tolerance: float = 1e-5
    budget_us: float | None = None
    any_operator: bool = False
    workspace: Path = Path()
    form: Form | None = None
    is_dry_run: bool = False


@dataclass(slots=True)
class Pushed:
    """What became of a push.

    Attributes:
        version: None when it was refused.
        manifest: Of the version.
        is_new: Whether it was not there before.
        diagnostics: Errors, each a reason to refuse, and warnings.
        sources: The lines of each file that diagnostics are about.
    """

    version: Version | None = None
    manifest: Manifest | None = None
    is_new: bool = False
    diagnostics: list[Diagnostic] = field(default_factory=list)
    sources: dict[str, Any] = field(default_factory=dict)

    @property
    def is_refused(self) -> bool:
        """Whether there is an error."""
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)


def push(registry: Registry, request: Request, progress: Progress = ignore) -> Pushed:
    """Validates a model and adds it to a registry.

    Args:
        registry: Where to.
        request: What.
        progress: Told of the stages of validation.

    Returns:
        The version, or every reason that was found against it.

    Raises:
        OSError: A file cannot be read, or the registry not be written.
    """
    pushed = Pushed()
    try:
        _push(registry, request, pushed, progress)
    except ModelError as error:
        pushed.diagnostics.append(Diagnostic(error.code, error.message, None, error.help))
    pushed.diagnostics.sort(key=_place)
    return pushed


def _place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    position = diagnostic.position
    return (position.file, position.line, position.column) if position is not None else ("", 0, 0)


def _push(registry: Registry, request: Request, pushed: Pushed, progress: Progress) -> None:
    onnx = read_file(request.model, SIZE_BYTES_MAX)
    binding = _definition(request.binding, Kind.BINDING, pushed)
    card = _definition(request.card, Kind.CARD, pushed)
    if pushed.is_refused:
        return
    with contextlib.suppress(ModelError):
        # What is wrong with it is found again, in a process of its own.
        onnx = strip_zipmap(onnx, any_operator=request.any_operator)
    digest = hashlib.sha256(onnx).hexdigest()
    sources = _sources(request)
    if _is_there(registry, request, digest, sources, pushed):
        return
    inspected = validate(Job(onnx, Plan.INSPECTION, any_operator=request.any_operator), progress=progress)
    if _refuse(inspected, pushed) or inspected.report is None:
        return
    bound = _bind(request, binding, inspected.report.facts.signature)
    pushed.diagnostics += bound.diagnostics
    if pushed.is_refused:
        return
    golden, background = read_tables(request.golden, request.background, bound.tables, request.form)
    outcome = validate(_job(onnx, request, bound, golden, background), progress=progress)
    if _refuse(outcome, pushed) or outcome.report is None:
        return
    files = _files({BINDING: binding, CARD: card}, {GOLDEN: golden, BACKGROUND: background}, outcome)
    manifest = Manifest(
        name=request.name,
        version=digest,
        pushed_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        pushed_by=request.by,
        files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        report=outcome.report,
        binding=bound.plain,
        sources=sources,
        card=_card(card, pushed),
        any_operator=request.any_operator,
        budget_us=request.budget_us,
    )
    dry = registry.version(request.name, digest) if request.is_dry_run else None
    pushed.version = dry or registry.publish(manifest, onnx, files)
    pushed.manifest, pushed.is_new = manifest, True


@dataclass(frozen=True, slots=True)
class _Written:
    """A YAML file: its bytes, where it says what, and what it says."""

    content: bytes
    document: Document
    definition: Definition


def _definition(path: Path | None, kind: Kind, pushed: Pushed) -> _Written | None:
    if path is None:
        return None
    content = read_file(path, FILE_BYTES_MAX)
    document, diagnostics = parse(str(path), content)
    pushed.sources[document.file] = document.lines
    definition = None
    if document.node is not None:
        definition, found = validate_document(document, kind)
        diagnostics += found
    elif not diagnostics:
        diagnostics = [Diagnostic("NB111", "there is nothing in this file", document.value(), "fill it in")]
    pushed.diagnostics += diagnostics
    return _Written(content, document, definition) if definition is not None else None


def _sources(request: Request) -> dict[str, str]:
    given = {
        "bindings": request.binding,
        "model card": request.card,
        "golden rows": request.golden,
        "background sample": request.background,
    }
    return {what: _digest(path) for what, path in given.items() if path is not None}


def _digest(path: Path) -> str:
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_there(
    registry: Registry, request: Request, digest: str, sources: Mapping[str, str], pushed: Pushed
) -> bool:
    """Whether these bytes have been pushed before, with the same beside them.

    Raises:
        ModelError: NB668: with something else beside them.
    """
    if request.name not in registry.names():
        return False
    found = [version for version in registry.versions(request.name) if version.digest == digest]
    if not found:
        return False
    manifest = registry.manifest(found[0])
    different = [
        what
        for what in dict.fromkeys((*sources, *manifest.sources))
        if sources.get(what) != manifest.sources.get(what)
    ]
    if different:
        remedy = (
            "a version never changes: bind the model otherwise in the workspace's model file, or export it "
            "again with a new entry in metadata_props, which makes it a version of its own"
        )
        others = one_of(different).replace("`", "").replace(" or ", " and ")
        raise ModelError(
            f"these bytes are {found[0]} already, and were pushed with other {others}", remedy, ANOTHER
        )
    pushed.version, pushed.manifest = found[0], manifest
    return True


def _refuse(outcome: Outcome, pushed: Pushed) -> bool:
    for severity, found in ((Severity.ERROR, outcome.refusals), (Severity.WARNING, outcome.warnings)):
        pushed.diagnostics += [
            Diagnostic(refusal.code, refusal.message, None, refusal.help, severity) for refusal in found
        ]
    return bool(outcome.refusals)


def _bind(request: Request, written: _Written | None, signature: Signature) -> Bound:
    if written is None or not isinstance(written.definition, BindingFile):
        return bind_columns(request.workspace, BindingFile(), Document("", ()), signature)
    return bind_columns(request.workspace, written.definition, written.document, signature)


def _job(onnx: bytes, request: Request, bound: Bound, golden: Table | None, background: Table | None) -> Job:
    return Job(
        onnx,
        Plan.REHEARSAL,
        any_operator=request.any_operator,
        output=bound.plain.output,
        column=bound.plain.positive_column,
        row_by_row=bound.plain.row_by_row,
        columns={given.name: [column.names[0] for column in given.columns] for given in bound.tables},
        golden=fill_inputs(golden, bound.tables) if golden is not None else None,
        expected=golden.frame[EXPECTED].to_numpy() if golden is not None else None,
        tolerance=request.tolerance,
        background=fill_inputs(background, bound.tables) if background is not None else None,
        budget_us=request.budget_us,
    )


def _files(
    written: Mapping[str, _Written | None], tables: Mapping[str, Table | None], outcome: Outcome
) -> dict[str, bytes]:
    files = {name: given.content for name, given in written.items() if given is not None}
    files |= {name: table.encode() for name, table in tables.items() if table is not None}
    background = tables.get(BACKGROUND)
    if background is not None:
        files[REFERENCE] = json.dumps(encode(_reference(background, outcome))).encode()
    return files


def _reference(background: Table, outcome: Outcome) -> Reference:
    return Reference(
        {name: histogram_of(values) for name, values in background.arrays().items()},
        histogram_of(_numbers(outcome.scores)),
    )


def _numbers(scores: Iterable[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if score is None else score for score in scores])


def _card(written: _Written | None, pushed: Pushed) -> Card | None:
    if written is None or not isinstance(written.definition, CardFile):
        return None
    given = written.definition
    card = Card(
        owner=given.owner,
        description=given.description,
        trained_from=given.training.from_ if given.training is not None else "",
        trained_until=given.training.until if given.training is not None else "",
        population=given.population,
        metrics=dict(given.metrics),
        limits=list(given.limits),
        expires=given.expires or "",
    )
    if card.is_expired(datetime.now(UTC)):
        position = written.document.value("expires")
        message, remedy = (
            f"the model card expired on {card.expires}",
            "train the model again, or give it longer",
        )
        pushed.diagnostics.append(Diagnostic("NB620", message, position, remedy, Severity.WARNING))
    return card
