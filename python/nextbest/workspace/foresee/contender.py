"""Actions that compete for one place -> for each of them those that may always be better, most likely first.

Finds candidates only: whether one is always better is for `shadows` to say.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from nextbest.expression.propagation import feature_name
from nextbest.workspace.foresee.priorities import Factors, Priorities
from nextbest.workspace.foresee.prospect import Prospect, Spot

# Actions that one action is compared with: 10,000 actions of one placement are not compared each with each.
RIVALS_MAX = 32


@dataclass(slots=True, eq=False)
class Contender:
    """An action that may be placed.

    Attributes:
        prospect: What is known of it.
        factors: Of its priority.
        bounds: Least and greatest priority, where they are known.
        product: Of its factors without context weights, at least; minus infinity where it is not known.
        product_max: The same at most; infinity where it is not known.
        spots: Where it can stand.
        features: For each of its clauses, what that looks at.
        wording: Its clauses as a whole: equal when they test the same.
    """

    prospect: Prospect
    factors: Factors
    bounds: tuple[float, float] | None
    product: float
    product_max: float
    spots: frozenset[Spot]
    features: Sequence[frozenset[str]]
    wording: frozenset[frozenset[str]]

    @classmethod
    def of(cls, prospect: Prospect, priorities: Priorities) -> "Contender":
        """Gathers what comparisons need."""
        factors = priorities.factors(prospect.index)
        product, product_max = -math.inf, math.inf
        if factors.value is not None:
            product = factors.propensities[0] * factors.value * factors.lever
            product_max = factors.propensities[1] * factors.value * factors.lever
        return cls(
            prospect,
            factors,
            priorities.bounds(factors),
            product,
            product_max,
            frozenset(spot for form in prospect.possible for spot in form.spots),
            [frozenset(map(feature_name, place.tests)) for place in prospect.places],
            frozenset(frozenset(test.text for test in place.tests) for place in prospect.places),
        )

    def may_be_above(self, other: "Contender") -> bool:
        """Whether it is worth a closer look that its priority is always the higher one."""
        if self.bounds is None:
            return False
        is_mandatory = self.prospect.action.mandatory
        if is_mandatory is not other.prospect.action.mandatory:
            return is_mandatory
        greatest = math.inf if other.bounds is None else other.bounds[1]
        return self.product > other.product_max or self.bounds[0] > greatest


class Arena:
    """A place that one action wins.

    Attributes:
        contenders: Those that want it.
        why: Only one wins it.
    """

    def __init__(self, contenders: Sequence[Contender], rivals: Sequence[Contender], why: str) -> None:
        """Sorts those that may be better.

        Args:
            contenders: Those that want the place.
            rivals: Those of them that nothing but a better one keeps away.
            why: Only one wins it.
        """
        self.contenders = contenders
        self.why = why
        able = [rival for rival in rivals if rival.prospect.definition.stock is None]
        # The least demanding first, and the best of equals.
        ordered = sorted(able, key=lambda rival: (len(rival.features), -rival.product, rival.prospect.index))
        self._ranks = {id(rival): rank for rank, rival in enumerate(ordered)}
        counts = Counter(name for rival in ordered for names in rival.features for name in names)
        self._unconditional: list[Contender] = []
        self._by_feature: dict[str, list[Contender]] = {}
        self._by_wording: dict[frozenset[frozenset[str]], list[Contender]] = {}
        for rival in ordered:
            self._by_wording.setdefault(rival.wording, []).append(rival)
            if not rival.features:
                self._unconditional.append(rival)
                continue
            # Whoever meets all of its clauses meets the one that is about the rarest features.
            rarest = min(rival.features, key=lambda names: sum(counts[name] for name in names))
            for name in rarest:
                self._by_feature.setdefault(name, []).append(rival)

    def rivals_of(self, contender: Contender) -> Iterator[Contender]:
        """Those that may be there whenever an action is, and above it; at most `RIVALS_MAX` are looked at."""
        known = frozenset().union(*contender.features)
        for form in contender.prospect.possible:
            known |= {feature_name(test) for place in form.places for test in place.tests}
        listed = [self._by_wording.get(contender.wording, ()), self._unconditional]
        listed += [self._by_feature[name] for name in sorted(known) if name in self._by_feature]
        found = merge(*listed, key=lambda rival: self._ranks[id(rival)])
        before: Contender | None = None
        for rival in islice(found, RIVALS_MAX):
            if rival is before or rival is contender:
                continue
            before = rival
            if rival.may_be_above(contender) and not any(map(known.isdisjoint, rival.features)):
                yield rival
