"""An evaluation -> a picture: gain curves, and observed against expected, of one or two versions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nextbest.charts import style
from nextbest.models.evaluation import Evaluation
from nextbest.models.performance import Performance

_COLOURS: Final = (style.BLUE, style.ORANGE)
_SIZE_INCHES: Final = (11.2, 4.4)


def draw(path: Path, names: Sequence[tuple[str, str]], found: Evaluation) -> None:
    """Writes a PNG.

    Args:
        path: The file; an older one is replaced.
        names: Of each version its title, such as `champion`, and its full name.
        found: What was measured.
    """
    figure = Figure(figsize=_SIZE_INCHES, dpi=style.DPI, layout="constrained")
    versions = " and ".join(full for _, full in names)
    rate = found.positives / found.rows
    title = style.short(f"{versions}: {found.rows:,} rows, {rate:.2%} positive", 120)
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    gain, calibration = figure.subplots(1, 2).tolist()
    gain.plot([0.0, 1.0], [0.0, 1.0], color=style.GREY, linewidth=1.2, zorder=1, label="by chance")
    for (label, _), one, colour in zip(names, found.performances, _COLOURS, strict=False):
        _draw_gain(gain, one, style.short(label, 30), colour)
        _draw_bins(calibration, one, style.short(label, 30), colour)
    _finish(gain, calibration, found)
    figure.savefig(path, format="png")


def _draw_gain(axes: Axes, one: Performance, label: str, colour: str) -> None:
    shares, captured = one.curve.points()
    area = one.auc
    text = f"{label}   AUC {area.value:.4f} ({area.low:.4f} to {area.high:.4f})"
    axes.plot(shares, captured, color=colour, linewidth=1.6, label=text)


def _draw_bins(axes: Axes, found: Performance, label: str, colour: str) -> None:
    bins, verdict = found.calibration.bins, found.calibration.overall.verdict
    axes.errorbar(
        [one.expected for one in bins],
        [one.observed for one in bins],
        yerr=[[one.observed - one.low for one in bins], [one.high - one.observed for one in bins]],
        fmt="o", markersize=4, capsize=2.5, linewidth=1.2, color=colour,
        label=f"{label}   {verdict}, error {found.calibration.error:.4f}",
    )  # fmt: skip


def _finish(gain: Axes, calibration: Axes, found: Evaluation) -> None:
    bins = [one for performance in found.performances for one in performance.calibration.bins]
    end = max(max(one.expected, one.high) for one in bins) * 1.05 or 1.0
    calibration.plot([0.0, end], [0.0, end], color=style.GREY, linewidth=1.2, zorder=1, label="as expected")
    calibration.set_xlim(0.0, max(one.expected for one in bins) * 1.08 or 1.0)
    calibration.set_ylim(0.0, end)
    calibration.set_title("Calibration", fontsize=9.5, loc="left")
    calibration.set_xlabel("mean propensity of a decile", fontsize=8.5)
    calibration.set_ylabel("observed rate", fontsize=8.5)
    gain.set_title("Gain", fontsize=9.5, loc="left")
    gain.set_xlabel("share of rows, the highest scores first", fontsize=8.5)
    gain.set_ylabel("share of positive rows among them", fontsize=8.5)
    gain.set_xlim(0.0, 1.0)
    gain.set_ylim(0.0, 1.02)
    gain.xaxis.set_major_formatter(PercentFormatter(1.0))
    gain.yaxis.set_major_formatter(PercentFormatter(1.0))
    gain.legend(fontsize=8, frameon=False, loc="lower right")
    calibration.legend(fontsize=8, frameon=False, loc="upper left")
    style.plain(gain)
    style.plain(calibration)
