"""Texts that do not compare as they look: versions and numbers by order (NB513), normal forms (NB514)."""

import re
from collections.abc import Iterator

from nextbest.diagnostics.remedy import Remedy
from nextbest.diagnostics.spelling import unusual_spelling, usual
from nextbest.expression.finding import Finding
from nextbest.expression.rendering import quote
from nextbest.expression.schema import Schema
from nextbest.expression.span import cover, excerpt
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import DOUBLE, INT, STRING, Attr, Call, Const, Node, Slot, children

_ORDER = frozenset({"LT", "LE", "GT", "GE"})
# Codes of five or more digits, and those that begin with 0, have the same length and sort correctly:
# postcodes.
_NUMBER = re.compile(r"[1-9]\d{0,3}|0")
_DECIMAL = re.compile(r"\d+\.\d+")
_VERSION = re.compile(r"[vV]?\d+(\.\d+)+([-+][0-9A-Za-z.+-]*)?")
_EXAMPLES = ("9", "10", "100")
VERSION_PARTS = "keep the parts of a version as whole numbers in separate attributes"


def find_unlike_order(node: Node, tokens: Tokens, schema: Schema) -> Iterator[Finding]:
    """Texts compared by order that look like numbers or versions.

    Args:
        node: As built, with plain literals left open.
        tokens: Its text.
        schema: The attributes.
    """
    if isinstance(node, Call) and node.operation in _ORDER and node.args[0].type == STRING:
        literals = [_text(arg, tokens) for arg in node.args]
        if literals.count(None) == 1:
            yield from _with_literal(node, tokens, schema, literals)
        elif literals == [None, None] and any(_looks_ordered(arg, schema) for arg in node.args):
            text = excerpt(node, tokens)
            message = f'`{text}` compares letter by letter: "10.2.0" comes before "9.0.0"'
            yield Finding("NB513", message, cover(node, tokens), f"{VERSION_PARTS}, and compare those")
    for child in children(node):
        yield from find_unlike_order(child, tokens, schema)


def find_unusual_spelling(node: Node, tokens: Tokens) -> Iterator[Finding]:
    """Texts written out that are not in Unicode's normal form C."""
    text = _text(node, tokens)
    unusual = None if text is None else unusual_spelling(text)
    if unusual is not None:
        help_ = Remedy("write `{}`, as keyboards do (Unicode's normal form C)", quote(usual(text or "")))
        yield Finding("NB514", unusual[0], cover(node, tokens), help_)
    for child in children(node):
        yield from find_unusual_spelling(child, tokens)


def orders_texts(node: Node) -> bool:
    """Whether texts are compared by order anywhere in an expression."""
    is_order = isinstance(node, Call) and node.operation in _ORDER and node.args[0].type == STRING
    return is_order or any(map(orders_texts, children(node)))


def _with_literal(
    node: Call, tokens: Tokens, schema: Schema, literals: list[str | None]
) -> Iterator[Finding]:
    place = 0 if literals[0] is not None else 1
    literal, other = literals[place] or "", node.args[1 - place]
    if not (_NUMBER.fullmatch(literal) or _VERSION.fullmatch(literal)):
        return
    text = excerpt(node, tokens)
    message = f"`{text}` compares letter by letter: {_counterexample(literal)}"
    yield Finding("NB513", message, cover(node, tokens), _remedy(node, other, literal, tokens, schema))


def _remedy(node: Call, other: Node, literal: str, tokens: Tokens, schema: Schema) -> str:
    """A replacement only if every value is known to be a whole number; if not, a sentence.

    `double("10.10")` is 10.1, and `int("10.5")` has no result.
    """
    compared = excerpt(other, tokens)
    sign = {"LT": "<", "LE": "<=", "GT": ">", "GE": ">="}[node.operation]
    attribute = schema.get(other.reference) if isinstance(other, Attr) else None
    if attribute is None:
        return f"{VERSION_PARTS}, and compare those"
    is_whole = _NUMBER.fullmatch(literal) is not None
    if is_whole and attribute.allowed and all(_NUMBER.fullmatch(str(v)) for v in attribute.allowed):
        sides = [f"int({compared})" if arg is other else literal for arg in node.args]
        words = f"write `{{}}`, or declare `{compared}` as int in schema.yaml"
        return Remedy(words, f" {sign} ".join(sides))
    is_version = "version" in attribute.name.lower() or not (is_whole or _DECIMAL.fullmatch(literal))
    if not is_version:
        kind = INT if is_whole else DOUBLE
        number = "a whole number" if is_whole else "a number"
        return f"if every value is {number}, declare `{compared}` as {kind} in schema.yaml; {VERSION_PARTS}"
    major, *rest = re.findall(r"\d+", literal)[:2]
    sign = sign if other is node.args[0] else {"<": ">", "<=": ">=", ">": "<", ">=": "<="}[sign]
    if not rest:
        # Only the author knows whether 11.5 is more than "11".
        example = f": `{compared}_major {sign} {major}`" if sign in ("<", ">=") else ""
        return VERSION_PARTS + example
    first = f"{compared}_major {sign[0]} {major}"
    second = f"{compared}_major == {major} && {compared}_minor {sign} {rest[0]}"
    return f"{VERSION_PARTS}: `{first} || {second}`"


def _counterexample(literal: str) -> str:
    """A text whose order differs from that of the numbers in it."""
    parts = re.split(r"(\d+)", literal)
    numbers = [int(part) for part in parts[1::2]]
    for place in range(len(numbers)):
        for example in _EXAMPLES:
            changed = list(parts)
            changed[2 * place + 1] = example
            text = "".join(changed)
            is_before = [*numbers[:place], int(example), *numbers[place + 1 :]] < numbers
            if (text < literal) != is_before and text != literal:
                return f'"{text}" comes {"before" if text < literal else "after"} "{literal}"'
    return '"10" comes before "9"'


def _looks_ordered(node: Node, schema: Schema) -> bool:
    """Whether an attribute holds versions or numbers, by its name or its values."""
    if not isinstance(node, Attr):
        return False
    attribute = schema.get(node.reference)
    if attribute is None:
        return False
    numbers = [
        isinstance(v, str) and bool(_NUMBER.fullmatch(v) or _VERSION.fullmatch(v)) for v in attribute.allowed
    ]
    return "version" in attribute.name.lower() or (any(numbers) and all(numbers))


def _text(node: Node, tokens: Tokens) -> str | None:
    if isinstance(node, Slot):
        value = tokens.literal(node.token)
    else:
        value = node.value if isinstance(node, Const) else None  # type: ignore[assignment]
    return value if isinstance(value, str) else None
