"""What environment variables take: for each kind its name, its range and unit for people, and its reader."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from nextbest.settings import variables
from nextbest.settings.variables import SettingError

HASH_KEY_BYTES_MIN: Final = 16

Reader = Callable[[Mapping[str, str], str], Any]
"""Takes the variables that are set, and the name of one; returns None where that one is not set."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a variable takes.

    Attributes:
        name: For people: `whole number`.
        range: For people; empty where any will do.
        read: Reads it, or raises `SettingError`.
        unit: Empty where there is none.
    """

    name: str
    range: str
    read: Reader
    unit: str = ""


def count(least: int, most: int | None = None, unit: str = "") -> Kind:
    """A whole number of a range; without `most` it has at most 15 digits."""
    shown = f"{least} or greater" if most is None else f"{least} to {most:,}"

    def read(found: Mapping[str, str], name: str) -> int | None:
        number = variables.some(found, name) if least else variables.whole(found, name)
        if number is not None and most is not None and number > most:
            raise SettingError(f"{name} is `{number}`: give {least} to {most:,}")
        return number

    return Kind("whole number", shown, read, unit)


def word(known: Sequence[str]) -> Kind:
    """One of some words."""
    return Kind("word", _listed(known), partial(variables.word, words=known))


def words(known: Sequence[str]) -> Kind:
    """Any of some words."""

    def read(found: Mapping[str, str], name: str) -> frozenset[str] | None:
        return variables.words(found[name], name, known) if name in found else None

    return Kind("words, with commas", _listed(known), read)


def _text(found: Mapping[str, str], name: str) -> str | None:
    return found.get(name)


def _folder(found: Mapping[str, str], name: str) -> Any:
    return variables.folder(found[name], name) if name in found else None


def _flag(found: Mapping[str, str], name: str) -> bool | None:
    return found[name] not in {"0", "false"} if name in found else None


def _key(found: Mapping[str, str], name: str) -> bytes | None:
    text = found.get(name)
    if text is None:
        return None
    key = text.encode()
    if len(key) < HASH_KEY_BYTES_MIN:
        raise SettingError(
            f"{name} is shorter than {HASH_KEY_BYTES_MIN} bytes: make one with `openssl rand -hex 32`, and "
            "keep it as a secret"
        )
    return key


def _listed(known: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in known)


TEXT: Final = Kind("text", "", _text)
ADDRESS: Final = Kind("address", "`host:port`, `unix:/path`", _text)
FILE: Final = Kind("path", "", variables.path)
FOLDER: Final = Kind("path", "`embedded:/path`, `/path`", _folder)
KEY: Final = Kind("text", f"{HASH_KEY_BYTES_MIN} bytes or more", _key)
FLAG: Final = Kind("flag", "`0`, `false`; else on", _flag)
SECONDS: Final = Kind("number", f"0 to {variables.SECONDS_MAX:,.0f}", variables.time, "s")
COUNT: Final = count(1)
COUNT_OR_NONE: Final = count(0)
BYTES: Final = count(1, unit="bytes")
BYTES_OR_NONE: Final = count(0, unit="bytes")
