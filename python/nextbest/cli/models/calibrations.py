"""A calibration, in words, tables and JSON."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from typing import TYPE_CHECKING, Any, Final

from nextbest.cli.output import plain, say, show

if TYPE_CHECKING:
    from nextbest.cli.layouts import Listing
    from nextbest.models.calibration import Bin, Calibration

_ACTIONS_SHOWN: Final = 10
STYLES: Final = {"alert": "bold red", "warn": "yellow", "steady": "green", "calibrated": "green"}
"""Of verdicts; what is not among them has none."""


def plain_calibration(calibration: "Calibration") -> dict[str, Any]:
    """What JSON can say of it."""
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


def render_calibration(calibration: "Calibration") -> None:
    """Prints a summary, a table of deciles, and one of actions where there are some."""
    from nextbest.wording import word_percent

    overall, line = calibration.overall, calibration.recalibration
    say(
        f"{overall.rows:,} outcomes: expected {word_percent(overall.expected, 3)}, "
        f"observed {word_percent(overall.observed, 3)} "
        f"(x {overall.ratio:.2f}); Brier score {calibration.brier:.4f}, log loss {calibration.log_loss:.4f}"
    )
    fitted = f"; log-odds: slope {line.slope:.2f}, intercept {line.intercept:.2f}" if line is not None else ""
    say(f"calibration error {calibration.error:.4f} (by chance {calibration.error_by_chance:.4f}){fitted}")
    say(f"calibration of all rows: {overall.verdict}")
    show(_bin_table("decile", {f"{place}": found for place, found in enumerate(calibration.bins, 1)}))
    if calibration.actions:
        _render_actions(calibration.actions)
    if calibration.alerts:
        shown, left = calibration.alerts[:_ACTIONS_SHOWN], len(calibration.alerts) - _ACTIONS_SHOWN
        say(f"calibration alerts: {', '.join(shown)}" + (f" and {left} more" if left > 0 else ""))


def _render_actions(actions: "dict[str, Bin]") -> None:
    """Those that warn or alert come first, then the most frequent."""
    ranks = {"alert": 0, "warn": 1}
    ordered = sorted(actions.items(), key=lambda named: ranks.get(named[1].verdict, 2))
    show(_bin_table("action", dict(ordered[:_ACTIONS_SHOWN])))
    left = len(ordered) - _ACTIONS_SHOWN
    if left > 0:
        say(f"and {left:,} more actions: --json has them all")


def _bin_table(heading: str, bins: "dict[str, Bin]") -> "Listing":
    from rich.text import Text

    from nextbest.cli.layouts import Listing, name, number
    from nextbest.wording import word_percent

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
    for key, found in bins.items():
        table.add(
            key,
            f"{found.rows:,}",
            word_percent(found.expected, 3),
            word_percent(found.observed, 3),
            f"{found.ratio:.2f}",
            f"{word_percent(found.low, 3)} to {word_percent(found.high, 3)}",
            Text(found.verdict, STYLES.get(found.verdict, "")),
        )
    return table
