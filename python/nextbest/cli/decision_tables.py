"""Decisions -> tables. The words contain everything; colour repeats it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from nextbest.client.answers import Decision, Degradation, DegradationKind, RankedAction, Reason
from nextbest.client.explanations import ActionExplanation, Outcome, Stage, StageCount, Truth
from nextbest.client.scores import PropensitySource, Score
from nextbest.factors import Rivals, word_lead
from nextbest.layouts import Column, Listing, name, number, paragraph, text
from nextbest.wording import (
    OUTCOMES,
    UNAVAILABLE,
    short_number,
    word_amounts,
    word_label,
    word_moment,
    word_percent,
    word_percents,
)

# From here on, decimals of a factor say nothing.
_LARGE_FACTOR: Final = 1_000
_DOUBLE: Final = 2.0
LEGEND: Final = "P propensity, C context weight, V value, L lever"
"""Of the short headings of a score."""
_DEGRADATIONS: Final = {
    DegradationKind.CUSTOMER_UNKNOWN: "the customer is not stored, only the request was read",
    DegradationKind.MODEL_FAILED: "the model failed, its prior is used",
    DegradationKind.PROPENSITY_INVALID: "the model gave no propensity, its prior is used",
    DegradationKind.VALUE_MISSING: "the value has no result for this customer, the action is not ranked "
    "(a mandatory one is ranked with priority 0)",
    DegradationKind.MODEL_INPUT_MISSING: "an input of the model is missing, its prior is used",
    DegradationKind.DEADLINE: "the deadline left no time for models, priors are used",
    DegradationKind.WORK_EXHAUSTED: "expressions exceeded the work limit of a decision, the rest are missing",
}


@dataclass(frozen=True, slots=True)
class View:
    """Details of the bundle for an answer; an answer of a server comes without.

    Attributes:
        labels: The labels of actions, by name.
        zone: Of times; None: the time zone of this computer.
        rivals: For each rank, the action and its score, in addition to the placed ones.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo | None = None
    rivals: Rivals = field(default_factory=dict)

    def label(self, action: str) -> str:
        """The label of an action; empty if it repeats the name."""
        return word_label(action, self.labels.get(action, ""))


def render_decision(decision: Decision, view: View | None = None) -> list[RenderableType]:
    """Renders the placed actions, and why."""
    view = view or View()
    rivals = {**_placed(decision), **ranked_scores(decision), **view.rivals}
    placed = [action for placement in decision.placements for action in placement.actions]
    columns = (
        name("placement"),
        number("rank", short="#"),
        name("action"),
        text("label", gives_way=1),
        name("treatment", gives_way=3, below="treatment {}"),
        *score_columns(decision.currency),
        text("why", least=40, gives_way=2),
    )
    table = Listing(columns, legend=LEGEND, note=note(action.score for action in placed))
    cells = dict(zip(map(id, placed), score_cells([action.score for action in placed]), strict=True))
    for placement in decision.placements:
        for place, action in enumerate(placement.actions):
            table.add(
                placement.name if place == 0 else "",
                str(action.rank or ""),
                action.action,
                view.label(action.action),
                action.treatment,
                *cells[id(action)],
                _why(action, rivals, decision.currency),
            )
        if not placement.actions:
            table.add(placement.name, "", Text("no action", "yellow"), *[""] * 8)
    return [*_title(decision, view), table, *_render_degradations(decision.degradations)]


def best_first(decision: Decision) -> list[RankedAction]:
    """Returns the actions placed by rank; fallbacks have none."""
    placed = [action for placement in decision.placements for action in placement.actions if action.rank]
    return sorted(placed, key=lambda action: action.rank)


def ranked_scores(decision: Decision) -> dict[int, tuple[str, Score]]:
    """For each rank of an explanation, the action and its score."""
    explained = decision.explanation.actions if decision.explanation else ()
    return {
        action.rank: (action.action, action.score) for action in explained if action.rank and action.score
    }


