"""Prospects -> actions that are never placed, because a better one is always there.

Let B be placed in some answer, by one of its treatments T. The better action A

- is available, eligible, applicable and suitable then: its clauses, its window among them, follow from those
  of B and T;
- stands before B in the ranking, and passes the thresholds: it is mandatory and B is not, or its priority is
  the higher one whatever the propensities of models and the context weights are;
- fits the placement: one of its treatments for it has conditions that follow from those of B and T as well.

So A was asked before B there, and there was a place, since B got one later. Two things could have kept A
away: the limit of its group, and a place that it already has. Then B was not placed either, or this would
have placed A in its stead, if

- both are of one group with limit 1: had the group been full, B had been kept away too; or
- both can stand in one and the same placement only, for which one action is asked, and the group of A has no
  limit, or is that of B.

Stock and contact policies may suppress A alone: nothing is said where there are any. A fallback may stand
where it wins nothing: nothing is said about one.
"""

from collections.abc import Iterator, Sequence

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.v1 import bundle_pb2
from nextbest.workspace.conditions import Conditions
from nextbest.workspace.foresee.contender import Arena, Contender
from nextbest.workspace.foresee.priorities import Priorities
from nextbest.workspace.foresee.prospect import Form, Prospect, Spot, fallbacks
from nextbest.workspace.load import Workspace


def report_shadows(
    prospects: Sequence[Prospect], workspace: Workspace, conditions: Conditions, bundle: bundle_pb2.Bundle
) -> Iterator[Diagnostic]:
    """Reports actions that a better one keeps from ever being placed (NB511) at their names.

    Args:
        prospects: Of the bundle's actions, without those that can never be placed anyway.
        workspace: As loaded.
        conditions: Those that the bundle was lowered with.
        bundle: Without errors.
    """
    priorities = Priorities(bundle)
    has_policies = workspace.contact is not None and workspace.contact.definition.contact_policies
    if has_policies or not priorities.is_product:
        # Nothing is known of a formula's priorities, and an action that has none may not be there.
        return
    contenders = [Contender.of(prospect, priorities) for prospect in prospects if prospect.is_hopeful]
    comparison = _Comparison(priorities, conditions, bundle.arbitration)
    exempt = set(fallbacks(bundle))
    for arena in _arenas(contenders, bundle):
        for worse in arena.contenders:
            if worse.prospect.index in exempt:
                continue
            rivals = arena.rivals_of(worse)
            better = next((rival for rival in rivals if comparison.is_shadowed(worse, rival)), None)
            if better is not None:
                exempt.add(worse.prospect.index)
                yield _shadowed(worse.prospect, better.prospect, arena.why)


def _arenas(contenders: Sequence[Contender], bundle: bundle_pb2.Bundle) -> Iterator[Arena]:
    """Where only one action wins: groups with limit 1, and placements for one action."""
    of_group: dict[int, list[Contender]] = {}
    of_spot: dict[Spot, list[Contender]] = {}
    for contender in contenders:
        of_group.setdefault(contender.prospect.action.group, []).append(contender)
        if len(contender.spots) == 1:
            of_spot.setdefault(next(iter(contender.spots)), []).append(contender)
    for index, members in sorted(of_group.items()):
        group = bundle.groups[index]
        if group.limit == 1 and len(members) > 1:
            yield Arena(members, members, f"their group `{group.name}` has `limit: 1`")
    for (channel_index, placement_index), members in sorted(of_spot.items()):
        channel = bundle.channels[channel_index]
        placement = channel.placements[placement_index]
        if placement.count == 1 and len(members) > 1:
            why = f"both stand only in `{placement.name}` of `{channel.name}`, which takes one action"
            yield from _of_one_spot(members, bundle, f"{why} unless a request asks for more")


def _of_one_spot(members: list[Contender], bundle: bundle_pb2.Bundle, why: str) -> Iterator[Arena]:
    """Those that no limit keeps away are better than all; others only than those of their own group."""
    of_group: dict[int, list[Contender]] = {}
    for member in members:
        of_group.setdefault(member.prospect.action.group, []).append(member)
    unlimited = [member for member in members if not bundle.groups[member.prospect.action.group].limit]
    yield Arena(members, unlimited, why)
    for index, own in sorted(of_group.items()):
        if bundle.groups[index].limit > 1 and len(own) > 1:
            yield Arena(own, own, why)


class _Comparison:
    def __init__(
        self, priorities: Priorities, conditions: Conditions, arbitration: bundle_pb2.Arbitration
    ) -> None:
        self._priorities = priorities
        self._conditions = conditions
        self._threshold = arbitration.propensity_threshold
        self._has_threshold = arbitration.HasField("propensity_threshold")

    def is_shadowed(self, worse: Contender, better: Contender) -> bool:
        """Whether the better one is there and stands before the other one whenever that is there."""
        return self._ranks_above(better, worse) and all(
            self._is_there_too(worse, form, better) for form in worse.prospect.possible
        )

    def _ranks_above(self, better: Contender, worse: Contender) -> bool:
        action = better.prospect.action
        if better.bounds is None:
            return False
        if action.mandatory is not worse.prospect.action.mandatory:
            return action.mandatory
        if not self._priorities.is_above(better.factors, worse.factors):
            return False
        if action.mandatory or not self._has_threshold:
            return True
        return not action.HasField("model") and action.prior >= self._threshold

    def _is_there_too(self, worse: Contender, form: Form, better: Contender) -> bool:
        """Whether the better one fits wherever the other one stands by one of its treatments."""
        known = [*worse.prospect.places, *form.places]
        remainder = self._conditions.propagate(known)
        if not all(place in known or remainder.implies(place.tests) for place in better.prospect.places):
            return False
        fitting = [
            other
            for other in better.prospect.possible
            if all(remainder.implies(place.tests) for place in other.places)
        ]
        return all(any(spot in other.spots for other in fitting) for spot in form.spots)


def _shadowed(worse: Prospect, better: Prospect, why: str) -> Diagnostic:
    name, other, place = worse.action.name, better.action.name, better.position
    message = f"the action `{name}` is never placed: wherever it fits, `{other}` does too and ranks above it"
    where = f"`{other}` is at {place.file}:{place.line}:{place.column}"
    remedy = f"{where}, and {why}: give one of them other conditions, or remove `{name}`"
    return Diagnostic("NB511", message, worse.position, remedy, Severity.WARNING)
