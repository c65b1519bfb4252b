"""A violated definition -> a code, a message and a remedy in the author's words."""

import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Union

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from nextbest.diagnostics import Remedy
from nextbest.diagnostics.suggestion import did_you_mean, one_of, suggest
from nextbest.workspace.definitions import Definition
from nextbest.workspace.definitions.vocabulary import ATTRIBUTE_PATTERN
from nextbest.workspace.scalar import quote

WRITTEN_MAX = 60
# The expected kind of value, by the error's type.
EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "`true` or `false`",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
EXPECTED_VARIANTS = {
    "<number or expression>": "a number or an expression",
    "<model or number>": "a model's name or a number",
    "<attribute>": "an attribute",
    "<column>": "an attribute",
    "<column or class>": "the number of a column, or a class as text,",
    "<refusals>": "a list or mapping of actions",
}
# What other languages call the types of attributes.
SYNONYMS = {
    "integer": "int", "long": "int", "float": "double", "number": "double", "decimal": "double",
    "text": "string", "str": "string", "boolean": "bool", "date": "timestamp", "datetime": "timestamp",
    "list": "list<string>",
}  # fmt: skip
SWITCHES = {
    "yes": "true", "on": "true", "y": "true", "true": "true", "no": "false", "off": "false", "n": "false",
    "false": "false",
}  # fmt: skip
HOW_TO_WRITE = {
    "a list": "write one item a line, each beginning with `- `, or `[a, b]`",
    "a mapping": "write `key: value` lines below it, or `{key: value}`",
    "`true` or `false`": "write `true` or `false`, without quotes",
}
NAME_REMEDY = "use letters, digits, `-`, `_` and `.`, beginning with a letter or digit; at most 100"
ATTRIBUTE_REMEDY = "use letters, digits and `_`, not beginning with a digit; at most 100"


@dataclass(frozen=True, slots=True)
class Fault:
    """Errors at one place of a file.

    Attributes:
        file: The definition of the whole file.
        details: At least one; several when a value fits none of several variants.
        written: The value as written in the file, its first line.
        missing: The key that is not there.
    """

    file: type[Definition]
    details: list[ErrorDetails]
    written: str
    missing: str | None


def word(fault: Fault) -> tuple[str, str, str]:
    """Words errors at one place: code, message, remedy."""
    first = fault.details[0]
    kind = first["type"]
    if kind in EXPECTED and first["input"] is None:
        return "NB206", "a value is missing here", "write one, or remove the line"
    if kind in EXPECTED:
        return _mistyped(fault)
    if kind.startswith("NB"):
        return kind, f"`{_short(fault.written)}` {first['msg']}", CUSTOM_REMEDIES[kind]
    return WORDINGS.get(kind, _out_of_range)(fault)


def _unknown_key(fault: Fault) -> tuple[str, str, str]:
    steps = fault.details[0]["loc"]
    key, fields = str(steps[-1]), _fields(fault.file, steps[:-1])
    return "NB201", f"unknown key `{key}`", suggest(key, fields, otherwise=f"known here: {one_of(fields)}")


def _not_a_choice(fault: Fault) -> tuple[str, str, str]:
    expected = fault.details[0].get("ctx", {}).get("expected", "")
    choices = re.findall(r"'([^']*)'", str(expected))
    meant = SYNONYMS.get(fault.written.lower())
    if meant is not None and meant in choices:
        remedy: str = did_you_mean(meant)
    else:
        remedy = suggest(fault.written, choices, otherwise=f"use {one_of(choices)}")
    return "NB204", f"`{_short(fault.written)}` is not one of the allowed values", remedy


def _bad_name(fault: Fault) -> tuple[str, str, str]:
    first = fault.details[0]
    is_attribute = first.get("ctx", {}).get("pattern") == ATTRIBUTE_PATTERN
    remedy = ATTRIBUTE_REMEDY if is_attribute else NAME_REMEDY
    return "NB208", f"`{_short(str(first['input']))}` is not a name", remedy


def _missing(fault: Fault) -> tuple[str, str, str]:
    first = fault.details[0]
    field = _fields(fault.file, first["loc"][:-1]).get(str(fault.missing))
    meaning = (field.description or "") if field is not None else ""
    sentence = meaning.split(". ")[0].split(";")[0].rstrip(".")
    remedy = f"add `{fault.missing}:`"
    return (
        "NB202",
        f"`{fault.missing}` is missing",
        f"{remedy}: {_uncapitalised(sentence)}" if sentence else remedy,
    )


