"""Text of strangers -> text that a terminal only shows.

A model, a registry, a workspace or a server may hold control characters, line feeds and marks that turn the
direction of writing. On a terminal they would erase lines, forge them, or show text in another order.
"""

import re
import unicodedata
from typing import Final

_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_TAB: Final = "    "


def printable(text: str) -> str:
    """One line, in which a replacement character replaces each character that is not shown as itself."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_TAB if character == "\t" else shown(character) for character in text)


def printable_lines(text: str) -> str:
    """The same for text whose line feeds are meant."""
    return "\n".join(map(printable, text.split("\n")))


def shown(character: str) -> str:
    """A character, or its replacement: always one."""
    return "\N{REPLACEMENT CHARACTER}" if is_unsafe(character) else character


def is_unsafe(character: str) -> bool:
    """Whether a terminal may do something else with a character than show it."""
    return unicodedata.category(character) in _UNSAFE


def escape_json(text: str) -> str:
    """JSON that means the same, with escapes for what a terminal does not show."""
    if text.isascii():
        return text.replace("\x7f", "\\u007f")
    return re.sub(r"[^\x20-\x7e\n]", _escaped, text)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if not is_unsafe(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))
