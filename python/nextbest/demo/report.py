"""What the demo found -> sections for a terminal, readable without colour and at 80 columns."""

import re
from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from nextbest.client.answers import Decision, RankedAction
from nextbest.client.attributes import AttributeValue
from nextbest.client.explanations import ActionExplanation, ClauseExplanation, Stage
from nextbest.client.scores import PropensitySource
from nextbest.demo.funnel import Coverage, Funnel
from nextbest.demo.latency import Latency
from nextbest.demo.questions import Moment
from nextbest.demo.story import MOMENTS, Story, describe
from nextbest.wording import word_name, word_value

BAR_CELLS = 30
INDENT = (0, 0, 0, 2)

_STAGE_WORDS = {
    Stage.UNSPECIFIED: "all actions",
    Stage.AVAILABILITY: "available here",
    Stage.ELIGIBILITY: "eligible",
    Stage.APPLICABILITY: "applicable",
    Stage.SUITABILITY: "suitable",
    Stage.TREATMENT: "with a treatment",
    Stage.PROPENSITY: "likely enough",
    Stage.ARBITRATION: "placed",
    Stage.PLACED: "placed",
}


def opening() -> RenderableType:
    """What is about to happen."""
    return Group(
        Text.assemble(("nextbest demo", "bold cyan"), "  a retail bank, from YAML files to measured answers"),
        Text(),
    )


def section(number: int, title: str, note: str) -> RenderableType:
    """A heading: what comes, and how to read it."""
    rule = Rule(Text.assemble((f"{number}  ", "bold cyan"), (title, "bold")), align="left", style="dim")
    return Group(Text(), rule, Padding(Text(note, "dim"), INDENT))


def render_story(story: Story, labels: Mapping[str, str], currency: str) -> RenderableType:
    """One customer: the profile, and the action in each placement."""
    heading = section(
        1,
        "One customer",
        "priority = P propensity x C context weight x V value x L lever. * marks a prior.",
    )
    who = Text.assemble((story.customer["customer_id"], "bold"), f"  {describe(story.customer)}")
    tables = [
        _decision(moment, decision, labels, currency)
        for moment, decision in zip(MOMENTS, story.decisions, strict=True)
    ]
    return Group(heading, Padding(Group(Text(), who, Text(), *tables), INDENT))


