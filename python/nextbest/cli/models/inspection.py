"""`nextbest model show`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from nextbest.cli.help_text import add_command
from nextbest.cli.models.registries import Reference, RegistryFolder, Workspace, find, open_registry, refusing
from nextbest.cli.models.wording import stamp, term
from nextbest.cli.output import Json, is_for_machines, show, write_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from nextbest.layouts import Listing
    from nextbest.registry.aliases import Aliases
    from nextbest.registry.amendments import Amendments
    from nextbest.registry.manifest import Manifest
    from nextbest.registry.registry import Registry, Version


def register(group: typer.Typer) -> None:
    """Adds the command."""
    examples = (
        "nextbest model show card-propensity",
        "nextbest model show card-propensity@challenger",
        "nextbest model show card-propensity@1a2b3c --json",
    )
    add_command(group, show_, *examples, name="show")


def show_(
    reference: Reference,
    *,
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Show a version: its card, structure, validation results, and the history of its aliases.

    Without a version, the champion is shown; if there is none, the version that was pushed last. A version
    whose files have changed is refused (NB618).
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
    """The complete record of a version, for programs.

    Raises:
        ModelError: NB618: it is damaged.
    """
    from nextbest.registry.records import encode

    manifest, amendments = store.verify(version), store.amendments(version.name)
    revisions = amendments.cards.get(version.digest, [])
    return {
        **encode(manifest),
        "card_revisions": [
            {"by": found.by, "at": found.at, "card": encode(found.card)} for found in revisions
        ],
        "rows": {name: fate or "kept" for name, fate in _fates(store, version, manifest).items()},
        "repairs": encode(amendments.repairs.get(version.digest, [])),
        "aliases": aliases.of(version.digest),
        "is_retired": version.digest in aliases.retired,
        "is_expired": _is_expired(manifest),
        "history": [encode(move) for move in aliases.history if version.digest in {move.before, move.after}],
    }


def _is_expired(manifest: "Manifest") -> bool:
    from datetime import UTC, datetime

    return manifest.card is not None and manifest.card.is_expired(datetime.now(UTC))


def _render(store: "Registry", version: "Version", aliases: "Aliases") -> "list[RenderableType]":
    from nextbest.layouts import pairs

    manifest, amendments = store.verify(version), store.amendments(version.name)
    named = aliases.of(version.digest) + ["retired"] * (version.digest in aliases.retired)
    head = {
        "version": version.digest,
        "aliases": ", ".join(named) or "none",
        "pushed": f"{stamp(manifest.pushed_at)} by {manifest.pushed_by}",
    }
    parts: list[RenderableType] = [pairs(version.name, head.items())]
    for title, rows in (
        ("Card", _card_rows(manifest)),
        ("Model", _model_rows(manifest)),
        ("Binding", _binding_rows(manifest)),
        ("Validation", _validation_rows(manifest)),
        ("Metadata", list(manifest.report.facts.metadata.items())),
    ):
        if rows:
            parts.append(pairs(title, rows))
    happened = _amendment_rows(amendments, version)
    happened += [(name, fate) for name, fate in _fates(store, version, manifest).items() if fate]
    if happened:
        parts.append(pairs("After the push", happened))
    if aliases.history or len(store.versions(version.name)) > 1:
        parts += [_history(aliases), _versions(store, version, aliases)]
    return parts


def _card_rows(manifest: "Manifest") -> list[tuple[str, str]]:
    card = manifest.card
    if card is None:
        return [("card", "none: give one with `nextbest model revise`")]
    trained = f"{card.trained_from} to {card.trained_until}" if card.trained_from else ""
    rows = [
        ("owner", card.owner),
        ("description", card.description),
        ("trained on", trained),
        ("population", card.population),
        ("metrics", ", ".join(f"{name} {value:g}" for name, value in card.metrics.items())),
        *(("limit", limit) for limit in card.limits),
        ("expires", term(card.expires, _is_expired(manifest)) if card.expires else ""),
    ]
    return [(name, value) for name, value in rows if value]


def _model_rows(manifest: "Manifest") -> list[tuple[str, str]]:
    from nextbest.wording import word_bytes

    facts = manifest.report.facts
    trees = ""
    if facts.tree_count:
        trees = f"{facts.tree_count:,} with {facts.tree_node_count:,} nodes, depth {facts.tree_depth_max}"
    rows = [
        ("producer", facts.producer),
        ("opsets", ", ".join(f"{domain} {version}" for domain, version in facts.opsets.items())),
        ("operators", ", ".join(f"{name} ({count})" for name, count in facts.operators.items())),
        ("trees", trees),
        ("size", f"{word_bytes(facts.size_bytes)}, {facts.elements:,} numbers"),
        *(("input", f"{tensor.name}: {tensor.described}") for tensor in facts.signature.inputs),
        *(("output", f"{tensor.name}: {tensor.described}") for tensor in facts.signature.outputs),
        *(
            ("classes", f"{tensor.name}: {tensor.labels.listed()}".replace("`", ""))
            for tensor in facts.signature.outputs
            if tensor.labels is not None
        ),
    ]
    return [(name, value) for name, value in rows if value]


def _binding_rows(manifest: "Manifest") -> list[tuple[str, str]]:
    from nextbest.wording import word_percent

    binding = manifest.binding
    rows = [
        (
            name,
            ", ".join(column.described for column in columns)
            + " (by name)" * any(column.is_by_name for column in columns),
        )
        for name, columns in binding.inputs.items()
    ]
    rows.append(("score", binding.score))
    if binding.prior is not None:
        rows.append(("prior", word_percent(binding.prior)))
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


def _history(aliases: "Aliases") -> "Listing":
    from nextbest.layouts import Listing, name, text

    columns = (
        name("moved"),
        name("alias"),
        name("from"),
        name("to"),
        name("by", gives_way=1, below="by {}"),
        text("notes", gives_way=2),
    )
    table = Listing(columns, "Moves")
    for move in reversed(aliases.history[-20:]):
        notes = ["rollback"] if move.is_rollback else []
        notes += [f"golden rows waived: {move.waiver}"] if move.waiver else []
        before = move.before[:12] or "none"
        table.add(stamp(move.at), move.alias, before, move.after[:12], move.by, "; ".join(notes))
    return table


def _versions(store: "Registry", shown: "Version", aliases: "Aliases") -> "Listing":
    from nextbest.layouts import Listing, name, text
    from nextbest.models import ModelError

    rows = []
    for version in store.versions(shown.name):
        notes = aliases.of(version.digest) + ["retired"] * (version.digest in aliases.retired)
        pushed_at = pushed_by = ""
        try:
            manifest = store.manifest(version)
            pushed_at, pushed_by = manifest.pushed_at, manifest.pushed_by
        except ModelError:
            notes.append("damaged")
        notes += ["shown here"] * (version == shown)
        rows.append((pushed_at, version.digest[:12], pushed_by, ", ".join(notes)))
    table = Listing((name("version"), name("pushed"), name("by"), text("notes")), "Versions")
    for pushed_at, digest, pushed_by, noted in sorted(rows, reverse=True):
        table.add(digest, stamp(pushed_at), pushed_by, noted)
    return table


def _fates(store: "Registry", version: "Version", manifest: "Manifest") -> dict[str, str]:
    """Why a file of rows, or its counts, is missing; empty if it is there."""
    from nextbest.registry.version_files import REFERENCE, ROWS

    names = [name for name in (*ROWS, REFERENCE) if name in manifest.files]
    return {name: store.fate_of(version, manifest, name) for name in names}


def _amendment_rows(amendments: "Amendments", version: "Version") -> list[tuple[str, str]]:
    """The events of a version since its push: card revisions and repaired files."""
    rows = []
    for revision in amendments.cards.get(version.digest, []):
        until = f", expires {revision.card.expires}" if revision.card.expires else ""
        rows.append(
            (stamp(revision.at), f"card revised by {revision.by}: owner {revision.card.owner}{until}")
        )
    repairs = amendments.repairs.get(version.digest, [])
    rows += [(stamp(found.at), f"repaired by {found.by}: {', '.join(found.files)}") for found in repairs]
    return sorted(rows)
