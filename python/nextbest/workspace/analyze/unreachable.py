"""Reachability -> enabled actions that can never be placed, for reasons that other findings do not cover.

An action that is the fallback of a placement is never reported: it may fill that placement regardless of its
policies and priority. Formulas are not analysed; with a formula, only the threshold of propensities is.
"""

from collections.abc import Iterable

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.v1 import bundle_pb2
from nextbest.workspace.analyze.priorities import Priorities
from nextbest.workspace.analyze.reachability import Reachability, fallbacks
from nextbest.workspace.conditions import Conditions
from nextbest.workspace.load import Workspace


def report_unreachable(
    actions: Iterable[Reachability], workspace: Workspace, conditions: Conditions, bundle: bundle_pb2.Bundle
) -> dict[int, Diagnostic]:
    """Reports actions that can never be placed (NB510), each at its name, by their indices.

    Args:
        actions: Those of the bundle.
        workspace: As loaded.
        conditions: Those that the bundle was lowered with.
        bundle: Without errors.
    """
    thresholds = _Thresholds(workspace, conditions, bundle)
    exempt = fallbacks(bundle)
    reported: dict[int, Diagnostic] = {}
    for reachability in actions:
        if not reachability.action.enabled or reachability.index in exempt:
            continue
        found = _by_policies(reachability) if reachability.exclusions else _by_treatments(reachability)
        if found is None and reachability.is_reachable:
            found = thresholds.keep_out(reachability)
        if found is not None:
            why, remedy = found
            message = f"the action `{reachability.action.name}` can never be placed: {why}"
            reported[reachability.index] = Diagnostic(
                "NB510", message, reachability.position, remedy, Severity.WARNING
            )
    return reported


def _by_policies(reachability: Reachability) -> tuple[str, str] | None:
    """A condition that never holds with the attributes of this action; it may hold for others."""
    if any(found.is_reported or not found.is_of_one_condition for found in reachability.exclusions):
        return None
    exclusion = reachability.exclusions[0]
    position = exclusion.last.position
    where = f"{position.file}:{position.line}:{position.column}"
    return exclusion.message(), f"it is at {where}: change it, or the attributes of the action"


def _by_treatments(reachability: Reachability) -> tuple[str, str] | None:
    """No treatment can be used; a single treatment has a finding at its own place."""
    if len(reachability.forms) < 2 or reachability.possible:
        return None
    why = f"none of its {len(reachability.forms)} treatments can be used"
    return why, "change the conditions of one of them, or add another treatment"


class _Thresholds:
    def __init__(self, workspace: Workspace, conditions: Conditions, bundle: bundle_pb2.Bundle) -> None:
        self._workspace = workspace
        self._conditions = conditions
        self._bundle = bundle
        self._priorities = Priorities(bundle)

    def keep_out(self, reachability: Reachability) -> tuple[str, str] | None:
        """Whether an action stays below a threshold, and what to do about it."""
        action, arbitration = reachability.action, self._bundle.arbitration
        if action.mandatory:
            return None
        if arbitration.HasField("propensity_threshold") and not action.HasField("model"):
            least = arbitration.propensity_threshold
            if action.prior < least:
                why = f"its propensity, {action.prior:.10g}, is below the threshold, {least:.10g}"
                return why, f"raise it, or lower {self._where('propensity')}"
        if arbitration.HasField("priority_threshold") and self._priorities.is_product:
            highest, least = self._highest(reachability), arbitration.priority_threshold
            if highest is not None and highest < least:
                why = f"its priority is at most {highest:.10g}, below the threshold, {least:.10g}"
                return why, f"raise its value, propensity or levers, or lower {self._where('priority')}"
        return None

    def _highest(self, reachability: Reachability) -> float | None:
        """The highest priority that the action can have, without context weights that never apply to it."""
        factors = self._priorities.factors(reachability.index)
        least = self._bundle.arbitration.priority_threshold
        bounds = self._priorities.bounds(factors)
        if bounds is None or bounds[1] < least:
            return None if bounds is None else bounds[1]
        raising = set(self._priorities.raising(factors.weights))
        without = self._priorities.bounds(factors.only(set(factors.weights) - raising))
        if without is None or without[1] >= least:
            return None
        possible = {weight for weight in raising if self._may_match(reachability, weight)}
        bounds = self._priorities.bounds(factors.only((set(factors.weights) - raising) | possible))
        return None if bounds is None else bounds[1]

    def _may_match(self, reachability: Reachability, weight: int) -> bool:
        clauses = self._bundle.context_weights[weight].clauses
        places = [self._conditions.place(clause) for clause in clauses]
        return not self._conditions.exclusions([*reachability.places, *places])

    def _where(self, threshold: str) -> str:
        source = self._workspace.arbitration
        if source is None:
            return f"`thresholds: {{{threshold}: ...}}`"
        position = source.document.value("arbitration", "thresholds", threshold)
        return f"the threshold at {position.file}:{position.line}:{position.column}"
