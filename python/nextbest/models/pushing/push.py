"""A model file and its owner's description -> a version in the registry, or all reasons why not.

The same bytes make the same version. The files that are pushed with them are part of the version: the same
bytes with another binding or other rows are refused, because a version never changes; another card revises
the one before.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nextbest.casting.form import Form
from nextbest.diagnostics import Diagnostic, Severity
from nextbest.models import SIZE_BYTES_MAX, ModelError, Signature
from nextbest.models.job import Job, Plan
from nextbest.models.overflow import warn_of_overflow
from nextbest.models.pushing.known_versions import Known, look_up, revision_of
from nextbest.models.pushing.pushed_files import Findings, Written, card_of, read_written
from nextbest.models.reference import Reference, histogram_of
from nextbest.models.refusal import ROWS_EXPOSED
from nextbest.models.report import Outcome, Refusal, Report
from nextbest.models.rows import EXPECTED, Table, fill_inputs
from nextbest.models.validation import validate
from nextbest.models.zipmap import strip_zipmap
from nextbest.registry.aliases import Move
from nextbest.registry.author import now, user
from nextbest.registry.card import Card
from nextbest.registry.kept_rows import IGNORE, exposed
from nextbest.registry.manifest import MODEL_CARD, Manifest
from nextbest.registry.records import encode
from nextbest.registry.registry import Registry, Version, Waiver
from nextbest.registry.version_files import MODEL, ROWS
from nextbest.regular_file import open_file
from nextbest.workspace.columns import Bound, bind_columns, read_tables
from nextbest.workspace.definitions import BindingFile, Kind
from nextbest.workspace.document import Document
from nextbest.workspace.files import read_file
from nextbest.workspace.load import Progress, ignore
from nextbest.workspace.versions import BACKGROUND, BINDING, CARD, REFERENCE

GOLDEN = "golden.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The request to push a model.

    Attributes:
        model: The ONNX file.
        name: The name of the model.
        by: The user name.
        binding: `binding.yaml`; None leaves it to the workspaces that use the model.
        card: `card.yaml`.
        golden: Rows with the scores of the training framework.
        background: A sample of real rows.
        tolerance: Largest difference of a golden row, absolute.
        budget_us: Maximum time for scoring one row, in microseconds.
        any_operator: Accept every standard operator whose memory and time are bounded.
        workspace: Its schema types the attributes that are bound, where it has one.
        form: How golden rows and background are written, where they are CSV.
        is_dry_run: Do everything except write.
        alias: Names the version after the push; a version that must not have this alias is not pushed.
        waiver: Why the version may be champion without golden rows; empty: no waiver.
    """

    model: Path
    name: str
    by: str = field(default_factory=user)
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
    alias: str = ""
    waiver: str = ""


@dataclass(slots=True)
class Pushed(Findings):
    """The result of a push; each error among its diagnostics is a reason to refuse.

    Attributes:
        version: None if it was refused.
        manifest: Of the version.
        is_new: Whether it did not exist before.
        repaired: Files of an existing version that were written again.
        is_revised: Whether an existing version has another card now.
        move: Of the alias that the request names, done or, in a dry run, planned; None without one.
    """

    version: Version | None = None
    manifest: Manifest | None = None
    is_new: bool = False
    repaired: list[str] = field(default_factory=list)
    is_revised: bool = False
    move: Move | None = None


def push(registry: Registry, request: Request, progress: Progress = ignore) -> Pushed:
    """Validates a model and adds it to a registry.

    Args:
        registry: The registry.
        request: The model and its files.
        progress: Called with the stages of validation.

    Returns:
        The version, or all reasons against it.

    Raises:
        OSError: A file cannot be read, or the registry cannot be written.
    """
    pushed = Pushed()
    try:
        _push(registry, request, pushed, progress)
    except ModelError as error:
        pushed.diagnostics.append(Diagnostic(error.code, error.message, None, error.help))
    if pushed.version is not None and pushed.manifest is not None and not request.is_dry_run:
        pushed.diagnostics += _exposed(pushed.version, pushed.manifest)
    pushed.diagnostics.sort(key=_place)
    return pushed


def _exposed(version: Version, manifest: Manifest) -> list[Diagnostic]:
    """A warning that git would add rows of customers."""
    kept = [name for name in ROWS if name in manifest.files and (version.folder / name).exists()]
    names = exposed(version.folder, kept)
    if not names:
        return []
    listed = " and ".join(f"`{name}`" for name in names)
    message = f"git does not ignore {listed} of {version}: rows of customers would be committed"
    ignore_file = version.folder.parents[2] / IGNORE
    remedy = f"add {listed} to `{ignore_file}`, one per line"
    return [Diagnostic(ROWS_EXPOSED, message, None, remedy, Severity.WARNING)]


def _place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    position = diagnostic.position
    return (position.file, position.line, position.column) if position is not None else ("", 0, 0)


def _push(registry: Registry, request: Request, pushed: Pushed, progress: Progress) -> None:
    given = _read(request, pushed)
    if given is None:
        return
    known, files = look_up(registry, request.name, given.digest, given.sources), {}
    if known is None or known.needs_files:
        validated = _validate(given, pushed, progress)
        if validated is None:
            return
        files = validated.files
        if known is None:
            known = _publish(registry, given, validated, pushed)
    if known is not None:
        _settle(registry, given, known, files, pushed)


