"""Tables -> what fits the terminal: text is broken into lines, and numbers are never cut."""

from collections.abc import Collection
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_UNBOUNDED: Final = 10_000


class FirstThatFits:
    """Several layouts of one thing, of which the first is shown that breaks no word on the terminal."""

    def __init__(self, *layouts: RenderableType) -> None:
        """Takes the layouts, the widest first; the last is shown where none fits."""
        self._layouts = layouts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Chooses the layout for the width at hand."""
        unbounded = options.update(width=_UNBOUNDED)
        *wider, last = self._layouts
        for layout in wider:
            if Measurement.get(console, unbounded, layout).minimum <= options.max_width:
                yield layout
                return
        yield last


def stacked(*lines: str) -> RenderableType:
    """A cell of several lines; a line feed in a cell would be a stranger's."""
    return Group(*map(Text, lines))


def never_cut(table: Table, headers: Collection[str]) -> Table:
    """Keeps these columns as wide as what is in them, and breaks what is in the others.

    Args:
        table: With all of its rows.
        headers: Of the columns to keep: numbers, whose beginning alone is another number.
    """
    for column in table.columns:
        column.overflow = "fold"
        if str(column.header) in headers:
            column.no_wrap = True
            column.min_width = max(cell_len(str(cell)) for cell in (column.header, *column.cells))
        else:
            column.no_wrap = False
    return table


def keep_words(table: Table) -> Table:
    """Keeps columns of single words, such as names, as wide as they are: sentences give way to them."""
    for column in table.columns:
        column.no_wrap = not any(" " in str(cell).strip() for cell in column.cells)
    return table
