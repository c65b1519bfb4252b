"""A workload -> the actions whose policies hold, by brute force in numpy: a peer, and the others' reference.

Every distinct test is made once for a customer, then clauses look their tests up. A customer is two arrays,
encoded beforehand: numbers, NaN where missing, which makes every comparison false; and for each string
feature a bit for its category, no bit where missing. A missing feature thus fails its test, which comes to
the same as unknown: an action counts only where every clause is true, and none is negated.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads import NO_TEST, Scalar, Test, Workload

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A customer: one entry a feature in each array."""

    numbers: NDArray[np.float64]
    categories: NDArray[np.uint32]


class Tests:
    """Every test once, sorted by what numpy can do in one call, then every clause of two tests, then true."""

    def __init__(self, workload: Workload) -> None:
        """Sorts the tests, and renumbers the clauses."""
        policies, self._features = workload.policies, workload.features
        coded = [self._code(test) for test in policies.tests]
        order = sorted(range(len(coded)), key=lambda place: coded[place][0])
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))
        kinds = np.array([coded[place][0] for place in order])
        columns = np.array([policies.tests[place].feature for place in order])
        limits = [coded[place][1] for place in order]
        ge, lt, end = np.searchsorted(kinds, (1, 2, 3)).tolist()
        self._at_least = slice(0, ge), columns[:ge], np.array(limits[:ge], dtype=np.float64)
        self._below = slice(ge, lt), columns[ge:lt], np.array(limits[ge:lt], dtype=np.float64)
        self._in = slice(lt, end), columns[lt:end], np.array(limits[lt:end], dtype=np.uint32)
        pairs = policies.second != NO_TEST
        self._either = places[policies.first[pairs]], places[policies.second[pairs]]
        self._pairs = slice(end, end + int(pairs.sum()))
        self.always = self._pairs.stop
        self.clauses = places[policies.first]
        self.clauses[pairs] = np.arange(self._pairs.start, self._pairs.stop)

    def _code(self, test: Test) -> tuple[int, float | int]:
        """Gives the kind of a test, 0 `>=`, 1 `<`, 2 `in`, and its limit or the bits of its categories."""
        if isinstance(test.value, bool):
            return (0 if test.value else 1), 0.5
        if isinstance(test.value, (str, tuple)):
            accepted = (test.value,) if isinstance(test.value, str) else test.value
            return 2, sum(1 << self._features[test.feature].categories.index(value) for value in accepted)
        return (0 if test.operator == ">=" else 1), test.value

    def encode(self, customer: list[Scalar | None]) -> Encoded:
        """Encodes a customer."""
        numbers = [np.nan if value is None or isinstance(value, str) else value for value in customer]
        bits = [
            1 << feature.categories.index(value) if isinstance(value, str) else 0
            for feature, value in zip(self._features, customer, strict=True)
        ]
        return Encoded(np.array(numbers, dtype=np.float64), np.array(bits, dtype=np.uint32))

    def truth(self, customer: Encoded) -> Bools:
        """Gives whether each test, each clause of two tests, and lastly `always` holds."""
        truth = np.empty(self.always + 1, dtype=bool)
        truth[-1] = True
        span, columns, limits = self._at_least
        np.greater_equal(customer.numbers.take(columns), limits, out=truth[span])
        span, columns, limits = self._below
        np.less(customer.numbers.take(columns), limits, out=truth[span])
        span, columns, masks = self._in
        np.not_equal(customer.categories.take(columns) & masks, 0, out=truth[span])
        first, second = self._either
        np.logical_or(truth.take(first), truth.take(second), out=truth[self._pairs])
        return truth


class Reduction:
    """Looks every clause up, and reduces each action's run of them: the simplest form."""

    def __init__(self, workload: Workload) -> None:
        self.tests = Tests(workload)
        self._starts = workload.policies.starts[:-1]

    def match(self, customer: Encoded) -> Bools:
        """Gives whether each action matches."""
        return np.logical_and.reduceat(self.tests.truth(customer).take(self.tests.clauses), self._starts)


class Survivors:
    """Looks up the first clause of every action, then the second of those that are left, and so on."""

    def __init__(self, workload: Workload) -> None:
        self.tests = Tests(workload)
        starts = workload.policies.starts
        counts = np.diff(starts)
        width = int(counts.max())
        padded = np.full((len(counts), width), self.tests.always)
        padded[np.arange(width) < counts[:, None]] = self.tests.clauses
        self._columns = list(np.ascontiguousarray(padded.T))

    def match(self, customer: Encoded) -> NDArray[np.int64]:
        """Gives the places of the actions that match."""
        truth = self.tests.truth(customer)
        alive = np.flatnonzero(truth.take(self._columns[0]))
        for column in self._columns[1:]:
            alive = alive[truth.take(column.take(alive))]
        return alive
