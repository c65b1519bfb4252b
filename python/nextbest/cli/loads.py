"""`nextbest load`: asks a running server at a fixed rate, and reports how long it took to answer."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

import json as encoder
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from nextbest.cli.decisions import (
    Address,
    Attribute,
    ContextOption,
    PlacementOption,
    given_attributes,
    given_placements,
)
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.output import CommandError, Json, is_for_machines, show, write_json

REQUESTS_MAX = 100_000
"""Of different ones; they are sent in turn."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    add_command(
        app,
        load,
        "nextbest load -c web -p hero --customers customers.parquet --rate 5000 --duration 10",
        "nextbest load -c web -p hero -a age=42 --rate 1000 --connections 4 --json",
        "nextbest load --requests questions.ndjson",
        panel="Server",
    )


def load(  # noqa: PLR0913 - one parameter an option
    *,
    channel: Annotated[str, typer.Option("--channel", "-c", help="Channel, as the workspace names it.")] = "",
    placement: PlacementOption = None,
    customers: Annotated[
        Path | None, typer.Option("--customers", help="File whose customer ids are asked for.")
    ] = None,
    id_column: Annotated[str, typer.Option("--id", help="Its column of customer ids.")] = "customer_id",
    attribute: Attribute = None,
    context: ContextOption = None,
    requests: Annotated[
        Path | None, typer.Option("--requests", help="NDJSON of questions: the arguments of Client.decide.")
    ] = None,
    rate: Annotated[float, typer.Option("--rate", min=0.1, help="Requests a second.")] = 1_000.0,
    in_flight: Annotated[
        int | None, typer.Option("--in-flight", min=1, help="Instead of a rate: always so many under way.")
    ] = None,
    duration: Annotated[float, typer.Option("--duration", min=0.1, help="Seconds to measure.")] = 10.0,
    warmup: Annotated[float, typer.Option("--warmup", min=0.0, help="Seconds before that.")] = 1.0,
    connections: Annotated[int, typer.Option("--connections", min=1, help="One a server core at least.")] = 4,
    address: Address = "",
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Ask a server at a fixed rate, and report how long the answers took.

    Requests leave on schedule whether or not earlier ones were answered, and each is timed from the moment
    it was due, so that a stall is not hidden. The hiccup figures say how late an idle thread woke on this
    machine: what no server can improve on. Exits with 5 when a call failed.

    With --in-flight, a call leaves when another was answered. That finds how much a server can do, and says
    nothing about latency.
    """
    if requests is not None:
        encoded = _from_file(requests)
    else:
        encoded = _from_options(channel, placement, attribute, context, _ids(customers, id_column))

    from nextbest import _core, settings

    try:
        report = _core.load(
            {
                "address": address or settings.read().address,
                "requests": encoded,
                "rate_per_s": rate if in_flight is None else None,
                "in_flight": in_flight,
                "duration_s": duration,
                "warmup_s": warmup,
                "connections": connections,
            }
        )
    except _core.ServerError as error:
        remedy = "start one with `nextbest serve BUNDLE`, or name its address"
        raise CommandError(str(error), remedy, ExitCode.CANNOT_CONNECT) from None
    except ValueError as error:
        raise CommandError(str(error), "see `nextbest load --help`", ExitCode.USAGE) from None
    if is_for_machines():
        write_json(report)
    else:
        _show(report)
    if report["errors"]:
        raise typer.Exit(ExitCode.FAILED)


def _from_file(path: Path) -> list[bytes]:
    from nextbest.cli.bundles import read_bytes
    from nextbest.question import Question, assemble

    encoded: list[bytes] = []
    for number, line in enumerate(read_bytes(path).decode("utf-8", "replace").splitlines()[:REQUESTS_MAX], 1):
        if not line.strip():
            continue
        try:
            encoded.append(assemble(Question(**encoder.loads(line))).SerializeToString())
        except (TypeError, ValueError) as error:
            raise CommandError(
                f"line {number} of `{path}` is no question: {error}",
                'write {"channel": "web", "placements": {"hero": 1}, "customer_id": "c-1"}',
                ExitCode.USAGE,
                "--requests",
            ) from None
    if not encoded:
        raise CommandError(
            f"`{path}` holds no question", "write one JSON object a line", ExitCode.USAGE, "--requests"
        )
    return encoded


def _from_options(
    channel: str,
    placement: list[str] | None,
    attribute: list[str] | None,
    context: list[str] | None,
    customer_ids: list[str],
) -> list[bytes]:
    from nextbest.question import Question, assemble

    if not channel or not placement:
        raise CommandError(
            "nothing to ask for", "give --channel and --placement, or --requests FILE", ExitCode.USAGE
        )
    question: dict[str, Any] = {
        "channel": channel,
        "placements": given_placements(placement),
        "customer": given_attributes("", attribute, {}, ("", "--attribute")),
        "context": given_attributes("", context, {}, ("", "--context")),
    }
    return [assemble(Question(**question, customer_id=id_)).SerializeToString() for id_ in customer_ids]


def _ids(customers: Path | None, id_column: str) -> list[str]:
    if customers is None:
        return [""]
    from nextbest.cli.rows import CustomerTable

    table = CustomerTable(customers, id_column, {})
    ids = [customer_id for batch in table.batches() for customer_id, _ in batch.customers]
    return ids[:REQUESTS_MAX] or [""]


def _show(report: Mapping[str, Any]) -> None:
    from rich.table import Table

    table = Table("figure", title="Load", title_justify="left", title_style="bold")
    table.add_column("", justify="right")
    table.add_row("sent", f"{report['sent']:,}")
    table.add_row("answered", f"{report['ok']:,}")
    for status, count in report["errors"].items():
        table.add_row(f"[red]{status}[/red]", f"{count:,}")
    table.add_row("rate", f"{report['achieved_per_s']:,.0f}/s")
    for name in ("p50", "p90", "p99", "p999", "max"):
        table.add_row(name.replace("p999", "p99.9"), f"{report[f'{name}_us']:,.0f} µs")
    table.add_row("hiccup p99", f"{report['hiccup_p99_us']:,.0f} µs")
    table.add_row("hiccup max", f"{report['hiccup_max_us']:,.0f} µs")
    show(table)
