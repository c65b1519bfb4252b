"""A size and a seed -> random policies and customers, as plain values and numpy arrays.

Bundles and peers are all made from this one source, so that each of them is asked the same. Nothing in here
knows how policies are evaluated, or by whom.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["double", "int", "string", "bool", "timestamp"]
Scalar = float | int | str | bool
FEATURE_KINDS: Final[dict[Kind, int]] = {"double": 80, "int": 30, "string": 40, "bool": 30, "timestamp": 20}
LEVELS: Final = 100
"""Distinct limits of a numeric feature; the lower half is used in `>=`, the upper half in `<`."""
TRUE_SHARE: Final = 0.75
"""How probable a test is to hold for a random customer who has the feature, averaged over its levels."""
MISSING_SHARE: Final = 0.05
OR_PER_ACTION: Final = 0.4
CLAUSES_MIN, CLAUSES_MAX = 5, 20
STAGES: Final = ("eligibility", "applicability", "suitability")
STAGE_SHARES: Final = (2 / 3, 1 / 6, 1 / 6)
CUSTOMERS: Final = 256
NO_TEST: Final = -1

_DAY_US: Final = 86_400_000_000
_START_US: Final = 16_801 * _DAY_US  # 2016-01-01
# From zero (or 2016): the value of a level, in the feature's unit. Customers are uniform over all levels.
_LEVEL_STEP: Final[dict[Kind, int]] = {"double": 1, "int": 100, "timestamp": 36 * _DAY_US}
_BLOCK = 10_000


@dataclass(frozen=True, slots=True)
class Feature:
    """A customer attribute. A string is one of `categories`; if skewed, mostly the first of them."""

    name: str
    kind: Kind
    categories: tuple[str, ...] = ()
    skewed: bool = False


@dataclass(frozen=True, slots=True)
class Test:
    """One test of one feature: `>=` or `<` a number, `in` some categories, `==` a category or a bool."""

    feature: int
    operator: Literal[">=", "<", "in", "=="]
    value: Scalar | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policies:
    """Actions' policies: each action a run of clauses, each clause one test or two.

    Attributes:
        tests: Those that a clause uses, each once.
        starts: Where each action's clauses begin, and where the last one's end.
        first, second: Of each clause; `second` is `NO_TEST` in a clause of one test.
        stages: Of each clause, an index into `STAGES`.
    """

    tests: list[Test]
    starts: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    stages: NDArray[np.uint8]

    @property
    def actions(self) -> int:
        return len(self.starts) - 1

    @property
    def test_count(self) -> int:
        """Of all clauses together."""
        return len(self.first) + int((self.second != NO_TEST).sum())

    def rules(self) -> Iterator[list[tuple[int, ...]]]:
        """Yields each action's clauses, each a tuple of places in `tests`."""
        pairs = zip(self.first.tolist(), self.second.tolist(), strict=True)
        clauses: list[tuple[int, ...]] = [
            (first,) if second == NO_TEST else (first, second) for first, second in pairs
        ]
        bounds = self.starts.tolist()
        for start, end in pairwise(bounds):
            yield clauses[start:end]


@dataclass(frozen=True, slots=True)
class Workload:
    """Policies, and customers to ask them of; `customers[i][f]` is None where feature f is missing."""

    features: list[Feature]
    policies: Policies
    customers: list[list[Scalar | None]]
    has_missing: bool


