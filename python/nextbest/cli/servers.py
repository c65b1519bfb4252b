"""`nextbest activate`, `status` and `demo`: operating a server. `nextbest serve` is in `serving`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextbest.cli.connections import operator
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.output import CommandError, Json, is_for_machines, plain, say, show, write_json
from nextbest.cli.serving import serve

if TYPE_CHECKING:
    from nextbest.client.operator import Status

_PANEL = "Server"
ACTIVATION_S_MAX = 60.0
"""Verifying and warming up a large bundle takes seconds, not milliseconds."""

ControlAddress = Annotated[
    str,
    typer.Option(
        "--control-address",
        help="Control port of the server.",
        show_default="$NEXTBEST_CONTROL_ADDRESS or 127.0.0.1:50052",
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    add_command(
        app,
        serve,
        "nextbest serve bank.bundle",
        "nextbest serve ./bank --address 0.0.0.0:50051 --workers 2",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 nextbest serve bank.bundle",
        panel=_PANEL,
    )
    add_command(app, activate, "nextbest activate bank.bundle", "nextbest activate ./bank", panel=_PANEL)
    add_command(app, status, "nextbest status", "nextbest status --wait 10 --json", panel=_PANEL)
    add_command(app, demo, "nextbest demo", "nextbest demo --quick --json", panel=_PANEL)


def activate(
    bundle: Annotated[Path, typer.Argument(help="Bundle file, or workspace folder to compile first.")],
    *,
    control_address: ControlAddress = "",
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.001, help="Seconds to wait for an answer.")
    ] = ACTIVATION_S_MAX,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Make a bundle the active one of a running server: all or nothing, without a pause.

    A server with a state folder (`nextbest serve --state`) keeps it, so that it decides after a restart, too.
    """
    from nextbest.cli.bundles import load

    sealed = load(bundle)
    with operator(control_address) as connection:
        activation = connection.activate(sealed.data, timeout_s=timeout)
    if is_for_machines():
        write_json(activation)
        return
    say(f"active   {activation.bundle_digest}")
    say(f"previous {activation.previous_digest}")
    say(f"in {activation.duration_us / 1_000:,.1f} ms; its index takes {_megabytes(activation.index_bytes)}")


def status(
    *,
    control_address: ControlAddress = "",
    wait: Annotated[
        float, typer.Option("--wait", min=0.0, help="Seconds to wait for a server that is starting.")
    ] = 0.0,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Show what a server runs, and what it has done."""
    found = _status(control_address, time.monotonic() + wait)
    if is_for_machines():
        write_json(found)
    else:
        _show_status(found)


def _status(control_address: str, deadline_s: float) -> "Status":
    from nextbest.client.errors import Unavailable

    while True:
        # A new connection each time: gRPC takes its time before it tries a refused one again.
        with operator(control_address) as connection:
            try:
                return connection.status()
            except Unavailable:
                if time.monotonic() >= deadline_s:
                    raise
        time.sleep(0.1)


def demo(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Go on serving at the end, until Ctrl-C.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer customers, shorter measurements.")] = False,
    directory: Annotated[
        Path | None, typer.Option("--directory", help="Where to leave workspace, customers and bundle.")
    ] = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Run a demo bank: train models, compile, serve, decide, explain, measure."""
    from nextbest.demo import DemoError, run

    try:
        run(keep=keep, quick=quick, machine=is_for_machines(), directory=directory)
    except DemoError as error:
        raise CommandError(str(error), "", ExitCode.FAILED) from None


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


def _show_status(found: "Status") -> None:
    from rich.table import Table
    from rich.text import Text

    from nextbest.cli.layouts import never_cut

    table = Table(show_header=False, box=None)
    traces = found.traces
    rows = {
        "state": "draining" if found.draining else "serving",
        "workspace": f"{found.workspace}: {found.actions:,} actions, {found.models:,} models",
        "bundle": f"{found.bundle_digest}, as {found.bundle_reason}",
        "active since": plain(found.activated_at),
        "customers": f"{found.customers:,}, {_megabytes(found.customers_bytes)}",
        "decisions": f"{found.decisions:,}, and {found.explanations:,} explanations",
        "refused": f"{found.refused:,} calls, and {found.deadlines_exceeded:,} too late",
        "overload": f"{found.shed:,} calls refused, {found.in_flight:,} under way, "
        f"{_megabytes(found.intake_bytes)} of messages to come, "
        f"{_megabytes(found.answer_bytes)} of answers to go",
        "turned away": f"{found.security.callers_unknown:,} calls of nobody known, "
        f"{found.security.roles_missing:,} without the role, "
        f"{found.security.handshakes_failed:,} failed handshakes",
        "not gRPC": f"{found.transport.not_calls:,} requests, {found.transport.not_http2:,} connections",
        "faults": f"{found.panics:,}",
        "log": f"{found.log_lines_dropped:,} lines dropped",
        "connections": f"{found.connections:,} of at most {found.transport.connections_max:,}, "
        f"{found.connections_accepted:,} accepted, {found.connections_refused:,} refused",
        "workers": f"{found.workers:,}",
        "index": f"{_megabytes(found.index_bytes)}, filtered by {found.kernel}",
        "shadow": f"{found.shadow.compared:,} scores, {found.shadow.disagreed:,} are not "
        f"ONNX Runtime's (farthest {found.shadow.farthest:.1e}), {found.shadow.failed:,} failed",
        "spans": f"{traces.emitted:,} emitted = {traces.exported:,} exported + {traces.rejected:,} rejected "
        f"+ {traces.dropped:,} dropped + {traces.pending:,} pending; {traces.sampled_out:,} not sampled; "
        f"{found.failure_spans_suppressed:,} failed calls without one"
        + (f"; the collector does not take them: {plain(found.export_error)}" if found.export_error else ""),
    }
    for name, value in rows.items():
        table.add_row(Text(name, "bold"), value)
    show(never_cut(table, ()))
