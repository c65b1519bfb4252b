"""An evaluation, as tables that fit 80 columns, and as sentences."""
# ruff: noqa: PLC0415 - rich loads slowly, and machines never need it

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from nextbest.cli.models.calibrations import STYLES
from nextbest.registry.aliases import ALIASES

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from nextbest.models.evaluation import Evaluation
    from nextbest.models.performance import Difference, Estimate, Performance


def measure_table(titles: Sequence[str], found: "Evaluation") -> "Table":
    """Measures of each version, with intervals below, and differences."""
    from rich.text import Text

    table = _table("", [*titles, *(["difference"] if found.differences else [])])
    performances = found.performances
    changes = [_with_interval(difference.change, sign="+") for difference in found.differences] or [""] * 3
    estimates = {
        "AUC": [one.auc for one in performances],
        "log loss": [one.log_loss for one in performances],
        "Brier score": [one.brier for one in performances],
    }
    for (what, of_each), change in zip(estimates.items(), changes, strict=True):
        table.add_row(what, *map(_with_interval, of_each), *([change] if found.differences else []))
    lines = {
        "expected rate": lambda one: f"{one.calibration.overall.expected:.4f}",
        "observed/expected": lambda one: f"{one.calibration.overall.ratio:.2f}",
        "calibration error": lambda one: f"{one.calibration.error:.4f}",
        "  by chance alone": lambda one: f"{one.calibration.error_by_chance:.4f}",
        "calibration slope": _slope,
        "  intercept": _intercept,
    }
    for what, text in lines.items():
        table.add_row(what, *map(text, performances))
    verdicts = [one.calibration.overall.verdict for one in performances]
    table.add_row("calibration", *(Text(verdict, STYLES.get(verdict, "")) for verdict in verdicts))
    table.add_row("  of deciles", *map(_decile_verdicts, performances))
    return table


def gain_table(titles: Sequence[str], found: "Evaluation") -> "Table":
    """By decile of score, the highest first: rate, lift, and the share of positive rows found so far."""
    table = _table("top", _headings(titles, ("rate", "lift", "found")))
    for place, deciles in enumerate(zip(*(one.gain for one in found.performances), strict=True), 1):
        cells = [(f"{one.rate:.2%}", f"{one.lift:.2f}", f"{one.captured:.1%}") for one in deciles]
        table.add_row(f"{10 * place} %", *(cell for of_one in cells for cell in of_one))
    return table


def calibration_table(titles: Sequence[str], found: "Evaluation") -> "Table":
    """By decile of propensity, the lowest first: expected, observed and verdict."""
    from rich.text import Text

    table = _table("decile", _headings(titles, ("expected", "observed", "verdict")))
    for place, bins in enumerate(zip_longest(*(one.calibration.bins for one in found.performances)), 1):
        cells: list[str | Text] = []
        for one in bins:
            # Scores that many rows share make fewer bins.
            if one is None:
                cells += ["", "", ""]
            else:
                verdict = Text(one.verdict, STYLES.get(one.verdict, ""))
                cells += [f"{one.expected:.4f}", f"{one.observed:.4f}", verdict]
        table.add_row(f"{place}", *cells)
    return table


def sentences(titles: Sequence[str], found: "Evaluation") -> list[str]:
    """What the numbers say, a sentence a measure."""
    said = [_difference(titles, difference) for difference in found.differences]
    if not said and found.performances[0].auc.low <= 0.5:
        said.append(
            "the scores cannot be told from chance with these rows: the interval of the AUC holds 0.5"
        )
    return said


def _difference(titles: Sequence[str], difference: "Difference") -> str:
    change, what = difference.change, difference.measure
    if difference.direction == "same":
        return f"{what}: both give every row the same score"
    if difference.direction == "unknown":
        interval = f"{change.low:+.4f} to {change.high:+.4f}"
        return f"{what}: no difference can be told with these rows ({change.value:+.4f}, {interval})"
    how = "higher" if change.value > 0.0 else "lower"
    low, high = sorted((abs(change.low), abs(change.high)))
    return (
        f"{what}: that of {_named(titles[1])} is {how} by {abs(change.value):.4f} ({low:.4f} to {high:.4f}): "
        f"{difference.direction}"
    )


def _named(title: str) -> str:
    return f"the {title}" if title in ALIASES else title


def _with_interval(estimate: "Estimate", sign: str = "") -> "RenderableType":
    from nextbest.cli.layouts import stacked

    numbers = [f"{number:{sign}.4f}" for number in (estimate.value, estimate.low, estimate.high)]
    return stacked(numbers[0], f"{numbers[1]} to {numbers[2]}")


def _slope(one: "Performance") -> str:
    line = one.calibration.recalibration
    return f"{line.slope:.3f}" if line is not None else "-"


def _intercept(one: "Performance") -> str:
    line = one.calibration.recalibration
    return f"{line.intercept:+.3f}" if line is not None else "-"


def _decile_verdicts(one: "Performance") -> str:
    """How many deciles are off: `2 alert, 1 warn`."""
    counts = {
        verdict: sum(found.verdict == verdict for found in one.calibration.bins)
        for verdict in ("alert", "warn")
    }
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "none is off"


def _headings(titles: Sequence[str], columns: Sequence[str]) -> "list[RenderableType]":
    """Each version's title above the first of its columns: above each, it would not fit 80 columns."""
    from nextbest.cli.layouts import stacked

    return [stacked("" if place else title, what) for title in titles for place, what in enumerate(columns)]


def _table(first: str, headings: "Sequence[RenderableType]") -> "Table":
    from rich.table import Table

    from nextbest.cli.layouts import stacked

    is_wide = len(headings) > 3
    table = Table(header_style="bold", padding=(0, 0, 0, 1) if is_wide else (0, 1))
    table.add_column(first if isinstance(headings[0], str) else stacked("", first))
    for heading in headings:
        table.add_column(heading, justify="right", overflow="fold")
    return table
