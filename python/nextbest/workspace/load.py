"""A folder -> the definitions of its files, every name they define, and the findings of each file.

Everything is in the order of the files' paths, never in that of the file system.
"""

import errno
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Generic, TypeVar

from nextbest.diagnostics import Diagnostic, Position, Severity
from nextbest.workspace.definitions import (
    ArbitrationFile,
    ChannelsFile,
    ContactFile,
    Definition,
    GroupFile,
    IssuesFile,
    Kind,
    ModelFile,
    PersonaFile,
    SchemaFile,
    WorkspaceFile,
    moment_us,
)
from nextbest.workspace.discovery import discover, misnamed
from nextbest.workspace.document import Document, Node
from nextbest.workspace.files import is_folder, read_file
from nextbest.workspace.names import Names
from nextbest.workspace.source import FILE_BYTES_MAX, parse
from nextbest.workspace.validation import validate

Progress = Callable[[str, int, int], None]
"""Called with the name of the stage, the number of items done, and the number of items."""

DefinitionT_co = TypeVar("DefinitionT_co", bound=Definition, covariant=True)


@dataclass(frozen=True, slots=True)
class Source(Generic[DefinitionT_co]):
    """A file, and what it defines."""

    document: Document
    definition: DefinitionT_co


@dataclass(slots=True)
class Workspace:
    """The files of a workspace.

    Attributes:
        root: The folder.
        now_us: The time of the check; windows and terms that ended before are reported, the bundle does not
            depend on it. At 0, none is reported.
        sources: The lines of every file that was read, by path.
        names: Every name that is defined, even if its definition has errors.
        groups: The files below `actions/`; `models` and `personas` are those of `models/` and `tests/`.
        faults: Of each file with errors, their positions, as line and column from 0, in order.
    """

    root: Path
    now_us: int = 0
    sources: dict[str, Sequence[str]] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    settings: Source[WorkspaceFile] | None = None
    schema: Source[SchemaFile] | None = None
    channels: Source[ChannelsFile] | None = None
    issues: Source[IssuesFile] | None = None
    arbitration: Source[ArbitrationFile] | None = None
    contact: Source[ContactFile] | None = None
    groups: list[Source[GroupFile]] = field(default_factory=list)
    models: list[Source[ModelFile]] = field(default_factory=list)
    personas: list[Source[PersonaFile]] = field(default_factory=list)
    faults: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def is_sound(self, document: Document, node: Node | None) -> bool:
        """Whether everything below a node could be read, so that what seems to be missing really is."""
        faults = self.faults.get(document.file)
        if faults is None or node is None:
            return faults is None
        first = bisect_left(faults, (node.line, node.column))
        return first == len(faults) or faults[first] >= (node.end_line, node.end_column)

    @property
    def has_sound_actions(self) -> bool:
        """Whether all actions could be read completely, so that what none of them has is not used."""
        return self.names.actions.complete and not any(file.startswith("actions/") for file in self.faults)

    @property
    def time_zone(self) -> str:
        """The time zone in which dates begin and end; empty: UTC."""
        return self.settings.definition.time_zone if self.settings is not None else ""


