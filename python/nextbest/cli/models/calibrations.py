"""A calibration, in words, tables and JSON."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from typing import TYPE_CHECKING, Any, Final

from nextbest.cli.output import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from nextbest.layouts import Listing
    from nextbest.models.calibration import Bin, Calibration

_ACTIONS_SHOWN: Final = 10
STYLES: Final = {"alert": "bold red", "warn": "yellow", "steady": "green", "calibrated": "green"}
"""The level of each verdict; others have none."""


def plain_calibration(calibration: "Calibration") -> dict[str, Any]:
    """The calibration in JSON types."""
    return {
        **plain(calibration),
        "overall": _plain_bin(calibration.overall),
        "bins": [_plain_bin(found) for found in calibration.bins],
        "actions": {action: _plain_bin(found) for action, found in calibration.actions.items()},
        "alerts": calibration.alerts,
    }


def _plain_bin(found: "Bin") -> dict[str, Any]:
    # JSON has no infinity.
    ratio = found.ratio if found.expected > 0.0 else None
    return {**plain(found), "ratio": ratio, "is_within": found.is_within}


def render_calibration(calibration: "Calibration") -> "list[RenderableType]":
    """Renders a summary, a table of deciles, and one of actions if there are some."""
    from nextbest.layouts import paragraph

    deciles = {f"{place}": found for place, found in enumerate(calibration.bins, 1)}
    parts: list[RenderableType] = [_summary(calibration), _bin_table("decile", deciles)]
    if calibration.actions:
        parts += _actions(calibration.actions)
    if calibration.alerts:
        shown, left = calibration.alerts[:_ACTIONS_SHOWN], len(calibration.alerts) - _ACTIONS_SHOWN
        more = f" and {left} more" if left > 0 else ""
        parts.append(paragraph(f"calibration alerts: {', '.join(shown)}{more}", style=STYLES["alert"]))
    return parts


def _summary(calibration: "Calibration") -> "Listing":
    from rich.text import Text

    from nextbest.layouts import Cell, pairs
    from nextbest.wording import word_percent

    overall, line = calibration.overall, calibration.recalibration
    rows: dict[str, Cell] = {
        "outcomes": f"{overall.rows:,}",
        "expected": word_percent(overall.expected, 3),
        "observed": f"{word_percent(overall.observed, 3)}, {overall.ratio:.2f} times the expected",
        "Brier score": f"{calibration.brier:.4f}",
        "log loss": f"{calibration.log_loss:.4f}",
        "error": f"{calibration.error:.4f} ({calibration.error_by_chance:.4f} by chance alone)",
        "log-odds": f"slope {line.slope:.2f}, intercept {line.intercept:+.2f}" if line is not None else "",
        "verdict": Text(overall.verdict, STYLES.get(overall.verdict, "")),
    }
    return pairs("Calibration of all rows", ((key, value) for key, value in rows.items() if value))


def _actions(actions: "dict[str, Bin]") -> "list[RenderableType]":
    """Those that warn or alert come first, then the most frequent."""
    from nextbest.layouts import paragraph

    ranks = {"alert": 0, "warn": 1}
    ordered = sorted(actions.items(), key=lambda named: ranks.get(named[1].verdict, 2))
    parts: list[RenderableType] = [_bin_table("action", dict(ordered[:_ACTIONS_SHOWN]))]
    left = len(ordered) - _ACTIONS_SHOWN
    if left > 0:
        parts.append(paragraph(f"and {left:,} more actions: --json has them all", style="dim"))
    return parts


def _bin_table(heading: str, bins: "dict[str, Bin]") -> "Listing":
    from rich.text import Text

    from nextbest.layouts import Listing, name, number
    from nextbest.wording import word_percents

    columns = (
        name(heading),
        number("outcomes"),
        number("expected"),
        number("observed"),
        number("ratio"),
        number("95 % interval", gives_way=1, below="observed rate with 95 % confidence {}"),
        name("verdict"),
    )
    table = Listing(columns)
    expected = word_percents([found.expected for found in bins.values()])
    observed = word_percents([found.observed for found in bins.values()])
    low = word_percents([found.low for found in bins.values()])
    high = word_percents([found.high for found in bins.values()])
    intervals = [f"{below} to {above}" for below, above in zip(low, high, strict=True)]
    for (key, found), interval, *rates in zip(bins.items(), intervals, expected, observed, strict=True):
        table.add(
            key,
            f"{found.rows:,}",
            *rates,
            f"{found.ratio:.2f}",
            interval,
            Text(found.verdict, STYLES.get(found.verdict, "")),
        )
    return table
