"""A value as written in YAML, and its attribute -> a constant, or the reason why it does not fit."""

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from nextbest.casting import CastError, cast
from nextbest.diagnostics import Diagnostic, Remedy
from nextbest.diagnostics.suggestion import one_of, suggest
from nextbest.expression import Constant, Duration, Timestamp, Type
from nextbest.workspace.definitions import AttributeDefinition
from nextbest.workspace.document import Document

# What people write for true and false.
BOOLEANS = {
    "yes": "true", "on": "true", "y": "true", "true": "true", "no": "false", "off": "false", "n": "false",
    "false": "false",
}  # fmt: skip
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
EXAMPLES = {
    Type.BOOL: "`true` or `false`",
    Type.INT: "a whole number, such as 18",
    Type.DOUBLE: "a number, such as 12.5",
    Type.STRING: "text",
    Type.TIMESTAMP: "a date or time, such as 2026-01-31 or 2026-01-31T09:00:00Z",
    Type.DURATION: "a duration, such as 1h30m",
    Type.STRING_LIST: "a list of text, such as [gold, silver]",
    Type.INT_LIST: "a list of whole numbers, such as [1, 2]",
}


class MismatchError(Exception):
    """A value that does not fit its attribute; with message and remedy as in a diagnostic, and the value."""

    def __init__(self, message: str, remedy: str, written: "Written") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.written = written


@dataclass(frozen=True, slots=True)
class Written:
    """A value with its position in a file."""

    document: Document
    path: tuple[str | int, ...]
    value: object

    def element(self, index: int, value: object) -> "Written":
        """An element of a list."""
        return Written(self.document, (*self.path, index), value)

    @property
    def text(self) -> str:
        """The value as written in the file; text without its quotes."""
        if isinstance(self.value, str):
            return self.value
        return self.document.written(*self.path) or str(self.value)


def constant(
    written: Written, attribute: AttributeDefinition, code: str, zone: str
) -> tuple[Constant | None, list[Diagnostic]]:
    """Reads a value of an attribute.

    Args:
        written: The value; null is absent.
        attribute: Its declaration.
        code: The code of the finding if the value does not fit.
        zone: The time zone in which a date begins: `time_zone` of the workspace.
    """
    if written.value is None:
        return None, []
    try:
        value = _typed(written, Type(attribute.type), zone)
        _within(written, value, attribute)
    except MismatchError as error:
        position = error.written.document.value(*error.written.path)
        return None, [Diagnostic(code, error.message, position, error.remedy)]
    return value, []


def rewritten(written: str, value: object, type_: Type) -> str:  # noqa: PLR0911
    """The remedy for a scalar of the wrong type: the same value in the right type, if possible.

    Args:
        written: The value as written in the file.
        value: The value that YAML reads.
        type_: The type that it should have.
    """
    text = value.strip() if isinstance(value, str) else ""
    match type_:
        case Type.STRING if isinstance(value, bool | int | float) and '"' not in written:
            return Remedy("quote it: {}", f'"{written}"')
        case Type.INT | Type.DOUBLE if re.fullmatch(r"-?(0|[1-9]\d{0,14})(\.\d+)?", text.replace("_", "")):
            number = text.replace("_", "")
            if type_ is Type.DOUBLE or "." not in number:
                words = "write it without quotes: {}" if written[:1] in {"'", '"'} else "write {}"
                return Remedy(words, number)
        case Type.INT if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            return Remedy("write {}", str(int(value)))
        case Type.BOOL if text.lower() in BOOLEANS:
            return Remedy("write `{}`", BOOLEANS[text.lower()])
        case Type.DURATION if found := re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?", text):
            first, second, third = found.groups()
            if third is None:
                return f"write {int(first)}h{int(second)}m, or {int(first)}m{int(second)}s"
            return Remedy("write {}", f"{int(first)}h{int(second)}m{int(third)}s")
    return f"write {EXAMPLES[type_]}"


def _typed(written: Written, type_: Type, zone: str) -> Constant:
    """Reads a value of a type.

    Raises:
        MismatchError: The value does not fit the type.
    """
    found: Constant | None = None
    value = written.value
    match type_, value:
        case Type.BOOL, bool(flag):
            found = flag
        case Type.STRING, str(text):
            found = text
        case Type.INT, int(number) if _is_int(number):
            found = number
        case Type.DOUBLE, int() | float() if not isinstance(value, bool) and math.isfinite(value):
            found = float(value)
        case ((Type.TIMESTAMP | Type.DURATION), str()):
            found = _time(written, value, type_, zone)
        case ((Type.STRING_LIST | Type.INT_LIST), list()):
            found = _elements(written, value, type_)
    if found is None:
        remedy = rewritten(written.document.written(*written.path), value, type_)
        raise MismatchError(f"{_shown(written)} is not of the type {type_}", remedy, written)
    return found


def _is_int(value: object) -> bool:
    return type(value) is int and INT_MIN <= value <= INT_MAX


def _time(written: Written, text: str, type_: Type, zone: str) -> Timestamp | Duration:
    # The same rules as in files of customers and on command lines.
    message, otherwise = f"`{text}` is not a {type_}", f"write {EXAMPLES[type_]}"
    try:
        match cast(text, type_, zone):
            case datetime() as moment:
                return Timestamp.of(moment)
            case timedelta() as length:
                return Duration.of(length)
    except CastError as error:
        message, otherwise = error.message, error.help
    remedy = rewritten(written.document.written(*written.path), text, type_)
    remedy = remedy if remedy != f"write {EXAMPLES[type_]}" else otherwise
    raise MismatchError(message, remedy, written)


def _elements(written: Written, items: list[object], type_: Type) -> tuple[str, ...] | tuple[int, ...]:
    for index, item in enumerate(items):
        if not (isinstance(item, str) if type_ is Type.STRING_LIST else _is_int(item)):
            element = written.element(index, item)
            kind = Type.STRING if type_ is Type.STRING_LIST else Type.INT
            remedy = rewritten(element.document.written(*element.path), item, kind)
            raise MismatchError(f"{_shown(element)} does not belong in a {type_}", remedy, element)
    return tuple(items)  # type: ignore[return-value]  # all of one type, as just checked


def _within(written: Written, value: Constant, attribute: AttributeDefinition) -> None:
    for index, item in enumerate(value if isinstance(value, tuple) else (value,)):
        place = written.element(index, item) if isinstance(value, tuple) else written
        if attribute.enum is not None and item not in attribute.enum:
            choices = [str(choice) for choice in attribute.enum]
            remedy = suggest(str(item), choices, otherwise=f"use {one_of(choices)}")
            raise MismatchError(f"`{place.text}` is not in the `enum` of `schema.yaml`", remedy, place)
        if isinstance(item, Timestamp | Duration | str):
            continue
        bounds = (
            (attribute.minimum, "less", "minimum", "more"),
            (attribute.maximum, "more", "maximum", "less"),
        )
        for bound, than, name, instead in bounds:
            if bound is not None and (item < bound if name == "minimum" else item > bound):
                message = f"`{place.text}` is {than} than its {name}"
                raise MismatchError(message, f"write {bound} or {instead}", place)


def _shown(written: Written) -> str:
    if isinstance(written.value, list | dict):
        return "this list" if isinstance(written.value, list) else "this mapping"
    return f"`{written.text}`"
