"""A lowered workspace -> contradictory conditions, and unreachable actions.

The analysis is sound but incomplete: what it reports as impossible is impossible for every customer whose
attributes the schema allows; other impossible cases may go unreported. Only fallbacks that can never fill
their placement are errors.
"""

from collections.abc import Sequence

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.v1 import bundle_pb2
from nextbest.workspace.analyze.contradictions import report_contradictions, report_unusable
from nextbest.workspace.analyze.placements import report_empty_placements, report_fallbacks
from nextbest.workspace.analyze.reachability import assess_actions
from nextbest.workspace.analyze.shadows import report_shadows
from nextbest.workspace.analyze.unreachable import report_unreachable
from nextbest.workspace.analyze.windows import report_ended
from nextbest.workspace.conditions import Conditions
from nextbest.workspace.load import Workspace

__all__ = ["analyze"]


def analyze(
    workspace: Workspace, conditions: Conditions, bundle: bundle_pb2.Bundle, known: Sequence[Diagnostic]
) -> list[Diagnostic]:
    """Finds conditions that cannot hold, and actions that are never placed.

    Args:
        workspace: As loaded.
        conditions: Those that the bundle was lowered with.
        bundle: Its bundle, complete or not.
        known: The findings so far.
    """
    actions = list(assess_actions(workspace, conditions, bundle))
    found = [*report_contradictions(actions), *report_ended(actions, workspace.now_us)]
    wrong = {
        diagnostic.position.file if diagnostic.position is not None else ""
        for diagnostic in known
        if diagnostic.severity is Severity.ERROR
    }
    found += report_fallbacks(actions, workspace, bundle, wrong)
    if wrong:
        # A definition that is missing because of an error could make an action or treatment reachable.
        return found
    found += report_unusable(actions)
    unreachable = report_unreachable(actions, workspace, conditions, bundle)
    found += report_empty_placements(actions, unreachable, workspace, bundle)
    others = [reachability for reachability in actions if reachability.index not in unreachable]
    return [*found, *unreachable.values(), *report_shadows(others, workspace, conditions, bundle)]
