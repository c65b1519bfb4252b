"""One value of text, JSON or Python -> the value of a declared type."""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from nextbest.casting.duration import US_MAX, parse_duration
from nextbest.casting.moment import first_moment, parse_moment
from nextbest.casting.number import parse_double, parse_int, to_double, to_int
from nextbest.casting.refusal import CastError

if TYPE_CHECKING:
    from nextbest.client.attributes import AttributeValue

IDENTIFIER: Final = "id"
"""In addition to the types of `schema.yaml`, the id of a customer: text; a whole number is taken as its
digits."""

MISSING: Final = frozenset({"", "na", "n/a", "nan", "null", "none"})
"""What programs write for a missing value, in lower case; for attributes of the type string, these are
ordinary texts."""

TRUE: Final = frozenset({"true", "t", "yes", "y", "1"})
FALSE: Final = frozenset({"false", "f", "no", "n", "0"})

PHRASES: Final = {
    "bool": "true or false",
    "int": "a whole number",
    "double": "a number",
    "string": "text",
    "timestamp": "a timestamp",
    "duration": "a duration",
    "list<string>": "a list of texts",
    "list<int>": "a list of whole numbers",
    IDENTIFIER: "an id",
}
EXAMPLES: Final = {
    "bool": "true or false",
    "int": "42",
    "double": "12.5",
    "string": "gold",
    "timestamp": "2026-06-01T12:00:00Z",
    "duration": "1h30m",
    "list<string>": '["a", "b"]',
    "list<int>": "[1, 2]",
}
_ELEMENTS: Final = {"list<string>": "string", "list<int>": "int"}
_TEXT_SHOWN_MAX: Final = 60


def cast(value: object, kind: str, zone: str = "") -> "AttributeValue":
    """Casts a value to a declared type.

    Args:
        value: Text, a number, a truth value, a moment, a length of time, a list, or None.
        kind: A type of `schema.yaml`, or `IDENTIFIER`.
        zone: In which a date begins: `time_zone` of the workspace; empty: UTC.

    Returns:
        Moments in UTC. None for a missing value: None, NaN and, unless the type is text, an empty text or one
        of `MISSING`.

    Raises:
        CastError: The value does not fit the type; the message has the reason and the remedy.
    """
    if value is None or (isinstance(value, float | Decimal) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return _text(value, kind, zone)
    found: AttributeValue = None
    match kind, value:
        case "int" | "double", int() | float() | Decimal() if not isinstance(value, bool):
            found = to_int(value) if kind == "int" else to_double(value)
        case "bool", bool() | int() | float() | Decimal() if value in {0, 1}:
            found = bool(value)
        case "timestamp", date():
            found = _moment(value, zone)
        case "duration", timedelta():
            found = _length(value)
        case (("list<string>" | "list<int>"), list() | tuple()):
            found = _list(value, kind)
        case "id", int() if not isinstance(value, bool):
            found = str(value)
        case "id", Decimal() if value.as_tuple().exponent == 0:
            # The types in which databases store whole numbers.
            found = str(int(value))
        case _:
            raise mismatch(value, kind)
    return found


def mismatch(value: object, kind: str) -> CastError:
    """Words why a value that is not text does not fit a type."""
    message = f"{_shown(value)} is not {PHRASES[kind]}"
    remedy = f"write {PHRASES[kind]}" + (f", such as {EXAMPLES[kind]}" if kind in EXAMPLES else "")
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if kind in {"string", IDENTIFIER} and is_number:
        remedy = "write it as text: a number loses leading zeros"
    elif kind == "bool" and is_number:
        remedy = "write true or false, or 1 or 0"
    elif kind == "timestamp" and is_number:
        message += ": a number has neither a unit nor a starting point"
    elif kind == "duration" and is_number:
        message += ": a number has no unit"
    elif isinstance(value, datetime | date | timedelta | time) and kind == "string":
        remedy = "write it as text"
    return CastError(message, remedy)


def _text(text: str, kind: str, zone: str) -> "AttributeValue":
    try:
        text.encode()
    except UnicodeEncodeError:
        message = "the text contains a lone surrogate (half a character)"
        raise CastError(message, "decode it again") from None
    if kind == "string":
        return text
    if kind == IDENTIFIER:
        return _identifier(text)
    written = text.strip()
    if written.lower() in MISSING:
        return None
    return parse_moment(written, zone) if kind == "timestamp" else _READERS[kind](written)


def _identifier(text: str) -> str:
    if not text:
        raise CastError("the id is empty", "write an id for each customer")
    if text != text.strip():
        raise CastError(f"the id `{text}` begins or ends with a blank", f"write {text.strip()}")
    return text


def _flag(text: str) -> bool:
    lowered = text.lower()
    if lowered in TRUE or lowered in FALSE:
        return lowered in TRUE
    raise CastError(f"`{_clipped(text)}` is not true or false", "write true or false, yes or no, or 1 or 0")


def _texts(text: str) -> "AttributeValue":
    return _list(_json_list(text, "list<string>"), "list<string>")


def _ints(text: str) -> "AttributeValue":
    return _list(_json_list(text, "list<int>"), "list<int>")


def _json_list(text: str, kind: str) -> list[object]:
    try:
        found = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        message = f"`{_clipped(text)}` is not {PHRASES[kind]}"
        raise CastError(message, f"write a list in JSON, {EXAMPLES[kind]}")
    return found


def _list(items: "list[object] | tuple[object, ...]", kind: str) -> "AttributeValue":
    element = _ELEMENTS[kind]
    found: list[object] = []
    for place, item in enumerate(items, 1):
        try:
            cast_item = cast(item, element)
        except CastError as error:
            raise CastError(f"element {place}: {error.message}", error.help) from None
        if cast_item is None:
            raise CastError(f"element {place} of the list is missing", "leave it out")
        found.append(cast_item)
    return found  # type: ignore[return-value]  # all of one type, as just cast


def _length(value: timedelta) -> timedelta:
    if abs(value) > timedelta(microseconds=US_MAX):
        raise CastError("the value is longer than 10,000 years", "correct it, or leave it out")
    return value


def _moment(value: date, zone: str) -> datetime:
    try:
        if not isinstance(value, datetime):
            return first_moment(value, zone)
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)
    except (ValueError, OverflowError):
        message = "the value is outside the years 0001 to 9999"
        raise CastError(message, "correct it, or leave it out") from None


_READERS: Final[Mapping[str, Callable[[str], "AttributeValue"]]] = {
    "bool": _flag,
    "int": parse_int,
    "double": parse_double,
    "duration": parse_duration,
    "list<string>": _texts,
    "list<int>": _ints,
}


def _shown(value: object) -> str:
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float() | Decimal():
            return f"the number `{_clipped(str(value))}`"
        case list() | tuple():
            return "a list"
        case dict():
            return "a JSON object"
        case bytes():
            return "a value of bytes"
        case _:
            return f"`{_clipped(str(value))}`"


def _clipped(text: str) -> str:
    return text if len(text) <= _TEXT_SHOWN_MAX else f"{text[: _TEXT_SHOWN_MAX - 3]}..."
