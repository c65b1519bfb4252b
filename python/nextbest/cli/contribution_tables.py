"""What a propensity is made of -> a table: the expected margin, what each attribute adds, the margin."""

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from nextbest.cli.layouts import never_cut
from nextbest.client.answers import ActionExplanation, Contributions, ContributionScale, RankedAction

_SCALES = {
    ContributionScale.LOG_ODDS: "log-odds",
    ContributionScale.PROPENSITY: "propensity",
    ContributionScale.CLASS_SCORE: "score of the class",
}


def render_contributions(
    action: RankedAction | ActionExplanation, row_count_max: int
) -> list[RenderableType]:
    """Renders the largest contributions of an action; nothing where none were asked for."""
    told = action.contributions
    if told is None:
        return []
    if told.refusal:
        return [Text(f"Contributions to {action.action}: none, {told.refusal}", "yellow")]
    title = Text.assemble(("Contributions ", "bold"), f"to {action.action}, {told.method}")
    table = Table(title=title, title_justify="left", title_style="", header_style="bold", box=box.SIMPLE_HEAD)
    scale = _SCALES.get(told.scale, str(told.scale))
    table.add_column(scale, justify="right")
    table.add_column("because")
    table.add_row(f"{told.base:.4f}", "expected over the background sample")
    for line in told.contributions[:row_count_max]:
        table.add_row(f"{line.contribution:+.4f}", Text(line.text))
    for row in _rest(told, row_count_max):
        table.add_row(*row)
    table.add_section()
    table.add_row(f"{told.margin:.4f}", "makes the propensity")
    return [never_cut(table, {scale})]


def _rest(told: Contributions, row_count_max: int) -> list[tuple[str, str]]:
    beyond = told.contributions[row_count_max:]
    added = told.others + sum(line.contribution for line in beyond)
    return [(f"{added:+.4f}", "all others")] if beyond or told.others else []
