"""The parts of a propensity -> a table: the expected margin, what each attribute adds, the margin."""

from typing import Final

from rich.console import RenderableType

from nextbest.client.answers import RankedAction
from nextbest.client.explanations import ActionExplanation
from nextbest.client.scores import ContributionLevel, Contributions, ContributionScale
from nextbest.layouts import Listing, number, paragraph, text

_SCALES: Final = {
    ContributionScale.LOG_ODDS: "log-odds",
    ContributionScale.PROPENSITY: "propensity",
    ContributionScale.CLASS_SCORE: "score of the class",
}
_METHODS: Final = {
    ContributionLevel.EXACT: "exact: Shapley values",
    ContributionLevel.FAST: "fast: along the paths of the trees",
}


def render_contributions(
    action: RankedAction | ActionExplanation, row_count_max: int
) -> list[RenderableType]:
    """Renders the largest contributions of an action; nothing if they were not requested."""
    found = action.contributions
    if found is None:
        return []
    if found.refusal:
        return [
            paragraph(
                f"Contributions to the propensity of {action.action}: none, {found.refusal}",
                0,
                style="yellow",
            )
        ]
    title = f"Contributions to the propensity of {action.action} ({_METHODS.get(found.method, found.method)})"
    table = Listing((number(_SCALES.get(found.scale, str(found.scale))), text("because")), title)
    table.add(f"{found.base:.3f}", "expected over the background sample")
    for line in found.contributions[:row_count_max]:
        table.add(f"{line.contribution:+.3f}", line.text)
    for added, what in _rest(found, row_count_max):
        table.add(added, what)
    table.add(f"{found.margin:.3f}", "in all, from which the propensity is computed", ruled=True)
    return [table]


def _rest(found: Contributions, row_count_max: int) -> list[tuple[str, str]]:
    beyond = found.contributions[row_count_max:]
    added = found.others + sum(line.contribution for line in beyond)
    return [(f"{added:+.3f}", "all others")] if beyond or found.others else []
