"""An expression with one attribute at a value -> its result, if that does not depend on anything else.

`&&`, `||` and choices follow three-valued logic; all other operations need all of their operands. Attributes
of the action are treated as unknown.
"""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, cast

from nextbest.expression.evaluation import Evaluator, NoResultError
from nextbest.expression.rendering import quote
from nextbest.expression.specialise import COMPARE
from nextbest.expression.tree import INT, MISSING, Attr, Call, Const, Macro, Node
from nextbest.expression.value import Constant


class Open:
    """The result depends on something else, or there is none."""


OPEN = Open()
Result = Constant | Open

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **COMPARE,
    "ADD": operator.add,
    "SUB": operator.sub,
    "MUL": operator.mul,
    "NEG": operator.neg,
    "NOT": operator.not_,
    "SIZE": len,
    "TO_DOUBLE": float,
    "IN": lambda item, items: item in items,
    "CONTAINS": lambda text, part: part in text,
    "STARTS_WITH": str.startswith,
    "ENDS_WITH": str.endswith,
}


class Substitution:
    """Attributes at given values."""

    def __init__(
        self,
        given: Mapping[str, Constant],
        derived: Callable[[str], Node | None],
        evaluator: Evaluator,
    ) -> None:
        """Takes values by the attributes' references; `derived`: the tree of one that is computed."""
        self._given = given
        self._derived = derived
        self._evaluator = evaluator

    def result(self, node: Node) -> Result:
        """The result of an expression, if it follows."""
        match node:
            case Const():
                return OPEN if node.value is MISSING or node.varies else node.value  # type: ignore[return-value]
            case Attr():
                if node.reference in self._given:
                    return self._given[node.reference]
                tree = self._derived(node.reference)
                return OPEN if tree is None else self.result(tree)
            case Macro():
                return self._macro(node)
            case Call():
                return self._call(node)
        return OPEN

    def _macro(self, node: Macro) -> Result:
        # Elements have no known values, except that an empty list has none.
        if self.result(node.over) != ():
            return OPEN
        return () if node.operation in ("FILTER", "MAP") else node.operation == "ALL"

    def _call(self, node: Call) -> Result:
        results = [self.result(arg) for arg in node.args]
        match node.operation:
            case "AND" | "OR":
                decides = node.operation == "OR"
                if any(result is decides for result in results):
                    return decides
                return OPEN if OPEN in results else not decides
            case "IF":
                return OPEN if isinstance(results[0], Open) else results[1 if results[0] else 2]
        if any(isinstance(result, Open) for result in results):
            return OPEN
        try:
            return self._compute(node, results)
        except (ArithmeticError, KeyError, ValueError, TypeError, NoResultError):
            return OPEN

    def _compute(self, node: Call, operands: list[Any]) -> Result:
        if node.operation == "MATCHES":
            text, pattern = quote(operands[0]), quote(node.parameter)
            return self._evaluator.evaluate(f"{text}.matches({pattern})") is True
        if node.operation == "DIV":
            quotient: float = operands[0] / operands[1]
            return math.trunc(quotient) if node.type == INT else quotient
        return cast("Result", _FUNCTIONS[node.operation](*operands))
