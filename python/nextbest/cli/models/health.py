"""`nextbest model health`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextbest.cli.csv_form import Encoding, Separator, form
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.models.calibrations import plain_calibration, render_calibration
from nextbest.cli.output import CommandError, Json, is_for_machines, say, show, write_json
from nextbest.cli.pictures import Png, require_plots

if TYPE_CHECKING:
    from nextbest.casting.form import Form
    from nextbest.models.calibration import Calibration
    from nextbest.models.drift import Health
    from nextbest.models.outcomes import Outcomes


def register(group: typer.Typer) -> None:
    """Adds the command."""
    examples = (
        "nextbest model health card-propensity",
        "nextbest model health card-propensity --target 127.0.0.1:50052 --png health.png",
        "nextbest model health card-propensity --outcomes outcomes.parquet --json",
    )
    add_command(group, health, *examples)


def health(  # noqa: PLR0913 - one parameter an option
    name: Annotated[str, typer.Argument(metavar="NAME", help="Model of the active bundle.")],
    *,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            "--control-address",
            help="Control port of the server.",
            show_default="$NEXTBEST_CONTROL_ADDRESS or 127.0.0.1:50052",
        ),
    ] = None,
    outcomes: Annotated[
        Path | None,
        typer.Option(help="Parquet or CSV: `propensity` and `outcome` (0 or 1); `action`, `model`."),
    ] = None,
    separator: Separator = "",
    encoding: Encoding = "",
    warn: Annotated[float, typer.Option(min=0.0, help="Stability index at which a warning begins.")] = 0.10,
    alert: Annotated[float, typer.Option(min=0.0, help="Stability index at which an alert begins.")] = 0.25,
    ratio_warn: Annotated[
        float,
        typer.Option(min=1.0, help=("Factor between observed and expected rate at which a warning begins.")),
    ] = 1.25,
    ratio_alert: Annotated[
        float,
        typer.Option(min=1.0, help=("Factor between observed and expected rate at which an alert begins.")),
    ] = 1.5,
    png: Png = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Show the health of a model: the drift of features and scores, and the calibration.

    The stability index (PSI) compares the values that the server counted with the background sample of the
    version. Its limits are conventions, and depend on the number of rows (n) and bins: `by chance` is the
    expected index if nothing changed; with too few rows there is no verdict. The exit code is 1 if there is
    an alert.

    With --outcomes, observed and expected rates are compared over all rows, by decile of propensity and by
    action. Each has a verdict: it alerts when they differ by the factor --ratio-alert in either direction and
    chance does not explain it (p-value below 0.01, corrected for the number of deciles or actions). With
    fewer than 10 outcomes expected or observed, or where chance may explain the difference, it is `too few`.
    A server keeps no outcomes yet, so they come from a file; without a server, they are all that is shown.
    """
    _check_limits(warn, alert, "--alert")
    _check_limits(ratio_warn, ratio_alert, "--ratio-alert")
    from nextbest.models.calibration import Limits, calibrate

    if png is not None:
        require_plots()
    calibration = None
    if outcomes is not None:
        rows = _read(outcomes, name, form(separator, encoding))
        calibration = calibrate(
            rows.propensities, rows.outcomes, rows.actions, Limits(ratio_warn, ratio_alert)
        )
    judged = _ask(name, target, warn, alert, is_needed=calibration is None or target is not None)
    if png is not None:
        from nextbest.charts.models import draw

        draw(png, judged, calibration)
    if is_for_machines():
        write_json(_plain(judged, calibration))
    else:
        _render(judged, calibration, png)
    if (judged is not None and judged.alerts) or (calibration is not None and calibration.alerts):
        raise typer.Exit(ExitCode.FINDINGS)


def _check_limits(warn: float, alert: float, option: str) -> None:
    if alert < warn:
        raise CommandError(
            f"the alert limit {alert:g} is below the warning limit {warn:g}",
            f"give {option} a greater number",
            ExitCode.USAGE,
            option,
        )


def _ask(name: str, target: str | None, warn: float, alert: float, *, is_needed: bool) -> "Health | None":
    """The health of the model in a server; None if no server is reached and none is needed."""
    from nextbest import models
    from nextbest.cli.connections import operator as connect
    from nextbest.client.errors import Unavailable
    from nextbest.models.drift import Limits

    with connect(target or "") as operator:
        try:
            return models.health(name, operator, Limits(warn, alert))
        except Unavailable:
            if is_needed:
                raise
            return None


def _read(path: Path, name: str, form_: "Form") -> "Outcomes":
    from nextbest.models import ModelError
    from nextbest.models.outcomes import read_outcomes

    try:
        return read_outcomes(path, name, form_)
    except ModelError as error:
        raise CommandError(error.message, error.help, ExitCode.USAGE, "--outcomes") from None


def _plain(judged: "Health | None", calibration: "Calibration | None") -> dict[str, Any]:
    from nextbest.cli.output import plain

    content: dict[str, Any] = {"health": plain(judged), "calibration": None}
    if judged is not None:
        del content["health"]["counted"]
        content["health"]["alerts"] = [drift.what for drift in judged.alerts]
    if calibration is not None:
        content["calibration"] = plain_calibration(calibration)
    return content


def _render(judged: "Health | None", calibration: "Calibration | None", png: Path | None) -> None:
    if judged is not None:
        from nextbest.cli.models.health_tables import render_health

        show(*render_health(judged))
    if calibration is not None:
        if judged is None:
            say("drift not shown: no server was reached; name one with --target")
        show(*render_calibration(calibration))
    if png is not None:
        say(f"wrote {png}")
