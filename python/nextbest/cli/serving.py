"""`nextbest serve`: runs a server, and logs its events."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import Json, is_for_machines, plain, say, write_json

if TYPE_CHECKING:
    from nextbest.serve.guard import Event
    from nextbest.serve.process import Listening
    from nextbest.serve.stopping import Stopped
    from nextbest.settings import Settings

BundleOrWorkspace = Annotated[Path, typer.Argument(help="Bundle file, or workspace folder to compile first.")]


def serve(  # noqa: PLR0913 - one parameter an option
    bundle: BundleOrWorkspace,
    *,
    address: Annotated[str | None, typer.Option(help="Decisions: host:port or unix:/path.")] = None,
    control_address: Annotated[
        str | None,
        typer.Option(
            help=("Control: host:port; only on the loopback interface, unless callers are authenticated.")
        ),
    ] = None,
    health_address: Annotated[str | None, typer.Option(help="Health: host:port or unix:/path.")] = None,
    on_decision_port: Annotated[
        str | None, typer.Option(help="Further services of the decision port: health, reflection.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Threads that decide; 0: one per core.")] = None,
    tls_certificate: Annotated[
        Path | None,
        typer.Option(help=("Certificate of the server, PEM; with it, decisions and control use TLS.")),
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key of the server, PEM.")] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option(help="Certificates of the authorities of client certificates, PEM.")
    ] = None,
    access: Annotated[
        Path | None,
        typer.Option(
            help=("Access file: the callers and their roles. Without it, every caller may do everything.")
        ),
    ] = None,
    drain_grace: Annotated[
        float | None,
        typer.Option(
            min=0,
            help=(
                "Seconds during which a stopping server still accepts calls, until callers have found "
                "another server: 4."
            ),
        ),
    ] = None,
    drain_max: Annotated[float | None, typer.Option(min=0, help="Maximum seconds for stopping: 9.")] = None,
    state: Annotated[
        str | None,
        typer.Option(
            help="Folder that stores the last activated bundle, for the next start: embedded:DIR, or DIR."
        ),
    ] = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Serve decisions until a signal ends it.

    SIGTERM, Ctrl-C and every other signal that asks for an end start a drain: calls in flight are answered,
    spans are exported, and the process exits with 0 (7 when some calls had to be cut off), within --drain-max
    seconds. A second signal ends it at once, with 128 and the signal's number, and so does one that comes
    before the server listens.

    Certificates and the access file are read again when they change and on SIGHUP, and no connection is
    dropped for it. A file that cannot be used is reported, and the previous one stays in force. Every call
    of the control port is audited to standard output: time, caller, peer, method, status. Log
    lines that cannot be written are dropped and counted.

    Options can also be set by environment variables: NEXTBEST_TLS_CERTIFICATE, NEXTBEST_TLS_KEY,
    NEXTBEST_TLS_CLIENT_CA, NEXTBEST_ACCESS, NEXTBEST_ADDRESS, NEXTBEST_CONTROL_ADDRESS,
    NEXTBEST_HEALTH_ADDRESS, NEXTBEST_ON_DECISION_PORT, NEXTBEST_WORKERS, NEXTBEST_KERNEL,
    NEXTBEST_INDEX_BYTES_MAX,
    NEXTBEST_HEALTH_SAMPLE, NEXTBEST_SHADOW_EVERY, NEXTBEST_IN_FLIGHT_MAX, NEXTBEST_LATE_MODELS,
    NEXTBEST_CONNECTIONS_MAX, NEXTBEST_PEER_CONNECTIONS_MAX, NEXTBEST_INTAKE_BYTES_MAX,
    NEXTBEST_ANSWER_BYTES_MAX, NEXTBEST_CUSTOMERS_MAX, NEXTBEST_CUSTOMERS_BYTES_MAX,
    NEXTBEST_HANDSHAKE_S_MAX, NEXTBEST_MESSAGE_S_MAX, NEXTBEST_READING_S_MAX, NEXTBEST_IDLE_S_MAX,
    NEXTBEST_KEEPALIVE_S, NEXTBEST_KEEPALIVE_TIMEOUT_S, NEXTBEST_CONNECTION_AGE_S,
    NEXTBEST_DRAIN_GRACE_S, NEXTBEST_DRAIN_S_MAX, NEXTBEST_STATE, NEXTBEST_TRACE_QUEUE_BYTES,
    NEXTBEST_CUSTOMER_HASH_KEY; and those of OpenTelemetry, OTEL_EXPORTER_OTLP_ENDPOINT first.
    """
    from nextbest import settings
    from nextbest.settings import variables

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
        "state": None if state is None else variables.folder(state, "--state"),
    }
    chosen = replace(settings.read(), **{name: value for name, value in given.items() if value is not None})
    stopped = _run(bundle, chosen)
    # Neither exit handlers nor destructors: a thread that hangs must not hold the end.
    os._exit(ExitCode.CUT_OFF if stopped.calls_cut_off else ExitCode.OK)


def _run(bundle: Path, chosen: "Settings") -> "Stopped":
    from nextbest.cli.bundles import load
    from nextbest.serve import log
    from nextbest.serve.process import serve as run

    data = load(bundle).data
    with log.bounded() as logs:
        stopped = run(data, chosen, _Announcer(), lambda: logs.dropped)
        _close(stopped, logs.dropped)
    return stopped


def _close(stopped: "Stopped", lines_dropped: int) -> None:
    if is_for_machines():
        drained = stopped.calls_cut_off == 0
        write_json(
            {"event": "stopped", "drained": drained, **asdict(stopped), "log_lines_dropped": lines_dropped}
        )
        return
    losses = {
        f"{stopped.calls_cut_off:,} calls cut off": stopped.calls_cut_off,
        f"{stopped.spans_lost:,} spans lost that the collector did not accept": stopped.spans_lost,
        "telemetry of the control plane lost": stopped.control_telemetry_lost,
        f"{lines_dropped:,} log lines dropped": lines_dropped,
    }
    say("; ".join(("stopped", *(text for text, is_lost in losses.items() if is_lost))))


class _Announcer:
    """Lines for people, JSON for machines."""

    def listening(self, where: "Listening") -> None:
        if is_for_machines():
            write_json({"event": "listening", **asdict(where)})
            return
        say(f"serving    {where.workspace}: {where.actions} actions, {where.models} models")
        say(f"bundle     {where.bundle_digest}")
        say(f"           {where.bundle_reason}")
        say(f"decisions  {where.decisions}")
        say(f"control    {where.control}")
        say(f"health     {where.health}")
        say(f"capacity   {where.connections_max:,} connections")
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

    def activated(self, active: str, previous: str, reason: str) -> None:
        if is_for_machines():
            event = {"bundle_digest": active, "previous_digest": previous, "bundle_reason": reason}
            write_json({"event": "activated", **event})
        else:
            say(f"active     {active}: {reason}")

    def draining(self, signal_name: str) -> None:
        if is_for_machines():
            write_json({"event": "draining", "signal": signal_name})
        else:
            say(f"{signal_name}: draining; once more to stop at once")