def load(
    root: Path, progress: Progress, now_us: int | None = None, today: date | None = None
) -> tuple[Workspace, list[Diagnostic]]:
    """Reads a workspace.

    Args:
        root: Its folder.
        progress: Called for each file.
        now_us: Windows and terms that ended before are reported; None: the time of the call.
        today: Replaces `now_us`: the first moment of a day in the workspace's time zone.

    Returns:
        What could be read, and the findings of files that could not, or only in part.
    """
    workspace = Workspace(root, time.time_ns() // 1_000 if now_us is None else now_us)
    lacks = missing(root)
    if lacks is not None:
        return workspace, [lacks]
    discovery = discover(root)
    kinds, diagnostics = discovery.kinds, discovery.diagnostics
    for kind in discovery.unlisted:
        workspace.names.add_unread(kind)
    for done, (file, kind) in enumerate(sorted(kinds.items())):
        progress("load", done, len(kinds))
        try:
            content = read_file(root / file, FILE_BYTES_MAX)
        except OSError as error:
            diagnostics.append(_unreadable(root / file, file, error))
            workspace.names.add_unread(kind)
        else:
            diagnostics += _read(workspace, file, kind, content)
    progress("load", len(kinds), len(kinds))
    if today is not None:
        workspace.now_us = moment_us(today.isoformat(), workspace.time_zone)
    if "schema.yaml" not in kinds and Kind.SCHEMA not in discovery.unlisted:
        remedy = "add one that declares the attributes; `nextbest init` writes an example"
        diagnostics.append(Diagnostic("NB110", "`schema.yaml` is missing", None, remedy))
        workspace.names.add_unread(Kind.SCHEMA)
    _note_faults(workspace, diagnostics)
    return workspace, diagnostics


def _note_faults(workspace: Workspace, diagnostics: Iterable[Diagnostic]) -> None:
    for diagnostic in diagnostics:
        position = diagnostic.position
        if position is not None and diagnostic.severity is Severity.ERROR:
            place = (position.line - 1, position.column - 1)
            workspace.faults.setdefault(position.file, []).append(place)
    for places in workspace.faults.values():
        places.sort()


def _unreadable(path: Path, file: str, error: OSError) -> Diagnostic:
    position = Position(file, 1, 1)
    if error.errno in {errno.ENOENT, errno.ELOOP} and path.is_symlink():
        where = "itself" if error.errno == errno.ELOOP else "a file that does not exist"
        message = f"`{file}` cannot be read: it is a link to {where}"
        return Diagnostic("NB102", message, position, "correct its target, or remove it")
    message = f"`{file}` cannot be read: {(error.strerror or str(error)).lower()}"
    return Diagnostic("NB102", message, position, "make it a regular file with read permission")


def missing(root: Path) -> Diagnostic | None:
    """Why a folder is not a workspace; None where it is one."""
    if not is_folder(root):
        return Diagnostic("NB101", f"`{root}` is not a folder", None, "give the path of a workspace's folder")
    try:
        is_there = (root / "workspace.yaml").is_file()
    except OSError as error:
        message = f"`{root}` cannot be read: {(error.strerror or str(error)).lower()}"
        return Diagnostic("NB101", message, None, "give it read permission")
    if not is_there:
        instead = misnamed(root, "workspace.yaml")
        remedy = (
            f"rename `{instead}` to `workspace.yaml`"
            if instead is not None
            else "give the path of a workspace's folder, or create a workspace with `nextbest init`"
        )
        message = f"`{root}` is not a workspace: it has no `workspace.yaml`"
        return Diagnostic("NB101", message, None, remedy)
    return None


def _read(workspace: Workspace, file: str, kind: Kind, content: bytes) -> list[Diagnostic]:
    document, diagnostics = parse(file, content)
    workspace.sources[file] = document.lines
    if document.merges:
        # One finding represents all of them.
        workspace.faults[file] = [(node.line, node.column) for node in document.merges]
    if document.node is None:
        if diagnostics:
            workspace.names.add_unread(kind)
        elif kind is Kind.WORKSPACE:
            remedy = "add `name:`, the name of the workspace"
            diagnostics.append(Diagnostic("NB202", "`name` is missing", Position(file, 1, 1), remedy))
        else:
            remedy = "write its contents, or remove it"
            diagnostics.append(
                Diagnostic("NB111", "this file is empty", Position(file, 1, 1), remedy, Severity.WARNING)
            )
        return diagnostics
    diagnostics += workspace.names.add(kind, document)
    definition, found = validate(document, kind)
    if definition is None:
        workspace.names.add_unread(kind)
    else:
        _keep(workspace, document, definition)
    return diagnostics + found


def _keep(workspace: Workspace, document: Document, definition: Definition) -> None:
    match definition:
        case WorkspaceFile():
            workspace.settings = Source(document, definition)
        case SchemaFile():
            workspace.schema = Source(document, definition)
        case ChannelsFile():
            workspace.channels = Source(document, definition)
        case IssuesFile():
            workspace.issues = Source(document, definition)
        case ArbitrationFile():
            workspace.arbitration = Source(document, definition)
        case ContactFile():
            workspace.contact = Source(document, definition)
        case GroupFile():
            workspace.groups.append(Source(document, definition))
        case ModelFile():
            workspace.models.append(Source(document, definition))
        case PersonaFile():
            workspace.personas.append(Source(document, definition))


def ignore(stage: str, done: int, total: int) -> None:
    """A callback that ignores progress."""
    del stage, done, total
