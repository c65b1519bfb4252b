"""`nextbest activate`, `status` and `demo`: operating a server. `nextbest serve` is in `serving`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextbest.cli.connections import operator
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.output import CommandError, Json, is_for_machines, say, show, write_json
from nextbest.cli.serving import BundleOrWorkspace, serve

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
    bundle: BundleOrWorkspace,
    *,
    control_address: ControlAddress = "",
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.001, help="Seconds to wait for an answer.")
    ] = ACTIVATION_S_MAX,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Make a bundle the active one of a running server: atomically and without a pause.

    A server with a state folder (`nextbest serve --state`) stores the bundle, and decides with it after a
    restart, too.
    """
    from nextbest.cli.bundles import load

    sealed = load(bundle)
    with operator(control_address) as connection:
        activation = connection.activate(sealed.data, timeout_s=timeout)
    if is_for_machines():
        write_json(activation)
        return
    from nextbest.wording import word_bytes

    say(f"active   {activation.bundle_digest}")
    say(f"previous {activation.previous_digest}")
    say(f"in {activation.duration_us / 1_000:,.1f} ms; its index takes {word_bytes(activation.index_bytes)}")


def status(
    *,
    control_address: ControlAddress = "",
    wait: Annotated[
        float, typer.Option("--wait", min=0.0, help="Seconds to wait for a server that is starting.")
    ] = 0.0,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Show the active bundle of a server, and its counters."""
    found = _status(control_address, time.monotonic() + wait)
    if is_for_machines():
        write_json(found)
    else:
        from nextbest.cli.status_tables import render_status

        show(*render_status(found))


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
    keep: Annotated[
        bool, typer.Option("--keep", help=("Keep the server running at the end, until Ctrl-C."))
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer customers, shorter measurements.")] = False,
    directory: Annotated[
        Path | None, typer.Option("--directory", help="Folder for workspace, customers and bundle.")
    ] = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Run a demo bank: train models, compile, serve, decide, explain, measure."""
    from nextbest.demo import DemoError, run

    try:
        run(keep=keep, quick=quick, machine=is_for_machines(), directory=directory)
    except DemoError as error:
        raise CommandError(str(error), "", ExitCode.FAILED) from None
