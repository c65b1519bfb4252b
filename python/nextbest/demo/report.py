"""What the demo found -> sections for a terminal, readable without colour and at 80 columns."""

import re
from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from nextbest.client.answers import Decision, RankedAction, Reason
from nextbest.client.attributes import AttributeValue
from nextbest.client.explanations import ActionExplanation, ClauseExplanation, LiteralExplanation, Stage
from nextbest.client.scores import PropensitySource, Score
from nextbest.demo.funnel import Coverage, Funnel
from nextbest.demo.latency import Latency
from nextbest.demo.questions import Moment
from nextbest.demo.story import MOMENTS, Story, describe
from nextbest.factors import Rivals, compare, word_lead
from nextbest.layouts import Listing, name, number, text
from nextbest.wording import word_name, word_percent, word_percents, word_value

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
    heading = section(1, "One customer", "priority = P propensity x C context weight x V value x L lever.")
    who = Text.assemble((story.customer["customer_id"], "bold"), f"  {describe(story.customer)}")
    ranked = story.ranked or [{} for _ in story.decisions]
    tables = [
        _decision(moment, decision, rivals, labels, currency)
        for moment, decision, rivals in zip(MOMENTS, story.decisions, ranked, strict=True)
    ]
    return Group(heading, Padding(Group(Text(), who, Text(), *tables), INDENT))


def _decision(
    moment: Moment, decision: Decision, rivals: Rivals, labels: Mapping[str, str], currency: str
) -> RenderableType:
    context = ", ".join(
        f"{key} {value}" if not isinstance(value, bool) else key for key, value in moment.context.items()
    )
    columns = (
        name("placement"),
        number("#"),
        text("action"),
        *(number(heading) for heading in ("P", "C", f"V {currency}", "L", "priority")),
        text("why", gives_way=1, least=60),
    )
    placed = [action for placement in decision.placements for action in placement.actions]
    is_starred = any(action.score.propensity_source is PropensitySource.DEGRADED for action in placed)
    note = "* the prior of the model, which gave no propensity" if is_starred else ""
    table = Listing(columns, Text.assemble((moment.channel, "bold"), f"  {context}"), note=note)
    cells = dict(zip(map(id, placed), _score_cells([action.score for action in placed]), strict=True))
    for placement in decision.placements:
        for index, action in enumerate(placement.actions):
            table.add(
                Text(placement.name, "bold") if index == 0 else "",
                str(action.rank or ""),
                labels.get(action.action, action.action),
                *(cells[id(action)] if action.rank else [""] * 5),
                _why(action, rivals, labels, currency),
            )
        if not placement.actions:
            table.add(Text(placement.name, "bold"), "", Text("no action", "yellow"), *[""] * 6)
    return table


def _score_cells(scores: Sequence[Score]) -> list[list[str | Text]]:
    shares = word_percents([score.propensity for score in scores])
    return [
        [
            f"{share}*" if score.propensity_source is PropensitySource.DEGRADED else share,
            f"{score.context_weight:.2f}",
            f"{score.value:,.0f}",
            f"{score.lever:.2f}",
            Text(f"{score.priority:.2f}", "bold"),
        ]
        for share, score in zip(shares, scores, strict=True)
    ]


def _why(action: RankedAction, rivals: Rivals, labels: Mapping[str, str], currency: str) -> str:
    if action.reason is Reason.FALLBACK:
        return "fallback: no action remains for the placement"
    # The priority has a separate column.
    rank = re.sub(r"^priority \S+, ", "", action.reason_text)
    is_ranked = action.reason is Reason.PRIORITY
    lead = word_lead(action.rank, action.score, rivals, currency, labels) if is_ranked else ""
    return f"{rank}; {lead}" if lead else rank


def render_why_not(story: Story, labels: Mapping[str, str], currency: str) -> RenderableType:
    """Why two actions were not offered to the customer, and what would have to change."""
    heading = section(
        2, "Why not something else?", "Every decision can be explained: one condition, and one defeat."
    )
    asked = [action for action in (story.refused, story.lost) if action is not None]
    rivals = story.ranked[0] if story.ranked else {}
    return Group(heading, *(_why_not(action, rivals, labels, currency) for action in asked))


def _why_not(
    action: ActionExplanation, rivals: Rivals, labels: Mapping[str, str], currency: str
) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1)
    rows = [row for clause in action.clauses for row in _clause_rows(clause)]
    rows = rows or _defeat_rows(action, rivals, labels, currency)
    for heading, said in [*rows, *(("to change", Text(change)) for change in action.changes)]:
        grid.add_row(heading, said)
    title = Text.assemble("Why not ", (labels.get(action.action, action.action), "bold"), "?")
    return Padding(Group(Text(), title, grid), INDENT)


def _clause_rows(clause: ClauseExplanation) -> list[tuple[str, Text]]:
    rows = [("dropped at", Text(f"{clause.stage}: {clause.reason}" if clause.reason else str(clause.stage)))]
    for index, literal in enumerate(clause.literals):
        actual = (_actual(literal.actual), "bold red")
        feature = word_name(literal.feature, literal.label)
        tested = Text.assemble(f"{feature} is ", actual, ", required ")
        rows.append(("or" if index else "actual", tested.append(_required(literal), "bold green")))
    rows.append(("written", Text(f"when: {clause.condition}")))
    if clause.position is not None:
        rows.append(("at", Text(str(clause.position))))
    return rows


def _defeat_rows(
    action: ActionExplanation, rivals: Rivals, labels: Mapping[str, str], currency: str
) -> list[tuple[str, Text]]:
    rows = []
    placing, score = action.placing, action.score
    if placing is not None:
        winner = labels.get(placing.lost_to, placing.lost_to)
        rows.append(
            ("dropped at", Text(f"arbitration: rank {action.rank}, lost {placing.placement} to {winner}"))
        )
        ahead = {one: of for one, (of_action, of) in rivals.items() if of_action == placing.lost_to}
        if score is not None and ahead:
            why = compare(next(iter(ahead.values())), score, currency)
            rows.append(("because", Text(f"{winner} is ahead: {why}")))
    if score is not None:
        product = (
            f"{score.priority:.3f} = P {word_percent(score.propensity, 3)} x C {score.context_weight:.2f}"
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
            word_percent(entry.won),
            _bar(entry.won, 12),
            word_percent(entry.fallback) if entry.fallback else "-",
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


def _required(literal: LiteralExplanation) -> str:
    """What was required, with thousands apart as in the value beside it."""
    if not isinstance(literal.actual, float):
        return literal.required
    return re.sub(r"(?<![\w.])\d{4,}(?![\w.-])", lambda found: f"{int(found[0]):,}", literal.required)


def _actual(value: AttributeValue) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else word_value(value)


def _duration(value_us: float) -> str:
    return f"{value_us:,.0f} µs" if value_us < 10_000 else f"{value_us / 1_000:,.1f} ms"
