"""`nextbest model promote`, `rollback` and `retire`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextbest.cli.help_text import add_command
from nextbest.cli.models.registries import (
    Alias,
    Named,
    RegistryFolder,
    WaiveGolden,
    Workspace,
    find_named,
    now,
    open_registry,
    read_waiver,
    refuse,
    refusing,
    user,
)
from nextbest.cli.output import Json, is_for_machines, say, show_diagnostics, write_json

if TYPE_CHECKING:
    from nextbest.diagnostics import Diagnostic
    from nextbest.registry.aliases import Move
    from nextbest.registry.registry import Registry, Version

_NEXT = "next: nextbest compile && nextbest activate, as a running server keeps its bundle"


def register(group: typer.Typer) -> None:
    """Adds the commands."""
    promote_examples = (
        "nextbest model promote card-propensity@1a2b3c",
        "nextbest model promote card-propensity@challenger --alias champion",
        "nextbest model promote card-propensity@1a2b3c --waive-golden 'the trainer is gone'",
    )
    add_command(group, promote, *promote_examples)
    rollback_examples = (
        "nextbest model rollback card-propensity",
        "nextbest model rollback card-propensity --alias shadow",
    )
    add_command(group, rollback, *rollback_examples)
    add_command(group, retire, "nextbest model retire card-propensity@1a2b3c")


def promote(  # noqa: PLR0913 - one a word of the command line
    reference: Named,
    *,
    alias: Alias = "champion",
    waive_golden: WaiveGolden = None,
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Let an alias name a version, at once and for everybody who compiles from now on.

    A version that was pushed without golden rows does not become champion (NB673), unless --without-golden
    gives a reason, which is recorded with the move and shown by `model show`.
    """
    from nextbest.diagnostics import Diagnostic
    from nextbest.models import ModelError
    from nextbest.registry.registry import Waiver

    waiver = Waiver(read_waiver(waive_golden), is_first_waived=False)
    store = open_registry(workspace, registry)
    with refusing():
        version = find_named(store, reference)
        known = repaired(store, version)
        try:
            move = store.promote(version, alias, by=user(), at=now(), waiver=waiver)
        except ModelError as error:
            refuse([Diagnostic(error.code, error.message, None, error.help), *known], {})
        _report(version.name, move, [*without_golden(version.name, move), *known])


def rollback(
    name: Annotated[str, typer.Argument(help="Model.")],
    *,
    alias: Alias = "champion",
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Let an alias name again what it named before; a second time, what it named before that."""
    store = open_registry(workspace, registry)
    with refusing():
        move = store.roll_back(name, alias, by=user(), at=now())
        version = store.resolve(name, move.after)
        _report(name, move, [*_gone_back(store, version, move), *repaired(store, version)])


def retire(
    reference: Named,
    *,
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Mark a version as not to be used again; nothing is deleted. Refused while an alias names it."""
    store = open_registry(workspace, registry)
    with refusing():
        version = find_named(store, reference)
        store.retire(version, by=user(), at=now())
    if is_for_machines():
        write_json({"name": version.name, "version": version.digest, "retired": True})
    else:
        say(f"retired {version}")


def without_golden(name: str, move: "Move") -> "list[Diagnostic]":
    """A warning of a champion whose golden rows were waived."""
    from nextbest.diagnostics import Diagnostic, Severity
    from nextbest.models.refusal import NO_GOLDEN

    if not move.waiver:
        return []
    message = f"the champion {name}@{move.after[:12]} has no golden rows; waived by {move.by}: {move.waiver}"
    remedy = "push the next version with --golden: rows with the trainer's scores"
    return [Diagnostic(NO_GOLDEN, message, None, remedy, Severity.WARNING)]


def _gone_back(store: "Registry", version: "Version", move: "Move") -> "list[Diagnostic]":
    """A warning of a rollback to a version without golden rows, which may be an emergency."""
    from nextbest.diagnostics import Diagnostic, Severity
    from nextbest.models.refusal import NO_GOLDEN
    from nextbest.registry.aliases import CHAMPION

    if move.alias != CHAMPION or store.manifest(version).report.golden is not None:
        return []
    message = f"the champion {version} was pushed without golden rows"
    remedy = "push the next version with --golden: rows with the trainer's scores"
    return [Diagnostic(NO_GOLDEN, message, None, remedy, Severity.WARNING)]


def repaired(store: "Registry", version: "Version") -> "list[Diagnostic]":
    """A warning of each time that a version was damaged: what did it may do it again."""
    from nextbest.diagnostics import Diagnostic, Severity
    from nextbest.models.refusal import DAMAGED_VERSION

    remedy = "find out what changed it: a disk, a copy or an editor may do it again"
    warnings = []
    for found in store.amendments(version.name).repairs.get(version.digest, []):
        files = ", ".join(found.files)
        message = f"the version {version} was damaged, and repaired by {found.by} on {found.at}: {files}"
        warnings.append(Diagnostic(DAMAGED_VERSION, message, None, remedy, Severity.WARNING))
    return warnings


def _report(name: str, move: "Move", warnings: "list[Diagnostic]") -> None:
    from nextbest.diagnostics.rendering import to_objects

    if is_for_machines():
        write_json({"name": name, "move": move, "warnings": to_objects(warnings)})
        return
    if warnings:
        show_diagnostics(warnings, {})
    before = move.before[:12] or "none"
    say(f"{move.alias} of {name}: {before} -> {move.after[:12]}")
    say(_NEXT)
