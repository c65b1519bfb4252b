"""Series of times against numbers of actions -> a picture, as small as a README wants it."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matplotlib as mpl
from PIL import Image

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

# After Okabe and Ito's palette, which is readable with any colour vision, some darker so that names in them
# can be read on white. Ours share a hue.
_COLOURS: Final = {
    "nextbest, AVX-512": "#0072B2",
    "nextbest, AVX2": "#0072B2",
    "nextbest, portable": "#0072B2",
    "numpy": "#00795A",
    "generated Python": "#A8447F",
    "zen-engine": "#B84E00",
    "cel-cpp": "#7A6A00",
    "cel-rust": "#555555",
}
_STYLES: Final = {"nextbest, AVX2": (0, (5, 1.5)), "nextbest, portable": (0, (1.5, 1.2))}
_MARKERS: Final = dict(zip(_COLOURS, "oooDs^vP", strict=True))
BUDGET_US: Final = 1_000.0
LABEL_GAP: Final = 1.6
"""Between the names at line ends: a factor, as the axis is logarithmic."""
WIDTH_INCHES, HEIGHT_INCHES, DPI, PALETTE = 8.0, 5.2, 130, 64


@dataclass(frozen=True, slots=True)
class Series:
    """A system's time in microseconds at each number of actions, in ascending order."""

    name: str
    points: list[tuple[int, float]]


def draw(series: list[Series], machine: str, path: Path) -> None:
    """Writes the picture as PNG."""
    with plt.rc_context({"font.size": 10.5, "font.family": "DejaVu Sans", "axes.linewidth": 0.8}):
        figure, axes = plt.subplots(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DPI)
        for line in series:
            _line(axes, line)
        _scales(axes, series)
        _names(axes, series)
        axes.set_title("Which actions may this customer see? One thread", loc="left", fontsize=12)
        axes.set_xlabel("actions (5 to 20 clauses each, 5 % of the features missing)")
        axes.set_ylabel("CPU time for one customer")
        figure.text(0.995, 0.008, machine, ha="right", va="bottom", fontsize=7.5, color="#666666")
        figure.tight_layout()
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png")
        plt.close(figure)
    # The file is committed: with a palette it is a third of the size, and looks the same.
    Image.open(drawn).convert("RGB").quantize(PALETTE).save(path, optimize=True)


def _line(axes: Axes, line: Series) -> None:
    ours = line.name.startswith("nextbest")
    axes.plot(
        *zip(*line.points, strict=True),
        color=_COLOURS[line.name],
        linestyle=_STYLES.get(line.name, "solid"),
        linewidth=2.2 if ours else 1.5,
        marker=_MARKERS[line.name],
        markersize=4.5,
    )


def _scales(axes: Axes, series: list[Series]) -> None:
    counts = sorted({count for line in series for count, _ in line.points})
    times = [time for line in series for _, time in line.points]
    axes.set_xscale("log")
    axes.set_yscale("log")
    # Room for the names.
    axes.set_xlim(counts[0] * 0.8, counts[-1] * (counts[-1] / counts[0]) ** 0.26)
    axes.set_ylim(min(times) * 0.6, max(*times, BUDGET_US) * 1.6)
    axes.xaxis.set_major_locator(FixedLocator(counts))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda us, _: f"{us / 1e3:,.0f} ms" if us >= 1e3 else f"{us:g} µs")
    )
    axes.minorticks_off()
    axes.grid(visible=True, color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.axhline(BUDGET_US, color="#222222", linestyle="dashed", linewidth=1.0, zorder=1)
    axes.annotate("1 ms", (counts[0] * 0.85, BUDGET_US * 1.08), fontsize=10, color="#222222")


def _names(axes: Axes, series: list[Series]) -> None:
    """Writes each name at its line's end; where lines end together, one above the other."""
    taken: list[tuple[float, float]] = []
    for line in sorted(series, key=lambda one: one.points[-1][1]):
        count, time = line.points[-1]
        height = time
        while any(count == other and height < above * LABEL_GAP for other, above in taken):
            height *= 1.02
        taken.append((count, height))
        axes.annotate(
            line.name,
            (count * 1.12, height),
            color=_COLOURS[line.name],
            va="center",
            fontsize=10,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )
