"""`nextbest model forget-rows`."""

from pathlib import Path
from typing import Annotated

import typer

from nextbest.cli.help_text import add_command
from nextbest.cli.models.registries import (
    Named,
    RegistryFolder,
    Workspace,
    find_named,
    open_registry,
    refusing,
)
from nextbest.cli.output import Json, is_for_machines, say, write_json
from nextbest.registry.author import now, user


def register(group: typer.Typer) -> None:
    """Adds the command."""
    add_command(
        group,
        forget_rows,
        "nextbest model forget-rows card-propensity@1a2b3c",
        "nextbest model forget-rows card-propensity@1a2b3c --reference",
        name="forget-rows",
    )


def forget_rows(
    reference: Named,
    *,
    histograms: Annotated[
        bool, typer.Option("--reference", help="Delete the histograms of the background sample too.")
    ] = False,
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Delete the golden rows and the background sample of a version, which are customers' data.

    The version itself does not change, and the registry records who deleted them and when. Without the
    sample, bundles that are compiled from now on have no contributions; without --reference, `model health`
    still compares with its histograms. Copies of the registry and its backups keep the rows until they are
    deleted there too.
    """
    store = open_registry(workspace, registry)
    with refusing():
        version = find_named(store, reference)
        files = store.forget_rows(version, by=user(), at=now(), with_reference=histograms)
    if is_for_machines():
        write_json({"name": version.name, "version": version.digest, "forgotten": files})
    elif files:
        say(f"forgot {', '.join(files)} of {version}")
    else:
        say(f"{version} has no rows to delete")
