"""`nextbest model list`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.models.registries import RegistryFolder, Workspace, find, open_registry, refusing
from nextbest.cli.models.wording import term
from nextbest.cli.output import Json, is_for_machines, say, show, show_diagnostics, write_json

if TYPE_CHECKING:
    from nextbest.layouts import Listing
    from nextbest.registry.registry import Registry


def register(group: typer.Typer) -> None:
    """Adds the command."""
    add_command(
        group, list_, "nextbest model list", "nextbest model list --json | jq '.[].name'", name="list"
    )


def list_(
    *,
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """List the models of the registry: versions, aliases, engine, and when the card expires.

    The champion of each model is verified, or the version pushed last if there is none. The exit code is 1 if
    one is damaged.
    """
    store = open_registry(workspace, registry)
    with refusing():
        models = [_summary(store, name) for name in store.names()]
    if is_for_machines():
        write_json(models)
    else:
        _show(store, models)
    if any(model["damage"] for model in models):
        raise typer.Exit(ExitCode.FINDINGS)


def _show(store: "Registry", models: list[dict[str, Any]]) -> None:
    from nextbest.diagnostics import Diagnostic

    if not models:
        say(f"no models in {store.root}: nextbest model push FILE --name NAME")
        return
    show(_table(models))
    damage = [model["damage"] for model in models if model["damage"]]
    if damage:
        found = [Diagnostic(error["code"], error["message"], None, error["help"]) for error in damage]
        show_diagnostics(found, {})


def _table(models: list[dict[str, Any]]) -> "Listing":
    from nextbest.layouts import Listing, name, number
    from nextbest.registry.aliases import ALIASES

    champion, *others = ALIASES
    columns = (
        name("model"),
        number("versions"),
        name(champion),
        *(name(alias, gives_way=place, below=f"{alias} {{}}") for place, alias in enumerate(others, 1)),
        name("engine"),
        name("card expires"),
    )
    table = Listing(columns)
    for model in models:
        named = [model["aliases"].get(alias, "")[:12] for alias in ALIASES]
        expires = term(model["expires"], model["is_expired"])
        table.add(model["name"], f"{len(model['versions']):,}", *named, model["engine"], expires)
    return table


def _summary(store: "Registry", name: str) -> dict[str, Any]:
    from datetime import UTC, datetime

    from nextbest.models import ModelError
    from nextbest.registry.aliases import Aliases

    aliases, manifest, damage = Aliases(), None, None
    try:
        aliases = store.aliases(name)
        manifest = store.verify(find(store, name))
    except ModelError as error:
        damage = {"code": error.code, "message": error.message, "help": error.help}
    engine = manifest.report.engine if manifest is not None else None
    card = manifest.card if manifest is not None else None
    return {
        "name": name,
        "versions": [version.digest for version in store.versions(name)],
        "retired": sorted(aliases.retired),
        "aliases": aliases.named,
        "engine": engine.name if engine is not None else "",
        "expires": card.expires if card is not None else "",
        "is_expired": card is not None and card.is_expired(datetime.now(UTC)),
        "damage": damage,
    }
