"""`nextbest model revise`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextbest.cli.help_text import add_command
from nextbest.cli.models.registries import (
    Named,
    RegistryFolder,
    Workspace,
    find_named,
    open_registry,
    refuse,
    refusing,
    unreadable,
)
from nextbest.cli.output import Json, is_for_machines, say, show_diagnostics, write_json
from nextbest.registry.author import now, user

if TYPE_CHECKING:
    from nextbest.models.pushing.pushed_files import Findings
    from nextbest.registry.amendments import CardRevision


def register(group: typer.Typer) -> None:
    """Adds the command."""
    add_command(
        group,
        revise,
        "nextbest model revise card-propensity@1a2b3c --card card.yaml",
        "nextbest model revise card-propensity@champion --card card.yaml --json",
    )


def revise(
    reference: Named,
    *,
    card: Annotated[Path, typer.Option("--card", help="YAML: the new model card.")],
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Revise the model card of a version: a longer term, another owner, a newly found limit.

    The version stays the same, and every card is kept, with who revised it and when. Workspaces see the new
    card when they are compiled again.
    """
    from nextbest.diagnostics.rendering import to_objects
    from nextbest.models.pushing.pushed_files import Findings
    from nextbest.registry.manifest import MODEL_CARD

    store, findings = open_registry(workspace, registry), Findings()
    with refusing():
        version = find_named(store, reference)
        revision = _read(card, findings)
        if revision is None:
            refuse(findings.diagnostics, findings.sources)
        is_new = store.verify(version).sources.get(MODEL_CARD) != revision.source
        if is_new:
            store.revise_card(version, revision)
    if is_for_machines():
        warnings = to_objects(findings.diagnostics)
        plain = {"by": revision.by, "at": revision.at, "card": revision.card} if is_new else None
        write_json({"name": version.name, "version": version.digest, "revision": plain, "warnings": warnings})
        return
    if findings.diagnostics:
        show_diagnostics(findings.diagnostics, findings.sources)
    if not is_new:
        say(f"{version} has this card already: nothing changes")
        return
    until = f", expires {revision.card.expires}" if revision.card.expires else ""
    say(f"revised the card of {version}: owner {revision.card.owner}{until}")
    say("next: nextbest compile && nextbest activate, because a running server keeps its bundle")


def _read(path: Path, findings: "Findings") -> "CardRevision | None":
    from nextbest.models.pushing.known_versions import revision_of
    from nextbest.models.pushing.pushed_files import card_of, read_written
    from nextbest.workspace.definitions import Kind

    try:
        written = read_written(path, Kind.CARD, findings)
    except OSError as error:
        raise unreadable(path, error, "--card") from None
    card = card_of(written, findings)
    if written is None or card is None or findings.is_refused:
        return None
    return revision_of(card, written.content, by=user(), at=now())
