"""The text of an environment variable -> a value, or the error that names the variable and its remedy."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from nextbest.diagnostics.suggestion import one_of

SECONDS_MAX: Final = 86_400.0
DIGITS_MAX: Final = 15
"""Of a whole number: more than any count, and what milliseconds and signed numbers of 64 bits can hold."""


class SettingError(Exception):
    """An environment variable that is not valid; the message has its name and the valid form."""


def path(found: Mapping[str, str], name: str) -> Path | None:
    """Reads a path; None where the variable is unset."""
    return Path(found[name]) if name in found else None


def folder(text: str, name: str) -> Path:
    """Reads `embedded:DIR`, or `DIR` alone: where a server keeps its state.

    Args:
        text: What was given.
        name: What messages call it.

    Raises:
        SettingError: It is something else.
    """
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", text)
    path = text.removeprefix("embedded:")
    if not path or (scheme and scheme[1] != "embedded"):
        raise SettingError(f"{name} is `{text}`: give a folder, as `embedded:/path` or `/path`")
    return Path(path)


def whole(found: Mapping[str, str], name: str, default: int | None = None) -> int | None:
    """Reads a whole number, 0 or greater."""
    text = found.get(name)
    if text is None:
        return default
    if not text.isdecimal() or len(text) > DIGITS_MAX:
        raise SettingError(
            f"{name} is `{text[:40]}`: give a whole number, 0 or greater, of {DIGITS_MAX} digits"
        )
    return int(text)


def some(found: Mapping[str, str], name: str) -> int | None:
    """Reads a whole number, 1 or greater; None where the variable is unset."""
    number = whole(found, name)
    if number == 0:
        raise SettingError(f"{name} is `0`: give a whole number, 1 or greater")
    return number


def time(found: Mapping[str, str], name: str) -> float | None:
    """Reads seconds; None where the variable is unset."""
    text = found.get(name)
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds <= SECONDS_MAX:
        raise SettingError(f"{name} is `{text}`: give seconds, 0 to {SECONDS_MAX:.0f}")
    return seconds


def words(text: str, name: str, known: Sequence[str]) -> frozenset[str]:
    """Reads words with commas between; `name` is what messages call the text."""
    given = [word.strip() for word in text.split(",") if word.strip()]
    for word in given:
        if word not in known:
            raise SettingError(f"{name} names `{word}`: give {one_of(known)}, with commas between")
    return frozenset(given)


def word(found: Mapping[str, str], name: str, words: Sequence[str]) -> str | None:
    """Reads one of the words; None where the variable is unset."""
    word = found.get(name)
    if word is not None and word not in words:
        raise SettingError(f"{name} is `{word}`: give {one_of(words)}")
    return word
