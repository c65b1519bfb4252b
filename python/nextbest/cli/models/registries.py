"""Shared by all `model` commands: the registry, names such as `card-propensity@champion`, and refusals."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError, is_for_machines, show_diagnostics, write_json

if TYPE_CHECKING:
    from nextbest.diagnostics import Diagnostic
    from nextbest.registry.registry import Registry, Version

Workspace = Annotated[
    Path, typer.Option("--workspace", "-w", help="Folder of the workspace with the registry.")
]
RegistryFolder = Annotated[
    Path | None,
    typer.Option("--registry", help="Folder of another registry; or set NEXTBEST_MODEL_REGISTRY."),
]
Reference = Annotated[
    str,
    typer.Argument(
        metavar="NAME[@VERSION]", help="Model, and an alias or the first digits of a version's SHA-256."
    ),
]
Named = Annotated[
    str,
    typer.Argument(
        metavar="NAME@VERSION", help="Model, and an alias or the first digits of a version's SHA-256."
    ),
]
OnnxFile = Annotated[Path, typer.Argument(help="ONNX file.")]
AnyOperator = Annotated[
    bool, typer.Option("--allow-any-op", help="Accept standard operators outside the allow-list.")
]
Alias = Annotated[str, typer.Option("--alias", help="champion, challenger or shadow.")]
WaiveGolden = Annotated[
    str | None,
    typer.Option(
        "--waive-golden", metavar="REASON", help="Reason for a champion without golden rows; it is recorded."
    ),
]


def open_registry(workspace: Path, folder: Path | None) -> "Registry":
    """The registry: the option's, the environment's, or the workspace's own.

    Raises:
        CommandError: No registry is given, and there is no workspace either.
    """
    from nextbest import settings
    from nextbest.registry.registry import FOLDER, Registry
    from nextbest.workspace.load import missing

    named = folder or settings.read().model_registry
    lacks = missing(workspace) if named is None else None
    if lacks is not None:
        own = f", such as `--registry {workspace / FOLDER}`" if (workspace / FOLDER).is_dir() else ""
        remedy = f"give a workspace with -w, or a registry with --registry or NEXTBEST_MODEL_REGISTRY{own}"
        raise CommandError(f"there is no registry of models here: {lacks.message}", remedy, ExitCode.USAGE)
    return Registry(named or workspace / FOLDER)


def chosen(workspace: Path, folder: Path | None) -> str:
    """The options that give this registry to the next command; empty if none is needed."""
    if folder is not None:
        return f" --registry {shlex.quote(str(folder))}"
    return f" -w {shlex.quote(str(workspace))}" if workspace != Path() else ""


def find(registry: "Registry", reference: str) -> "Version":
    """Finds a version: the named one, else the champion, else the one pushed last.

    Raises:
        ModelError: There is none, or it cannot be read.
    """
    from nextbest.models import ModelError
    from nextbest.models.refusal import DAMAGED_VERSION

    name, at, version = reference.partition("@")
    if at:
        return registry.resolve(name, version)
    champion = registry.aliases(name).named.get("champion")
    if champion is not None:
        return registry.resolve(name, "champion")
    versions = registry.versions(name)
    if not versions:
        remedy = f"restore `{registry.root / name}` from a backup, or push the model again"
        raise ModelError(f"the versions of `{name}` are missing", remedy, DAMAGED_VERSION)
    return max(versions, key=lambda found: _pushed_at(registry, found, is_needed=len(versions) == 1))


def _pushed_at(registry: "Registry", version: "Version", *, is_needed: bool) -> str:
    """When a version was pushed; for a damaged one next to others, long ago."""
    from nextbest.models import ModelError

    try:
        return registry.manifest(version).pushed_at
    except ModelError:
        if is_needed:
            raise
        return ""


def find_named(registry: "Registry", reference: str) -> "Version":
    """Finds a version for a command that changes something: it has to be given.

    Raises:
        CommandError: It is not given.
        ModelError: There is no such version.
    """
    if "@" not in reference:
        remedy = f"give {reference}@champion, or {reference}@ and the first digits of a version's SHA-256"
        raise CommandError(f"`{reference}` does not name a version", remedy, ExitCode.USAGE, "NAME@VERSION")
    return find(registry, reference)


def check_readable(path: Path, option: str) -> None:
    """Checks that a file of rows exists, before its content is read.

    Raises:
        CommandError: It does not exist, or is not a file.
    """
    from nextbest.regular_file import open_file

    try:
        open_file(path).close()
    except OSError as error:
        raise unreadable(path, error, option) from None


def unreadable(path: Path | str, error: OSError, option: str = "") -> CommandError:
    """The error of a file of the command line that cannot be read."""
    reason = (error.strerror or str(error)).lower()
    return CommandError(f"`{path}` cannot be read: {reason}", "check the path", ExitCode.USAGE, option)


def read_waiver(reason: str | None) -> str:
    """The reason of a waiver; empty without one.

    Raises:
        CommandError: There is none.
    """
    if reason is not None and not reason.strip():
        remedy = "give the reason why the version may be champion without golden rows"
        raise CommandError("the reason is empty", remedy, ExitCode.USAGE, "--waive-golden")
    return (reason or "").strip()


@contextmanager
def refusing() -> Iterator[None]:
    """Ends the command with exit code 1 if a model is refused or unknown."""
    from nextbest.diagnostics import Diagnostic
    from nextbest.models import ModelError

    try:
        yield
    except ModelError as error:
        refuse([Diagnostic(error.code, error.message, None, error.help)], {})


def refuse(diagnostics: "Sequence[Diagnostic]", sources: Mapping[str, Sequence[str]]) -> NoReturn:
    """Reports the reason, and ends the command with exit code 1.

    Raises:
        Exit: Always.
    """
    from nextbest.diagnostics.rendering import to_objects

    if is_for_machines():
        write_json({"refused": to_objects(diagnostics)})
    else:
        show_diagnostics(diagnostics, sources)
    raise typer.Exit(ExitCode.FINDINGS)
