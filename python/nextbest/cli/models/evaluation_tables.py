"""An evaluation, as tables that fit 80 columns, and as sentences."""
# ruff: noqa: PLC0415 - rich loads slowly, and machines never need it

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from nextbest.cli.models.calibrations import STYLES
from nextbest.registry.aliases import ALIASES

if TYPE_CHECKING:
    from nextbest.layouts import Cell, Listing
    from nextbest.models.calibration import Bin
    from nextbest.models.evaluation import Evaluation
    from nextbest.models.performance import Difference, Estimate, Performance


def measure_table(titles: Sequence[str], found: "Evaluation") -> "Listing":
    """Measures of each version, with 95 % intervals below, and differences."""
    from rich.text import Text

    from nextbest.layouts import Listing, name, number
    from nextbest.wording import word_percent

    headings = [*titles, *(["difference"] if found.differences else [])]
    table = Listing((name("measure, 95 % interval"), *map(number, headings)))
    performances = found.performances
    nothing: list[Cell] = [""] * bool(found.differences)
    changes: list[list[Cell]] = [[_with_interval(one.change, sign="+")] for one in found.differences]
    estimates = {
        "AUC": [one.auc for one in performances],
        "log loss": [one.log_loss for one in performances],
        "Brier score": [one.brier for one in performances],
    }
    for (what, of_each), change in zip(estimates.items(), changes or [[], [], []], strict=True):
        table.add(what, *map(_with_interval, of_each), *change)
    lines = {
        "expected rate": lambda one: word_percent(one.calibration.overall.expected, 3),
        "observed/expected": lambda one: f"{one.calibration.overall.ratio:.2f}",
        "calibration error": lambda one: f"{one.calibration.error:.4f}",
        "  by chance alone": lambda one: f"{one.calibration.error_by_chance:.4f}",
        "calibration slope": _slope,
        "  intercept": _intercept,
    }
    for what, line in lines.items():
        table.add(what, *map(line, performances), *nothing)
    verdicts = [one.calibration.overall.verdict for one in performances]
    table.add("calibration", *(Text(verdict, STYLES.get(verdict, "")) for verdict in verdicts), *nothing)
    table.add("  of deciles", *map(_decile_verdicts, performances), *nothing)
    return table


def gain_table(titles: Sequence[str], found: "Evaluation") -> "Listing":
    """By decile of score, the highest first: rate, lift, and the share of positive rows found so far."""
    from nextbest.layouts import Listing, name, number
    from nextbest.wording import word_percent, word_percents

    columns = [number(what, group=title) for title in titles for what in ("rate", "lift", "found")]
    table = Listing((name("top"), *columns))
    of_each = []
    for performance in found.performances:
        rates = word_percents([one.rate for one in performance.gain])
        of_each.append(
            [
                (rate, f"{one.lift:.2f}", word_percent(one.captured))
                for rate, one in zip(rates, performance.gain, strict=True)
            ]
        )
    for place, deciles in enumerate(zip(*of_each, strict=True), 1):
        table.add(f"{10 * place} %", *(cell for of_one in deciles for cell in of_one))
    return table


def calibration_table(titles: Sequence[str], found: "Evaluation") -> "Listing":
    """By decile of propensity, the lowest first: expected, observed and verdict."""
    from nextbest.layouts import Listing, name, number

    columns = [
        column
        for title in titles
        for column in (
            number("expected", group=title),
            number("observed", group=title),
            name("verdict", group=title),
        )
    ]
    table = Listing((name("decile"), *columns))
    of_each = [_calibrated(one.calibration.bins) for one in found.performances]
    # Scores that many rows share make fewer bins.
    for place, bins in enumerate(zip_longest(*of_each, fillvalue=("", "", "")), 1):
        table.add(f"{place}", *(cell for of_one in bins for cell in of_one))
    return table


def _calibrated(bins: "Sequence[Bin]") -> "list[tuple[Cell, Cell, Cell]]":
    from rich.text import Text

    from nextbest.wording import word_percents

    expected = word_percents([one.expected for one in bins])
    observed = word_percents([one.observed for one in bins])
    verdicts = [Text(one.verdict, STYLES.get(one.verdict, "")) for one in bins]
    return list(zip(expected, observed, verdicts, strict=True))


def sentences(titles: Sequence[str], found: "Evaluation") -> list[str]:
    """The conclusions from the numbers, one sentence per measure."""
    said = [_difference(titles, difference) for difference in found.differences]
    if not said and found.performances[0].auc.low <= 0.5:
        said.append(
            "with these rows, the scores do not differ significantly from chance: the interval of "
            "the AUC contains 0.5"
        )
    return said


def _difference(titles: Sequence[str], difference: "Difference") -> str:
    change, what = difference.change, difference.measure
    if difference.direction == "same":
        return f"{what}: both give every row the same score"
    if difference.direction == "unknown":
        interval = f"{change.low:+.4f} to {change.high:+.4f}"
        return f"{what}: no significant difference with these rows ({change.value:+.4f}, {interval})"
    how = "higher" if change.value > 0.0 else "lower"
    low, high = sorted((abs(change.low), abs(change.high)))
    return (
        f"{what}: that of {_named(titles[1])} is {how} by {abs(change.value):.4f} ({low:.4f} to {high:.4f}): "
        f"{difference.direction}"
    )


def _named(title: str) -> str:
    return f"the {title}" if title in ALIASES else title


def _with_interval(estimate: "Estimate", sign: str = "") -> tuple[str, str]:
    numbers = [f"{number:{sign}.4f}" for number in (estimate.value, estimate.low, estimate.high)]
    return numbers[0], f"{numbers[1]} to {numbers[2]}"


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