def _uncapitalised(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _mistyped(fault: Fault) -> tuple[str, str, str]:
    expected: list[str] = []
    for details in fault.details:
        variant = EXPECTED_VARIANTS.get(str(details["loc"][-1])) if details["loc"] else None
        expected.append(variant or EXPECTED[details["type"]])
    if "a number" in expected and "a whole number" in expected:
        expected.remove("a whole number")
    wanted = " or ".join(dict.fromkeys(expected))
    value, steps = fault.details[0]["input"], fault.details[0]["loc"]
    remedy: str = HOW_TO_WRITE.get(wanted, f"write {wanted}")
    if isinstance(value, str) and "number" in wanted and re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", value):
        remedy = Remedy("write it without quotes: {}", value.strip())
    elif isinstance(value, str) and value.lower() in SWITCHES and wanted.startswith("`true`"):
        remedy = Remedy("write `{}`", SWITCHES[value.lower()])
    elif isinstance(value, str) and "when" in (
        _fields(fault.file, fault.details[0]["loc"]) or _fields(fault.file, (*fault.details[0]["loc"], 0))
    ):
        remedy = _bare_condition(value, fault)
    elif wanted == "text" and steps[-1:] == ("when",) and isinstance(value, list | dict):
        remedy = _one_condition(value, fault.written)
    elif wanted == "text" and isinstance(value, bool | int | float):
        remedy = Remedy("quote it: {}", f'"{fault.written}"')
    elif "text" in wanted and isinstance(value, bool):
        remedy = Remedy("quote it if it is text: {}", f'"{fault.written}"')
    return "NB203", f"{_described(value, fault.written)}, but {wanted} is expected", remedy


def _bare_condition(value: str, fault: Fault) -> str:
    """The remedy for text in place of an item with `when:`."""
    condition = value.removeprefix("when:")
    if fault.written == value:
        if condition != value:
            return Remedy("a space belongs after the colon: `- {}`", f"when: {condition}")
        if isinstance(fault.details[0]["loc"][-1], int):
            return Remedy("a condition begins with `when:`: write `- {}`", f"when: {value}")
    return f"write it as an item of the list: `- when: {_short(condition)}`"


def _one_condition(value: list[object] | dict[str, object], written: str) -> str:
    """The remedy for a list or mapping in place of one condition."""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        items = ", ".join(f"`- when: {_short(str(item))}`" for item in value[:3])
        return f"write each condition as a separate item: {items}"
    bare = written.strip("{} ")
    if isinstance(value, dict) and bare and ": " not in bare and quote(bare, "") is not None:
        return Remedy("write the condition without braces: `when: {}`", quote(bare, "") or bare)
    return "write one condition, as text"


def _described(value: object, written: str) -> str:
    match value:
        case bool():
            return f"`{_short(written)}` is a truth value"
        case int() | float():
            return f"`{_short(written)}` is a number"
        case str():
            return f"`{_short(written)}` is text"
        case list():
            return "this is a list"
        case _:
            return "this is a mapping"


def _empty(fault: Fault) -> tuple[str, str, str]:
    is_text = fault.details[0]["type"] == "string_too_short"
    message = "the text is empty" if is_text else "this is empty"
    return "NB219", message, "write a value, or remove the key"


def _too_long(fault: Fault) -> tuple[str, str, str]:
    most = fault.details[0].get("ctx", {}).get("max_length", 0)
    return "NB205", f"this is longer than {most:,}", "make it shorter"


def _out_of_range(fault: Fault) -> tuple[str, str, str]:
    details, written = fault.details[0], _short(fault.written)
    context: dict[str, Any] = details.get("ctx", {})
    if "ge" in context:
        bound = _digits(context["ge"])
        remedy: str = f"write {bound} or more"
        if details["loc"][-1] == "<column or class>":
            remedy = Remedy("write a column from 0, or quote it if it is a class: {}", f'"{written}"')
        return "NB205", f"`{written}` is less than {bound}", remedy
    if "le" in context:
        bound = _digits(context["le"])
        remedy = f"write {bound} or less"
        value = details["input"]
        if bound == "1" and isinstance(value, int | float) and 1 < value <= 100:
            remedy += f"; {written} percent are {value / 100:g}"
        return "NB205", f"`{written}` is more than {bound}", remedy
    if details["type"] == "finite_number":
        return "NB205", f"`{written}` is not a finite number", "write a number"
    return "NB203", f"`{written}` does not fit: {_uncapitalised(details['msg'])}", "correct the value"


def _digits(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)


def _short(written: str) -> str:
    written = written.strip("\"'") if written[:1] in {'"', "'"} else written
    return written if len(written) <= WRITTEN_MAX else written[: WRITTEN_MAX - 1] + "…"


def _fields(file: type[Definition], steps: tuple[str | int, ...]) -> dict[str, FieldInfo]:
    """The fields of the definition at a location, by their names in the file."""
    kind: Any = file
    for step in steps:
        kind = _below(kind, step)
    return _by_alias(kind) if isinstance(kind, type) and issubclass(kind, BaseModel) else {}


def _by_alias(definition: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in definition.model_fields.items()}


def _below(kind: Any, step: str | int) -> Any:
    """The type one step further down: of a field, an item, an entry, or a variant."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = _by_alias(kind).get(str(step))
        return _plain(field.annotation) if field is not None else None
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {Union, UnionType}:
        tagged = [a for a in arguments if Tag(str(step)) in getattr(a, "__metadata__", ())]
        return _plain(tagged[0]) if tagged else _below(_plain(arguments[0]), step)
    if origin in {list, dict}:
        return _plain(arguments[-1])
    return None


def _plain(kind: Any) -> Any:
    """A type without annotations, and without the `None` of an optional key."""
    while typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) in {Union, UnionType}:
        others = [argument for argument in typing.get_args(kind) if argument is not type(None)]
        if len(others) == 1:
            return _plain(others[0])
    return kind


CUSTOM_REMEDIES = {
    "NB203": "write its three capital letters",
    "NB207": "write a date, 2026-01-31, or a time with its zone, 2026-01-31T09:00:00Z",
    "NB409": 'write a name such as `Europe/Berlin`, or an offset such as `"+01:00"`',
    "NB706": "write weeks, days, hours and minutes: 7d or 1d12h",
}
WORDINGS: Mapping[str, Callable[[Fault], tuple[str, str, str]]] = MappingProxyType(
    {
        "missing": _missing,
        "extra_forbidden": _unknown_key,
        "literal_error": _not_a_choice,
        "string_pattern_mismatch": _bad_name,
        "string_too_short": _empty,
        "too_short": _empty,
        "string_too_long": _too_long,
        "too_long": _too_long,
    }
)
