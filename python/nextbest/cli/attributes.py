"""Turns what people type on a command line into attributes: `age=42`, `since:timestamp=2026-01-01`, JSON.

Types come from the bundle's schema where there is a bundle; from `name:type` where a person says it; and
otherwise from JSON, where text that is no JSON is a string.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError
from nextbest.values import AttributeValue

Schema = Mapping[str, str]
"""Attribute name -> type, as `schema.yaml` writes it."""

_UNITS: Final = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
    "us": timedelta(microseconds=1),
}
_DURATION: Final = re.compile(r"-?(\d+(\.\d+)?(ms|us|w|d|h|m|s))+")
_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|us|w|d|h|m|s)")


def from_pairs(pairs: Iterable[str], schema: Schema, option: str) -> dict[str, AttributeValue]:
    """Parses `name=value` or `name:type=value` pairs; an empty value is absent.

    Raises:
        CommandError: A pair has another form, or its value does not have the type.
    """
    attributes: dict[str, AttributeValue] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise _usage(f"`{pair}` is no attribute", f"write {option} name=value", option)
        name, kind = _split(name, schema, option)
        attributes[name] = None if text == "" else parse(text, kind, f"{option} {name}")
    return attributes


def from_json(source: str, schema: Schema, option: str) -> dict[str, AttributeValue]:
    """Reads a JSON object of attributes: inline, from a file, or from standard input (`-`).

    Raises:
        CommandError: It is no JSON object, or a value in it does not have its type.
    """
    try:
        content = json.loads(_text(source, option))
    except ValueError as error:
        raise _usage(f"not JSON: {error}", f"""give an object: {option} '{{"age": 42}}'""", option) from None
    if not isinstance(content, dict):
        raise _usage("not a JSON object", f"""give an object: {option} '{{"age": 42}}'""", option)
    attributes: dict[str, AttributeValue] = {}
    for key, value in content.items():
        name, kind = _split(key, schema, option)
        attributes[name] = _typed(value, kind, f"{option} {name}")
    return attributes


def parse(text: str, kind: str, field: str) -> AttributeValue:
    """Parses one value as a person writes it.

    Args:
        text: Not empty.
        kind: A type of `schema.yaml`; empty: JSON, or else a string.
        field: What to name in the error.

    Raises:
        CommandError: The text does not have the type.
    """
    if not kind:
        return _guess(text, field)
    try:
        return _PARSERS[kind](text)
    except (ValueError, OverflowError):
        raise _usage(f"`{text}` is no {kind}", f"write {_EXAMPLES[kind]}, for instance", field) from None


def parse_moment(text: str) -> datetime:
    """Parses an RFC 3339 timestamp or a date; UTC where it names no zone.

    Raises:
        ValueError: It is neither.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_duration(text: str) -> timedelta:
    """Parses `1h30m`, `7d`, `250ms`.

    Raises:
        ValueError: It has another form.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(text)
    total = timedelta()
    for amount, unit in _DURATION_PART.findall(text):
        total += float(amount) * _UNITS[unit]
    return -total if text.startswith("-") else total


def _parse_bool(text: str) -> bool:
    found = {"true": True, "false": False}.get(text.lower())
    if found is None:
        raise ValueError(text)
    return found


def _parse_strings(text: str) -> list[str]:
    items = json.loads(text) if text.startswith("[") else text.split(",")
    if not all(isinstance(item, str) for item in items):
        raise ValueError(text)
    return list(items)


def _parse_ints(text: str) -> list[int]:
    return [int(item) for item in text.strip("[]").split(",") if item.strip()]


_PARSERS: Final[Mapping[str, Callable[[str], AttributeValue]]] = {
    "bool": _parse_bool,
    "int": int,
    "double": float,
    "string": str,
    "timestamp": parse_moment,
    "duration": parse_duration,
    "list<string>": _parse_strings,
    "list<int>": _parse_ints,
}
_EXAMPLES: Final = {
    "bool": "true or false",
    "int": "42",
    "double": "12.5",
    "string": "gold",
    "timestamp": "2026-06-01T12:00:00Z",
    "duration": "1h30m",
    "list<string>": "a,b,c",
    "list<int>": "1,2,3",
}


def _guess(text: str, field: str) -> AttributeValue:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return _typed(value, "", field)


def _typed(value: Any, kind: str, field: str) -> AttributeValue:
    """Gives a JSON value the type that JSON cannot say."""
    if kind in {"timestamp", "duration"} and isinstance(value, str):
        return parse(value, kind, field)
    if kind == "double" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, dict):
        raise _usage(
            "a JSON object is no attribute value", "give a boolean, number, text, list or null", field
        )
    plain: AttributeValue = value
    return plain


def _split(name: str, schema: Schema, option: str) -> tuple[str, str]:
    name, colon, kind = name.partition(":")
    if colon and kind not in _PARSERS:
        raise _usage(f"`{kind}` is no type", f"use one of {', '.join(_PARSERS)}", f"{option} {name}")
    return name, kind or schema.get(name, "")


def _text(source: str, option: str) -> str:
    if source == "-":
        return sys.stdin.read()
    if source.lstrip().startswith(("{", "[")):
        return source
    try:
        return Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise _usage(
            f"`{source}` cannot be read: {reason}",
            "give a file, a JSON object, or - for standard input",
            option,
        ) from None


def _usage(message: str, remedy: str, field: str) -> CommandError:
    return CommandError(message, remedy, ExitCode.USAGE, field)
