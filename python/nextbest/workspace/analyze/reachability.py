"""A lowered action -> its reachability: its clauses and treatments, and which of them can hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nextbest.diagnostics import Position
from nextbest.expression import Timestamp
from nextbest.expression.exclusion import Exclusion, Place
from nextbest.expression.literal import COMPARISON, Test
from nextbest.expression.tree import TIMESTAMP, Attr
from nextbest.v1 import bundle_pb2
from nextbest.workspace.conditions import Conditions
from nextbest.workspace.definitions import ActionDefinition
from nextbest.workspace.document import Document
from nextbest.workspace.load import Workspace
from nextbest.workspace.lower import ordered_actions

# A window is not a condition, but it is analysed as one.
WINDOW = -1

Spot = tuple[int, int]
"""A channel and one of its placements, by their indices."""


@dataclass(slots=True)
class Form:
    """A treatment.

    Attributes:
        index: In the action.
        name: Its name.
        spots: The placements that it is written for, regardless of its conditions.
        places: The clauses of the treatment's conditions.
        exclusions: Why it can never be used; not computed if the action is unreachable.
    """

    index: int
    name: str
    spots: frozenset[Spot]
    places: Sequence[Place]
    exclusions: Sequence[Exclusion] = ()


@dataclass(slots=True)
class Reachability:
    """The analysis of one action.

    Attributes:
        index: In the bundle.
        action: The action of the bundle.
        definition: The action as written.
        document: The file that defines it.
        places: The clauses it has to meet, inherited ones first; its window is among them.
        exclusions: The clauses that cannot hold together.
        forms: Its treatments.
    """

    index: int
    action: bundle_pb2.Action
    definition: ActionDefinition
    document: Document
    places: Sequence[Place]
    exclusions: Sequence[Exclusion]
    forms: Sequence[Form]

    @property
    def position(self) -> Position:
        """The position of its name."""
        return self.document.name("actions", self.action.name)

    @property
    def is_reachable(self) -> bool:
        """Whether the action may be placed, as far as is known."""
        return self.action.enabled and not self.exclusions and bool(self.possible)

    @property
    def possible(self) -> list[Form]:
        """Treatments that may be used, as far as is known."""
        return [form for form in self.forms if not form.exclusions]


def assess_actions(
    workspace: Workspace, conditions: Conditions, bundle: bundle_pb2.Bundle
) -> Iterator[Reachability]:
    """Analyses each action, in the order of the bundle.

    Args:
        workspace: As loaded.
        conditions: Those that the bundle was lowered with.
        bundle: With or without errors: a condition that could not be compiled is left out, which makes no
            possible action impossible.
    """
    spots = _Spots(bundle)
    exempt = fallbacks(bundle)
    written = ordered_actions(workspace)
    for index, (action, (_, group, definition)) in enumerate(zip(bundle.actions, written, strict=True)):
        document = group.document
        clauses = (*action.eligibility, *action.applicability, *action.suitability)
        limits = list(_window(document, definition, action))
        places = [*(conditions.place(clause) for clause in dict.fromkeys(clauses)), *limits]
        reachability = Reachability(
            index,
            action,
            definition,
            document,
            places,
            conditions.exclusions(places),
            list(_forms(conditions, spots, action)),
        )
        # A fallback ignores its policies, but not its window.
        around = limits if index in exempt else places
        if index in exempt or not reachability.exclusions:
            for form in reachability.forms:
                if form.places:
                    form.exclusions = conditions.exclusions([*around, *form.places])
        yield reachability


def _window(document: Document, definition: ActionDefinition, action: bundle_pb2.Action) -> Iterator[Place]:
    """The clauses that represent `active:`."""
    active = definition.active
    for key, operator, written, has, moment_us in (
        ("from", "GE", active.from_, action.HasField("active_from_us"), action.active_from_us),
        ("until", "LT", active.until, action.HasField("active_until_us"), action.active_until_us),
    ):
        if has:
            text = f"active: {{{key}: {written}}}"
            test = Test(text, Attr(TIMESTAMP, 0, "now"), COMPARISON, operator, Timestamp(moment_us))
            position = document.value("actions", action.name, "active", key)
            yield Place((test,), text, WINDOW, position)


def fallbacks(bundle: bundle_pb2.Bundle) -> frozenset[int]:
    """Fallbacks: the actions that fill a placement when no other is left."""
    return frozenset(
        placement.fallback
        for channel in bundle.channels
        for placement in channel.placements
        if placement.HasField("fallback")
    )


class _Spots:
    """The placements of treatments; thousands of treatments share a few of them."""

    def __init__(self, bundle: bundle_pb2.Bundle) -> None:
        self._counts = [len(channel.placements) for channel in bundle.channels]
        self._known: dict[tuple[int, int | None], frozenset[Spot]] = {}

    def of(self, treatment: bundle_pb2.Treatment) -> frozenset[Spot]:
        channel = treatment.channel
        placement = treatment.placement if treatment.HasField("placement") else None
        known = self._known.get((channel, placement))
        if known is None:
            count = self._counts[channel] if channel < len(self._counts) else 0
            wanted = range(count) if placement is None else (placement,)
            known = frozenset((channel, one) for one in wanted)
            self._known[channel, placement] = known
        return known


def _forms(conditions: Conditions, spots: _Spots, action: bundle_pb2.Action) -> Iterator[Form]:
    for index, treatment in enumerate(action.treatments):
        places = [conditions.place(clause) for clause in treatment.eligibility]
        yield Form(index, treatment.name, spots.of(treatment), places)
