"""Columns and rows -> a table as wide as the terminal, or narrower.

All tables of the commands are laid out here, so that they look alike: a bold heading over a line, numbers on
the right, words that are never cut. If the terminal is too narrow, first headings become short; then optional
columns move to lines below their row; then the first column moves to lines above its rows, and names are
folded; and if that is not enough, each row becomes a list of its cells. A number is never cut or folded
before that, because its beginning alone is another number.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from nextbest.printable import printable, shown

_GAP: Final = 2
_INDENT: Final = 2
_FOLDED_MIN: Final = (12, 6)
"""Names and texts are not folded to less than the first, as long as there is another way; never to less."""
_FEW: Final = 2
"""Columns of a table of which none is worth a line above the others."""
_JOINT: Final = re.compile(r"(?<=\d) (?=%|[A-Z]{3}\b)")
"""Between a number and its unit, where no line is broken."""
_GLUE: Final = "\ue000"
"""In place of that blank while lines are broken; no cell has it (`printable`)."""

Cell = str | Text | Sequence[str]
"""What is in a row: a text, a text with colours, or several lines."""


class Kind(Enum):
    """The layout of a column: names are kept whole, numbers are on the right, texts are wrapped."""

    NAME = "name"
    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        heading: In the words of the field.
        kind: Of its cells.
        short: The heading where the terminal is narrow.
        least: Of a text, the width below which it is not readable.
        gives_way: 0: the column stays in the row. Of the others, the one with the greatest number leaves
            first, and is the last below the row.
        below: How a cell reads below its row, `{}` being the cell.
        group: A heading over this column and its neighbours of the same group.
    """

    heading: str
    kind: Kind = Kind.TEXT
    short: str = ""
    least: int = 24
    gives_way: int = 0
    below: str = "{}"
    group: str = ""


def name(heading: str, **others: int | str) -> Column:
    """A column of names."""
    return Column(heading, Kind.NAME, **others)  # type: ignore[arg-type]


def number(heading: str, **others: int | str) -> Column:
    """A column of numbers."""
    return Column(heading, Kind.NUMBER, **others)  # type: ignore[arg-type]


def text(heading: str, **others: int | str) -> Column:
    """A column of sentences."""
    return Column(heading, Kind.TEXT, **others)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Row:
    cells: tuple[Text, ...]
    style: str
    has_rule: bool


