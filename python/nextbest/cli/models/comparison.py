"""`nextbest model diff`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextbest.cli.csv_form import Encoding, Separator, form
from nextbest.cli.help_text import add_command
from nextbest.cli.models.registries import (
    Reference,
    RegistryFolder,
    Workspace,
    check_readable,
    find,
    open_registry,
    refusing,
)
from nextbest.cli.output import Json, is_for_machines, say, show, write_json
from nextbest.cli.progress import following

if TYPE_CHECKING:
    from rich.console import RenderableType

    from nextbest.layouts import Listing
    from nextbest.models.comparison import Comparison, ScoreChange


def register(group: typer.Typer) -> None:
    """Adds the command."""
    examples = (
        "nextbest model diff card-propensity@champion card-propensity@challenger",
        "nextbest model diff card-propensity@1a2b3c card-propensity@4d5e6f --json",
        "nextbest model diff card-propensity@champion card-propensity@4d5e6f --rows sample.parquet",
    )
    add_command(group, diff, *examples)


def diff(  # noqa: PLR0913 - one parameter an option
    before: Reference,
    after: Reference,
    *,
    rows: Annotated[
        Path | None, typer.Option(help="Parquet or CSV: rows to score, with the columns of both versions.")
    ] = None,
    separator: Separator = "",
    encoding: Encoding = "",
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Compare two versions: signature, operators, binding, card, metrics, and scores.

    Both versions score the same rows, each in a separate process: those of --rows, else the background sample
    or the golden rows of either version, whichever have the columns of both. `model evaluate` compares them
    on rows whose outcome is known.
    """
    from nextbest.models.comparison import ROWS_GIVEN, compare
    from nextbest.models.rows import read_columns

    if rows is not None:
        check_readable(rows, "--rows")
    store = open_registry(workspace, registry)
    with refusing():
        versions = find(store, before), find(store, after)
        with following() as progress:
            given = read_columns(rows, ROWS_GIVEN, form(separator, encoding)) if rows is not None else None
            found = compare(store, *versions, progress, given)
    if is_for_machines():
        write_json({"before": versions[0].digest, "after": versions[1].digest, **_plain(found)})
        return
    say(f"{versions[0]} -> {versions[1]}")
    show(*_render(found))


def _plain(found: "Comparison") -> dict[str, Any]:
    from nextbest.registry.records import encode

    plain: dict[str, Any] = encode(found)
    return plain


def _render(found: "Comparison") -> "list[RenderableType]":
    from nextbest.layouts import Listing, name, paragraph, text

    parts: list[RenderableType] = []
    if found.changes:
        table = Listing((name("what"), text("before"), text("after")))
        for change in found.changes:
            table.add(change.what, change.before or "none", change.after or "none")
        parts.append(table)
    else:
        parts.append(paragraph("only the bytes differ"))
    if found.scores is None:
        return [*parts, paragraph(f"scores not compared: {found.reason}")]
    parts.append(_scores(found, found.scores))
    if found.filled:
        names = ", ".join(f"`{name}`" for name in found.filled)
        note = f"every row got the value of the binding for {names}: the rows do not have it"
        parts.append(paragraph(note))
    return parts


def _scores(found: "Comparison", scores: "ScoreChange") -> "Listing":
    from nextbest.layouts import pairs
    from nextbest.wording import word_percents

    before, after = word_percents([scores.mean_before, scores.mean_after])
    rows = {
        "rows": f"{scores.rows:,} ({found.sample})",
        "difference": f"{scores.difference_mean:.4f} on average, {scores.difference_p95:.4f} at the 95th "
        f"percentile, {scores.difference_max:.4f} at most",
        "mean score": f"{before} before, {after} after",
        "PSI": f"{scores.stability_index:.3f}",
    }
    return pairs("Scores", rows.items())
