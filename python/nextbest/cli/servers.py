"""`nextbest serve`, `activate`, `status` and `demo`: running a server, and operating one."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextbest.cli.connections import operator
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.output import CommandError, Json, is_for_machines, plain, say, show, write_json

if TYPE_CHECKING:
    from nextbest.control import Status
    from nextbest.control.guard import Event
    from nextbest.control.serving import Listening

_PANEL = "Server"

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


def serve(  # noqa: PLR0913 - one parameter an option
    bundle: Annotated[Path, typer.Argument(help="Bundle file, or workspace folder to compile first.")],
    *,
    address: Annotated[str | None, typer.Option(help="Decisions: host:port or unix:/path.")] = None,
    control_address: Annotated[
        str | None,
        typer.Option(help="Control: host:port; on the loopback interface, unless callers are known."),
    ] = None,
    health_address: Annotated[str | None, typer.Option(help="Health: host:port or unix:/path.")] = None,
    on_decision_port: Annotated[
        str | None, typer.Option(help="What the decision port answers as well: health, reflection.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Threads that decide; 0: one a core.")] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(help="Who the server is, PEM; with it, decisions and control speak TLS.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option(help="Whose certificates callers may show, PEM.")
    ] = None,
    access: Annotated[
        Path | None, typer.Option(help="Who may call what: an access file. Without it, everybody everything.")
    ] = None,
    drain_grace: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Seconds to go on accepting when stopping, until callers have found another server (4).",
        ),
    ] = None,
    drain_max: Annotated[
        float | None, typer.Option(min=0, help="Seconds that stopping may take in all.")
    ] = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Serve decisions until SIGTERM or Ctrl-C.

    The first signal drains: calls under way are answered, then the process exits with 0 (7 when some had to
    be cut off). A second one ends it at once, with 128 and the signal's number.

    Certificates and the access file are read again when they change, and no connection is dropped for it.
    What cannot be used is said, and everything stays as it was. Every call of the control port is told of.

    Environment variables stand in for options: NEXTBEST_TLS_CERTIFICATE, NEXTBEST_TLS_KEY,
    NEXTBEST_TLS_CLIENT_CA, NEXTBEST_ACCESS, NEXTBEST_ADDRESS, NEXTBEST_CONTROL_ADDRESS,
    NEXTBEST_HEALTH_ADDRESS, NEXTBEST_ON_DECISION_PORT, NEXTBEST_WORKERS, NEXTBEST_KERNEL,
    NEXTBEST_INDEX_BYTES_MAX,
    NEXTBEST_HEALTH_SAMPLE, NEXTBEST_SHADOW_EVERY, NEXTBEST_IN_FLIGHT_MAX, NEXTBEST_LATE_MODELS,
    NEXTBEST_CONNECTIONS_MAX, NEXTBEST_PEER_CONNECTIONS_MAX, NEXTBEST_INTAKE_BYTES_MAX,
    NEXTBEST_HANDSHAKE_S_MAX, NEXTBEST_MESSAGE_S_MAX, NEXTBEST_READING_S_MAX, NEXTBEST_IDLE_S_MAX,
    NEXTBEST_KEEPALIVE_S, NEXTBEST_KEEPALIVE_TIMEOUT_S, NEXTBEST_CONNECTION_AGE_S,
    NEXTBEST_DRAIN_GRACE_S, NEXTBEST_DRAIN_S_MAX, NEXTBEST_TRACE_QUEUE_BYTES,
    NEXTBEST_CUSTOMER_HASH_KEY; and those of OpenTelemetry, OTEL_EXPORTER_OTLP_ENDPOINT first.
    """
    from nextbest import settings, variables
    from nextbest.cli.bundles import load
    from nextbest.control.serving import serve as run

    given: dict[str, Any] = {
        "address": address,
        "control_address": control_address,
        "health_address": health_address,
        "on_decision_port": on_decision_port
        and variables.words(on_decision_port, "--on-decision-port", settings.ON_DECISION_PORT),
        "workers": workers,
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
        "tls_client_ca": tls_client_ca,
        "access": access,
        "drain_grace_s": drain_grace,
        "drain_s_max": drain_max,
    }
    chosen = replace(settings.read(), **{name: value for name, value in given.items() if value is not None})
    drained = run(load(bundle).data, chosen, _Announcer())
    if is_for_machines():
        write_json({"event": "stopped", "drained": drained})
    else:
        say("stopped" if drained else "stopped; some calls were cut off")
    if not drained:
        raise typer.Exit(ExitCode.CUT_OFF)


def activate(
    bundle: Annotated[Path, typer.Argument(help="Bundle file, or workspace folder to compile first.")],
    *,
    control_address: ControlAddress = "",
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Make a bundle the active one of a running server: all or nothing, without a pause."""
    from nextbest.cli.bundles import load

    sealed = load(bundle)
    with operator(control_address) as connection:
        activation = connection.activate(sealed.data)
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
    from nextbest.errors import Unavailable

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


class _Announcer:
    """Lines for people, JSON for machines."""

    def listening(self, where: "Listening") -> None:
        if is_for_machines():
            write_json({"event": "listening", **asdict(where)})
            return
        say(f"serving    {where.workspace}: {where.actions} actions, {where.models} models")
        say(f"bundle     {where.bundle_digest}")
        say(f"decisions  {where.decisions}")
        say(f"control    {where.control}")
        say(f"health     {where.health}")
        say(f"callers    {where.callers}, {'over TLS' if where.is_encrypted else 'in plain text'}")
        say(f"spans      {where.otlp_endpoint or 'not exported: OTEL_EXPORTER_OTLP_ENDPOINT is not set'}")

    def called(self, event: "Event") -> None:
        if is_for_machines():
            write_json({"event": "control", **asdict(event)})
        else:
            who = event.caller or "unknown"
            say(f"{plain(event.at)} control {event.method} by {who} from {event.peer}: {event.status}")

    def renewed(self, what: str) -> None:
        if is_for_machines():
            write_json({"event": "secrets", "what": what})
        else:
            say(what)

    def warned(self, what: str) -> None:
        if is_for_machines():
            write_json({"event": "warning", "what": what})
        else:
            say(f"warning: {what}")

    def draining(self, signal_name: str) -> None:
        if is_for_machines():
            write_json({"event": "draining", "signal": signal_name})
        else:
            say(f"{signal_name}: draining; once more to stop at once")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


def _show_status(found: "Status") -> None:
    from rich.table import Table

    table = Table(show_header=False, box=None)
    traces = found.traces
    rows = {
        "state": "draining" if found.draining else "serving",
        "workspace": f"{found.workspace}: {found.actions:,} actions, {found.models:,} models",
        "bundle": found.bundle_digest,
        "active since": plain(found.activated_at),
        "customers": f"{found.customers:,}",
        "decisions": f"{found.decisions:,}, and {found.explanations:,} explanations",
        "refused": f"{found.refused:,} calls, and {found.deadlines_exceeded:,} too late",
        "overload": f"{found.shed:,} calls refused, {found.in_flight:,} under way, "
        f"{_megabytes(found.intake_bytes)} of messages to come",
        "turned away": f"{found.security.callers_unknown:,} calls of nobody known, "
        f"{found.security.roles_missing:,} without the role, "
        f"{found.security.handshakes_failed:,} failed handshakes",
        "not gRPC": f"{found.transport.not_calls:,} requests, {found.transport.not_http2:,} connections",
        "faults": f"{found.panics:,}",
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
        table.add_row(f"[bold]{name}[/bold]", value)
    show(table)
