"""Diagnostics and the lines they point at -> text for people, and JSON for machines.

The text carries everything in words and markers; colour only repeats it. What the author wrote is shown
without control characters, so that a workspace cannot write to the terminal of the person who checks it.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from rich.cells import cell_len
from rich.text import Text

from nextbest.diagnostics.diagnostic import Diagnostic, Position, Severity

# Cells of a source line that are shown; a longer line is cut around the marker.
LINE_WIDTH = 110
TAB = "    "
COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}
UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def render(diagnostic: Diagnostic, sources: Mapping[str, Sequence[str]]) -> Text:
    """Renders one diagnostic as lines of text, ending with a line feed; without colour, `.plain`.

    Args:
        diagnostic: What to show.
        sources: The lines of each file, as `Compilation.sources`. A file that is not there is only named.
    """
    colour = COLOURS[diagnostic.severity]
    text = Text()
    text.append(f"{diagnostic.severity}[{diagnostic.code}]", colour)
    text.append(f": {_safe(diagnostic.message)}\n", "bold")
    gutter = 2
    if diagnostic.position is not None:
        lines = sources.get(diagnostic.position.file, ())
        gutter = len(str(diagnostic.position.line)) + 1
        _append_place(text, diagnostic.position, lines, gutter, colour)
    for index, line in enumerate(diagnostic.help.splitlines()):
        lead = "help: " if index == 0 else "      "
        text.append(f"{' ' * gutter}{lead}", "bold cyan")
        text.append(f"{_safe(line)}\n")
    return text


def render_all(diagnostics: Iterable[Diagnostic], sources: Mapping[str, Sequence[str]]) -> Text:
    """Renders diagnostics, a blank line between them and a count at the end; empty for none."""
    shown = list(diagnostics)
    text = Text()
    for diagnostic in shown:
        text.append_text(render(diagnostic, sources))
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
    """The same before it becomes text."""
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


def _append_place(text: Text, position: Position, lines: Sequence[str], gutter: int, colour: str) -> None:
    text.append(f"{' ' * (gutter - 1)}--> ", "blue")
    text.append(f"{_safe(position.file)}:{position.line}:{position.column}\n")
    if not 1 <= position.line <= len(lines):
        return
    before, marked, after = _cut(lines[position.line - 1], position)
    bar = f"{' ' * gutter}|"
    text.append(f"{bar}\n", "blue")
    text.append(f"{position.line:>{gutter - 1}} | ", "blue")
    text.append(f"{before}{marked}{after}\n")
    text.append(f"{bar} ", "blue")
    text.append(f"{' ' * cell_len(before)}{'^' * max(1, cell_len(marked))}\n", colour)


def _cut(line: str, position: Position) -> tuple[str, str, str]:
    """Splits a line into what stands before, at and after the marker, cut to `LINE_WIDTH` cells."""
    start = min(position.column - 1, len(line))
    before = _safe(line[:start])
    marked = _safe(line[start : start + position.length])
    after = _safe(line[start + position.length :])
    if cell_len(marked) > LINE_WIDTH:
        marked, after = _head(marked, LINE_WIDTH - 2) + "…", ""
    left = LINE_WIDTH - cell_len(marked)
    if cell_len(before) > left - min(cell_len(after), left // 3):
        indent = before[: len(before) - len(before.lstrip())][:4]
        room = max(0, left * 2 // 3 - len(indent) - 1)
        before = f"{indent}…{_tail(before, room)}"
    room = max(1, left - cell_len(before))
    if cell_len(after) > room:
        after = _head(after, room - 1) + "…"
    return before, marked, after


def _head(text: str, cells: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += cell_len(character)
        if used > cells:
            return text[:index]
    return text


def _tail(text: str, cells: int) -> str:
    return _head(text[::-1], cells)[::-1]


def _safe(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character == "\t":
        return TAB
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in UNSAFE else character
