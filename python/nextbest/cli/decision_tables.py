"""Decisions and explanations -> tables and panels. Everything is said in words; colour repeats it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from nextbest.cli.layouts import FirstThatFits, keep_words, never_cut
from nextbest.cli.output import plain
from nextbest.client.answers import (
    ActionExplanation,
    ClauseExplanation,
    Decision,
    Degradation,
    DegradationKind,
    Outcome,
    PropensitySource,
    RankedAction,
    Score,
    Stage,
    StageCount,
    Truth,
)
from nextbest.wording import OUTCOMES, UNAVAILABLE, short_number, word_amount, word_literal

# From here on, decimals of a factor say nothing.
_LARGE_FACTOR = 1_000
_SENTENCE_WIDTH_MIN = 16
_LEGEND = "P propensity (* prior, ! prior as the model failed), C context weight, V value, L lever"
_DEGRADATIONS = {
    DegradationKind.CUSTOMER_UNKNOWN: "nothing is stored of the customer, only the request was read",
    DegradationKind.MODEL_FAILED: "the model failed, priors stand in",
    DegradationKind.PROPENSITY_INVALID: "the model answered no propensity, priors stand in",
    DegradationKind.VALUE_MISSING: "the value has no result for this customer, the action is not ranked "
    "(a mandatory one is ranked with priority 0)",
    DegradationKind.MODEL_INPUT_MISSING: "an input of the model is missing, priors stand in",
    DegradationKind.DEADLINE: "the deadline left no time for models, priors stand in",
    DegradationKind.WORK_EXHAUSTED: "expressions took more work than one decision may, the rest are missing",
}


def render_decision(decision: Decision) -> list[RenderableType]:
    """Renders what was placed where, and why."""
    rows: list[_Row] = []
    for placement in decision.placements:
        for action in placement.actions:
            names = _texts(placement.name, action.action, action.treatment)
            rows.append(_Row(names, _score_cells(action.score), Text(_why(action))))
        if not placement.actions:
            nothing = Text("nothing was left for it", "yellow")
            rows.append(_Row(_texts(placement.name, "-", "-"), [""] * 5, nothing))
    headers = ("placement", "action", "treatment")
    table = _explained(_title(decision), (*headers, *_scores(decision.currency), "why"), rows)
    return [table, *_render_degradations(decision.degradations)]


def best_first(decision: Decision) -> list[RankedAction]:
    """Returns the actions placed by rank; fallbacks have none."""
    placed = [action for placement in decision.placements for action in placement.actions if action.rank]
    return sorted(placed, key=lambda action: action.rank)


def render_funnel(funnel: Sequence[StageCount]) -> RenderableType:
    """Renders how many actions remain after each stage, and how many it drops, also for lack of data."""
    table = _table(Text("Funnel", "bold"))
    table.add_column("stage")
    table.add_column("remaining", justify="right")
    table.add_column("dropped", justify="right")
    table.add_column("for lack of data", justify="right")
    before: int | None = None
    for count in funnel:
        name = "all actions" if count.stage is Stage.UNSPECIFIED else str(count.stage)
        dropped = "" if before is None or before == count.remaining else str(before - count.remaining)
        table.add_row(name, str(count.remaining), dropped, str(count.unknown or ""))
        before = count.remaining
    return table


def render_ranking(
    actions: Iterable[ActionExplanation], row_count_max: int, currency: str = ""
) -> list[RenderableType]:
    """Renders the actions that were ranked, best first, with what became of each."""
    ranked = sorted((action for action in actions if action.rank), key=lambda action: action.rank)
    if not ranked:
        return [Text("No action reached the ranking.", "yellow")]
    rows = [
        _Row(
            _texts(str(action.rank), action.action),
            _score_cells(action.score) if action.score else [""] * 5,
            Text(_outcome(action)),
        )
        for action in ranked[:row_count_max]
    ]
    table = _explained(Text("Ranking", "bold"), ("rank", "action", *_scores(currency), "outcome"), rows)
    return [table, *_rest(len(ranked), row_count_max)]


def render_departures(actions: Iterable[ActionExplanation], row_count_max: int) -> list[RenderableType]:
    """Renders the actions that were dropped before the ranking, with the first reason of each."""
    dropped = [action for action in actions if not action.rank and action.dropped_at is not Stage.PLACED]
    if not dropped:
        return []
    table = _table(Text("Dropped earlier", "bold"))
    for column in ("action", "dropped at", "because"):
        table.add_column(column)
    order = list(Stage)
    for action in sorted(dropped, key=lambda action: -order.index(action.dropped_at))[:row_count_max]:
        table.add_row(*_texts(action.action, str(action.dropped_at), _first_reason(action)))
    return [never_cut(table, {"dropped at"}), *_rest(len(dropped), row_count_max)]


def render_action(action: ActionExplanation, currency: str = "") -> RenderableType:
    """Renders everything about one action: why it is not placed, and what would have to change."""
    placed = action.dropped_at is Stage.PLACED
    parts: list[RenderableType] = [Text(f"{_headline(action)}", "bold")]
    parts += [line for clause in action.clauses for line in _render_clause(clause)]
    if action.score:
        parts += [Text(), Text(_formula(action.score, currency))]
        parts += [_indented(Text(f"context weight {weight}"), 2) for weight in action.context_weights]
    if action.changes and not placed:
        parts += [Text(), Text("What would have to change", "bold")]
        changes = Table.grid(padding=(0, 1, 0, 0))
        for change in action.changes:
            changes.add_row("  -", Text(change))
        parts.append(never_cut(changes, ()))
    title = Text(f"{action.issue} / {action.group} / {action.action}")
    return Panel(Group(*parts), title=title, title_align="left", border_style="green" if placed else "red")


def _table(title: Text) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def _why(action: RankedAction) -> str:
    """The reason without the priority that it begins with, which stands in a column of its own."""
    return re.sub(r"^priority [^ ]+, ", "", action.reason_text)


def _title(decision: Decision) -> Text:
    when = plain(decision.now)
    return Text.assemble(
        ("Decision ", "bold"), decision.decision_id, f"\nbundle {decision.bundle_digest[:12]}, {when}"
    )


def _render_degradations(degradations: Iterable[Degradation]) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for entry in degradations:
        name = f"{entry.name}: " if entry.name else ""
        count = f" ({entry.actions} actions)" if entry.actions > 1 else ""
        what = _DEGRADATIONS.get(entry.kind, str(entry.kind))
        lines.append(Text(f"degraded: {name}{what}{count}", "yellow"))
    return lines


@dataclass(frozen=True, slots=True)
class _Row:
    """An action with its score, and why it is where it is."""

    names: list[Text]
    score: list[str]
    why: Text


def _scores(currency: str) -> tuple[str, ...]:
    return ("P", "C", f"V {currency}".rstrip(), "L", "priority")


def _explained(title: Text, headers: tuple[str, ...], rows: Sequence[_Row]) -> RenderableType:
    """A table whose last column says why; on a narrow terminal, that stands below the table."""
    wide = _scored(title, headers, [[*row.names, *row.score, row.why] for row in rows])
    keep_words(wide)
    # That much of a sentence on a line can be read.
    wide.columns[-1].min_width = _SENTENCE_WIDTH_MIN
    narrow = _scored(title, headers[:-1], [[*row.names, *row.score] for row in rows])
    below = Table.grid(padding=(0, 1, 0, 0))
    for row in rows:
        below.add_row(Text(" ").join(row.names[:2]).append(":"), row.why)
    return FirstThatFits(wide, Group(narrow, never_cut(below, ())))


def _scored(title: Text, headers: tuple[str, ...], rows: Sequence[Sequence[str | Text]]) -> Table:
    table = _table(title)
    table.caption = _LEGEND
    table.caption_justify = "left"
    first = headers.index("P")
    numbers = {"rank", *headers[first : first + 5]}
    for header in headers:
        table.add_column(header, justify="right" if header in numbers else "left")
    for row in rows:
        table.add_row(*row)
    return never_cut(table, numbers)


def _score_cells(score: Score) -> list[str]:
    mark = {PropensitySource.MODEL: " ", PropensitySource.DEGRADED: "!"}.get(score.propensity_source, "*")
    if score.propensity == 0.0 and score.priority == 0.0 and score.lever == 0.0:
        return ["-"] * 5
    return [
        f"{score.propensity:.4f}{mark}",
        f"{score.context_weight:.2f}",
        word_amount(score.value),
        f"{score.lever:.2f}",
        short_number(score.priority),
    ]


def _formula(score: Score, currency: str) -> str:
    source = f" ({score.propensity_source}{f' {score.model}' if score.model else ''})"
    return (
        f"priority {short_number(score.priority)}: propensity {score.propensity:.4f}{source}, context weight "
        f"{score.context_weight:.2f}, value {word_amount(score.value, currency)}, lever {score.lever:.2f}"
    )


def _headline(action: ActionExplanation) -> str:
    if action.dropped_at is Stage.PLACED:
        where = (
            f" in {action.placing.placement}, treatment {action.placing.treatment}" if action.placing else ""
        )
        rank = f", rank {action.rank}" if action.rank else ""
        also = _as_fallback(action)
        return f"Placed{where}{rank}{f'; also in {also}' if also else ''}"
    lead = _lead(action)
    if action.dropped_at is Stage.AVAILABILITY:
        why = UNAVAILABLE.get(action.unavailable, "for an unknown reason")
        return f"{lead} dropped at availability, {why}"
    outcome = _arbitrated(action)
    return f"{lead} dropped at {action.dropped_at}{f', {outcome}' if outcome else ''}"


def _lead(action: ActionExplanation) -> str:
    """What the sentence about an action that was dropped begins with."""
    where = _as_fallback(action)
    return f"Stands in {where};" if where else "Not placed:"


def _as_fallback(action: ActionExplanation) -> str:
    """`hero and side as their fallback`; empty where the action is not one."""
    names = action.placing.fallback_placements if action.placing else ()
    if not names:
        return ""
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{listed} as {'their' if len(names) > 1 else 'its'} fallback"


def _render_clause(clause: ClauseExplanation) -> list[RenderableType]:
    """Three lines or more: the clause with its truth, where and why it stands there, what was looked at."""
    of = f" of treatment {clause.treatment}" if clause.treatment else ""
    word = "is unknown" if clause.truth is Truth.UNKNOWN else f"is {clause.truth}"
    title = Text.assemble((f"{clause.stage}{of}", "bold red"), f": {clause.text}  {word}")
    lines: list[RenderableType] = [Text(), title]
    if clause.reason:
        lines.append(_indented(Text(f"reason: {clause.reason}", "italic"), 2))
    if clause.position:
        part = f", in: {clause.condition}" if clause.condition != clause.text else ""
        lines.append(_indented(Text(f"at {clause.position}{part}", "dim"), 2))
    several = len(clause.literals) > 1
    if several:
        lines.append(_indented(Text("any one of these would do:"), 2))
    for literal in clause.literals:
        for line in word_literal(literal):
            bare = line.lstrip()
            lines.append(_indented(Text(bare), (4 if several else 2) + len(line) - len(bare)))
    return lines


def _indented(text: Text, left: int) -> Padding:
    # Lines that a narrow terminal breaks stay below their beginning.
    return Padding(text, (0, 0, 0, left))


def _first_reason(action: ActionExplanation) -> str:
    where = _as_fallback(action)
    return f"{_reason_dropped(action)}; stands in {where}" if where else _reason_dropped(action)


def _reason_dropped(action: ActionExplanation) -> str:
    if action.dropped_at is Stage.AVAILABILITY:
        return UNAVAILABLE.get(action.unavailable, "")
    for clause in action.clauses:
        if clause.stage is action.dropped_at:
            where = f" ({clause.position})" if clause.position else ""
            missing = " [missing]" if clause.truth is Truth.UNKNOWN else ""
            return f"{clause.reason or clause.text}{missing}{where}"
    return _arbitrated(action)


def _outcome(action: ActionExplanation) -> str:
    where = _as_fallback(action)
    return f"{_arbitrated(action)}; stands in {where}" if where else _arbitrated(action)


def _arbitrated(action: ActionExplanation) -> str:
    """What arbitration did with an action; empty for one that did not reach it."""
    placing = action.placing
    if placing is None:
        return ""
    match placing.outcome:
        case Outcome.FALLBACK:
            return ""
        case Outcome.PLACED:
            return f"placed in {placing.placement}"
        case Outcome.LOST:
            lever = placing.lever_needed_percent
            needed = f"; a lever of +{short_number(lever)} would win" if lever is not None else ""
            factor = f", factor {_factor(placing.factor_needed)} away" if placing.factor_needed else ""
            return f"lost {placing.placement} to {placing.lost_to}{factor}{needed}"
        case outcome:
            return OUTCOMES.get(outcome, str(outcome))


def _factor(factor: float) -> str:
    return f"{factor:.2f}" if factor < _LARGE_FACTOR else short_number(factor)


def _rest(count: int, shown_max: int) -> list[RenderableType]:
    if count <= shown_max:
        return []
    return [Text(f"... and {count - shown_max} more: --rows {count} shows all, --json too", "dim")]


def _texts(*cells: str) -> list[Text]:
    # What a workspace calls its things is never markup.
    return [Text(cell) for cell in cells]
