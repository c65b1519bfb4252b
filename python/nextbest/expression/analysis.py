"""Tests of single attributes -> the values for which they are true, what never holds and what always does.

What is reported is exact, but not everything is found: tests of several attributes are never combined. A
value that the schema does not allow counts as impossible, because servers refuse it. A value that was stored
under an earlier schema may still occur; the findings do not cover it.
"""

import math
from collections.abc import Sequence

from nextbest.expression import domain as sets
from nextbest.expression import literal as lit
from nextbest.expression.domain import Domain
from nextbest.expression.literal import Test
from nextbest.expression.ranges import Ranges
from nextbest.expression.rendering import render, render_value
from nextbest.expression.schema import Attribute, Schema
from nextbest.expression.tree import BOOL, INT, Attr, Const

_NO = Domain()
_BOTH = sets.between(0, 1, whole=True)


class Analysis:
    """Reasons about tests by the declarations of a schema.

    Attributes:
        ranges: The values that expressions may have.
    """

    def __init__(self, schema: Schema, ranges: Ranges) -> None:
        self.ranges = ranges
        self._schema = schema
        self._truths: dict[tuple[str, bool], Domain] = {}
        self._universes: dict[str, Domain] = {}

    def is_open(self, tests: Sequence[Test]) -> bool:
        """Whether every test, each about a different subject, holds for some values and not for others."""
        if len(tests) > 1 and len({subject(test) for test in tests}) < len(tests):
            return False
        return all(map(self._is_open, tests))

    def _is_open(self, test: Test) -> bool:
        if test.kind not in (lit.COMPARISON, lit.ONE_OF, lit.CONTAINS):
            return not isinstance(test.feature, Const)
        if test.feature.type == INT and isinstance(test.value, float):
            # No whole number is 0.5.
            return False
        declared = self.attribute(test)
        if declared is None:
            return test.value != () and self.universe(test).cuts == sets.LINE.cuts
        bounded = declared.allowed or declared.minimum is not None or declared.maximum is not None
        return not bounded and test.value != ()

    def never(self, tests: Sequence[Test]) -> bool:
        """Whether a clause holds for no value of any attribute."""
        return not any(self.truth(test) for test in tests)

    def always(self, tests: Sequence[Test]) -> str:
        """Whether a clause holds for every value of one attribute.

        Returns:
            Empty: no. `always`: for every value and without one. `known`: unless the attribute is missing.
        """
        united: dict[str, Domain] = {}
        for test in tests:
            united[subject(test)] = united.get(subject(test), _NO) | self.truth(test)
        for test in tests:
            rest = self.universe(test).without(united[subject(test)])
            if not rest:
                return "always"
            if rest == Domain(missing=True) and len(united) == 1 and test.kind != lit.IS_PRESENT:
                return "always" if self.ranges.is_total(test.feature) else "known"
        return ""

    def truth(self, test: Test) -> Domain:
        """The values for which a test is true, of those that the schema allows."""
        key = (test.text, isinstance(test.feature, Const))
        known = self._truths.get(key)
        if known is None:
            known = self._truths[key] = self._truth(test) & self.universe(test)
        return known

    def universe(self, test: Test) -> Domain:
        """All values that the subject of a test may have, missing among them."""
        name = subject(test)
        known = self._universes.get(name)
        if known is None:
            known = self._universes[name] = self._universe(test)
        return known

    def attribute(self, test: Test) -> Attribute | None:
        """The attribute that a test is about, if the attribute is not derived."""
        if not isinstance(test.feature, Attr):
            return None
        declared = self._schema.get(test.feature.reference)
        return declared if declared is not None and declared.expression is None else None

    def _truth(self, test: Test) -> Domain:
        if isinstance(test.feature, Const):
            return _NO
        match test.kind:
            case lit.IS_PRESENT:
                return Domain(missing=True) if test.negated else Domain(sets.LINE.cuts, nan=True)
            case lit.IS_TRUE:
                return sets.points([0 if test.negated else 1], whole=True)
            case lit.CONTAINS:
                attribute = self.attribute(test)
                if (
                    not test.negated
                    and attribute
                    and attribute.allowed
                    and test.value not in attribute.allowed
                ):
                    return _NO
                return sets.points([0 if test.negated else 1], whole=True)
        holds = _holds(test)
        return Domain(sets.LINE.cuts, nan=True).without(holds) if test.negated else holds

    def _universe(self, test: Test) -> Domain:
        if test.kind == lit.CONTAINS or test.feature.type == BOOL:
            return Domain(_BOTH.cuts, missing=True)
        return self.ranges.of(test.feature)


def subject(test: Test) -> str:
    """What a test is about: a feature, or whether one element is in a list."""
    if not test.about:
        test.about = render(test.feature)
        if test.kind == lit.CONTAINS:
            test.about = f"{render_value(test.value)} in {test.about}"
    return test.about


def _holds(test: Test) -> Domain:
    """Where a comparison or `in` holds, without its negation."""
    whole = test.feature.type == INT
    value = test.value
    if isinstance(value, float) and math.isnan(value):
        return _NO
    if isinstance(value, tuple):
        return sets.points(value, whole=whole)
    match test.operator:
        case "EQ":
            holds = sets.points([value], whole=whole)
        case "LT":
            holds = sets.below(value, whole=whole)
        case "GT":
            holds = sets.above(value, whole=whole)
        case "LE":
            holds = sets.between(None, value, whole=whole)
        case _:
            holds = sets.between(value, None, whole=whole)
    return holds
