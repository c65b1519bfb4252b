"""`nextbest model pull`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.models.registries import (
    Named,
    RegistryFolder,
    Workspace,
    find_named,
    open_registry,
    refusing,
)
from nextbest.cli.output import CommandError, Json, is_for_machines, say, write_bytes, write_json

if TYPE_CHECKING:
    from nextbest.registry.registry import Registry, Version

_PIPE = "-"


def register(group: typer.Typer) -> None:
    """Adds the command."""
    add_command(
        group,
        pull,
        "nextbest model pull card-propensity@champion -o card.onnx",
        "nextbest model pull card-propensity@champion -o - | sha256sum",
        "nextbest model pull card-propensity@1a2b3c --to card --rows",
    )


def pull(  # noqa: PLR0913 - one a word of the command line
    reference: Named,
    *,
    output: Annotated[str, typer.Option("--output", "-o", help="File to write; - for standard output.")] = "",
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder for the model, its binding and its card.")
    ] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="With --to: golden rows and background sample too.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Write the ONNX file of a version, verified, to inspect it or to push it to another registry.

    Without -o and --to, NAME.onnx is written here. With --to, the folder gets NAME.onnx, binding.yaml and
    card.yaml, the card as it was last revised. --rows adds customers' data: golden rows and the background
    sample.
    """
    if output and to is not None:
        raise CommandError("a file and a folder are given", "give -o or --to", ExitCode.USAGE, "--to")
    if rows and to is None:
        raise CommandError("--rows needs a folder", "give it with --to", ExitCode.USAGE, "--rows")
    if output == _PIPE and (sys.stdout.isatty() or is_for_machines()):
        remedy = "send it to a file or a program: nextbest model pull ... -o - > card.onnx, without --json"
        raise CommandError("an ONNX file is not text", remedy, ExitCode.USAGE, "-o")
    store = open_registry(workspace, registry)
    with refusing():
        version = find_named(store, reference)
        store.verify(version)
        if output == _PIPE:
            write_bytes(store.model(version))
            return
        first = Path(output) if output else (to or Path()) / f"{version.name}.onnx"
        files = {first: store.model(version)}
        if to is not None:
            files |= {to / name: data for name, data in _others(store, version, with_rows=rows).items()}
    _write(files, force=force)
    if is_for_machines():
        plain = {"name": version.name, "version": version.digest, "files": [str(path) for path in files]}
        write_json(plain)
        return
    for path in files:
        say(f"wrote {path}")


def _others(store: "Registry", version: "Version", *, with_rows: bool) -> dict[str, bytes]:
    """The files of a version besides its model."""
    from nextbest.registry.version_files import ROWS
    from nextbest.workspace.versions import BINDING, CARD

    manifest = store.manifest(version)
    names = (BINDING, CARD, *(ROWS if with_rows else ()))
    found = {name: store.file(version, manifest, name) for name in names}
    revisions = store.amendments(version.name).cards.get(version.digest)
    if revisions:
        found[CARD] = revisions[-1].text.encode()
    return {name: data for name, data in found.items() if data is not None}


def _write(files: Mapping[Path, bytes], *, force: bool) -> None:
    there = [path for path in files if path.exists()]
    if there and not force:
        raise CommandError(f"`{there[0]}` exists already", "give another name, or --force", ExitCode.USAGE)
    for path, data in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            message = f"`{path}` cannot be written: {reason}"
            raise CommandError(message, "give another path", ExitCode.USAGE) from None
