"""What all pictures have in common."""

from typing import Final

from matplotlib.axes import Axes

DPI: Final = 130
# Of Okabe and Ito's palette, which is readable with any colour vision.
GREY: Final = "#B0B0B0"
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREEN: Final = "#009E73"
YELLOW: Final = "#E69F00"


def plain(axes: Axes) -> None:
    """Takes away what a picture does not need."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def short(text: str, length_max: int) -> str:
    """What a stranger wrote, as a picture can show it: printable, no longer than this."""
    printable = "".join(character if character.isprintable() else "?" for character in text)
    # A dollar sign begins mathematics.
    escaped = printable.replace("$", r"\$")
    return escaped if len(escaped) <= length_max else f"{escaped[: length_max - 1]}…"
