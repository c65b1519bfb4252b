"""`nextbest load`: asks a running server at a rate, or at rising ones, and reports latencies."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from nextbest.cli import load_options as options
from nextbest.cli.csv_form import form
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.load_traffic import customer_ids, from_file, from_options
from nextbest.cli.output import CommandError, Json, is_for_machines, say, show, write_json
from nextbest.cli.pictures import require_plots

if TYPE_CHECKING:
    from nextbest.load.ramp import Climb, Ramp

RATE_PER_S = 1_000.0
_BULKY = ("hgrm", "distribution", "service_distribution", "hiccup_distribution")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    add_command(
        app,
        load,
        "nextbest load -c web -p hero --customers customers.parquet --rate 5000 --duration 10",
        "nextbest load -c web -p hero -a age=42 --png latency.png --hgrm latency.hgrm",
        "nextbest load --requests questions.ndjson --ramp 1000:20000:1000 --duration 5 --png ramp.png",
        "nextbest load -c web -p hero --ramp 10000:60000:5000 --beyond 4 --timeout 0.1",
        "nextbest load -c web -p hero --in-flight 4 --json",
        "nextbest load -c web -p hero --address decisions.example:443 --tls-ca ca.pem",
        panel="Server",
    )


def load(  # noqa: PLR0913 - one parameter an option
    *,
    channel: options.Channel = "",
    placement: options.Placement = None,
    customers: options.Customers = None,
    id_column: options.IdColumn = "customer_id",
    separator: options.Separator = "",
    encoding: options.Encoding = "",
    attribute: options.Attribute = None,
    context: options.Context = None,
    requests: options.Requests = None,
    rate: options.Rate = None,
    ramp: options.Ramp = "",
    beyond: options.Beyond = 0,
    in_flight: options.InFlight = None,
    duration: options.Duration = 10.0,
    warmup: options.Warmup = 1.0,
    timeout: options.Timeout = None,
    address: options.Address = "",
    connections: options.Connections = 4,
    api_key: options.ApiKey = "",
    tls_ca: options.TlsCa = None,
    tls_cert: options.TlsCert = None,
    tls_key: options.TlsKey = None,
    tls_name: options.TlsName = "",
    png: options.Png = None,
    hgrm: options.Hgrm = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Send requests to a server at a rate, and report how long the answers took.

    Requests are sent on schedule, whether or not earlier ones were answered, and each is timed from the
    moment it was due: the wait behind a stall counts in full (no coordinated omission). Times are of answers
    with status OK; other statuses are counted, and have separate times.

    The report also shows the lag of this program (how late it sent requests that were due) and the hiccups of
    this machine (how late an idle thread woke). If these are large, so are all other times.

    With --ramp, the rate rises step by step until the server answers less than 95 % of the due requests, and
    then --beyond steps more. The knee is the rate with the greatest ratio of rate to p99; above it, latency
    grows faster than throughput.

    With --in-flight, a request is sent when another was answered. That measures the capacity of a server, but
    not its latency: while the server stalls, nothing is sent.

    The exit code is 5 if a call failed; with a ramp, if a call failed at the first rate or at one that the
    server kept up with.
    """
    rising = _ramp(ramp, rate, in_flight, beyond, hgrm)
    _check_files(png, hgrm)
    if requests is not None:
        encoded = from_file(requests)
    else:
        ids = customer_ids(customers, id_column, form(separator, encoding))
        encoded = from_options(channel, placement, attribute, context, ids)
    settings = {
        **_whom(address, api_key, tls_ca, tls_cert, tls_key, tls_name),
        "requests": encoded,
        "duration_s": duration,
        "warmup_s": warmup,
        "timeout_s": timeout,
        "connections": connections,
    }
    if rising is not None:
        _climb(rising, beyond, settings, png)
    elif in_flight is not None:
        _run_once({**settings, "in_flight": in_flight}, f"{in_flight} in flight", png, hgrm)
    else:
        rate_per_s = rate or RATE_PER_S
        _run_once({**settings, "rate_per_s": rate_per_s}, f"{rate_per_s:,.6g}/s", png, hgrm)


def _ramp(
    text: str, rate: float | None, in_flight: int | None, beyond: int, hgrm: Path | None
) -> "Ramp | None":
    """The ramp, if there is one; checks the combination of options."""
    given = {"--rate": rate is not None, "--ramp": text, "--in-flight": in_flight is not None}
    paces = [option for option, is_given in given.items() if is_given]
    if len(paces) > 1:
        raise CommandError(f"{' and '.join(paces)} are alternatives", "give only one of them", ExitCode.USAGE)
    if not text:
        if beyond:
            remedy = "write --ramp 1000:20000:1000"
            raise CommandError("--beyond extends a ramp, and there is none", remedy, ExitCode.USAGE)
        return None
    if hgrm is not None:
        raise CommandError(
            "--hgrm is for a single run, and --ramp makes several", "give only one of the two", ExitCode.USAGE
        )
    from nextbest.load.ramp import Ramp, RampError

    try:
        return Ramp.parse(text)
    except RampError as error:
        raise CommandError(str(error), "write --ramp 1000:20000:1000", ExitCode.USAGE, "--ramp") from None


def _check_files(png: Path | None, hgrm: Path | None) -> None:
    """Finds files that cannot be written before the run, which may take long."""
    if png is not None:
        require_plots()
    for option, path in (("--png", png), ("--hgrm", hgrm)):
        if path is None:
            continue
        if not path.parent.is_dir():
            cause = "its folder does not exist"
        elif path.is_dir():
            cause = "it is a folder"
        elif not os.access(path if path.exists() else path.parent, os.W_OK):
            cause = "permission denied"
        else:
            continue
        raise CommandError(
            f"`{path}` cannot be written: {cause}", "name another file", ExitCode.USAGE, option
        )


