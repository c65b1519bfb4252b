"""A lowered workspace -> what can become of its actions: contradictions, and actions without hope.

Everything here is sound rather than complete: what is called impossible is, for every customer whose
attributes the schema allows; about the rest nothing is said. Only fallbacks that cannot stand are errors.
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
    """Finds policies that cannot hold, and actions that are never placed.

    Args:
        workspace: As loaded.
        conditions: Those that the bundle was lowered with.
        bundle: What became of it, complete or not.
        known: What is wrong with it so far.
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
        # What is missing because it is wrong could be what an action or a treatment would be placed by.
        return found
    found += report_unusable(prospects)
    hopeless = report_hopeless(prospects, workspace, conditions, bundle)
    found += report_empty_placements(prospects, hopeless, workspace, bundle)
    others = [prospect for prospect in prospects if prospect.index not in hopeless]
    return [*found, *hopeless.values(), *report_shadows(others, workspace, conditions, bundle)]
