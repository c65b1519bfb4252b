"""Reachability -> actions that are never placed, because a better one always ranks above them.

Let B be placed in some answer, by one of its treatments T. The better action A

- is available, eligible, applicable and suitable then: its clauses, its window among them, follow from those
  of B and T;
- ranks above B, and passes the thresholds: it is mandatory and B is not, or its priority is always the higher
  one, whatever the propensities of models and the context weights;
- fits the placement: one of its treatments for it has conditions that follow from those of B and T as well.

So A was tried before B in that placement, and the placement was not full, since B got a place later. Only two
things could have kept A out: the limit of its group, and a place that it already has. In both cases B would
not have been placed either, if

- both are in one group with limit 1: a full group keeps out B too; or
- both have treatments for the same single placement only, which takes one action, and the group of A has no
  limit, or is the group of B.

Stock and contact policies may suppress A alone: nothing is reported if there are any. A fallback may fill a
placement without winning it: it is never reported.
"""

from collections.abc import Iterator, Sequence

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.v1 import bundle_pb2
from nextbest.workspace.analyze.contender import Arena, Contender
from nextbest.workspace.analyze.priorities import Priorities
from nextbest.workspace.analyze.reachability import Form, Reachability, Spot, fallbacks
from nextbest.workspace.conditions import Conditions
from nextbest.workspace.load import Workspace


def report_shadows(
    actions: Sequence[Reachability], workspace: Workspace, conditions: Conditions, bundle: bundle_pb2.Bundle
) -> Iterator[Diagnostic]:
    """Reports actions that a better one keeps from ever being placed (NB511) at their names.

    Args:
        actions: Those of the bundle, without those that can never be placed anyway.
        workspace: As loaded.
        conditions: Those that the bundle was lowered with.
        bundle: Without errors.
    """
    priorities = Priorities(bundle)
    has_policies = workspace.contact is not None and workspace.contact.definition.contact_policies
    if has_policies or not priorities.is_product:
        # Priorities of a formula are unknown, and an action without a priority may be dropped.
        return
    contenders = [
        Contender.of(reachability, priorities) for reachability in actions if reachability.is_reachable
    ]
    comparison = _Comparison(priorities, conditions, bundle.arbitration)
    exempt = set(fallbacks(bundle))
    for arena in _arenas(contenders, bundle):
        for worse in arena.contenders:
            if worse.reachability.index in exempt:
                continue
            rivals = arena.rivals_of(worse)
            better = next((rival for rival in rivals if comparison.is_shadowed(worse, rival)), None)
            if better is not None:
                exempt.add(worse.reachability.index)
                yield _shadowed(worse.reachability, better.reachability, arena.why)


def _arenas(contenders: Sequence[Contender], bundle: bundle_pb2.Bundle) -> Iterator[Arena]:
    """Where only one action wins: groups with limit 1, and placements for one action."""
    of_group: dict[int, list[Contender]] = {}
    of_spot: dict[Spot, list[Contender]] = {}
    for contender in contenders:
        of_group.setdefault(contender.reachability.action.group, []).append(contender)
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
            why = f"both can only be placed in `{placement.name}` of `{channel.name}`, which takes one action"
            yield from _of_one_spot(members, bundle, f"{why} unless a request asks for more")


def _of_one_spot(members: list[Contender], bundle: bundle_pb2.Bundle, why: str) -> Iterator[Arena]:
    """Rivals without a limit may shadow any action; the others only actions in the same group."""
    of_group: dict[int, list[Contender]] = {}
    for member in members:
        of_group.setdefault(member.reachability.action.group, []).append(member)
    unlimited = [member for member in members if not bundle.groups[member.reachability.action.group].limit]
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
        """Whether the rival is available and ranks higher whenever the action is available."""
        return self._ranks_above(better, worse) and all(
            self._is_there_too(worse, form, better) for form in worse.reachability.possible
        )

    def _ranks_above(self, better: Contender, worse: Contender) -> bool:
        action = better.reachability.action
        if better.bounds is None:
            return False
        if action.mandatory is not worse.reachability.action.mandatory:
            return action.mandatory
        if not self._priorities.is_above(better.factors, worse.factors):
            return False
        if action.mandatory or not self._has_threshold:
            return True
        return not action.HasField("model") and action.prior >= self._threshold

    def _is_there_too(self, worse: Contender, form: Form, better: Contender) -> bool:
        """Whether the rival fits wherever the action fits by one of its treatments."""
        known = [*worse.reachability.places, *form.places]
        remainder = self._conditions.propagate(known)
        if not all(place in known or remainder.implies(place.tests) for place in better.reachability.places):
            return False
        fitting = [
            other
            for other in better.reachability.possible
            if all(remainder.implies(place.tests) for place in other.places)
        ]
        return all(any(spot in other.spots for other in fitting) for spot in form.spots)


def _shadowed(worse: Reachability, better: Reachability, why: str) -> Diagnostic:
    name, other, place = worse.action.name, better.action.name, better.position
    message = f"the action `{name}` is never placed: where it fits, `{other}` fits too and ranks above it"
    where = f"`{other}` is at {place.file}:{place.line}:{place.column}"
    remedy = f"{where}, and {why}: give one of them other conditions, or remove `{name}`"
    return Diagnostic("NB511", message, worse.position, remedy, Severity.WARNING)
