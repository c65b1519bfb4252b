"""Operands of types that do not fit -> the replacement of each; types in cel-cpp's spelling."""

import re
from collections.abc import Sequence

from nextbest.diagnostics import Remedy
from nextbest.expression.foreign.literals import DATE_HELP, timestamp
from nextbest.expression.foreign.spans import HELP, LONG_HELP, is_long, read_span, words_of

TIMESTAMP = "google.protobuf.Timestamp"
DURATION = "google.protobuf.Duration"
_ORDER = ("<", "<=", ">", ">=")
_TEXT_FUNCTIONS = ("contains", "startsWith", "endsWith", "matches")


def constant_help(text: str, wanted: str, other: str, sign: str) -> str:
    """The remedy for a constant that is compared with something of another type; it replaces the constant."""
    inner = text[1:-1] if text[:1] in "'\"" else text
    is_quoted = inner != text
    help_: str
    match wanted:
        case "int" | "double" if text.endswith("u"):
            help_ = Remedy("leave out the `u`: `{}`", text[:-1])
        case "int" | "double" if is_quoted:
            is_number = re.fullmatch(r"-?\d+(\.\d+)?", inner)
            help_ = Remedy("write `{}`", inner) if is_number else "write a number, without quotes"
        case "string" if sign in _ORDER:
            help_ = text_help(other, "int" if re.fullmatch(r"-?\d+", text) else "double")
        case "string" if not is_quoted:
            help_ = Remedy("write `{}`", f'"{inner}"')
        case "bool" if inner.lower() in ("true", "false"):
            help_ = Remedy("write `{}`", inner.lower())
        case "bool":
            help_ = "compare with true or false, or leave the comparison out"
        case "google.protobuf.Timestamp":
            help_ = _moment_help(inner, other)
        case "google.protobuf.Duration":
            help_ = _duration_help(inner, other, is_quoted=is_quoted)
        case _ if wanted.startswith("list("):
            help_ = Remedy("test for an element: `{}`", f"{text} in {other}")
        case _:
            help_ = "compare values of one type"
    return help_


def text_help(text: str, number: str) -> str:
    """The remedy for a text that is compared with a number; a conversion could change the value, or fail."""
    equal = f'compare text for equality: `{text} == "..."`'
    if not re.fullmatch(r"\w+\.\w+", text):
        return equal
    return (
        f"if every value of `{text}` is a number, declare it as {number} in schema.yaml; else {equal}; "
        "keep the parts of a version as whole numbers in separate attributes"
    )


def _moment_help(text: str, other: str) -> str:
    if re.match(r"\d{4}-\d\d-\d\d(T|$)", text.upper()):
        window = "; for the dates of an action there is `active:`" if other == "now" else ""
        return Remedy(f"write `{{}}`{window}", timestamp(text))
    if re.fullmatch(r"\d+(\.\d+)?", text) or read_span(text) or is_long(text):
        span = read_span(text if read_span(text) else f"{text}d")
        hours = span[0] if span else "720h"
        return f'compare it with a moment: `now - duration("{hours}")`{_said(span)}'
    return DATE_HELP


def _said(span: tuple[str, str] | None) -> str:
    if span is None:
        return " is 30 days ago"
    return f" is {span[1]} ago" if span[1] else ""


def _duration_help(text: str, other: str, *, is_quoted: bool) -> str:
    """Timestamps minus a number of days, as in spreadsheets; other numbers have an unknown unit."""
    if is_long(text):
        return LONG_HELP
    if not is_quoted and "now" not in other:
        return HELP
    span = read_span(text if is_quoted else f"{text}d")
    return Remedy(words_of(span[1]), f'duration("{span[0]}")') if span else HELP


def split_at_commas(constant: str, type_: str) -> str:
    """`"a, b"` -> `["a", "b"]`; numbers without quotes if numbers are compared. Empty: not certain."""
    quote = constant[0] if constant[0] in "'\"" else ""
    items = [item.strip() for item in constant.strip("'\"").split(",")]
    if not all(items):
        return ""
    if type_ in ("int", "double") and quote:
        number = r"-?\d+" if type_ == "int" else r"-?\d+(\.\d+)?"
        return f"[{', '.join(items)}]" if all(re.fullmatch(number, item) for item in items) else ""
    return f"[{', '.join(f'{quote}{item}{quote}' for item in items)}]"


def operator_help(sign: str, type_: str) -> str:
    """The remedy for an operator between two operands of a type that does not have it."""
    if type_ == "bool":
        return "combine them with `&&`, `||` and `!`"
    if type_ == "bytes":
        return "leave out the `b` before the quotes"
    if sign in ("==", "!="):
        return "compare an attribute with a value: `customer.attribute == ...`"
    if type_.startswith("list("):
        return "test for an element with `in`, or for the number of elements with `size()`"
    if sign == "+" and type_ == TIMESTAMP:
        return "add a duration to a timestamp"
    return f"`{sign}` is for numbers"


def function_help(function: str, types: Sequence[str]) -> str:
    """The remedy for a function of operands that it does not take."""
    if function == "contains" and types[0].startswith("list("):
        return "test whether it is in the list: `value in list`"
    if function in _TEXT_FUNCTIONS:
        return f'`{function}()` is for text: `text.{function}("...")`'
    if function == "size":
        return "`size()` is for text and lists"
    if function.startswith("get"):
        return f'`{function}()` is for timestamps: `now.{function}()` or `now.{function}("Europe/Berlin")`'
    return "convert the value first"
