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
    open_registry,
    read_waiver,
    refuse,
    refusing,
)
from nextbest.cli.output import Json, is_for_machines, say, show_diagnostics, write_json
from nextbest.registry.author import now, user

if TYPE_CHECKING:
    from nextbest.diagnostics import Diagnostic
    from nextbest.registry.aliases import Move

_NEXT = "next: nextbest compile && nextbest activate, because a running server keeps its bundle"


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
    """Point an alias to a version, at once, for every compilation from now on.

    A version that was pushed without golden rows does not become champion (NB673), unless --waive-golden
    gives a reason, which is recorded with the move and shown by `model show`.
    """
    from nextbest import models
    from nextbest.diagnostics import Diagnostic
    from nextbest.models.version_warnings import repaired

    waiver = read_waiver(waive_golden)
    store = open_registry(workspace, registry)
    with refusing():
        version = find_named(store, reference)
        try:
            promotion = models.promote(store, f"{version.name}@{version.digest}", alias, waiver=waiver)
        except models.ModelError as error:
            known = repaired(store, version)
            refuse([Diagnostic(error.code, error.message, None, error.help), *known], {})
        _report(version.name, promotion.move, promotion.warnings)


def rollback(
    name: Annotated[str, typer.Argument(help="Model.")],
    *,
    alias: Alias = "champion",
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Point an alias to its previous version; repeated, to the one before that."""
    from nextbest.models.version_warnings import gone_back, repaired

    store = open_registry(workspace, registry)
    with refusing():
        move = store.roll_back(name, alias, by=user(), at=now())
        version = store.resolve(name, move.after)
        _report(name, move, [*gone_back(store, version, move), *repaired(store, version)])


def retire(
    reference: Named,
    *,
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Retire a version, so that new bundles cannot use it; refused while an alias points to it."""
    store = open_registry(workspace, registry)
    with refusing():
        version = find_named(store, reference)
        store.retire(version, by=user(), at=now())
    if is_for_machines():
        write_json({"name": version.name, "version": version.digest, "retired": True})
    else:
        say(f"retired {version}")


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