def _whom(  # noqa: PLR0913, PLR0917 - one parameter per option
    address: str, api_key: str, ca: Path | None, cert: Path | None, key: Path | None, name: str
) -> dict[str, Any]:
    """The address and credentials of the server under test."""
    from nextbest import settings
    from nextbest.cli.bundles import read_bytes

    surroundings = settings.read()
    if ca is None and (cert or key or name):
        raise CommandError(
            "without --tls-ca, the connection is not encrypted",
            "give the trusted authorities with --tls-ca",
            ExitCode.USAGE,
            "--tls-ca",
        )
    if (cert is None) is not (key is None):
        raise CommandError(
            ("a certificate needs its private key, and a key its certificate"),
            "give --tls-cert and --tls-key",
            ExitCode.USAGE,
        )
    if ca is None:
        ca, cert, key = surroundings.client_ca, surroundings.client_certificate, surroundings.client_key
        name = surroundings.client_server_name or ""
    files = {"tls_ca": ca, "tls_cert": cert, "tls_key": key}
    return {
        "address": address or surroundings.address,
        "api_key": api_key or surroundings.api_key,
        "tls_name": name or None,
        **{setting: None if file is None else read_bytes(file) for setting, file in files.items()},
    }


def _run_once(settings: Mapping[str, Any], pace: str, png: Path | None, hgrm: Path | None) -> None:
    from nextbest.cli.progress import timing

    is_open = "rate_per_s" in settings
    with timing(settings["warmup_s"] + settings["duration_s"]) as progress:
        report = _measure(settings, progress, "", 0.0)
    if is_for_machines():
        write_json({name: value for name, value in report.items() if name != "hgrm"})
    else:
        from rich.text import Text

        from nextbest.cli.load_tables import render_run

        show(Text(f"{settings['address']}, {pace}", "bold"), *render_run(report, is_open=is_open))
    if png is not None:
        from nextbest.charts.load import draw_run

        title = f"{settings['address']}: {pace}, {_counted(report)}"
        _write(png, lambda: draw_run(png, report, title, is_open=is_open))
    if hgrm is not None:
        _write(hgrm, lambda: hgrm.write_text(report["hgrm"], encoding="utf-8"))
    if report["errors"]:
        raise typer.Exit(ExitCode.FAILED)


def _counted(report: Mapping[str, Any]) -> str:
    failed = sum(report["errors"].values())
    return f"{report['ok']:,} OK" + (f", {failed:,} not" if failed else "")


def _climb(ramp: "Ramp", beyond: int, settings: Mapping[str, Any], png: Path | None) -> None:
    from nextbest.cli.progress import timing
    from nextbest.load.ramp import climb

    rates = ramp.rates
    step_s = settings["warmup_s"] + settings["duration_s"]
    with timing(step_s * len(rates)) as progress:

        def run(rate: float) -> dict[str, Any]:
            number = rates.index(rate)
            doing = f"step {number + 1} of {len(rates)}, {rate:,.6g}/s"
            return _measure({**settings, "rate_per_s": rate}, progress, doing, number * step_s)

        found = climb(rates, run, beyond=beyond, ends=(KeyboardInterrupt, CommandError))
    if is_for_machines():
        write_json(_plain(found))
    else:
        from rich.text import Text

        from nextbest.cli.load_tables import render_climb

        each = f"{settings['duration_s']:g} s a step"
        show(Text(f"{settings['address']}, {each}", "bold"), *render_climb(found))
    if png is not None:
        from nextbest.charts.load import draw_ramp

        title = f"{settings['address']}: latency against rate, {settings['duration_s']:g} s a step"
        _write(png, lambda: draw_ramp(png, found, title))
    if isinstance(found.ended_by, CommandError):
        raise found.ended_by
    if found.ended_by is not None:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if found.failed:
        raise typer.Exit(ExitCode.FAILED)


def _plain(found: "Climb") -> dict[str, Any]:
    steps = [
        {
            "rate_per_s": step.rate_per_s,
            "has_kept_up": step.has_kept_up,
            **{name: value for name, value in step.report.items() if name not in _BULKY},
        }
        for step in found.steps
    ]
    return {
        "steps": steps,
        "knee_per_s": found.knee_per_s,
        "saturated_per_s": found.saturated_per_s,
        "interrupted": found.ended_by is not None,
    }


def _measure(
    settings: Mapping[str, Any], progress: Callable[[str, float], None], doing: str, before_s: float
) -> dict[str, Any]:
    from nextbest import _core
    from nextbest.load.run import Progress, run

    def follow(going: Progress) -> None:
        failed = f", {going.failed:,} failed" if going.failed else ""
        progress(
            f"{doing}  {going.answered_per_s:,.0f}/s answered{failed}".strip(), before_s + going.elapsed_s
        )

    try:
        return run(settings, follow)
    except _core.ServerError as error:
        remedy = "start one with `nextbest serve BUNDLE`, or name its address"
        if settings["tls_ca"] is not None:
            remedy = "compare --address, --tls-ca, --tls-cert and --tls-name with the server's configuration"
        raise CommandError(str(error), remedy, ExitCode.CANNOT_CONNECT) from None
    except ValueError as error:
        raise CommandError(str(error), "see `nextbest load --help`", ExitCode.USAGE) from None


def _write(path: Path, write: Callable[[], object]) -> None:
    try:
        write()
    except OSError as error:
        raise CommandError(
            f"`{path}` cannot be written: {error.strerror}", "name another file", ExitCode.USAGE
        ) from None
    if not is_for_machines():
        say(f"wrote {path}")
