"""Actions that compete for a place -> for each, the actions that may always rank above it.

Finds candidates only; `shadows` decides whether one always ranks above the other.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from nextbest.expression.propagation import feature_name
from nextbest.workspace.analyze.priorities import Factors, Priorities
from nextbest.workspace.analyze.reachability import Reachability, Spot

# The number of actions that one action is compared with, so that 10,000 actions of one placement do not take
# quadratic time.
RIVALS_MAX = 32


@dataclass(slots=True, eq=False)
class Contender:
    """An action that may be placed.

    Attributes:
        reachability: Its analysis.
        factors: Of its priority.
        bounds: Least and greatest priority, where they are known.
        product: Lower bound of the product of its factors without context weights; minus infinity if unknown.
        product_max: Upper bound of the same product; infinity if unknown.
        spots: The placements that it can fill.
        features: For each of its clauses, the features that the clause reads.
        wording: All of its clauses; equal for two actions that test the same.
    """

    reachability: Reachability
    factors: Factors
    bounds: tuple[float, float] | None
    product: float
    product_max: float
    spots: frozenset[Spot]
    features: Sequence[frozenset[str]]
    wording: frozenset[frozenset[str]]

    @classmethod
    def of(cls, reachability: Reachability, priorities: Priorities) -> "Contender":
        """Computes what comparisons need."""
        factors = priorities.factors(reachability.index)
        product, product_max = -math.inf, math.inf
        if factors.value is not None:
            product = factors.propensities[0] * factors.value * factors.lever
            product_max = factors.propensities[1] * factors.value * factors.lever
        return cls(
            reachability,
            factors,
            priorities.bounds(factors),
            product,
            product_max,
            frozenset(spot for form in reachability.possible for spot in form.spots),
            [frozenset(map(feature_name, place.tests)) for place in reachability.places],
            frozenset(frozenset(test.text for test in place.tests) for place in reachability.places),
        )

    def may_be_above(self, other: "Contender") -> bool:
        """Whether its priority may always be the higher one, so that an exact comparison is worthwhile."""
        if self.bounds is None:
            return False
        is_mandatory = self.reachability.action.mandatory
        if is_mandatory is not other.reachability.action.mandatory:
            return is_mandatory
        greatest = math.inf if other.bounds is None else other.bounds[1]
        return self.product > other.product_max or self.bounds[0] > greatest


class Arena:
    """A place that only one action can win.

    Attributes:
        contenders: The actions that compete for it.
        why: The reason why only one wins it.
    """

    def __init__(self, contenders: Sequence[Contender], rivals: Sequence[Contender], why: str) -> None:
        """Sorts the actions that may rank higher.

        Args:
            contenders: The actions that compete for the place.
            rivals: Those that only a better action keeps out.
            why: The reason why only one wins it.
        """
        self.contenders = contenders
        self.why = why
        able = [rival for rival in rivals if rival.reachability.definition.stock is None]
        # Fewest clauses first; among equals, the highest priority first.
        ordered = sorted(
            able, key=lambda rival: (len(rival.features), -rival.product, rival.reachability.index)
        )
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
            # If all clauses of an action hold, so does its clause about the rarest features.
            rarest = min(rival.features, key=lambda names: sum(counts[name] for name in names))
            for name in rarest:
                self._by_feature.setdefault(name, []).append(rival)

    def rivals_of(self, contender: Contender) -> Iterator[Contender]:
        """Finds actions that may rank above this one whenever it is available; at most `RIVALS_MAX`."""
        known = frozenset().union(*contender.features)
        for form in contender.reachability.possible:
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
