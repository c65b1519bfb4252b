"""Clauses that have to hold together -> the values they leave, or which of them exclude each other.

Unit propagation over domains. A clause whose tests are all about one subject narrows that subject to the
values for which one of them is true (a missing attribute is unknown, and unknown does not hold); a test that
is true for none of the remaining values is dropped from its clause; a clause that is reduced to one subject
narrows it too, and one that is reduced to no test cannot hold. Every step excludes only values for which a
clause is not true, so that a reported contradiction is real. Some contradictions are not found: subjects are
never combined, except that a list is present exactly if the tests of its elements have an answer.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from nextbest.expression import domain as sets
from nextbest.expression import literal as lit
from nextbest.expression.analysis import Analysis, subject
from nextbest.expression.domain import Domain
from nextbest.expression.literal import Test
from nextbest.expression.rendering import render

# Larger sets of contradictory clauses are not reduced to minimal ones.
MINIMISED_MAX = 24

Clauses = Sequence[Sequence[Test]]

_NOTHING: frozenset[int] = frozenset()
_MISSING = Domain(missing=True)
_PRESENT = Domain(sets.LINE.cuts, nan=True)


@dataclass(slots=True)
class Remainder:
    """The remaining possibilities of clauses.

    Attributes:
        tests: Of each clause, those that can still be true.
        domains: The values left of each subject that is narrowed.
        conflict: The places of clauses that cannot hold together; empty when none were found.
    """

    analysis: Analysis
    tests: list[Sequence[Test]]
    domains: dict[str, Domain] = field(default_factory=dict)
    conflict: frozenset[int] = _NOTHING

    def implies(self, tests: Sequence[Test]) -> bool:
        """Whether a clause is true whenever all of the clauses are; False if that cannot be proved."""
        truths: dict[str, Domain] = {}
        for test in tests:
            truth = self.analysis.truth(test)
            name = subject(test)
            truths[name] = truths[name] | truth if name in truths else truth
        for test in tests:
            if not self._left(test).without(truths[subject(test)]):
                return True
        return any(all(self._is_within(test, truths) for test in known) for known in self.tests)

    def _is_within(self, test: Test, truths: dict[str, Domain]) -> bool:
        truth = truths.get(subject(test))
        return truth is not None and not (self.analysis.truth(test) & self._left(test)).without(truth)

    def _left(self, test: Test) -> Domain:
        known = self.domains.get(subject(test))
        return self.analysis.universe(test) if known is None else known


def propagate(clauses: Clauses, analysis: Analysis) -> Remainder:
    """Draws every conclusion, until there is nothing new or a clause can no longer hold."""
    return _Propagation(clauses, analysis).run()


def exclusions(clauses: Clauses, analysis: Analysis) -> list[tuple[int, ...]]:
    """Finds clauses that cannot hold together.

    Args:
        clauses: Each of them holds for some values.
        analysis: Reasons about single tests.

    Returns:
        The places of such clauses, in ascending order: a minimal set. The last clause of each set is left out
        afterwards, so that each contradiction is found once.
    """
    found: list[tuple[int, ...]] = []
    left = list(range(len(clauses)))
    while _meet([clauses[place] for place in left]):
        conflict = propagate([clauses[place] for place in left], analysis).conflict
        if not conflict:
            break
        core = _minimise([left[place] for place in sorted(conflict)], clauses, analysis)
        found.append(tuple(core))
        left.remove(core[-1])
    return found


def feature_name(test: Test) -> str:
    """The feature that a test looks at: for `"x" in list` the list."""
    return render(test.feature) if test.kind == lit.CONTAINS else subject(test)


def _meet(clauses: Clauses) -> bool:
    """Whether a clause about one feature shares it with another; if not, there is nothing to conclude."""
    alone: set[str] = set()
    shared: set[str] = set()
    for tests in clauses:
        names = {feature_name(test) for test in tests}
        if not names.isdisjoint(alone):
            return True
        if len(names) == 1:
            if not names.isdisjoint(shared):
                return True
            alone |= names
        else:
            shared |= names
    return False


def _minimise(core: list[int], clauses: Clauses, analysis: Analysis) -> list[int]:
    """Removes clauses, the last first, as long as the remaining ones exclude each other."""
    if len(core) > MINIMISED_MAX:
        return core
    for place in reversed(core):
        without = [other for other in core if other != place]
        if propagate([clauses[other] for other in without], analysis).conflict:
            core = without
    return core


class _Propagation:
    def __init__(self, clauses: Clauses, analysis: Analysis) -> None:
        self._analysis = analysis
        self._remainder = Remainder(analysis, list(clauses))
        # Of each clause, the clauses because of which tests were dropped; of each subject, those that
        # narrowed it.
        self._causes = [_NOTHING] * len(clauses)
        self._reasons: dict[str, frozenset[int]] = {}
        self._clauses_of: dict[str, list[int]] = {}
        # Subjects that are all missing or all present, by the feature that they look at.
        self._lists: dict[str, dict[str, Test]] = {}
        self._pending = deque(range(len(clauses)))
        self._is_pending = [True] * len(clauses)
        for place, tests in enumerate(clauses):
            for test in tests:
                self._clauses_of.setdefault(subject(test), []).append(place)
                self._lists.setdefault(feature_name(test), {})[subject(test)] = test

    def run(self) -> Remainder:
        while self._pending and not self._remainder.conflict:
            place = self._pending.popleft()
            self._is_pending[place] = False
            self._draw(place)
        return self._remainder

    def _draw(self, place: int) -> None:
        kept: list[Test] = []
        allowed: dict[str, Domain] = {}
        causes = self._causes[place]
        for test in self._remainder.tests[place]:
            name = subject(test)
            possible = self._possible(test)
            if possible:
                kept.append(test)
                allowed[name] = allowed[name] | possible if name in allowed else possible
            else:
                causes |= self._reasons.get(name, _NOTHING)
        self._causes[place] = causes
        self._remainder.tests[place] = kept
        if not kept:
            self._remainder.conflict = causes | {place}
        elif len(allowed) == 1:
            self._narrow(kept[0], allowed[subject(kept[0])], causes | {place})

    def _possible(self, test: Test) -> Domain:
        truth = self._analysis.truth(test)
        known = self._remainder.domains.get(subject(test))
        return truth if known is None else truth & known

    def _narrow(self, test: Test, allowed: Domain, because: frozenset[int]) -> None:
        self._intersect(test, allowed, because)
        together = self._lists[feature_name(test)]
        if len(together) > 1:
            presence = _PRESENT if not allowed.missing else None if allowed.cuts else _MISSING
            for other in together.values():
                if presence is not None:
                    self._intersect(other, presence, because)

    def _intersect(self, test: Test, allowed: Domain, because: frozenset[int]) -> None:
        name = subject(test)
        known = self._remainder.domains.get(name)
        before = self._analysis.universe(test) if known is None else known
        after = before & allowed
        if after == before:
            return
        self._remainder.domains[name] = after
        self._reasons[name] = self._reasons.get(name, _NOTHING) | because
        for place in self._clauses_of[name]:
            if not self._is_pending[place]:
                self._is_pending[place] = True
                self._pending.append(place)