def _decision(moment: Moment, decision: Decision, labels: Mapping[str, str], currency: str) -> RenderableType:
    context = ", ".join(
        f"{name} {value}" if not isinstance(value, bool) else name for name, value in moment.context.items()
    )
    table = Table(
        title=Text.assemble((moment.channel, "bold"), f"  {context}"),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("placement", no_wrap=True)
    table.add_column("#", justify="right")
    table.add_column("action", ratio=1)
    for column in ("P", "C", f"V {currency}", "L", "priority"):
        table.add_column(column, justify="right", no_wrap=True)
    for placement in decision.placements:
        for index, action in enumerate(placement.actions):
            name = Text(placement.name, "bold") if index == 0 else Text()
            table.add_row(name, *_action_cells(action, labels))
        if not placement.actions:
            table.add_row(Text(placement.name, "bold"), "", Text("nothing was left for it", "yellow"))
    return table


def _action_cells(action: RankedAction, labels: Mapping[str, str]) -> Sequence[RenderableType]:
    score = action.score
    # The priority has a separate column.
    why = re.sub(r"^priority \S+, ", "", action.reason_text)
    what = Text.assemble(labels.get(action.action, action.action), "\n", (why, "dim"))
    if not action.rank:
        return ["-", what, *["-"] * 5]
    star = "" if score.propensity_source is PropensitySource.MODEL else "*"
    return [
        str(action.rank),
        what,
        f"{score.propensity:.1%}{star}",
        f"{score.context_weight:.2f}",
        f"{score.value:,.0f}",
        f"{score.lever:.2f}",
        Text(f"{score.priority:.2f}", "bold"),
    ]


def render_why_not(story: Story, labels: Mapping[str, str]) -> RenderableType:
    """Why two actions were not offered to the customer, and what would have to change."""
    heading = section(
        2, "Why not something else?", "Every decision can be explained: one condition, and one defeat."
    )
    asked = [action for action in (story.refused, story.lost) if action is not None]
    return Group(heading, *(_why_not(action, labels) for action in asked))


def _why_not(action: ActionExplanation, labels: Mapping[str, str]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1)
    rows = [row for clause in action.clauses for row in _clause_rows(clause)] or _defeat_rows(action, labels)
    for name, text in [*rows, *(("to change", Text(change)) for change in action.changes)]:
        grid.add_row(name, text)
    title = Text.assemble("Why not ", (labels.get(action.action, action.action), "bold"), "?")
    return Padding(Group(Text(), title, grid), INDENT)


def _clause_rows(clause: ClauseExplanation) -> list[tuple[str, Text]]:
    rows = [("dropped at", Text(f"{clause.stage}: {clause.reason}" if clause.reason else str(clause.stage)))]
    for index, literal in enumerate(clause.literals):
        actual = (_actual(literal.actual), "bold red")
        name = word_name(literal.feature, literal.label)
        text = Text.assemble(f"{name} is ", actual, ", required ")
        rows.append(("or" if index else "actual", text.append(literal.required, "bold green")))
    rows.append(("written", Text(f"when: {clause.condition}")))
    if clause.position is not None:
        rows.append(("at", Text(str(clause.position))))
    return rows


def _defeat_rows(action: ActionExplanation, labels: Mapping[str, str]) -> list[tuple[str, Text]]:
    rows = []
    placing, score = action.placing, action.score
    if placing is not None:
        winner = labels.get(placing.lost_to, placing.lost_to)
        rows.append(
            ("dropped at", Text(f"arbitration: rank {action.rank}, lost {placing.placement} to {winner}"))
        )
    if score is not None:
        product = (
            f"{score.priority:.3f} = P {score.propensity:.2%} x C {score.context_weight:.2f}"
            f" x V {score.value:,.0f} x L {score.lever:.2f}"
        )
        rows.append(("priority", Text(product)))
    return rows


def funnel_heading(customers: int) -> RenderableType:
    """Above the funnel."""
    note = f"{customers:,} customers on the web, the mean; then all placements of all channels."
    return section(3, "Where actions go", note)


def latency_heading(rate_per_s: float, duration_s: float) -> RenderableType:
    """Above the latency."""
    note = (
        f"{rate_per_s:,.0f} requests a second for {duration_s:g} s over loopback, timed from when they were"
        " due, with server and load sharing this machine."
    )
    return section(4, "How fast", note)


def render_funnel(funnel: Funnel) -> RenderableType:
    """The funnel, the reasons and the coverage."""
    stages = Table(box=SIMPLE_HEAD)
    stages.add_column("stage", no_wrap=True)
    stages.add_column("remaining", justify="right")
    stages.add_column("", no_wrap=True)
    most = max((stage.remaining for stage in funnel.stages), default=1.0) or 1.0
    for stage in funnel.stages:
        word = _STAGE_WORDS.get(stage.stage, str(stage.stage))
        stages.add_row(word, f"{stage.remaining:.1f}", _bar(stage.remaining / most))
    reasons = Table(box=SIMPLE_HEAD)
    reasons.add_column("most frequent reasons", ratio=1)
    reasons.add_column("stage", no_wrap=True)
    reasons.add_column("per decision", justify="right", no_wrap=True)
    for reason in funnel.reasons:
        share = reason.count / funnel.customers
        reasons.add_row(Text(reason.reason), str(reason.stage), f"{share:.2f}")
    return Padding(Group(stages, reasons, _coverage(funnel.coverage)), INDENT)


def _coverage(coverage: Sequence[Coverage]) -> RenderableType:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("placement", no_wrap=True)
    table.add_column("filled", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("fallback", justify="right", no_wrap=True)
    table.add_column("actions", justify="right", no_wrap=True)
    for entry in coverage:
        table.add_row(
            f"{entry.channel} {entry.placement}",
            f"{entry.won:.1%}",
            _bar(entry.won, 12),
            f"{entry.fallback:.1%}" if entry.fallback else "-",
            str(entry.actions),
        )
    return table


def render_latency(latency: Latency) -> RenderableType:
    """Percentiles beside the machine's own."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for column in ("50 %", "90 %", "99 %", "99.9 %", "slowest"):
        table.add_column(column, justify="right", no_wrap=True)
    times = (latency.p50_us, latency.p90_us, latency.p99_us, latency.p999_us, latency.max_us)
    table.add_row(Text("decisions", "bold"), *(_duration(time_us) for time_us in times))
    alone = ("", "", _duration(latency.hiccup_p99_us), "", _duration(latency.hiccup_max_us))
    table.add_row(Text("the machine alone", "dim"), *(Text(time_us, "dim") for time_us in alone))
    errors = (
        ", ".join(f"{count:,} {status}" for status, count in sorted(latency.errors.items())) or "no errors"
    )
    text = (
        f"{latency.ok:,} of {latency.sent:,} requests answered with OK, {errors};"
        f" {latency.achieved_per_s:,.0f}"
        f" a second answered of {latency.rate_per_s:,.0f} due."
        " The machine alone: how late an idle thread woke."
    )
    return Padding(Group(table, Text(text)), INDENT)


def _bar(share: float, cells: int = BAR_CELLS) -> Text:
    eighths = round(min(max(share, 0.0), 1.0) * cells * 8)
    full, rest = divmod(eighths, 8)
    bar = "█" * full + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[rest]
    return Text(bar.ljust(cells), "cyan")


def _actual(value: AttributeValue) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else word_value(value)


def _duration(value_us: float) -> str:
    return f"{value_us:,.0f} µs" if value_us < 10_000 else f"{value_us / 1_000:,.1f} ms"
