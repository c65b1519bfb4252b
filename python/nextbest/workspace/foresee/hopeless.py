"""Prospects -> enabled actions that can never be placed, for reasons that other findings do not cover.

An action that is the fallback of a placement is never reported: it may fill that placement regardless of its
policies and priority. Formulas are not analysed; with a formula, only the threshold of propensities is.
"""

from collections.abc import Iterable

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.v1 import bundle_pb2
from nextbest.workspace.conditions import Conditions
from nextbest.workspace.foresee.priorities import Priorities
from nextbest.workspace.foresee.prospect import Prospect, fallbacks
from nextbest.workspace.load import Workspace


def report_hopeless(
    prospects: Iterable[Prospect], workspace: Workspace, conditions: Conditions, bundle: bundle_pb2.Bundle
) -> dict[int, Diagnostic]:
    """Reports actions that can never be placed (NB510), each at its name, by their indices.

    Args:
        prospects: Of the bundle's actions.
        workspace: As loaded.
        conditions: Those that the bundle was lowered with.
        bundle: Without errors.
    """
    thresholds = _Thresholds(workspace, conditions, bundle)
    exempt = fallbacks(bundle)
    reported: dict[int, Diagnostic] = {}
    for prospect in prospects:
        if not prospect.action.enabled or prospect.index in exempt:
            continue
        found = _by_policies(prospect) if prospect.exclusions else _by_treatments(prospect)
        if found is None and prospect.is_hopeful:
            found = thresholds.keep_out(prospect)
        if found is not None:
            why, remedy = found
            message = f"the action `{prospect.action.name}` can never be placed: {why}"
            reported[prospect.index] = Diagnostic(
                "NB510", message, prospect.position, remedy, Severity.WARNING
            )
    return reported


def _by_policies(prospect: Prospect) -> tuple[str, str] | None:
    """A condition that never holds with the attributes of this action; it may hold for others."""
    if any(exclusion.is_told or not exclusion.is_of_one_condition for exclusion in prospect.exclusions):
        return None
    exclusion = prospect.exclusions[0]
    position = exclusion.last.position
    where = f"{position.file}:{position.line}:{position.column}"
    return exclusion.message(), f"it is at {where}: change it, or the attributes of the action"


def _by_treatments(prospect: Prospect) -> tuple[str, str] | None:
    """No treatment can be used; a single treatment has a finding at its own place."""
    if len(prospect.forms) < 2 or prospect.possible:
        return None
    why = f"none of its {len(prospect.forms)} treatments can be used"
    return why, "change the conditions of one of them, or add another treatment"


class _Thresholds:
    def __init__(self, workspace: Workspace, conditions: Conditions, bundle: bundle_pb2.Bundle) -> None:
        self._workspace = workspace
        self._conditions = conditions
        self._bundle = bundle
        self._priorities = Priorities(bundle)

    def keep_out(self, prospect: Prospect) -> tuple[str, str] | None:
        """Whether an action stays below a threshold, and what to do about it."""
        action, arbitration = prospect.action, self._bundle.arbitration
        if action.mandatory:
            return None
        if arbitration.HasField("propensity_threshold") and not action.HasField("model"):
            least = arbitration.propensity_threshold
            if action.prior < least:
                why = f"its propensity, {action.prior:.10g}, is below the threshold, {least:.10g}"
                return why, f"raise it, or lower {self._where('propensity')}"
        if arbitration.HasField("priority_threshold") and self._priorities.is_product:
            highest, least = self._highest(prospect), arbitration.priority_threshold
            if highest is not None and highest < least:
                why = f"its priority is at most {highest:.10g}, below the threshold, {least:.10g}"
                return why, f"raise its value, propensity or levers, or lower {self._where('priority')}"
        return None

    def _highest(self, prospect: Prospect) -> float | None:
        """The highest priority that the action can have, without context weights that never apply to it."""
        factors = self._priorities.factors(prospect.index)
        least = self._bundle.arbitration.priority_threshold
        bounds = self._priorities.bounds(factors)
        if bounds is None or bounds[1] < least:
            return None if bounds is None else bounds[1]
        raising = set(self._priorities.raising(factors.weights))
        without = self._priorities.bounds(factors.only(set(factors.weights) - raising))
        if without is None or without[1] >= least:
            return None
        possible = {weight for weight in raising if self._may_match(prospect, weight)}
        bounds = self._priorities.bounds(factors.only((set(factors.weights) - raising) | possible))
        return None if bounds is None else bounds[1]

    def _may_match(self, prospect: Prospect, weight: int) -> bool:
        clauses = self._bundle.context_weights[weight].clauses
        places = [self._conditions.place(clause) for clause in clauses]
        return not self._conditions.exclusions([*prospect.places, *places])

    def _where(self, threshold: str) -> str:
        source = self._workspace.arbitration
        if source is None:
            return f"`thresholds: {{{threshold}: ...}}`"
        position = source.document.value("arbitration", "thresholds", threshold)
        return f"the threshold at {position.file}:{position.line}:{position.column}"
