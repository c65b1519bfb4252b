"""A value as written in YAML, and the attribute it is for -> a constant, or what is wrong with it."""

import math
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

from nextbest.diagnostics import Diagnostic
from nextbest.diagnostics.suggestion import one_of, suggest
from nextbest.expression import Constant, Duration, Timestamp, Type, ValueTextError, parse_duration
from nextbest.workspace.definitions import AttributeDefinition, moment_us
from nextbest.workspace.document import Document

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
EXAMPLES = {
    Type.BOOL: "`true` or `false`",
    Type.INT: "a whole number, such as 18",
    Type.DOUBLE: "a number, such as 12.5",
    Type.STRING: "text",
    Type.TIMESTAMP: "a date or time, such as 2026-01-31 or 2026-01-31T09:00:00Z",
    Type.DURATION: "a length of time, such as 1h30m",
    Type.STRING_LIST: "a list of text, such as [gold, silver]",
    Type.INT_LIST: "a list of whole numbers, such as [1, 2]",
}


class MismatchError(Exception):
    """A value that is none of its attribute; message and remedy as in a diagnostic."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Written:
    """A value where it stands in a file."""

    document: Document
    path: tuple[str | int, ...]
    value: object


def constant(
    written: Written, attribute: AttributeDefinition, code: str
) -> tuple[Constant | None, list[Diagnostic]]:
    """Reads a value of an attribute.

    Args:
        written: The value; null is absent.
        attribute: Its declaration.
        code: For what is wrong with it.
    """
    if written.value is None:
        return None, []
    try:
        value = _typed(written.value, Type(attribute.type))
        _within(value, attribute)
    except MismatchError as error:
        position = written.document.value(*written.path)
        return None, [Diagnostic(code, error.message, position, error.remedy)]
    return value, []


def _typed(value: object, type_: Type) -> Constant:
    """Reads a value of a type.

    Raises:
        MismatchError: It is none.
    """
    found: Constant | None = None
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
            found = _time(value, type_)
        case ((Type.STRING_LIST | Type.INT_LIST), list()):
            found = _elements(value, type_)
    if found is None:
        raise MismatchError(f"{_shown(value)} is not of the type {type_}", f"write {EXAMPLES[type_]}")
    return found


def _is_int(value: object) -> bool:
    return type(value) is int and INT_MIN <= value <= INT_MAX


def _time(text: str, type_: Type) -> Timestamp | Duration:
    try:
        return Timestamp(moment_us(text)) if type_ is Type.TIMESTAMP else parse_duration(text)
    except (PydanticCustomError, ValueTextError):
        raise MismatchError(f"`{text}` is not a {type_}", f"write {EXAMPLES[type_]}") from None


def _elements(items: list[object], type_: Type) -> tuple[str, ...] | tuple[int, ...]:
    for item in items:
        if not (isinstance(item, str) if type_ is Type.STRING_LIST else _is_int(item)):
            message = f"{_shown(item)} does not belong in a {type_}"
            raise MismatchError(message, f"write {EXAMPLES[type_]}")
    return tuple(items)  # type: ignore[return-value]  # all of one type, as just checked


def _within(value: Constant, attribute: AttributeDefinition) -> None:
    for item in value if isinstance(value, tuple) else (value,):
        if attribute.enum is not None and item not in attribute.enum:
            choices = [str(choice) for choice in attribute.enum]
            remedy = suggest(str(item), choices, otherwise=f"use {one_of(choices)}")
            raise MismatchError(f"`{item}` is not among the values that `schema.yaml` allows", remedy)
        if isinstance(item, Timestamp | Duration | str):
            continue
        if attribute.minimum is not None and item < attribute.minimum:
            raise MismatchError(f"`{item:g}` is less than its minimum", f"write {attribute.minimum} or more")
        if attribute.maximum is not None and item > attribute.maximum:
            raise MismatchError(f"`{item:g}` is more than its maximum", f"write {attribute.maximum} or less")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list | dict):
        return "this list" if isinstance(value, list) else "this mapping"
    return f"`{value}`"
