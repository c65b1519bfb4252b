"""Sets of values that one attribute may have: exact, closed under union, intersection and complement.

Values are points of an ordered line (numbers, strings, microseconds, false before true). In addition, an
attribute may be *missing*, and a computed number may be NaN, for which no comparison holds. A set of the line
is a sorted row of cuts: inside from the first to the second, from the third to the fourth, and so on.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# A cut lies just below a value (side 0) or just above it (side 1); or below or above all values.
Cut = tuple[int, Any, int]
_BELOW_ALL: Cut = (0, 0, 0)
_ABOVE_ALL: Cut = (2, 0, 0)
Cuts = tuple[Cut, ...]


@dataclass(frozen=True, slots=True)
class Domain:
    """A set of values.

    Attributes:
        cuts: The part of the line.
        missing: Whether "the attribute is missing" belongs to it.
        nan: Whether NaN does.
    """

    cuts: Cuts = ()
    missing: bool = False
    nan: bool = False

    def __or__(self, other: "Domain") -> "Domain":
        return Domain(_sweep(self.cuts, other.cuts, 1), self.missing or other.missing, self.nan or other.nan)

    def __and__(self, other: "Domain") -> "Domain":
        return Domain(
            _sweep(self.cuts, other.cuts, 2), self.missing and other.missing, self.nan and other.nan
        )

    def __bool__(self) -> bool:
        return bool(self.cuts) or self.missing or self.nan

    def without(self, other: "Domain") -> "Domain":
        """What is in this set and not in the other."""
        return self & Domain(_complement(other.cuts), not other.missing, not other.nan)


NOTHING = Domain()
LINE = Domain((_BELOW_ALL, _ABOVE_ALL))


def points(values: Iterable[object], *, whole: bool = False) -> Domain:
    """The values themselves."""
    domain = NOTHING
    for value in values:
        point = between(value, value, whole=whole)
        domain = domain | point if domain else point
    return domain


def between(low: object | None, high: object | None, *, whole: bool = False) -> Domain:
    """From `low` to `high`, both included; None: without end. `whole`: of whole numbers only."""
    start = _BELOW_ALL if low is None else _cut(low, 0, whole=whole)
    end = _ABOVE_ALL if high is None else _cut(high, 1, whole=whole)
    return _stretch(start, end)


def below(value: object, *, whole: bool = False) -> Domain:
    """Everything less than a value."""
    return _stretch(_BELOW_ALL, _cut(value, 0, whole=whole))


def above(value: object, *, whole: bool = False) -> Domain:
    """Everything greater than a value."""
    return _stretch(_cut(value, 1, whole=whole), _ABOVE_ALL)


def _stretch(start: Cut, end: Cut) -> Domain:
    return Domain((start, end)) if start < end else NOTHING


def _cut(value: object, side: int, *, whole: bool) -> Cut:
    """Of whole numbers, the cut above 17 is the one below 18, as is the one on either side of 17.5."""
    if isinstance(value, float) and math.isinf(value):
        return _ABOVE_ALL if value > 0 else _BELOW_ALL
    if whole and isinstance(value, float) and not value.is_integer():
        return (1, math.ceil(value), 0)
    if whole and isinstance(value, int | float):
        return (1, int(value) + side, 0)
    return (1, value, side)


def _complement(cuts: Cuts) -> Cuts:
    inner = cuts[1:] if cuts[:1] == (_BELOW_ALL,) else (_BELOW_ALL, *cuts)
    return inner[:-1] if inner[-1:] == (_ABOVE_ALL,) else (*inner, _ABOVE_ALL)


def _sweep(left: Cuts, right: Cuts, needed: int) -> Cuts:
    """Where at least `needed` of the two sets are."""
    events = sorted([*_events(left), *_events(right)], key=lambda event: event[0])
    cuts: list[Cut] = []
    depth, place = 0, 0
    while place < len(events):
        cut, before = events[place][0], depth
        while place < len(events) and events[place][0] == cut:
            depth += events[place][1]
            place += 1
        if (before >= needed) != (depth >= needed):
            cuts.append(cut)
    return tuple(cuts)


def _events(cuts: Cuts) -> list[tuple[Cut, int]]:
    return [(cut, -1 if place % 2 else 1) for place, cut in enumerate(cuts)]