def render_funnel(funnel: Sequence[StageCount]) -> RenderableType:
    """Renders how many actions remain after each stage, and how many it drops, also for lack of data."""
    columns = name("stage"), number("remaining"), number("dropped"), number("for lack of data")
    table = Listing(columns, "Funnel")
    before: int | None = None
    for count in funnel:
        stage = "all actions" if count.stage is Stage.UNSPECIFIED else str(count.stage)
        dropped = "" if before is None or before == count.remaining else f"{before - count.remaining:,}"
        table.add(stage, f"{count.remaining:,}", dropped, f"{count.unknown:,}" if count.unknown else "")
        before = count.remaining
    return table


def render_ranking(
    actions: Iterable[ActionExplanation], row_count_max: int, currency: str = "", view: View | None = None
) -> list[RenderableType]:
    """Renders the ranked actions, best first, with the outcome of each."""
    ranked = sorted((action for action in actions if action.rank), key=lambda action: action.rank)
    if not ranked:
        return [Text("No action reached the ranking.", "yellow")]
    view, shown = view or View(), ranked[:row_count_max]
    scores = [action.score for action in shown]
    columns = (
        number("rank", short="#"),
        name("action"),
        text("label", gives_way=1),
        *score_columns(currency),
        text("outcome", least=40, gives_way=2),
    )
    table = Listing(columns, "Ranking", legend=LEGEND, note=note(scores))
    for action, cells in zip(shown, score_cells(scores), strict=True):
        table.add(str(action.rank), action.action, view.label(action.action), *cells, _outcome(action))
    return [table, *_rest(len(ranked), row_count_max)]


def render_dropped(
    actions: Iterable[ActionExplanation], row_count_max: int, view: View | None = None
) -> list[RenderableType]:
    """Renders the actions that were dropped before the ranking, with the first reason of each."""
    dropped = [action for action in actions if not action.rank and action.dropped_at is not Stage.PLACED]
    if not dropped:
        return []
    view, order = view or View(), list(Stage)
    columns = (
        name("action"),
        text("label", gives_way=1),
        name("dropped at"),
        text("because"),
        name("written at", gives_way=2, below="at {}"),
    )
    table = Listing(columns, "Dropped earlier")
    for action in sorted(dropped, key=lambda action: -order.index(action.dropped_at))[:row_count_max]:
        reason, position = _reason_dropped(action)
        table.add(action.action, view.label(action.action), str(action.dropped_at), reason, position)
    return [table, *_rest(len(dropped), row_count_max)]


def word_outcome(action: ActionExplanation) -> str:
    """The result of arbitration for an action; empty if the action did not reach it."""
    placing = action.placing
    if placing is None:
        return ""
    match placing.outcome:
        case Outcome.FALLBACK:
            return ""
        case Outcome.PLACED:
            return f"placed in {placing.placement}"
        case Outcome.LOST:
            needed = word_need(action)
            return f"lost {placing.placement} to {placing.lost_to}{f'; {needed}' if needed else ''}"
        case outcome:
            return OUTCOMES.get(outcome, str(outcome))


def word_need(action: ActionExplanation) -> str:
    """How much more priority an action would need to win; empty if no priority is enough."""
    placing = action.placing
    if placing is None or not placing.factor_needed:
        return ""
    factor, lever = placing.factor_needed, placing.lever_needed_percent
    if factor < _DOUBLE:
        needed = f"needs {word_percent(factor - 1.0)} more priority"
    else:
        times = f"{factor:.3g}" if factor < _LARGE_FACTOR else short_number(factor)
        needed = f"needs {times} times its priority"
    return (
        f"{needed}, as with a lever of +{short_number(lever)} percentage points"
        if lever is not None
        else needed
    )


def fallback_of(action: ActionExplanation) -> str:
    """`the fallback of hero and side`; empty if the action is not one."""
    names = action.placing.fallback_placements if action.placing else ()
    if not names:
        return ""
    return f"the fallback of {' and '.join([', '.join(names[:-1]), names[-1]] if len(names) > 1 else names)}"


def score_columns(currency: str) -> tuple[Column, ...]:
    """The columns of a score."""
    return (
        number("propensity", short="P"),
        number("context weight", short="C"),
        number(f"value {currency}".rstrip(), short=f"V {currency}".rstrip()),
        number("lever", short="L"),
        number("priority"),
    )


