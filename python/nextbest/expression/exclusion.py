"""Clauses with their positions -> those that cannot hold together, and the wording of the finding."""

from collections.abc import Sequence
from dataclasses import dataclass

from nextbest.diagnostics import Position
from nextbest.expression.analysis import Analysis
from nextbest.expression.literal import Test
from nextbest.expression.propagation import exclusions

# The others are only counted.
NAMED_MAX = 4


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A clause with its position.

    Attributes:
        tests: One of them has to be true.
        text: The part of the condition from which it was made.
        condition: The condition that it is part of; negative for a window, which is not a condition.
        position: Of the text.
        is_never: It is false for every customer, whatever the other clauses.
        is_reported: A warning about its condition reports already that a part of it never holds.
    """

    tests: tuple[Test, ...]
    text: str
    condition: int
    position: Position
    is_never: bool = False
    is_reported: bool = False

    @property
    def shown(self) -> str:
        """Its tests, as a person would write them."""
        return " || ".join(test.text for test in self.tests) or self.text


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A minimal set of clauses that cannot hold together; a single one is false for every customer.

    Attributes:
        places: In reading order: other files first.
    """

    places: tuple[Place, ...]

    @property
    def last(self) -> Place:
        """The place at which the set becomes contradictory: the last one."""
        return self.places[-1]

    @property
    def is_of_one_condition(self) -> bool:
        """Whether a single condition cannot hold, whatever the others."""
        return len({place.condition for place in self.places}) == 1

    @property
    def is_reported(self) -> bool:
        """Whether a warning about the condition reports this already."""
        return self.is_of_one_condition and any(place.is_reported for place in self.places)

    def message(self) -> str:
        """Names the clauses, the last one first."""
        others = [f"`{place.shown}`" for place in self.places[:-1]]
        if not others:
            return f"`{self.last.shown}` never holds"
        if len(others) == 1:
            return f"`{self.last.shown}` and {others[0]} exclude each other"
        return f"`{self.last.shown}` cannot hold together with {_listed(others)}"

    def help(self) -> str:
        """Names the places of the others."""
        others = [f"{p.position.file}:{p.position.line}:{p.position.column}" for p in self.places[:-1]]
        others = list(dict.fromkeys(others))
        if not others:
            return "change it, or remove it"
        where = f"the other one is at {others[0]}" if len(others) == 1 else f"they are at {_listed(others)}"
        return f"{where}; together they are false for every customer: change one of them"


def find_exclusions(places: Sequence[Place], analysis: Analysis) -> list[Exclusion]:
    """Finds clauses that cannot hold together.

    Args:
        places: In the order of their conditions: first inherited ones, then the action's own.
        analysis: Reasons about single tests.
    """
    alone = [Exclusion((place,)) for place in places if place.is_never]
    rest = [place for place in places if not place.is_never]
    found = exclusions([place.tests for place in rest], analysis)
    if not found:
        return alone
    own = places[-1].position.file
    return alone + [Exclusion(_in_reading_order([rest[index] for index in core], own)) for core in found]


def _in_reading_order(places: Sequence[Place], own: str) -> tuple[Place, ...]:
    def key(place: Place) -> tuple[bool, int, int]:
        return place.position.file == own, place.position.line, place.position.column

    return tuple(sorted(places, key=key))


def _listed(items: Sequence[str]) -> str:
    """At most `NAMED_MAX` of them."""
    if len(items) > NAMED_MAX:
        return f"{', '.join(items[:NAMED_MAX])} and {len(items) - NAMED_MAX} more"
    return f"{', '.join(items[:-1])} and {items[-1]}"