class Listing:
    """A table; columns without a single cell are not shown."""

    def __init__(
        self,
        columns: Iterable[Column],
        title: str | Text = "",
        *,
        legend: str = "",
        note: str = "",
        headless: bool = False,
    ) -> None:
        """Takes what does not depend on rows.

        Args:
            columns: The first one always stays.
            title: Above the table.
            legend: Below the table, if headings are short.
            note: Below the table.
            headless: Show no headings, as for pairs of names and values.
        """
        self._columns = list(columns)
        self._title = clean(title).copy() if isinstance(title, Text) else Text(printable(title), "bold")
        self._legend = legend
        self._note = note
        self._is_headless = headless
        self._rows: list[_Row] = []

    def add(self, *cells: Cell, style: str = "", ruled: bool = False) -> None:
        """Adds a row; a line is drawn above it where it is ruled."""
        self._rows.append(_Row(tuple(map(clean, cells)), style, ruled))

    def __len__(self) -> int:
        """The number of rows."""
        return len(self._rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lays the table out for the width at hand."""
        if self._title.plain:
            yield self._title
        layout = self._fitted(options.max_width)
        if layout is None:
            yield from self._records()
        else:
            yield from () if self._is_headless else layout.head()
            for row in self._rows:
                yield from layout.lines(row, console, options.max_width)
            below = [self._legend] if layout.is_short else []
            note = "; ".join(filter(None, [*below, self._note]))
            if note:
                yield paragraph(note, style="dim")
        yield Text()

    def _fitted(self, width: int) -> "_Layout | None":
        """The first layout that fits; None where none does."""
        used = [
            index
            for index, _ in enumerate(self._columns)
            if index == 0 or any(row.cells[index].plain for row in self._rows)
        ]
        leaving = [index for index in used if self._columns[index].gives_way]
        leaving.sort(key=lambda index: -self._columns[index].gives_way)
        remaining = [
            [index for index in used if index not in leaving[:count]] for count in range(len(leaving) + 1)
        ]
        for indices, is_short in ((used, False), *((indices, True) for indices in remaining)):
            layout = self._layout(indices, used, is_short=is_short)
            if layout.fit(width):
                return layout
        least = remaining[-1]
        if self._columns[0].kind is Kind.NUMBER or len(least) <= _FEW:
            return layout if layout.fold(width) else None
        for indices in remaining:
            layout = self._layout(indices[1:], used, is_short=True)
            if layout.fit(width - _INDENT):
                return layout
        return layout if layout.fold(width - _INDENT) else None

    def _layout(self, indices: Sequence[int], used: Sequence[int], *, is_short: bool) -> "_Layout":
        columns = [self._columns[index] for index in indices]
        headings = [column.short if is_short and column.short else column.heading for column in columns]
        gone = sorted(set(used) - {0, *indices}, key=lambda index: self._columns[index].gives_way)
        below = [(index, self._columns[index].below) for index in gone]
        rows = [[row.cells[index] for index in indices] for row in self._rows]
        widths = [
            max(cell_len(line) for line in (heading * (not self._is_headless), *_lines(rows, place)))
            for place, heading in enumerate(headings)
        ]
        _widen(widths, columns)
        above = "" if indices[0] == 0 else self._columns[0].heading
        return _Layout(columns, list(indices), headings, widths, below, above, is_short)

    def _records(self) -> RenderResult:
        """Each row as a list of its cells."""
        for row in self._rows:
            first, *others = row.cells
            yield _Paragraph(first, 0, 0)
            for column, cell in zip(self._columns[1:], others, strict=True):
                if cell.plain:
                    heading = "" if self._is_headless else f"{column.heading} "
                    yield _Paragraph(Text.assemble(heading, cell), _INDENT, 2 * _INDENT)


@dataclass(slots=True)
class _Layout:
    """Columns with their widths.

    Attributes:
        columns: Of the row.
        indices: Of their cells.
        headings: As they are written here.
        widths: In cells of the terminal.
        below: The cells that are shown below the row, and how they read.
        above: The heading of the first column if its cells are shown above their rows; empty if not.
        is_short: Headings are the short ones.
    """

    columns: list[Column]
    indices: list[int]
    headings: list[str]
    widths: list[int]
    below: list[tuple[int, str]]
    above: str
    is_short: bool

    @property
    def width(self) -> int:
        return sum(self.widths) + _GAP * (len(self.widths) - 1)

    def fit(self, width: int) -> bool:
        """Narrows texts to a width; False where they would not be readable."""
        return self._narrow(
            width, [column.least if column.kind is Kind.TEXT else None for column in self.columns]
        )

    def fold(self, width: int) -> bool:
        """Narrows texts and names to a width; False where they would not be readable."""
        return any(
            self._narrow(width, [None if column.kind is Kind.NUMBER else least for column in self.columns])
            for least in _FOLDED_MIN
        )

    def _narrow(self, width: int, least: Sequence[int | None]) -> bool:
        """Takes from the widest columns first, down to the least width of each; None: it keeps its width."""
        excess = self.width - width
        if excess <= 0:
            return True
        floors = [
            each if floor is None else min(each, max(floor, cell_len(heading)))
            for floor, heading, each in zip(least, self.headings, self.widths, strict=True)
        ]
        if sum(self.widths) - sum(floors) < excess:
            return False
        while excess > 0:
            # The widest gives first, until it is as wide as the next.
            spare = [(each, place) for place, each in enumerate(self.widths) if each > floors[place]]
            _, widest = max(spare)
            self.widths[widest] -= 1
            excess -= 1
        return True

    def groups(self) -> Text:
        """The line of headings over several columns."""
        line, place = Text(" " * self.indent, style="bold"), 0
        for group, members in groupby(self.columns, key=lambda column: column.group):
            count = len(list(members))
            width = sum(self.widths[place : place + count]) + _GAP * (count - 1)
            written = Text(group)
            written.truncate(width, overflow="ellipsis", pad=True)
            line.append_text(written).append(" " * _GAP)
            place += count
        line.rstrip()
        return line

    def head(self) -> RenderResult:
        """The headings, and a line below them."""
        if self.above:
            yield Text(self.above, "bold")
        if any(column.group for column in self.columns):
            yield self.groups()
        yield from self.joined([[Text(heading)] for heading in self.headings], "bold")
        yield Text("─" * (self.width + self.indent), "dim")

    @property
    def indent(self) -> int:
        """Of rows that have a cell above."""
        return _INDENT if self.above else 0

    def lines(self, row: _Row, console: Console, width_max: int) -> Iterable[Text]:
        """A row, above it its first cell where there was no room, below it the cells that gave way."""
        if row.has_rule:
            yield Text("─" * self.width, "dim")
        if self.above and row.cells[0].plain:
            yield from _wrapped(row.cells[0], width_max, console)
        wrapped = [
            _wrapped(row.cells[index], width, console)
            for index, width in zip(self.indices, self.widths, strict=True)
        ]
        yield from self.joined(wrapped, row.style)
        said = [_said(form, row.cells[index]) for index, form in self.below if row.cells[index].plain]
        if said:
            line = Text("; ").join(said)
            line.style = "dim"
            indent = self.indent + _INDENT
            for part in _wrapped(line, max(width_max - indent, 1), console):
                yield Text(" " * indent).append_text(part)

    def joined(self, cells: Sequence[Sequence[Text]], style: str) -> Iterable[Text]:
        """Cells of several lines, beside each other."""
        for height in range(max(map(len, cells))):
            line = Text(" " * self.indent, style=style)
            for place, (column, width) in enumerate(zip(self.columns, self.widths, strict=True)):
                part = cells[place][height] if height < len(cells[place]) else Text()
                padding = " " * max(width - part.cell_len, 0)
                line.append(" " * _GAP if place else "")
                if column.kind is Kind.NUMBER:
                    line.append(padding).append_text(part)
                else:
                    line.append_text(part).append(padding)
            line.rstrip()
            yield line


def pairs(title: str | Text, rows: Iterable[tuple[str, Cell]]) -> Listing:
    """A table of names and what there is to say of each."""
    listing = Listing([name("name"), text("value")], title, headless=True)
    for key, value in rows:
        listing.add(Text(printable(key), "bold"), value)
    return listing


def clean(cell: Cell) -> Text:
    """A cell as text without what a terminal would obey; line feeds are those between lines."""
    if isinstance(cell, str):
        return Text(printable(cell))
    if isinstance(cell, Text):
        copy = cell.copy()
        copy.plain = "".join(" " if character == "\t" else shown(character) for character in cell.plain)
        return copy
    return Text("\n".join(map(printable, cell)))


def _widen(widths: list[int], columns: Sequence[Column]) -> None:
    """Makes room for the headings over several columns."""
    place = 0
    for group, members in groupby(columns, key=lambda column: column.group):
        count = len(list(members))
        width = sum(widths[place : place + count]) + _GAP * (count - 1)
        place += count
        widths[place - 1] += max(cell_len(group) - width, 0)


def _lines(rows: Sequence[Sequence[Text]], place: int) -> Iterable[str]:
    for row in rows:
        yield from row[place].plain.split("\n")


def _said(form: str, cell: Text) -> Text:
    before, _, after = form.partition("{}")
    flat = cell.copy()
    flat.plain = cell.plain.replace("\n", " ")
    return Text.assemble(before, flat, after)


def _wrapped(cell: Text, width: int, console: Console) -> list[Text]:
    glued = cell.copy()
    glued.plain = _JOINT.sub(_GLUE, cell.plain)
    lines = glued.wrap(console, width, overflow="fold")
    for line in lines:
        line.plain = line.plain.replace(_GLUE, " ")
        line.rstrip()
    return list(lines) or [Text()]


class _Paragraph:
    """A text whose first line begins elsewhere than the others."""

    def __init__(self, content: Text, first: int, others: int) -> None:
        self._content = content
        self._indents = first, others

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Breaks the lines for the width at hand."""
        first, others = self._indents
        for place, line in enumerate(_wrapped(self._content, max(options.max_width - others, 1), console)):
            yield Text(" " * (others if place else first)).append_text(line)


def paragraph(
    content: str | Text, first: int = 0, others: int | None = None, *, style: str = ""
) -> RenderableType:
    """A text whose lines begin in these columns; lines that a narrow terminal breaks do so, too."""
    shown_ = clean(content) if isinstance(content, Text) else Text(printable(content), style)
    return _Paragraph(shown_, first, first if others is None else others)
