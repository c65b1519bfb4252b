"""A lowered workspace -> contradictory conditions, and unreachable actions.

The analysis is sound but incomplete: what it reports as impossible is impossible for every customer whose
attributes the schema allows; other impossible cases may go unreported. Only fallbacks that can never fill
their placement are errors.
"""

from collections.abc import Sequence

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.v1 import bundle_pb2
from nextbest.workspace.conditions import Conditions
from nextbest.workspace.foresee.contradictions import report_contradictions, report_unusable
from nextbest.workspace.foresee.hopeless import report_hopeless
from nextbest.workspace.foresee.placements import report_empty_placements, report_fallbacks
from nextbest.workspace.foresee.prospect import look_at_actions
from nextbest.workspace.foresee.shadows import report_shadows
from nextbest.workspace.foresee.windows import report_ended
from nextbest.workspace.load import Workspace

__all__ = ["foresee"]


def foresee(
    workspace: Workspace, conditions: Conditions, bundle: bundle_pb2.Bundle, known: Sequence[Diagnostic]
) -> list[Diagnostic]:
    """Finds conditions that cannot hold, and actions that are never placed.

    Args:
        workspace: As loaded.
        conditions: Those that the bundle was lowered with.
        bundle: Its bundle, complete or not.
        known: The findings so far.
    """
    prospects = list(look_at_actions(workspace, conditions, bundle))
    found = [*report_contradictions(prospects), *report_ended(prospects, workspace.now_us)]
    wrong = {
        diagnostic.position.file if diagnostic.position is not None else ""
        for diagnostic in known
        if diagnostic.severity is Severity.ERROR
    }
    found += report_fallbacks(prospects, workspace, bundle, wrong)
    if wrong:
        # A definition that is missing because of an error could make an action or treatment reachable.
        return found
    found += report_unusable(prospects)
    hopeless = report_hopeless(prospects, workspace, conditions, bundle)
    found += report_empty_placements(prospects, hopeless, workspace, bundle)
    others = [prospect for prospect in prospects if prospect.index not in hopeless]
    return [*found, *hopeless.values(), *report_shadows(others, workspace, conditions, bundle)]
