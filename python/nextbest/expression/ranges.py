"""An expression -> the values it may have: parts of a date, sizes, arithmetic, choices.

Interval arithmetic over the declared ranges. A value outside the range never occurs; a value inside the range
may not occur either. Whole numbers that overflow have no result, so they are missing. Sums, products and
quotients of doubles are rounded, and rounding keeps the order, so the results at the ends of the ranges are
the ends of the results.
"""

import math
from collections.abc import Callable

from nextbest.expression import domain as sets
from nextbest.expression.domain import Domain
from nextbest.expression.schema import Attribute, Schema, Type
from nextbest.expression.tree import (
    BOOL,
    DOUBLE,
    DURATION,
    INT,
    MISSING,
    NUMBERS,
    Attr,
    Call,
    Const,
    Node,
    children,
)
from nextbest.expression.value import INT_MAX, INT_MIN

# Lowest and highest number; None: without end.
Bounds = tuple[int | float | None, int | float | None]

_BOTH = sets.between(0, 1, whole=True)
_ANYTHING = Domain(sets.LINE.cuts, missing=True, nan=True)
_UNBOUNDED: Bounds = (None, None)
# Of a timestamp. Time zones reach into the years before 1 and after 9999.
_PARTS: dict[str, Bounds] = {
    "GET_FULL_YEAR": (0, 10_000),
    "GET_MONTH": (0, 11),
    "GET_DATE": (1, 31),
    "GET_DAY_OF_MONTH": (0, 30),
    "GET_DAY_OF_WEEK": (0, 6),
    "GET_DAY_OF_YEAR": (0, 365),
    "GET_HOURS": (0, 23),
    "GET_MINUTES": (0, 59),
    "GET_SECONDS": (0, 59),
    "GET_MILLISECONDS": (0, 999),
}


class Ranges:
    """The values of expressions over the attributes of a schema."""

    def __init__(self, schema: Schema, derived: Callable[[str], Node]) -> None:
        """Takes the declarations, and where the trees of derived attributes are found."""
        self._schema = schema
        self._derived = derived
        self._known: dict[str, Domain] = {}

    def of(self, node: Node) -> Domain:
        """The values that a node may have, missing and NaN among them."""
        if node.type == BOOL:
            return Domain(_BOTH.cuts, missing=True)
        match node:
            case Const():
                values = _constant(node)
            case Attr():
                values = self._attribute(node)
            case Call(operation="IF"):
                chosen = self.of(node.args[1]) | self.of(node.args[2])
                values = Domain(chosen.cuts, missing=True, nan=chosen.nan)
            case Call(operation=operation) if operation == "SIZE" or operation in _PARTS:
                values = self._count(node)
            case _:
                values = self._number(node) if node.type in NUMBERS else Domain(sets.LINE.cuts, missing=True)
        return values

    def bounds(self, node: Node) -> Bounds:
        """The lowest and the highest number that a node may be."""
        cuts = self.of(node).cuts
        if not cuts:
            return _UNBOUNDED
        (low_kind, low, _), (high_kind, high, side) = cuts[0], cuts[-1]
        # Below a whole number is up to the one before it.
        end = high - 1 if node.type == INT and side == 0 else high
        return low if low_kind == 1 else None, end if high_kind == 1 else None

    def is_total(self, node: Node) -> bool:
        """Whether a node has a value for every customer with the attributes that the schema requires."""
        match node:
            case Attr(reference="now"):
                return True
            case Attr():
                declared = self._schema.get(node.reference)
                return declared is not None and declared.required and declared.expression is None
            case Call(operation=operation) if operation == "SIZE" or operation in _PARTS:
                return self.is_total(node.args[0])
        return False

    def _attribute(self, node: Attr) -> Domain:
        known = self._known.get(node.reference)
        if known is None:
            declared = self._schema.get(node.reference)
            if node.reference == "now":
                known = sets.LINE
            elif declared is None:
                known = _ANYTHING
            elif declared.expression is not None:
                tree = self._derived(node.reference)
                # An attribute with an error may have any value.
                unknown = isinstance(tree, Const) and tree.value is MISSING
                known = _ANYTHING if unknown else self.of(tree)
            else:
                known = _declared(declared)
            self._known[node.reference] = known
        return known

    def _count(self, node: Call) -> Domain:
        (argument,) = node.args
        low, high = _PARTS.get(node.operation, (0, None))
        if argument.type == DURATION:
            # Hours, minutes and seconds are the whole length, milliseconds only the rest.
            low, high = (-999, 999) if node.operation == "GET_MILLISECONDS" else _UNBOUNDED
        return Domain(sets.between(low, high, whole=True).cuts, missing=self.of(argument).missing)

    def _number(self, node: Node) -> Domain:
        compute = _ARITHMETIC[node.type].get(node.operation) if isinstance(node, Call) else None
        if compute is None:
            return Domain(sets.LINE.cuts, missing=True, nan=node.type == DOUBLE)
        operands = [self.bounds(arg) if arg.type in NUMBERS else _UNBOUNDED for arg in children(node)]
        if node.type == INT:
            low, high = compute(operands)
            return Domain(sets.between(_whole(low), _whole(high), whole=True).cuts, missing=True)
        low, high = compute([(_finite(low), _finite(high)) for low, high in operands])
        return Domain(sets.between(_finite(low), _finite(high)).cuts, missing=True, nan=True)


