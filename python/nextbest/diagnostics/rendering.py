"""Diagnostics and the lines that they point at -> text for people, and JSON for programs.

The text contains all information in words and markers; colour only repeats it. What the author wrote is shown
without control characters, so that a workspace cannot write to the terminal of the person who checks it.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from rich.cells import cell_len
from rich.text import Text

from nextbest.diagnostics.diagnostic import Diagnostic, Position, Severity
from nextbest.diagnostics.grouping import LISTED_MAX, group
from nextbest.printable import printable

# Width of a source line if there is no terminal; a longer line is cut around the marker.
LINE_WIDTH = 110
LINE_WIDTH_MIN = 20
CUT = "…"
COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold blue"}


def render(diagnostic: Diagnostic, sources: Mapping[str, Sequence[str]], columns: int | None = None) -> Text:
    """Renders one diagnostic as lines of text, ending with a line feed; without colour, `.plain`.

    Args:
        diagnostic: What to show.
        sources: The lines of each file, as `Compilation.sources`. If a file is missing there, only its name
        is shown.
        columns: Of the terminal: a source line is cut to fit, so that the marker stays below its text.
    """
    colour = COLOURS[diagnostic.severity]
    text = Text()
    text.append(f"{diagnostic.severity}[{diagnostic.code}]", colour)
    text.append(f": {printable(diagnostic.message)}\n", "bold")
    gutter = 2
    if diagnostic.position is not None:
        lines = sources.get(diagnostic.position.file, ())
        gutter = len(str(diagnostic.position.line)) + 1
        width = LINE_WIDTH if columns is None else max(LINE_WIDTH_MIN, columns - gutter - 2)
        _append_place(text, diagnostic.position, lines, width, colour)
    if diagnostic.help:
        text.append(f"{' ' * gutter}help: ", "bold cyan")
        text.append(f"{printable(diagnostic.help)}\n")
    return text


def render_all(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, Sequence[str]], columns: int | None = None
) -> Text:
    """Renders diagnostics, a blank line between them and a count at the end; empty for none."""
    shown = list(diagnostics)
    text = Text()
    for diagnostic in shown:
        text.append_text(render(diagnostic, sources, columns))
        text.append("\n")
    if shown:
        text.append(f"{summarise(shown)}\n", "bold")
    return text


def render_grouped(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, Sequence[str]], columns: int | None = None
) -> Text:
    """Renders a group: one warning, and the subjects of the others."""
    shown = list(diagnostics)
    text = Text()
    for one in group(shown):
        text.append_text(render(one.first, sources, columns))
        if one.others:
            names = one.named()
            listed = ", ".join(printable(name) for name in names[:LISTED_MAX])
            left = len(names) - LISTED_MAX
            more = f" and {left:,} other{'' if left == 1 else 's'} (`--json` lists all)" if left > 0 else ""
            position = one.first.position
            gutter = len(str(position.line)) + 1 if position is not None else 2
            text.append(f"{' ' * gutter}and {len(one.others):,} more: ", "bold cyan")
            text.append(f"{listed}{more}\n")
        text.append("\n")
    if shown:
        text.append(f"{summarise(shown)}\n", "bold")
    return text


def summarise(diagnostics: Iterable[Diagnostic]) -> str:
    """Counts: `2 errors, 1 warning`; `no errors` when there is nothing to count."""
    counts = dict.fromkeys(Severity, 0)
    for diagnostic in diagnostics:
        counts[diagnostic.severity] += 1
    words = [f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items() if count]
    return ", ".join(words) or "no errors"


def to_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Renders diagnostics as a JSON array, in their order, each an object with the same keys.

    `file`, `line`, `column` and `length` are null for a finding about the workspace as a whole. `fix` is the
    change of a file that `help` asks for (see `Fix`), null where `help` is a sentence only.
    """
    return json.dumps(to_objects(diagnostics), ensure_ascii=False, indent=2)


def to_objects(diagnostics: Iterable[Diagnostic]) -> list[dict[str, object]]:
    """The objects of `render_json`, before they become text."""
    return [_object(diagnostic) for diagnostic in diagnostics]


def _object(diagnostic: Diagnostic) -> dict[str, object]:
    position = diagnostic.position
    return {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        "help": diagnostic.help,
        "file": position.file if position else None,
        "line": position.line if position else None,
        "column": position.column if position else None,
        "length": position.length if position else None,
        "fix": asdict(diagnostic.fix) if diagnostic.fix else None,
    }


def _append_place(text: Text, position: Position, lines: Sequence[str], width: int, colour: str) -> None:
    gutter = len(str(position.line)) + 1
    text.append(f"{' ' * (gutter - 1)}--> ", "blue")
    text.append(f"{printable(position.file)}:{position.line}:{position.column}\n")
    if not 1 <= position.line <= len(lines):
        return
    before, marked, after = _cut(lines[position.line - 1], position, width)
    bar = f"{' ' * gutter}|"
    text.append(f"{bar}\n", "blue")
    text.append(f"{position.line:>{gutter - 1}} | ", "blue")
    text.append(f"{before}{marked}{after}\n")
    text.append(f"{bar} ", "blue")
    text.append(f"{' ' * cell_len(before)}{'^' * max(1, cell_len(marked))}\n", colour)


def _cut(line: str, position: Position, width: int) -> tuple[str, str, str]:
    """Splits a line into the text before, at and after the marker, cut to `width` cells in all."""
    start = min(position.column - 1, len(line))
    before = printable(line[:start])
    marked = printable(line[start : start + position.length])
    after = printable(line[start + position.length :])
    if sum(map(cell_len, (before, marked, after))) <= width:
        return before, marked, after
    marked_max = width * 3 // 4 if before else width
    if cell_len(marked) > marked_max:
        marked, after = _head(marked, marked_max - 1) + CUT, ""
    left = width - max(cell_len(marked), 1)
    after_max = min(cell_len(after), max(left // 3, left - cell_len(before)))
    before_max = left - after_max
    if cell_len(before) > before_max:
        before = CUT + _tail(before, before_max - 1) if before_max else ""
    if cell_len(after) > after_max:
        after = _head(after, after_max - 1) + CUT if after_max else ""
    return before, marked, after


def _head(text: str, cells: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += cell_len(character)
        if used > cells:
            return text[:index]
    return text


def _tail(text: str, cells: int) -> str:
    kept = _head(text[::-1], cells)[::-1]
    # A combining character without its letter would combine with the text before it.
    while kept and unicodedata.combining(kept[0]):
        kept = kept[1:]
    return kept
