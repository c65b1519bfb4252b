"""A typed tree -> CEL text in one canonical form.

Two trees have the same text only if they have the same meaning: features and literals are entered by their
text. It is CEL, except that ints and doubles mix.
"""

import json
import math
from collections.abc import Mapping

from nextbest.expression.tree import (
    MISSING,
    Attr,
    Call,
    Const,
    Element,
    Folded,
    Has,
    Input,
    ListOf,
    Macro,
    Node,
)
from nextbest.expression.value import Duration, Timestamp

_TERNARY, _OR, _AND, _RELATION, _SUM, _PRODUCT, _UNARY, _MEMBER = range(8)
_INFIX = {
    "OR": (_OR, "||"), "AND": (_AND, "&&"),
    "EQ": (_RELATION, "=="), "NE": (_RELATION, "!="), "LT": (_RELATION, "<"), "LE": (_RELATION, "<="),
    "GT": (_RELATION, ">"), "GE": (_RELATION, ">="), "IN": (_RELATION, "in"),
    "ADD": (_SUM, "+"), "SUB": (_SUM, "-"),
    "MUL": (_PRODUCT, "*"), "DIV": (_PRODUCT, "/"), "MOD": (_PRODUCT, "%"),
}  # fmt: skip
_PREFIX = {"NOT": "!", "NEG": "-"}
_METHODS = {"CONTAINS": "contains", "STARTS_WITH": "startsWith", "ENDS_WITH": "endsWith"}
_FUNCTIONS = {
    "SIZE": "size", "TO_INT": "int", "TO_DOUBLE": "double", "TO_STRING": "string", "TO_BOOL": "bool",
    "TO_TIMESTAMP": "timestamp", "TO_DURATION": "duration",
}  # fmt: skip
_GETTERS = {
    "GET_FULL_YEAR": "getFullYear", "GET_MONTH": "getMonth", "GET_DATE": "getDate",
    "GET_DAY_OF_MONTH": "getDayOfMonth", "GET_DAY_OF_WEEK": "getDayOfWeek", "GET_DAY_OF_YEAR": "getDayOfYear",
    "GET_HOURS": "getHours", "GET_MINUTES": "getMinutes", "GET_SECONDS": "getSeconds",
    "GET_MILLISECONDS": "getMilliseconds",
}  # fmt: skip
_MACROS = {"ALL": "all", "EXISTS": "exists", "EXISTS_ONE": "exists_one", "FILTER": "filter", "MAP": "map"}
_EXACT_DOUBLE = 1e15


def render(node: Node) -> str:
    """Writes a tree as text."""
    if isinstance(node, Attr):
        return node.reference
    return _render(node, _TERNARY, {})


def render_operand(node: Node) -> str:
    """Writes a tree so that it can be on either side of a comparison."""
    if isinstance(node, Attr):
        return node.reference
    return _render(node, _SUM, {})


def render_value(value: Folded) -> str:
    """Writes a constant: `18`, `0.5`, `"web"`, `timestamp("2026-01-01T00:00:00Z")`, `["a", "b"]`."""
    match value:
        case bool():
            text = "true" if value else "false"
        case int():
            text = str(value)
        case float():
            text = repr(value) if math.isfinite(value) else f'double("{value}")'
        case str():
            text = quote(value)
        case Timestamp():
            text = f'timestamp("{value}")'
        case Duration():
            text = f'duration("{value}")'
        case tuple():
            text = f"[{', '.join(map(render_value, value))}]"
        case _:
            text = "missing"
    return text


def render_number(value: float) -> str:
    """Writes a number that is compared, where its kind makes no difference: `18` for 18.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_DOUBLE:
        return str(int(value))
    return render_value(value)


def quote(text: str) -> str:
    """Writes a string in double quotes, whatever is not printable escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if quoted.isprintable() else "".join(map(_escape, quoted))


def _escape(character: str) -> str:
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _render(node: Node, level: int, names: Mapping[int, str]) -> str:
    match node:
        case Const():
            text = node.text if node.value is MISSING else render_value(node.value)
            negative = isinstance(node.value, int | float) and text.startswith("-")
            return f"({text})" if negative and level > _UNARY else text
        case Call():
            text, own = _call(node, names)
            return f"({text})" if level > own else text
    return _primary(node, names)


def _primary(node: Node, names: Mapping[int, str]) -> str:
    match node:
        case Attr():
            text = node.reference
        case Has():
            text = f"has({node.reference})"
        case Input():
            text = node.name
        case Element():
            text = names.get(node.binder, node.name)
        case ListOf():
            text = f"[{', '.join(_render(item, _TERNARY, names) for item in node.items)}]"
        case Macro():
            text = _macro(node, names)
        case _:
            raise TypeError(f"{node!r} has no text")
    return text


def _call(node: Call, names: Mapping[int, str]) -> tuple[str, int]:
    """The text, and how tightly it binds."""
    operation, args = node.operation, node.args
    if operation in _INFIX:
        own, sign = _INFIX[operation]
        right = own if operation in ("AND", "OR") else own + 1
        # Comparisons do not chain here: `a == b == c` would be hard to read.
        left = own + 1 if own == _RELATION else own
        return f"{_render(args[0], left, names)} {sign} {_render(args[1], right, names)}", own
    if operation == "IF":
        test, then = _render(args[0], _OR, names), _render(args[1], _OR, names)
        return f"{test} ? {then} : {_render(args[2], _TERNARY, names)}", _TERNARY
    if operation in _PREFIX:
        return _PREFIX[operation] + _render(args[0], _MEMBER, names), _UNARY
    if operation in _FUNCTIONS:
        return f"{_FUNCTIONS[operation]}({_render(args[0], _TERNARY, names)})", _MEMBER
    return _render(args[0], _MEMBER, names) + _suffix(node, names), _MEMBER


def _suffix(node: Call, names: Mapping[int, str]) -> str:
    operation = node.operation
    if operation == "INDEX":
        return f"[{_render(node.args[1], _TERNARY, names)}]"
    if operation == "MATCHES":
        return f".matches({quote(node.parameter)})"
    if operation in _GETTERS:
        return f".{_GETTERS[operation]}({quote(node.parameter) if node.parameter else ''})"
    return f".{_METHODS[operation]}({_render(node.args[1], _TERNARY, names)})"


def _macro(node: Macro, names: Mapping[int, str]) -> str:
    # A name that an outer macro uses as well gets a number: what is below may refer to either.
    name = node.variable
    while name in names.values():
        name += "_"
    inner = {**names, node.token: name}
    body = _render(node.body, _TERNARY, inner)
    return f"{_render(node.over, _MEMBER, names)}.{_MACROS[node.operation]}({name}, {body})"