@dataclass(frozen=True, slots=True)
class _Given:
    """The files of a push, as they were read.

    Attributes:
        onnx: The model, without a ZipMap at its end.
        digest: SHA-256 of that.
        sources: SHA-256 of the other files, by what they are.
    """

    request: Request
    onnx: bytes
    digest: str
    sources: dict[str, str]
    binding: Written | None
    written_card: Written | None
    card: Card | None


@dataclass(frozen=True, slots=True)
class _Validated:
    """The findings of the validation, and the files of the version."""

    report: Report
    bound: Bound
    files: dict[str, bytes]


def _read(request: Request, pushed: Pushed) -> _Given | None:
    onnx = read_file(request.model, SIZE_BYTES_MAX)
    binding = read_written(request.binding, Kind.BINDING, pushed)
    card = read_written(request.card, Kind.CARD, pushed)
    if pushed.is_refused:
        return None
    with contextlib.suppress(ModelError):
        # The separate process finds these errors again.
        onnx = strip_zipmap(onnx, any_operator=request.any_operator)
    digest = hashlib.sha256(onnx).hexdigest()
    return _Given(request, onnx, digest, _sources(request), binding, card, card_of(card, pushed))


def _validate(given: _Given, pushed: Pushed, progress: Progress) -> _Validated | None:
    request = given.request
    job = Job(given.onnx, Plan.INSPECTION, any_operator=request.any_operator)
    inspected = validate(job, progress=progress)
    if _refuse(inspected, pushed) or inspected.report is None:
        return None
    bound = _bind(request, given.binding, inspected.report.facts.signature)
    pushed.diagnostics += bound.diagnostics
    if pushed.is_refused:
        return None
    golden, background = read_tables(request.golden, request.background, bound.tables, request.form)
    for table in (golden, background):
        if table is not None:
            pushed.diagnostics += _warnings(warn_of_overflow(table, bound.tables))
    outcome = validate(_job(given.onnx, request, bound, golden, background), progress=progress)
    if _refuse(outcome, pushed) or outcome.report is None:
        return None
    written = {BINDING: given.binding, CARD: given.written_card}
    files = _files(written, {GOLDEN: golden, BACKGROUND: background}, outcome)
    return _Validated(outcome.report, bound, {MODEL: given.onnx, **files})


def _publish(registry: Registry, given: _Given, validated: _Validated, pushed: Pushed) -> Known | None:
    """Writes a new version.

    Returns:
        The existing version if another process pushed the same bytes in the meantime.
    """
    request = given.request
    others = {name: data for name, data in validated.files.items() if name != MODEL}
    manifest = Manifest(
        name=request.name,
        version=given.digest,
        pushed_at=now(),
        pushed_by=request.by,
        files={name: hashlib.sha256(data).hexdigest() for name, data in others.items()},
        report=validated.report,
        binding=validated.bound.plain,
        sources=given.sources,
        card=given.card,
        any_operator=request.any_operator,
        budget_us=request.budget_us,
    )
    _check_promotion(registry, request, manifest)
    if request.is_dry_run:
        pushed.version = registry.version(request.name, given.digest)
    else:
        pushed.version = registry.publish(manifest, given.onnx, others)
        if registry.manifest(pushed.version) != manifest:
            return look_up(registry, request.name, given.digest, given.sources)
    pushed.manifest, pushed.is_new = manifest, True
    return None


def _settle(
    registry: Registry, given: _Given, known: Known, files: Mapping[str, bytes], pushed: Pushed
) -> None:
    """The effect of a push on a version that exists already."""
    _check_promotion(registry, given.request, known.manifest)
    by, at, is_dry_run = given.request.by, now(), given.request.is_dry_run
    mended = known.mended(files)
    pushed.diagnostics += known.warnings()
    if mended and not is_dry_run:
        registry.repair(known.version, mended, by=by, at=at)
    pushed.repaired = list(mended)
    if known.has_new_card and given.written_card is not None and given.card is not None:
        pushed.is_revised = True
        if not is_dry_run:
            revision = revision_of(given.card, given.written_card.content, by=by, at=at)
            registry.revise_card(known.version, revision)
    pushed.version, pushed.manifest = known.version, registry.manifest(known.version)


def _check_promotion(registry: Registry, request: Request, manifest: Manifest) -> None:
    """Refuses, before anything is written, a version that could not be promoted afterwards.

    Raises:
        ModelError: Those of `Registry.promote`.
    """
    if request.alias:
        move = Move(request.alias, "", manifest.version, request.by, now())
        registry.plan_promotion(manifest, move, Waiver(request.waiver))


def _sources(request: Request) -> dict[str, str]:
    given = {
        "bindings": request.binding,
        MODEL_CARD: request.card,
        "golden rows": request.golden,
        "background sample": request.background,
    }
    return {what: _digest(path) for what, path in given.items() if path is not None}


def _digest(path: Path) -> str:
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse(outcome: Outcome, pushed: Pushed) -> bool:
    pushed.diagnostics += [
        Diagnostic(found.code, found.message, None, found.help) for found in outcome.refusals
    ]
    pushed.diagnostics += _warnings(outcome.warnings)
    return bool(outcome.refusals)


def _warnings(found: Iterable[Refusal]) -> list[Diagnostic]:
    return [Diagnostic(each.code, each.message, None, each.help, Severity.WARNING) for each in found]


def _bind(request: Request, written: Written | None, signature: Signature) -> Bound:
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
        background_places=_places(background),
        budget_us=request.budget_us,
    )


def _places(table: Table | None) -> list[int]:
    return table.places.tolist() if table is not None and table.places is not None else []


def _files(
    written: Mapping[str, Written | None], tables: Mapping[str, Table | None], outcome: Outcome
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
