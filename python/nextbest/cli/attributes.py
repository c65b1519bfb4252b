"""Turns arguments into attributes: `age=42`, `since:timestamp=2026-01-01`, JSON.

Types come from the bundle's schema if there is a bundle; from `name:type` if it is given; and otherwise from
JSON, where text that is not JSON is a string: the server compares that with its schema.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from nextbest import regular_file
from nextbest.casting import EXAMPLES, CastError, Schema, cast
from nextbest.casting.json_text import NotJsonError, decode_json, decode_json_exactly
from nextbest.casting.moment import is_date
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError, write_note
from nextbest.client.attributes import AttributeValue

_LISTS: Final = {"list<string>", "list<int>"}


def from_pairs(pairs: Iterable[str], schema: Schema, option: str) -> dict[str, AttributeValue]:
    """Parses `name=value` or `name:type=value` pairs; an empty value is absent.

    Raises:
        CommandError: A pair has another form, or its value does not have the type.
    """
    attributes: dict[str, AttributeValue] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise _usage(f"`{pair}` is not an attribute", f"write {option} name=value", option)
        name, kind = _split(name, schema, option)
        _require_once(name, attributes, option)
        value = None if text == "" else parse(text, kind, f"{option} {name}", schema.time_zone)
        attributes[name] = value
        _note_day(name, kind, text, schema)
    return attributes


def names(pairs: Iterable[str]) -> Iterator[str]:
    """Yields the names of `name=value` and `name:type=value`."""
    for pair in pairs:
        yield pair.partition("=")[0].partition(":")[0]


def from_json(source: str, schema: Schema, option: str) -> dict[str, AttributeValue]:
    """Reads a JSON object of attributes: inline, from a file, or from standard input (`-`).

    Raises:
        CommandError: It is not a JSON object, or a value in it does not have its type.
    """
    example = f"""give an object: {option} '{{"age": 42}}'"""
    try:
        content = decode_json_exactly(_text(source, option))
    except CastError as error:
        raise _usage(error.message, error.help or example, option) from None
    if not isinstance(content, dict):
        raise _usage("not a JSON object", example, option)
    attributes: dict[str, AttributeValue] = {}
    for key, value in content.items():
        name, kind = _split(key, schema, option)
        _require_once(name, attributes, option)
        attributes[name] = _typed(value, kind, f"{option} {name}", schema.time_zone)
        _note_day(name, kind, value, schema)
    return attributes


def parse(text: str, kind: str, field: str, zone: str = "") -> AttributeValue:
    """Parses one value as written on the command line; a list without brackets is separated by commas.

    Args:
        text: Not empty.
        kind: A type of `schema.yaml`; empty: JSON, or else a string.
        field: The name in the error.
        zone: In which a date begins; empty: UTC.

    Raises:
        CommandError: The text does not have the type.
    """
    if kind:
        is_short = kind in _LISTS and not text.lstrip().startswith(("[", "{"))
        return _typed(text.split(",") if is_short else text, kind, field, zone)
    try:
        value = decode_json(text)
    except NotJsonError:
        return text
    except CastError as error:
        raise _usage(error.message, error.help, field) from None
    return _typed(value, "", field, zone)


def _typed(value: Any, kind: str, field: str, zone: str) -> AttributeValue:
    """Gives a value the type that is declared; without one, that of JSON."""
    if kind:
        try:
            return cast(value, kind, zone)
        except CastError as error:
            raise _usage(error.message, error.help, field) from None
    if isinstance(value, dict):
        raise _usage(
            "a JSON object is not an attribute value", "give a boolean, number, text, list or null", field
        )
    plain: AttributeValue = float(value) if isinstance(value, Decimal) else value
    return plain


def _split(name: str, schema: Schema, option: str) -> tuple[str, str]:
    name, colon, kind = name.partition(":")
    if colon and kind not in EXAMPLES:
        raise _usage(f"`{kind}` is not a type", f"use one of {', '.join(EXAMPLES)}", f"{option} {name}")
    return name, kind or schema.get(name, "")


def _require_once(name: str, attributes: Mapping[str, AttributeValue], option: str) -> None:
    """Refuses a name that is given twice: either value could be the intended one."""
    if name in attributes:
        raise _usage(f"the attribute `{name}` appears more than once", "give each attribute once", option)


def _note_day(name: str, kind: str, written: object, schema: Schema) -> None:
    """Reports that a date was taken as a day of UTC, because the workspace's time zone is unknown."""
    if kind == "timestamp" and not schema and isinstance(written, str) and is_date(written):
        remedy = "give a time with its zone if another one is intended"
        write_note(f"the date of {name} was taken as a day of UTC; {remedy}")


def _text(source: str, option: str) -> str | bytes:
    remedy = "give a file, a JSON object, or - for standard input"
    if source == "-":
        # A closed one is the null device: it has no text either.
        found = sys.stdin.buffer.read(regular_file.BYTES_MAX + 1)
        if len(found) > regular_file.BYTES_MAX:
            raise _usage(f"standard input has more than {regular_file.BYTES_MAX:,} bytes", remedy, option)
        if not found.strip():
            raise _usage("standard input is empty", remedy, option)
        return found
    if source.lstrip().startswith(("{", "[")):
        return source
    try:
        return regular_file.read(Path(source))
    except OSError as error:
        raise _usage(f"`{source}` cannot be read: {error.strerror}", remedy, option) from None


def _usage(message: str, remedy: str, field: str) -> CommandError:
    return CommandError(message, remedy, ExitCode.USAGE, field)
