"""Histograms beside their reference, and calibration -> a picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from nextbest.charts import style
from nextbest.models.calibration import Calibration, Verdict
from nextbest.models.drift import Drift, Health, rows_of
from nextbest.v1 import bundle_pb2, control_pb2

FEATURES_MAX: Final = 5
"""Those that have moved furthest; one less beside a calibration, so that the picture stays in shape."""
_LABELS_MAX: Final = 7
_LABEL_LENGTH_MAX: Final = 14
_TITLE_LENGTH_MAX: Final = 40
_CATEGORIES_MAX: Final = 12
_PANEL_INCHES: Final = (5.6, 3.1)
_HEAD_INCHES: Final = 0.75
_REFERENCE: Final = style.GREY
_CURRENT: Final = style.BLUE
_VERDICTS: Final = {
    Verdict.CALIBRATED: style.BLUE,
    Verdict.TOO_FEW: style.GREY,
    Verdict.WARN: style.YELLOW,
    Verdict.ALERT: style.ORANGE,
}

Panel = Callable[[Axes], None]


def draw(path: Path, judged: Health | None, calibration: Calibration | None) -> None:
    """Writes a PNG of what there is: scores and features beside their reference, observed against expected.

    Args:
        path: The file; an older one is replaced.
        judged: What was made of it.
        calibration: Of outcomes.
    """
    panels: list[Panel] = []
    title = ""
    if judged is not None:
        since = f"{judged.since:%Y-%m-%d %H:%M} UTC"
        title = f"{judged.name}@{judged.version[:12]}: {judged.decisions:,} decisions since {since}"
        features = FEATURES_MAX - (calibration is not None)
        panels += _histograms(judged, features)
    if calibration is not None:
        panels.append(lambda axes: _reliability(axes, calibration))
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    width, height = _PANEL_INCHES[0] * columns, _PANEL_INCHES[1] * rows + _HEAD_INCHES
    figure = Figure(figsize=(width, height), dpi=style.DPI, layout="constrained")
    if title:
        figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    if judged is not None:
        # Beside the title, and once for all: no bar can be there.
        keys = [Patch(color=_REFERENCE, label="at the push"), Patch(color=_CURRENT, label="now")]
        figure.legend(handles=keys, fontsize=9, frameon=False, ncols=2, loc="upper right", borderpad=0.1)
    places = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    for axes, panel in zip(places, panels, strict=False):
        panel(axes)
        style.plain(axes)
    for axes in places[len(panels) :]:
        axes.set_visible(False)
    figure.savefig(path, format="png")


def _histograms(judged: Health, features_max: int) -> list[Panel]:
    compared = {row.name: row.histogram for row in judged.counted.features}
    score, *features = judged.drifts
    chosen = [
        (score, judged.counted.scores),
        *((drift, compared[drift.what]) for drift in features[:features_max]),
    ]
    return [lambda axes, pair=pair: _histogram(axes, *pair) for pair in chosen]  # type: ignore[misc]


def _histogram(axes: Axes, drift: Drift, compared: control_pb2.ComparedHistogram) -> None:
    labels, current = _bars(compared.current)
    _, reference = _bars(compared.reference) if drift.reference_rows else (labels, [])
    if not drift.missing and not drift.reference_missing:
        labels, current, reference = labels[1:], current[1:], reference[1:]
    places = range(len(labels))
    if reference:
        axes.bar([place - 0.2 for place in places], reference, 0.4, color=_REFERENCE)
        axes.bar([place + 0.2 for place in places], current, 0.4, color=_CURRENT)
    else:
        axes.bar(places, current, 0.8, color=_CURRENT)
    index = f"PSI {drift.index:.3f}, {drift.verdict}" if drift.index is not None else drift.verdict
    what = style.short(drift.what, _TITLE_LENGTH_MAX)
    axes.set_title(f"{what}   {index}, n {drift.rows:,}", fontsize=9.5, loc="left")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    step = 1 if compared.current.categories else max(1, -(-len(labels) // _LABELS_MAX))
    shown = [place for place in places if place % step == 0 or labels[place] == "missing"]
    is_wordy = any(len(labels[place]) > 6 for place in shown) and len(shown) > 4
    axes.set_xticks(shown, [labels[place] for place in shown], rotation=30 if is_wordy else 0,
                    ha="right" if is_wordy else "center")  # fmt: skip


def _bars(histogram: bundle_pb2.Histogram) -> tuple[list[str], list[float]]:
    """A label and a share for each bin; of many texts, the most frequent of the reference."""
    missing, *counts = rows_of(histogram)
    if histogram.categories:
        kept = min(len(histogram.categories), _CATEGORIES_MAX)
        labels = [style.short(text, _LABEL_LENGTH_MAX) for text in histogram.categories[:kept]] + ["others"]
        counts = [*counts[:kept], sum(counts[kept:])]
    else:
        edges = [_number(edge) for edge in histogram.edges]
        labels = [f"≤ {edge}" for edge in edges] + ([f"> {edges[-1]}"] if edges else ["any"])
    rows = max(1, missing + sum(counts))
    return ["missing", *labels], [count / rows for count in (missing, *counts)]


def _reliability(axes: Axes, calibration: Calibration) -> None:
    bins = calibration.bins
    end = max(max(found.expected, found.high) for found in bins) * 1.05
    axes.plot([0.0, end], [0.0, end], color=_REFERENCE, linewidth=1.2, zorder=1, label="as expected")
    for verdict, colour in _VERDICTS.items():
        chosen = [found for found in bins if found.verdict is verdict]
        if chosen:
            below = [found.observed - found.low for found in chosen]
            above = [found.high - found.observed for found in chosen]
            axes.errorbar(
                [found.expected for found in chosen],
                [found.observed for found in chosen],
                yerr=[below, above],
                fmt="o",
                markersize=4,
                capsize=2.5,
                linewidth=1.2,
                color=colour,
                label=str(verdict),
            )
    axes.set_xlim(0.0, max(found.expected for found in bins) * 1.08 or 1.0)
    axes.set_ylim(0.0, end or 1.0)
    axes.set_xlabel("mean propensity of a decile", fontsize=8.5)
    axes.set_ylabel("observed rate", fontsize=8.5)
    axes.set_title(
        f"Calibration   {calibration.overall.verdict}, error {calibration.error:.4f}, "
        f"n {calibration.overall.rows:,}",
        fontsize=9.5,
        loc="left",
    )
    axes.legend(fontsize=8, frameon=False, loc="upper left")


def _number(number: float) -> str:
    """Three digits; only what is very large or very small has an exponent."""
    return f"{number:,.0f}" if 100.0 <= abs(number) < 1e7 else f"{number:.3g}"