def _constant(node: Const) -> Domain:
    value = node.value
    if value is MISSING:
        return Domain(missing=True)
    if isinstance(value, float) and math.isnan(value):
        return Domain(nan=True)
    if isinstance(value, tuple):
        return sets.LINE
    return sets.points([value], whole=node.type == INT)


def _declared(attribute: Attribute) -> Domain:
    """The values that an attribute may arrive with."""
    whole = attribute.type is Type.INT
    line = _BOTH if attribute.type is Type.BOOL else sets.LINE
    if attribute.type in (Type.INT, Type.DOUBLE):
        line = sets.between(attribute.minimum, attribute.maximum, whole=whole)
    if attribute.allowed and attribute.type in (Type.INT, Type.STRING):
        line &= sets.points(attribute.allowed, whole=whole)
    return Domain(line.cuts, missing=True)


def _finite(number: float | None) -> float | None:
    """As a double; a value that is not a number has no bound."""
    return float(number) if number is not None and math.isfinite(number) else None


def _whole(number: float | None) -> float | None:
    """Beyond 64 bits there is no result, so the range needs no bound."""
    return number if number is not None and INT_MIN < number < INT_MAX else None


def _sum(operands: list[Bounds]) -> Bounds:
    (a, b), (c, d) = operands
    return None if a is None or c is None else a + c, None if b is None or d is None else b + d


def _negative(operands: list[Bounds]) -> Bounds:
    low, high = operands[0]
    return None if high is None else -high, None if low is None else -low


def _difference(operands: list[Bounds]) -> Bounds:
    return _sum([operands[0], _negative(operands[1:])])


def _product(operands: list[Bounds]) -> Bounds:
    (a, b), (c, d) = operands
    if a is None or b is None or c is None or d is None:
        return (a * c, None) if a is not None and c is not None and a >= 0 and c >= 0 else _UNBOUNDED
    corners = [x * y for x in (a, b) for y in (c, d)]
    return min(corners), max(corners)


def _whole_quotient(operands: list[Bounds]) -> Bounds:
    corners = _corners(operands)
    if corners is None:
        return _quotient_of_positives(operands)
    quotients = [_truncated(int(x), int(y)) for x, y in corners]
    return min(quotients), max(quotients)


def _quotient(operands: list[Bounds]) -> Bounds:
    corners = _corners(operands)
    if corners is None:
        return _quotient_of_positives(operands)
    quotients = [x / y for x, y in corners]
    return min(quotients), max(quotients)


def _corners(operands: list[Bounds]) -> list[tuple[float, float]] | None:
    """The bounds of a quotient's operands; None if there are none, or the divisor may be 0."""
    (a, b), (c, d) = operands
    if a is None or b is None or c is None or d is None or c <= 0 <= d:
        return None
    return [(x, y) for x in (a, b) for y in (c, d)]


def _quotient_of_positives(operands: list[Bounds]) -> Bounds:
    (a, _), (c, _) = operands
    return (0, None) if a is not None and a >= 0 and c is not None and c > 0 else _UNBOUNDED


def _remainder(operands: list[Bounds]) -> Bounds:
    (a, b), (c, d) = operands
    if c is None or d is None:
        return (0 if a is not None and a >= 0 else None), (0 if b is not None and b <= 0 else None)
    most = max(abs(c), abs(d), 1) - 1
    return (0 if a is not None and a >= 0 else -most), (0 if b is not None and b <= 0 else most)


def _whole_part(operands: list[Bounds]) -> Bounds:
    low, high = operands[0]
    return None if low is None else math.trunc(low), None if high is None else math.trunc(high)


def _truncated(numerator: int, denominator: int) -> int:
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


_OF_ANY: dict[str, Callable[[list[Bounds]], Bounds]] = {
    "ADD": _sum,
    "SUB": _difference,
    "MUL": _product,
    "NEG": _negative,
}
_ARITHMETIC = {
    INT: _OF_ANY | {"DIV": _whole_quotient, "MOD": _remainder, "TO_INT": _whole_part},
    DOUBLE: _OF_ANY | {"DIV": _quotient, "TO_DOUBLE": lambda operands: operands[0]},
}