def score_cells(scores: Sequence[Score | None]) -> list[list[str]]:
    """The cells of scores that are below each other; empty if there is none, as for a fallback."""
    known = [score for score in scores if score is not None and not _is_empty(score)]
    amounts = dict(zip(map(id, known), word_amounts([score.value for score in known]), strict=True))
    shares = dict(zip(map(id, known), word_percents([score.propensity for score in known]), strict=True))
    starred = any(score.propensity_source is PropensitySource.DEGRADED for score in known)
    return [
        [
            shares[id(score)] + _star(score, starred=starred),
            _factor(score.context_weight),
            amounts[id(score)],
            _factor(score.lever),
            short_number(score.priority),
        ]
        if score is not None and id(score) in amounts
        else [""] * 5
        for score in scores
    ]


def note(scores: Iterable[Score | None]) -> str:
    """The meaning of the star, if there is one."""
    is_starred = any(score and score.propensity_source is PropensitySource.DEGRADED for score in scores)
    return "* the prior of the model, which gave no propensity" if is_starred else ""


def _is_empty(score: Score) -> bool:
    return score.propensity == 0.0 and score.priority == 0.0 and score.lever == 0.0


def _star(score: Score, *, starred: bool) -> str:
    """A star on a prior in place of a model's propensity; an action without a model has a constant."""
    if not starred:
        return ""
    return "*" if score.propensity_source is PropensitySource.DEGRADED else " "


def _factor(factor: float) -> str:
    return f"{factor:.2f}" if factor < _LARGE_FACTOR else short_number(factor)


def _why(action: RankedAction, rivals: Rivals, currency: str) -> str:
    """Why an action won: its rank, and the factors that put it above the next."""
    if action.reason is Reason.FALLBACK:
        return "fallback: no action remains for the placement"
    # The priority has a separate column.
    rank = re.sub(r"^priority [^ ]+, ", "", action.reason_text)
    is_ranked = action.reason is Reason.PRIORITY
    ahead = word_lead(action.rank, action.score, rivals, currency) if is_ranked else ""
    return f"{rank}; {ahead}" if ahead and rank else ahead or rank


def _placed(decision: Decision) -> dict[int, tuple[str, Score]]:
    return {action.rank: (action.action, action.score) for action in best_first(decision)}


def _title(decision: Decision, view: View) -> list[RenderableType]:
    when = word_moment(decision.now.replace(microsecond=0), view.zone)
    return [
        paragraph(Text.assemble(("Decision ", "bold"), decision.decision_id)),
        paragraph(f"{when}, bundle {decision.bundle_digest[:12]}", style="dim"),
    ]


def _render_degradations(degradations: Iterable[Degradation]) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for entry in degradations:
        of = f"{entry.name}: " if entry.name else ""
        count = f" ({entry.actions:,} actions)" if entry.actions > 1 else ""
        what = _DEGRADATIONS.get(entry.kind, str(entry.kind))
        lines.append(paragraph(f"degraded: {of}{what}{count}", style="yellow"))
    return [*lines, Text()] if lines else []


def _reason_dropped(action: ActionExplanation) -> tuple[str, str]:
    """The first reason, and where it is written."""
    reason, position = _first_reason(action)
    fallback = fallback_of(action)
    return (f"{reason}; is {fallback}" if fallback else reason), position


def _first_reason(action: ActionExplanation) -> tuple[str, str]:
    if action.dropped_at is Stage.AVAILABILITY:
        return UNAVAILABLE.get(action.unavailable, ""), ""
    for clause in action.clauses:
        if clause.stage is action.dropped_at:
            missing = "data missing: " if clause.truth is Truth.UNKNOWN else ""
            return f"{missing}{clause.reason or clause.text}", str(clause.position or "")
    return word_outcome(action), ""


def _outcome(action: ActionExplanation) -> str:
    fallback = fallback_of(action)
    return f"{word_outcome(action)}; is {fallback}" if fallback else word_outcome(action)


def _rest(count: int, shown_max: int) -> list[RenderableType]:
    if count <= shown_max:
        return []
    return [Text(f"... and {count - shown_max:,} more: --rows {count} shows all, --json too\n", "dim")]
