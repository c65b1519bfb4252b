"""Reports of the load generator -> pictures: latency against rate, or against percentiles."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from nextbest.charts import style
from nextbest.load.ramp import Climb

_RED: Final = "#B03A2E"
_GRID: Final = "#E4E4E4"
_PERCENTILES: Final = (
    ("p50_us", "p50", style.BLUE, "o"),
    ("p99_us", "p99", style.GREEN, "s"),
    ("p999_us", "p99.9", style.ORANGE, "^"),
)
_CURVES: Final = (
    ("distribution", "OK, from when a request was due", style.BLUE, "-", 2.0),
    ("service_distribution", "OK, from when it left", style.GREEN, "--", 1.4),
    ("hiccup_distribution", "this machine alone: how late a thread woke", style.GREY, "-", 1.4),
)
_LEFT_MIN: Final = 1e-6
"""The share that took longer, at the right edge at most: 99.9999 % took no longer."""

Point = Sequence[float]


def draw_ramp(path: Path, found: Climb, title: str) -> None:
    """Writes a PNG of latencies against the rate, above the statuses of the requests.

    The knee, and where the server no longer keeps up, are marked.

    Args:
        path: The file; an older one is replaced.
        found: At least one step.
        title: What was asked of whom.
    """
    figure = _sheet(title, (8.0, 6.2))
    latencies, answers = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1.0))
    rates = [step.rate_per_s for step in found.steps]
    for key, label, colour, marker in _PERCENTILES:
        values = [step.report[key] or float("nan") for step in found.steps]
        latencies.plot(rates, values, color=colour, marker=marker, markersize=4.5, linewidth=1.7, label=label)
    hiccups = [step.report["hiccup_p99_us"] for step in found.steps]
    latencies.plot(
        rates, hiccups, color=style.GREY, linewidth=1.2, zorder=1, label="p99 of this machine's hiccups"
    )
    latencies.set_yscale("log")
    latencies.set_ylabel("latency of OK, from when due", fontsize=9)
    _draw_answers(answers, found)
    _mark((latencies, answers), found)
    answers.set_xlabel("requests due a second", fontsize=9)
    answers.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:,.5g}"))
    style.plain(answers)
    _finish(figure, latencies, path)


def _draw_answers(axes: Axes, found: Climb) -> None:
    rates = [step.rate_per_s for step in found.steps]
    answered = [step.report["achieved_per_s"] for step in found.steps]
    axes.plot(rates, rates, color=style.GREY, linewidth=1.2, linestyle=(0, (1, 2)), label="all that were due")
    axes.plot(rates, answered, color="black", marker="o", markersize=3.5, linewidth=1.7, label="OK a second")
    if any(step.report["errors"] for step in found.steps):
        failed = [sum(step.report["errors"].values()) / step.report["measured_s"] for step in found.steps]
        axes.plot(
            rates, failed, color=_RED, marker="x", markersize=4.5, linewidth=1.2, label="not OK a second"
        )
    axes.set_ylim(0.0, max(rates) * 1.05)
    axes.set_ylabel("a second", fontsize=9)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda per_s, _: f"{per_s:,.5g}"))
    axes.grid(visible=True, which="major", color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)


def _mark(panels: Sequence[Axes], found: Climb) -> None:
    top = panels[0]
    across = top.get_xaxis_transform()
    if found.knee_per_s is not None:
        for axes in panels:
            axes.axvline(found.knee_per_s, color="#444444", linewidth=1.0, linestyle=(0, (4, 3)))
        top.text(found.knee_per_s, 1.01, f"knee {found.knee_per_s:,.5g}/s", transform=across, fontsize=8,
                 ha="right", va="bottom")  # fmt: skip
    if found.saturated_per_s is not None:
        before = found.kept[-1].rate_per_s if found.kept else found.saturated_per_s
        begins = (before + found.saturated_per_s) / 2.0
        for axes in panels:
            axes.axvspan(begins, found.steps[-1].rate_per_s, color=_RED, alpha=0.07, lw=0)
        top.text(found.steps[-1].rate_per_s, 1.01, "not kept up with", transform=across, fontsize=8,
                 ha="right", va="bottom", color=_RED)  # fmt: skip


def draw_run(path: Path, report: Mapping[str, Any], title: str, *, is_open: bool) -> None:
    """Writes a PNG of what latency which share of the answers did not exceed.

    Args:
        path: The file; an older one is replaced.
        report: As `_core.load` gives it.
        title: What was asked of whom.
        is_open: Whether requests were due at scheduled times; in a closed loop they are due when they are
            sent.
    """
    figure = _sheet(title, (8.0, 4.8))
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_yscale("log")
    rightmost = 1.0 / _left(report["distribution"])
    for key, label, colour, line, width in _CURVES if is_open else _CURVES[1:]:
        points = [(1.0 / (1.0 - point[0]), point[1]) for point in report[key] if point[0] < 1.0]
        shown = [point for point in points if point[0] <= rightmost * 1.0001]
        axes.plot([x for x, _ in shown], [max(y, 0.1) for _, y in shown], color=colour, linestyle=line,
                  linewidth=width, label=label)  # fmt: skip
    nines = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999]
    ticks = [0.0, *(share for share in nines if 1.0 / (1.0 - share) <= rightmost * 1.001)]
    axes.xaxis.set_major_locator(FixedLocator([1.0 / (1.0 - share) for share in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100.0 * (1.0 - 1.0 / x):.7g} %"))
    axes.set_xlim(1.0, rightmost * 1.05)
    axes.set_xlabel("share of answers that took no longer", fontsize=9)
    axes.set_ylabel("latency", fontsize=9)
    _finish(figure, axes, path)


def _left(distribution: Sequence[Point]) -> float:
    """The smallest share that took longer and is more than one answer."""
    counts = [point[2] for point in distribution]
    return max(_LEFT_MIN, 1.0 / max(counts[-1] if counts else 1, 10))


def _sheet(title: str, inches: tuple[float, float]) -> Figure:
    figure = Figure(figsize=inches, dpi=style.DPI, layout="constrained")
    # A dollar sign begins mathematics.
    figure.suptitle(title.replace("$", r"\$"), fontsize=10.5, x=0.01, ha="left")
    return figure


def _finish(figure: Figure, axes: Axes, path: Path) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(lambda latency_us, _: duration(latency_us)))
    low, high = axes.get_ylim()
    if high / low < 50.0:
        # Powers of ten alone would leave an axis with one label.
        decades = [base * 10.0**power for power in range(-1, 9) for base in (1.0, 2.0, 5.0)]
        axes.yaxis.set_major_locator(FixedLocator(decades))
        axes.set_ylim(low, high)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, which="major", color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    style.plain(axes)
    # Below: wherever lines go, they do not go there.
    figure.legend(fontsize=8.5, frameon=False, loc="outside lower center", ncols=4)
    figure.savefig(path, format="png")


def duration(latency_us: float) -> str:
    """A time with its unit, three digits at most: `250 µs`, `1.5 ms`, `2 s`."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if latency_us >= size:
            return f"{latency_us / size:.3g} {unit}"
    return f"{latency_us:.3g} µs"
