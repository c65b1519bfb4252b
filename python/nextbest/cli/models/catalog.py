"""`nextbest model list` and `show`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from nextbest.cli.help_text import add_command
from nextbest.cli.models.registries import Reference, RegistryFolder, Workspace, find, open_registry, refusing
from nextbest.cli.output import Json, is_for_machines, say, show, write_json

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from nextbest.models.aliases import Aliases
    from nextbest.models.manifest import Manifest
    from nextbest.models.registry import Registry, Version


def register(group: typer.Typer) -> None:
    """Adds the commands."""
    add_command(
        group, list_, "nextbest model list", "nextbest model list --json | jq '.[].name'", name="list"
    )
    show_examples = (
        "nextbest model show card-propensity",
        "nextbest model show card-propensity@challenger",
        "nextbest model show card-propensity@1a2b3c --json",
    )
    add_command(group, show_, *show_examples, name="show")


def list_(
    *,
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """List the models of the registry: versions, aliases, engine, and when the card expires."""
    store = open_registry(workspace, registry)
    with refusing():
        models = [_summary(store, name) for name in store.names()]
    if is_for_machines():
        write_json(models)
        return
    if not models:
        say(f"no models in {store.root}: nextbest model push FILE --name NAME")
        return
    from rich.table import Table

    table = Table(header_style="bold")
    for title in ("model", "versions", "champion", "challenger", "shadow", "engine", "expires"):
        table.add_column(title, justify="right" if title == "versions" else "left")
    for model in models:
        named = [model["aliases"].get(alias, "")[:12] for alias in ("champion", "challenger", "shadow")]
        count = f"{len(model['versions'])}"
        table.add_row(
            model["name"], count, *named, model["engine"], _term(model["expires"], model["is_expired"])
        )
    show(table)


def show_(
    reference: Reference,
    *,
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Show a version: its card, what it is made of, what validation found, and where its aliases have been.

    Without a version, the champion is shown; where there is none, the version that was pushed last.
    """
    store = open_registry(workspace, registry)
    with refusing():
        version = find(store, reference)
        aliases = store.aliases(version.name)
        if is_for_machines():
            write_json(describe(store, version, aliases))
        else:
            show(*_render(store, version, aliases))


def describe(store: "Registry", version: "Version", aliases: "Aliases") -> dict[str, Any]:
    """All that is known of a version, for machines.

    Raises:
        ModelError: NB618: it is damaged.
    """
    from nextbest.models.records import encode

    manifest = store.manifest(version)
    return {
        **encode(manifest),
        "aliases": aliases.of(version.digest),
        "is_retired": version.digest in aliases.retired,
        "is_expired": _is_expired(manifest),
        "history": [encode(move) for move in aliases.history if version.digest in {move.before, move.after}],
    }


def _summary(store: "Registry", name: str) -> dict[str, Any]:
    aliases = store.aliases(name)
    manifest = store.manifest(find(store, name))
    return {
        "name": name,
        "versions": [version.digest for version in store.versions(name)],
        "retired": sorted(aliases.retired),
        "aliases": aliases.named,
        "engine": manifest.report.engine.name if manifest.report.engine is not None else "",
        "expires": manifest.card.expires if manifest.card is not None else "",
        "is_expired": _is_expired(manifest),
    }


def _is_expired(manifest: "Manifest") -> bool:
    from datetime import UTC, datetime

    return manifest.card is not None and manifest.card.is_expired(datetime.now(UTC))


def _term(expires: str, expired: bool) -> str:  # noqa: FBT001 - what it is about
    return f"{expires} (expired)" if expired else expires or "-"


def _render(store: "Registry", version: "Version", aliases: "Aliases") -> "list[RenderableType]":
    from rich.text import Text

    manifest = store.manifest(version)
    named = aliases.of(version.digest) + ["retired"] * (version.digest in aliases.retired)
    head = Text.assemble(
        (version.name, "bold"), f"  {', '.join(named) or 'no alias'}\n{version.digest}\n",
        f"pushed {manifest.pushed_at} by {manifest.pushed_by}\n",
    )  # fmt: skip
    parts: list[RenderableType] = [head]
    for title, rows in (
        ("Card", _card_rows(manifest)),
        ("Model", _model_rows(manifest)),
        ("Binding", _binding_rows(manifest)),
        ("Validation", _validation_rows(manifest)),
        ("Metadata", list(manifest.report.facts.metadata.items())),
    ):
        if rows:
            parts.append(_pairs(title, rows))
    if aliases.history or len(store.versions(version.name)) > 1:
        parts += [_history(aliases), _versions(store, version, aliases)]
    return parts


