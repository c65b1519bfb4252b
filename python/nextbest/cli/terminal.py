"""The console of all commands: text from outside is shown, and never interpreted by the terminal.

It is the only way to the terminal for tables and styled text, so that no command can bypass it. Markup and
emoji codes are text like any other: a name such as `[/red]` is shown as it is.
"""

from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from nextbest.printable import printable, printable_lines, shown


class Terminal(Console):
    """A console that shows control characters instead of writing them.

    Line feeds are kept in text between tables, which commands put together from lines, and not in cells.
    """

    def __init__(self, **options: Any) -> None:
        """Takes the options of a console."""
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def on_broken_pipe(self) -> None:
        """Reports that standard output has no reader any more; rich would end the process.

        Raises:
            BrokenPipeError: Always.
        """
        raise BrokenPipeError

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Any:
        """Renders everything without control characters."""
        return super().render(_clean(renderable), options)


def _clean(renderable: RenderableType | Segment) -> Any:
    if isinstance(renderable, Table):
        for column in renderable.columns:
            column.header, column.footer = _clean_cell(column.header), _clean_cell(column.footer)
            column._cells = [_clean_cell(cell) for cell in column._cells]  # noqa: SLF001 - rich has no other way
        return renderable
    if isinstance(renderable, str):
        return printable_lines(renderable)
    return _clean_text(renderable, kept="\n\t") if isinstance(renderable, Text) else renderable


def _clean_cell(cell: RenderableType) -> RenderableType:
    if isinstance(cell, str):
        return printable(cell)
    return _clean_text(cell, kept="\t") if isinstance(cell, Text) else cell


def _clean_text(text: Text, *, kept: str) -> Text:
    plain = text.plain
    clean = "".join(character if character in kept else shown(character) for character in plain)
    if clean == plain:
        return text
    # Of the same length, so that every style stays where it is.
    copy = text.copy()
    copy.plain = clean
    return copy
