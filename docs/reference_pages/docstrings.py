"""A docstring -> its text and its sections, as Markdown."""

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Final

from reference_pages.markdown import table

SECTION: Final = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):$")
ENTRY: Final = re.compile(r"^(\*{0,2}[\w., ]+): (.*)$")
HEADS: Final = {
    "Args": ("argument", "meaning"),
    "Attributes": ("attribute", "meaning"),
    "Raises": ("raises", "when"),
}
INDENT: Final = " " * 4


def render(docstring: str, without: str = "") -> str:
    """Renders a docstring in Google's style; an indented part is an example.

    Args:
        docstring: As written.
        without: A section that is left out.
    """
    return "".join(
        _part(title, part) for title, part in _sections(docstring) if not title or title != without
    )


def attributes(docstring: str) -> dict[str, str]:
    """Returns the attributes that a docstring describes."""
    parts = [part for title, part in _sections(docstring) if title == "Attributes"]
    return {name: text for part in parts for name, text in _entries(_dedented(part))}


def _sections(docstring: str) -> Iterator[tuple[str, list[str]]]:
    title, part = "", list[str]()
    for line in inspect.cleandoc(docstring).splitlines():
        found = SECTION.match(line)
        if found:
            yield title, part
            title, part = found[1], []
        else:
            part.append(line)
    yield title, part


def _part(title: str, lines: Sequence[str]) -> str:
    if not title:
        return "".join(_block(block) for block in _blocks(lines))
    body = _dedented(lines)
    if title in HEADS:
        return "\n" + table(HEADS[title], ([f"`{name}`", text] for name, text in _entries(body)))
    return f"\n{title}: {' '.join(' '.join(body).split())}\n"


def _dedented(lines: Sequence[str]) -> list[str]:
    return [line.removeprefix(INDENT) for line in lines]


def _entries(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    name, text = "", list[str]()
    for line in lines:
        found = ENTRY.match(line)
        if found and not line.startswith(" "):
            if name:
                yield name, " ".join(text)
            name, text = found[1], [found[2]]
        else:
            text.append(line.strip())
    yield name, " ".join(text).strip()


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Splits at empty lines; those inside an example do not split it."""
    block = list[str]()
    for line in lines:
        is_example = bool(block) and block[0].startswith(INDENT)
        if line.strip() or is_example:
            if block and line.strip() and is_example != line.startswith(INDENT):
                yield block
                block = []
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _block(lines: Sequence[str]) -> str:
    if not lines[0].startswith(INDENT):
        return f"\n{' '.join(lines)}\n"
    code = "\n".join(line.removeprefix(INDENT) for line in lines).rstrip()
    return f"\n```py\n{code}\n```\n"
