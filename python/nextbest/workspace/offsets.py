"""A character of a scalar's value -> its line and column in the file.

Follows the text of the scalar as YAML does: quotes, escapes, folded lines, indentation. The resulting value
is compared with the value that libyaml read; if they differ, there is no result, never a wrong one.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias

# A character of the value, and where it comes from: line and column, from 0.
Origin: TypeAlias = tuple[str, int, int]

ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
    "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\",
    "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
HEXADECIMAL = {"x": 2, "u": 4, "U": 8}
BLANKS = " \t"


class Span(Protocol):
    """The extent and style of a scalar; a `Node` has them."""

    line: int
    column: int
    end_line: int
    end_column: int
    style: str


def locate(
    lines: Sequence[str], span: Span, value: str, offset: int, length: int
) -> tuple[int, int, int] | None:
    """Finds the positions of characters of a scalar's value.

    Args:
        lines: The file.
        span: The scalar.
        value: Its value.
        offset: In characters of the value; its length means the position right after it.
        length: In characters of the value, at least 1.

    Returns:
        Line and column from 0, and the number of characters on that line, at least 1; None when the value
        cannot be followed through the text.
    """
    inset = 1 if span.style else 0
    # The text has the length of its value and is on one line: it has no escapes, so positions are offsets.
    if span.line == span.end_line and span.end_column - span.column - 2 * inset == len(value):
        start = min(offset, len(value))
        return span.line, span.column + inset + start, max(1, min(length, len(value) - start))
    origins = _origins(lines, span, value)
    if not origins:
        return None
    if offset >= len(origins):
        _, line, column = origins[-1]
        return line, column + 1, 1
    _, line, column = origins[offset]
    last = column
    for _, other_line, other_column in origins[offset : offset + length]:
        if other_line == line:
            last = max(last, other_column)
    return line, column, last - column + 1


def _origins(lines: Sequence[str], span: Span, value: str) -> list[Origin]:
    """The position of each character; empty if the result is not the value."""
    if span.style not in {"|", ">"}:
        candidates = iter([list(_flow(lines, span))])
    else:
        # The first line may be indented further than the rest if the header has an indentation indicator.
        first = _indentation(lines, span)
        candidates = (list(_block(lines, span, indentation)) for indentation in range(first, 0, -1))
    for origins in candidates:
        # A block scalar's header decides whether line feeds at the end are kept.
        if "".join(character for character, _, _ in origins).rstrip("\n") == value.rstrip("\n"):
            return origins
    return []


def _flow(lines: Sequence[str], span: Span) -> Iterator[Origin]:
    """Plain and quoted scalars: line ends fold to a space, or to line feeds where lines are empty."""
    inset = 1 if span.style else 0
    empty = 0
    joined = True
    for number in range(span.line, span.end_line + 1):
        line = lines[number]
        start = span.column + inset if number == span.line else len(line) - len(line.lstrip(BLANKS))
        end = span.end_column - inset if number == span.end_line else len(line)
        if number != span.line and not joined:
            if start >= end and number != span.end_line:
                empty += 1
                continue
            yield from [("\n", number - empty + i, 0) for i in range(empty)] or [
                (" ", number, max(0, start - 1))
            ]
        empty = 0
        continued = span.style == '"' and number != span.end_line and _ends_escaped(line)
        if number != span.end_line:
            end = end - 1 if continued else len(line.rstrip(BLANKS))
        joined = continued
        yield from _characters(line, number, start, end, span.style)


def _ends_escaped(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _characters(line: str, number: int, start: int, end: int, style: str) -> Iterator[Origin]:
    column = start
    while column < end:
        character, width = line[column], 1
        if style == "'" and character == "'":
            width = 2
        elif style == '"' and character == "\\" and column + 1 < end:
            character, width = _escape(line, column + 1)
        yield character, number, column
        column += width


def _escape(line: str, column: int) -> tuple[str, int]:
    letter = line[column]
    digits = HEXADECIMAL.get(letter)
    if digits is None:
        return ESCAPES.get(letter, letter), 2
    return chr(int(line[column + 1 : column + 1 + digits], 16)), 2 + digits


def _block_lines(lines: Sequence[str], span: Span) -> range:
    last = span.end_line if span.end_column == 0 else span.end_line + 1
    return range(span.line + 1, min(last, len(lines)))


def _block(lines: Sequence[str], span: Span, indentation: int) -> Iterator[Origin]:
    """Literal and folded scalars: indentation is removed; folded line ends between full lines are spaces."""
    contents = [(number, lines[number][indentation:]) for number in _block_lines(lines, span)]
    while contents and not contents[-1][1]:
        contents.pop()
    empty = 0
    previous = ""
    for number, content in contents:
        if not content:
            empty += 1
            continue
        if previous or empty:
            yield from _break(number, empty, previous, content, span.style)
        empty, previous = 0, content
        for column, character in enumerate(content):
            yield character, number, indentation + column


def _break(number: int, empty: int, previous: str, content: str, style: str) -> Iterator[Origin]:
    """The line end before a line of a block scalar, and the empty lines before it."""
    folds = style == ">" and previous[:1] not in BLANKS and content[:1] not in BLANKS
    if folds and not empty:
        yield " ", number, 0
        return
    count = empty if folds or not previous else empty + 1
    for _ in range(count):
        yield "\n", number, 0


def _indentation(lines: Sequence[str], span: Span) -> int:
    for number in _block_lines(lines, span):
        if lines[number].strip(" "):
            return len(lines[number]) - len(lines[number].lstrip(" "))
    return 0