def _pairs(title: str, rows: list[tuple[str, str]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        # What a stranger wrote into a model must not reach the terminal as commands.
        table.add_row(Text(_printable(name)), Text(_printable(value)))
    return table


def _printable(text: str) -> str:
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def _card_rows(manifest: "Manifest") -> list[tuple[str, str]]:
    card = manifest.card
    if card is None:
        return [("card", "none: push with --card")]
    trained = f"{card.trained_from} to {card.trained_until}" if card.trained_from else ""
    rows = [
        ("owner", card.owner),
        ("description", card.description),
        ("trained on", trained),
        ("population", card.population),
        ("metrics", ", ".join(f"{name} {value:g}" for name, value in card.metrics.items())),
        *(("limit", limit) for limit in card.limits),
        ("expires", _term(card.expires, _is_expired(manifest)) if card.expires else ""),
    ]
    return [(name, value) for name, value in rows if value]


def _model_rows(manifest: "Manifest") -> list[tuple[str, str]]:
    facts = manifest.report.facts
    trees = ""
    if facts.tree_count:
        trees = f"{facts.tree_count:,} with {facts.tree_node_count:,} nodes, depth {facts.tree_depth_max}"
    rows = [
        ("producer", facts.producer),
        ("opsets", ", ".join(f"{domain} {version}" for domain, version in facts.opsets.items())),
        ("operators", ", ".join(f"{name} ({count})" for name, count in facts.operators.items())),
        ("trees", trees),
        ("size", f"{facts.size_bytes:,} bytes, {facts.elements:,} numbers"),
        *(
            ("input", f"{tensor.name}: {tensor.type_text} {_shape(tensor.shape)}")
            for tensor in facts.signature.inputs
        ),
        *(
            ("output", f"{tensor.name}: {tensor.type_text} {_shape(tensor.shape)}")
            for tensor in facts.signature.outputs
        ),
        *(
            ("classes", f"{tensor.name}: {tensor.labels.listed()}".replace("`", ""))
            for tensor in facts.signature.outputs
            if tensor.labels is not None
        ),
    ]
    return [(name, value) for name, value in rows if value]


def _shape(shape: tuple[int | None, ...]) -> str:
    return f"[{', '.join('any' if size is None else str(size) for size in shape)}]" if shape else ""


def _binding_rows(manifest: "Manifest") -> list[tuple[str, str]]:
    binding = manifest.binding
    rows = [
        (
            name,
            ", ".join(column.attribute for column in columns)
            + " (by name)" * any(column.is_by_name for column in columns),
        )
        for name, columns in binding.inputs.items()
    ]
    rows.append(("score", binding.score))
    if binding.prior is not None:
        rows.append(("prior", f"{binding.prior:g}"))
    return rows


def _validation_rows(manifest: "Manifest") -> list[tuple[str, str]]:
    from nextbest.cli.models import wording

    report = manifest.report
    lines = [
        wording.independence(report, row_by_row=manifest.binding.row_by_row),
        wording.golden(report.golden),
        wording.boundary(report),
        wording.spread(report.spread),
        wording.latency(report.latency),
    ]
    if report.engine is not None:
        lines.append(f"engine {report.engine.name}: {report.engine.reason}")
    kept = [name for name in ("files", "network", "privileges") if getattr(report.confinement, name)]
    rows = [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in lines]
    if manifest.budget_us is not None:
        rows.append(("budget", f"{manifest.budget_us:g} us for one row"))
    rows.append(
        ("confined", f"no {', '.join(kept)}; {report.peak_bytes / 2**20:,.0f} MiB, {report.cpu_s:.1f} s")
    )
    return rows


def _history(aliases: "Aliases") -> "Table":
    from rich.table import Table

    table = Table(title="Moves", title_justify="left", title_style="bold", header_style="bold")
    for title in ("when", "alias", "from", "to", "by"):
        table.add_column(title)
    for move in reversed(aliases.history[-20:]):
        how = " (rollback)" if move.is_rollback else ""
        table.add_row(move.at, f"{move.alias}{how}", move.before[:12] or "-", move.after[:12], move.by)
    return table


def _versions(store: "Registry", shown: "Version", aliases: "Aliases") -> "Table":
    from rich.table import Table

    table = Table(title="Versions", title_justify="left", title_style="bold", header_style="bold")
    for title in ("version", "pushed", "by", "aliases"):
        table.add_column(title)
    versions = [(version, store.manifest(version)) for version in store.versions(shown.name)]
    for version, manifest in sorted(versions, key=lambda pair: pair[1].pushed_at, reverse=True):
        notes = aliases.of(version.digest) + ["retired"] * (version.digest in aliases.retired)
        mark = " *" if version == shown else ""
        table.add_row(
            f"{version.digest[:12]}{mark}", manifest.pushed_at, manifest.pushed_by, ", ".join(notes)
        )
    return table
