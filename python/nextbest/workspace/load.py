"""A folder -> the definitions of its files, every name they define, and what is wrong with each file.

The order of everything is that of the files' paths, never of the file system.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from nextbest.diagnostics import Diagnostic, Position, Severity
from nextbest.diagnostics.suggestion import nearest
from nextbest.models.registry import FOLDER as REGISTRY
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
)
from nextbest.workspace.document import Document
from nextbest.workspace.files import is_text, read_file
from nextbest.workspace.names import Names
from nextbest.workspace.source import FILE_BYTES_MAX, parse
from nextbest.workspace.validation import validate

SINGLE = {
    "workspace.yaml": Kind.WORKSPACE,
    "schema.yaml": Kind.SCHEMA,
    "channels.yaml": Kind.CHANNELS,
    "issues.yaml": Kind.ISSUES,
    "arbitration.yaml": Kind.ARBITRATION,
    "contact-policies.yaml": Kind.CONTACT_POLICIES,
}
FOLDERS = {"actions": Kind.ACTIONS, "models": Kind.MODEL, "tests": Kind.TESTS}
FILES_MAX = 50_000

Progress = Callable[[str, int, int], None]
"""Called with the name of the stage, how much of it is done, and how much there is."""

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
        sources: The lines of every file that was read, by path.
        names: Every name that is defined, even where what it names is wrong.
        groups: The files below `actions/`; likewise `models` and `personas`.
    """

    root: Path
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


def load(root: Path, progress: Progress) -> tuple[Workspace, list[Diagnostic]]:
    """Reads a workspace.

    Args:
        root: Its folder.
        progress: Told of each file.

    Returns:
        What could be read, and what is wrong with files that could not, or only in part.
    """
    workspace = Workspace(root)
    missing = _missing(root)
    if missing is not None:
        return workspace, [missing]
    kinds, diagnostics = _discover(root)
    for done, (file, kind) in enumerate(sorted(kinds.items())):
        progress("load", done, len(kinds))
        try:
            content = read_file(root / file, FILE_BYTES_MAX)
        except OSError as error:
            diagnostics.append(_unreadable(file, error))
            workspace.names.add_unread(kind)
        else:
            diagnostics += _read(workspace, file, kind, content)
    progress("load", len(kinds), len(kinds))
    if "schema.yaml" not in kinds:
        remedy = "add one that declares the attributes; `nextbest init` shows how"
        diagnostics.append(Diagnostic("NB110", "`schema.yaml` is missing", None, remedy))
        workspace.names.add_unread(Kind.SCHEMA)
    return workspace, diagnostics


def _unreadable(file: str, error: OSError) -> Diagnostic:
    message = f"`{file}` cannot be read: {(error.strerror or str(error)).lower()}"
    return Diagnostic("NB102", message, Position(file, 1, 1), "make it a file that you may read")


def _missing(root: Path) -> Diagnostic | None:
    if not root.is_dir():
        return Diagnostic("NB101", f"`{root}` is not a folder", None, "name the folder of a workspace")
    if not (root / "workspace.yaml").is_file():
        return Diagnostic(
            "NB101", f"`{root}` is not a workspace: it has no `workspace.yaml`", None,
            "name the folder of a workspace, or begin one with `nextbest init`",
        )  # fmt: skip
    return None


def _discover(root: Path) -> tuple[dict[str, Kind], list[Diagnostic]]:
    """Finds the files by kind, and files that look as if they were meant to be read."""
    kinds: dict[str, Kind] = {}
    diagnostics: list[Diagnostic] = []
    for path in _walk(root, root):
        file = path.relative_to(root).as_posix()
        folder, _, rest = file.partition("/")
        if not is_text(file):
            shown = file.encode(errors="replace").decode()
            problem = Diagnostic("NB102", f"the name of `{shown}` is not UTF-8", None, "rename it")
            diagnostics.append(problem)
            continue
        if path.suffix == ".yaml" and rest and folder in FOLDERS:
            kinds[file] = FOLDERS[folder]
        elif file in SINGLE:
            kinds[file] = SINGLE[file]
        elif path.suffix in {".yaml", ".yml"} and (folder in FOLDERS or not rest):
            diagnostics.append(_unread(file))
        if len(kinds) > FILES_MAX:
            remedy = f"a workspace has at most {FILES_MAX:,} files"
            diagnostics.append(Diagnostic("NB104", "too many files", None, remedy))
            break
    return kinds, diagnostics


def _walk(root: Path, folder: Path) -> Iterator[Path]:
    """Files of a workspace in the order of their names.

    Hidden ones, folders that are links, and the registry of models, which nobody writes by hand, stay out.
    """
    try:
        paths = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError:
        # Stands for what is in it: reading it will say why it cannot be read.
        yield folder / "*.yaml"
        return
    for path in paths:
        if path.name.startswith("."):
            continue
        if path.is_dir():
            is_read = (folder != root or path.name in FOLDERS) and path != root / REGISTRY
            if is_read and not path.is_symlink():
                yield from _walk(root, path)
        else:
            yield path


def _unread(file: str) -> Diagnostic:
    name = Path(file).with_suffix(".yaml").as_posix()
    if "/" in file or name in SINGLE:
        remedy = f"rename it to `{name}`"
    else:
        best = nearest(name, SINGLE)
        remedy = (
            f"did you mean `{best}`?"
            if best
            else "files of actions go into `actions/`, of tests into `tests/`"
        )
    return Diagnostic("NB109", f"`{file}` is not read", Position(file, 1, 1), remedy, Severity.WARNING)


def _read(workspace: Workspace, file: str, kind: Kind, content: bytes) -> list[Diagnostic]:
    document, diagnostics = parse(file, content)
    workspace.sources[file] = document.lines
    if document.node is None:
        if diagnostics:
            workspace.names.add_unread(kind)
        elif kind is Kind.WORKSPACE:
            remedy = "add `name:`, the name of the workspace"
            diagnostics.append(Diagnostic("NB202", "`name` is missing", Position(file, 1, 1), remedy))
        else:
            remedy = "write something into it, or remove it"
            diagnostics.append(
                Diagnostic(
                    "NB111", "there is nothing in this file", Position(file, 1, 1), remedy, Severity.WARNING
                )
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
    """Progress that nobody looks at."""
    del stage, done, total