class _Generator:
    """Draws features once, then whatever is asked for."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        kinds = [kind for kind, count in FEATURE_KINDS.items() for _ in range(count)]
        self.features = [self._feature(place, kind) for place, kind in enumerate(kinds)]

    def _feature(self, place: int, kind: Kind) -> Feature:
        if kind != "string":
            return Feature(f"f{place:03}", kind)
        count = int(self._rng.integers(8, 21))
        categories = tuple(f"v{number:02}" for number in range(count))
        return Feature(f"f{place:03}", kind, categories, skewed=place % 4 == 0)

    @cached_property
    def pool(self) -> list[list[Test]]:
        """Every test there is, by feature."""
        return [self._tests(place, feature) for place, feature in enumerate(self.features)]

    def _tests(self, place: int, feature: Feature) -> list[Test]:
        if feature.kind == "bool":
            return [Test(place, "==", _mostly_true(place))]
        if feature.skewed:
            return [Test(place, "==", feature.categories[0])]
        if feature.kind == "string":
            size = round(TRUE_SHARE * len(feature.categories))
            chosen = (self._rng.choice(feature.categories, size, replace=False) for _ in range(LEVELS))
            return [Test(place, "in", value) for value in sorted({tuple(sorted(c.tolist())) for c in chosen})]
        limits = (_level(feature.kind, level + 0.5) for level in range(LEVELS))
        return [Test(place, ">=" if at < LEVELS // 2 else "<", limit) for at, limit in enumerate(limits)]

    def policies(self, clause_counts: NDArray[np.int64], or_count: int) -> Policies:
        """Draws policies of this number of clauses, a given number of them of two tests; all on distinct
        features."""
        starts = np.concatenate(([0], np.cumsum(clause_counts)))
        total = int(starts[-1])
        is_or = np.zeros(total, dtype=bool)
        is_or[self._rng.choice(total, or_count, replace=False)] = True
        # An action's tests in a row: a clause takes one or two of them.
        ends = np.cumsum(np.where(is_or, 2, 1))
        action_ends = ends[starts[1:] - 1]
        drawn = self._draw(np.diff(action_ends, prepend=0))
        used, places = np.unique(drawn, return_inverse=True)
        flat = [test for tests in self.pool for test in tests]
        return Policies(
            tests=[flat[place] for place in used],
            starts=starts,
            first=places[np.where(is_or, ends - 2, ends - 1)],
            second=np.where(is_or, places[ends - 1], NO_TEST),
            stages=self._rng.choice(len(STAGES), total, p=STAGE_SHARES).astype(np.uint8),
        )

    def _draw(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draws this number of tests for each action, each of another feature, as places in the flattened
        pool."""
        sizes = np.array([len(tests) for tests in self.pool])
        offsets = np.cumsum(sizes) - sizes
        drawn = []
        for start in range(0, len(counts), _BLOCK):
            block = counts[start : start + _BLOCK]
            order = np.argsort(self._rng.random((len(block), len(self.features))), axis=1)
            features = order[np.arange(len(self.features)) < block[:, None]]
            drawn.append(offsets[features] + self._rng.integers(0, sizes[features]))
        return np.concatenate(drawn)

    def customers(self, missing_share: float) -> list[list[Scalar | None]]:
        columns = [self._column(place, feature) for place, feature in enumerate(self.features)]
        missing = self._rng.random((CUSTOMERS, len(columns))) < missing_share
        rows = zip(zip(*columns, strict=True), missing.tolist(), strict=True)
        return [[None if m else v for v, m in zip(row, gone, strict=True)] for row, gone in rows]

    def _column(self, place: int, feature: Feature) -> list[Scalar]:
        uniform = self._rng.random(CUSTOMERS)
        if feature.kind == "bool":
            return [(draw < TRUE_SHARE) == _mostly_true(place) for draw in uniform.tolist()]
        if feature.kind == "string":
            count = len(feature.categories)
            shares = np.full(count, 1 / count)
            if feature.skewed:
                shares = np.array([TRUE_SHARE, *[(1 - TRUE_SHARE) / (count - 1)] * (count - 1)])
            codes = np.minimum(np.searchsorted(np.cumsum(shares), uniform, side="right"), count - 1)
            return [feature.categories[code] for code in codes]
        return [_level(feature.kind, level) for level in (uniform * LEVELS).tolist()]


def _mostly_true(place: int) -> bool:
    return place % 2 == 0


def _level(kind: Kind, level: float) -> float | int:
    value = level * _LEVEL_STEP[kind]
    return value if kind == "double" else int(value) + (_START_US if kind == "timestamp" else 0)


def conjunctions(actions: int, clauses: int, seed: int) -> Workload:
    """Actions of this number of tests each, all of which have to hold; no customer lacks a feature."""
    generator = _Generator(seed)
    policies = generator.policies(np.full(actions, clauses), or_count=0)
    return Workload(generator.features, policies, generator.customers(missing_share=0.0), has_missing=False)


def disjunctions(actions: int, seed: int) -> Workload:
    """Actions of 5 to 20 clauses, 0.4 of them of two tests; customers lack 5 % of the features."""
    generator = _Generator(seed)
    counts = np.random.default_rng([seed, actions]).integers(CLAUSES_MIN, CLAUSES_MAX + 1, actions)
    policies = generator.policies(counts, or_count=round(OR_PER_ACTION * actions))
    return Workload(generator.features, policies, generator.customers(MISSING_SHARE), has_missing=True)
