"""A bool node, negated or not -> an equivalent test of one feature.

A comparison of a feature with a constant becomes a test of that feature, so that an explanation can show its
value and an index can divide it into segments; any other node becomes a test whether the node is true.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nextbest.expression.rendering import render, render_number, render_operand, render_value
from nextbest.expression.tree import (
    BOOL,
    DOUBLE,
    INT,
    MISSING,
    NUMBERS,
    STRING,
    Attr,
    Call,
    Const,
    Folded,
    Has,
    Node,
)
from nextbest.expression.value import INT_MAX, INT_MIN, Constant

IS_TRUE, COMPARISON, ONE_OF, CONTAINS, IS_PRESENT = (
    "is_true",
    "comparison",
    "one_of",
    "contains",
    "is_present",
)

_FLIPPED = {"EQ": "EQ", "NE": "NE", "LT": "GT", "LE": "GE", "GT": "LT", "GE": "LE"}
_OPPOSITE = {"LT": "GE", "LE": "GT", "GT": "LE", "GE": "LT"}
_SIGNS = {"EQ": "==", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}


@dataclass(slots=True, unsafe_hash=True)
class Test:
    """One test of one feature; equal when the texts are.

    Attributes:
        text: As a person would write it.
        feature: An attribute, `now`, or an expression.
        kind: One of the constants above.
        operator: Of a comparison: EQ, LT, LE, GT or GE.
        value: The constant of the comparison, or the contained element; the values of `one_of`.
        negated: Whether the test is negated.
        node: The node from which it was made.
        about: Its subject: the feature's text, or `"x" in` it; computed on first use.
    """

    text: str
    feature: Node = field(compare=False)
    kind: str = field(compare=False)
    operator: str = field(default="", compare=False)
    value: Constant = field(default=False, compare=False)
    negated: bool = field(default=False, compare=False)
    node: Node | None = field(default=None, compare=False)
    about: str = field(default="", compare=False)


def classify(node: Node, is_finite: Callable[[Node], bool], *, negated: bool) -> Test:
    """Makes a test of a bool node that is not constant but may be missing.

    Args:
        node: A specialised tree.
        is_finite: Whether a double can never be NaN, for which `!(x < 1)` is not `x >= 1`.
        negated: Whether the node is negated.
    """
    test = None
    if isinstance(node, Has):
        text = f"has({node.reference})"
        feature = Attr("", node.token, node.reference)
        test = Test(f"!{text}" if negated else text, feature, IS_PRESENT, negated=negated, node=node)
    elif isinstance(node, Call):
        if node.operation in _FLIPPED:
            test = _comparison(node, is_finite, negated=negated)
        elif node.operation == "IN":
            test = _membership(node, negated=negated)
    if test is not None:
        return test
    text = render(node)
    if negated:
        text = f"!{text}" if isinstance(node, Attr) else f"!({text})"
    return Test(text, node, IS_TRUE, negated=negated, node=node)


def one_of(feature: Node, values: tuple[str, ...] | tuple[int, ...], node: Node, *, negated: bool) -> Test:
    """The test whether a string or int feature is one of some values; `==` for a single one."""
    ordered: tuple[Any, ...] = tuple(sorted(set(values)))
    if len(ordered) == 1:
        sign = "!=" if negated else "=="
        text = f"{render_operand(feature)} {sign} {render_value(ordered[0])}"
        return Test(text, feature, COMPARISON, "EQ", ordered[0], negated=negated, node=node)
    text = f"{render_operand(feature)} in {render_value(ordered)}"
    return Test(f"!({text})" if negated else text, feature, ONE_OF, "", ordered, negated=negated, node=node)


def _comparison(node: Call, is_finite: Callable[[Node], bool], *, negated: bool) -> Test | None:
    left, right = node.args
    operator = node.operation
    if isinstance(left, Const):
        left, right, operator = right, left, _FLIPPED[operator]
    if not isinstance(right, Const) or isinstance(left, Const) or left.type.startswith("list<"):
        return None
    if operator == "NE":
        operator, negated = "EQ", not negated
    value = _comparable(left, right.value)
    if isinstance(value, float) and math.isnan(value):
        # A bundle compares all numbers as real numbers.
        return None
    if negated and operator != "EQ" and (left.type != DOUBLE or is_finite(left)):
        operator, negated = _OPPOSITE[operator], False
    shown = (
        render_number(value)
        if left.type in NUMBERS and isinstance(value, int | float)
        else render_value(value)
    )
    subject = render_operand(left)
    if operator == "EQ":
        text = f"{subject} {'!=' if negated else '=='} {shown}"
    else:
        text = f"{subject} {_SIGNS[operator]} {shown}"
        text = f"!({text})" if negated else text
    return Test(text, left, COMPARISON, operator, value, negated=negated, node=node)  # type: ignore[arg-type]


def _comparable(feature: Node, value: Folded) -> Folded:
    """The same number in the feature's type, if it has one."""
    if (
        feature.type == INT
        and isinstance(value, float)
        and value.is_integer()
        and INT_MIN <= value <= INT_MAX
    ):
        return int(value)
    if feature.type == DOUBLE and isinstance(value, int) and int(float(value)) == value:
        return float(value)
    return value


def _membership(node: Call, *, negated: bool) -> Test | None:
    item, over = node.args
    if isinstance(over, Const):
        values = _one_of_values(item, over)
        return None if values is None else one_of(item, values, node, negated=negated)
    if not isinstance(item, Const) or item.value is MISSING:
        return None
    value = _comparable(Const(over.type[5:-1], item.token, MISSING), item.value)
    if not isinstance(value, str | int):
        return None
    text = f"{render_value(value)} in {render_operand(over)}"
    return Test(f"!({text})" if negated else text, over, CONTAINS, "", value, negated=negated, node=node)


def _one_of_values(item: Node, over: Const) -> tuple[str, ...] | tuple[int, ...] | None:
    """The values of a list that an int or string can equal; None if the list has others."""
    if item.type not in (STRING, INT) or isinstance(item, Const) or not isinstance(over.value, tuple):
        return None
    if item.type == STRING:
        return tuple([value for value in over.value if isinstance(value, str)])
    numbers = [_comparable(item, value) for value in over.value]
    return tuple([number for number in numbers if isinstance(number, int)])


def missing(node: Const) -> Test:
    """The test of a missing value: unknown for every customer."""
    return Test(node.text or "missing", Const(BOOL, node.token, MISSING, text=node.text), IS_TRUE, node=node)
