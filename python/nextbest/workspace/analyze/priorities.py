"""Actions of a bundle -> their possible priorities, in the engine's own arithmetic.

`priority = propensity x context weight x value x lever`, multiplied in this order, with factors that are off
as 1. Rounding to the nearest double is monotone, and so are sums and products in each of their operands: the
bounds that are computed here from the bounds of the factors hold to the last bit.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import product

from nextbest.v1 import bundle_pb2

# The difference of doubles of very different size may be lost; real factors are within these bounds.
FACTOR_MIN, FACTOR_MAX = 1e-30, 1e30
# The ratio by which a product of three factors has to be larger so that rounding cannot reverse the order.
MARGIN = 1e-9


@dataclass(frozen=True, slots=True)
class Factors:
    """The factors of an action, as far as they are known.

    Attributes:
        propensities: Least and greatest.
        value: None if it is not constant.
        lever: Levers of issue, group and action as one factor.
        weights: Context weights for it, by their indices, in the order of the bundle.
    """

    propensities: tuple[float, float]
    value: float | None
    lever: float
    weights: tuple[int, ...]

    def only(self, weights: Collection[int]) -> "Factors":
        """A copy with some of the context weights."""
        return replace(self, weights=tuple(weight for weight in self.weights if weight in weights))


class Priorities:
    """The priorities of a bundle's actions."""

    def __init__(self, bundle: bundle_pb2.Bundle) -> None:
        self._bundle = bundle
        self._arbitration = bundle.arbitration
        self._percents = [weight.percent for weight in bundle.context_weights]
        self._scopes: dict[tuple[str | None, int], list[int]] = {}
        for index, weight in enumerate(bundle.context_weights):
            scope = weight.WhichOneof("scope")
            target = 0 if scope is None else getattr(weight, scope)
            self._scopes.setdefault((scope, target), []).append(index)

    @property
    def is_product(self) -> bool:
        """Whether there is no formula; priorities of a formula are unknown."""
        return not self._arbitration.HasField("formula")

    def factors(self, index: int) -> Factors:
        """The factors of an action; those that are off are 1."""
        action, arbitration = self._bundle.actions[index], self._arbitration
        group = self._bundle.groups[action.group]
        issue = self._bundle.issues[group.issue]
        propensities = (0.0, 1.0) if action.HasField("model") else (action.prior, action.prior)
        value = action.value_constant if action.HasField("value_constant") else None
        percent = action.lever_percent + (group.lever_percent + issue.lever_percent)
        scopes = ((None, 0), ("issue", group.issue), ("group", action.group), ("action", index))
        weights = sorted(weight for scope in scopes for weight in self._scopes.get(scope, ()))
        return Factors(
            (1.0, 1.0) if arbitration.propensity_off else propensities,
            1.0 if arbitration.value_off else value,
            1.0 if arbitration.lever_off else max(0.0, 1.0 + percent / 100.0),
            () if arbitration.context_weight_off else tuple(weights),
        )

    def bounds(self, factors: Factors) -> tuple[float, float] | None:
        """The least and the greatest priority; None where the value is not constant, or it is not finite."""
        if factors.value is None:
            return None
        lowest, highest = self.context_weights(factors.weights)
        found = [
            propensity * context_weight * factors.value * factors.lever
            for propensity, context_weight in product(factors.propensities, (lowest, highest))
        ]
        return (min(found), max(found)) if all(map(math.isfinite, found)) else None

    def context_weights(self, weights: Sequence[int]) -> tuple[float, float]:
        """The smallest and the largest factor of context weights: all that lower it, or raise it."""
        lowest = highest = 0.0
        for weight in weights:
            percent = self._percents[weight]
            if percent < 0.0:
                lowest += percent
            else:
                highest += percent
        return max(0.0, 1.0 + lowest / 100.0), max(0.0, 1.0 + highest / 100.0)

    def raising(self, weights: Sequence[int]) -> list[int]:
        """The context weights that raise a priority."""
        return [weight for weight in weights if self._percents[weight] > 0.0]

    def is_above(self, better: Factors, worse: Factors) -> bool:
        """Whether one action's priority is always the higher one when both have one, by more than rounding.

        False if that cannot be proved.
        """
        left, right = self.bounds(better), self.bounds(worse)
        if left is None:
            return False
        if right is not None and left[0] > right[1]:
            return True
        return self._has_no_lower_weight(better, worse) and self._has_larger_product(better, worse)

    def _has_no_lower_weight(self, better: Factors, worse: Factors) -> bool:
        """Whether the context weight of one is positive, and never lower than that of the other."""
        raised = set(self.raising(worse.weights)) - set(better.weights)
        lowered = set(better.weights) - set(self.raising(better.weights)) - set(worse.weights)
        return not raised and not lowered and self.context_weights(better.weights)[0] > 0.0

    def _has_larger_product(self, better: Factors, worse: Factors) -> bool:
        """Whether the product of all other factors is always the larger one, whatever the rounding."""
        if better.value is None or worse.value is None:
            return False
        ours = (better.propensities[0], better.value, better.lever)
        theirs = (worse.propensities[1], max(0.0, worse.value), worse.lever)
        if not all(FACTOR_MIN <= factor <= FACTOR_MAX for factor in ours):
            return False
        if not all(factor == 0.0 or FACTOR_MIN <= factor <= FACTOR_MAX for factor in theirs):
            return False
        return math.prod(ours) > math.prod(theirs) * (1.0 + MARGIN)
