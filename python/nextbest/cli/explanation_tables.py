"""The explanation of one action -> why it is placed or not, and which changes would place it."""

from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from nextbest.cli.decision_tables import View, best_first, fallback_of, ranked_scores, word_need
from nextbest.client.answers import Decision, Reason
from nextbest.client.explanations import ActionExplanation, ClauseExplanation, Outcome, Stage, Truth
from nextbest.client.scores import PropensitySource, Score
from nextbest.factors import compare, is_product, word_lead
from nextbest.layouts import paragraph
from nextbest.wording import OUTCOMES, UNAVAILABLE, short_number, word_amount, word_literal, word_percent

_INDENT: Final = 2


def render_action(action: ActionExplanation, decision: Decision, view: View | None = None) -> RenderableType:
    """Renders everything about one action.

    Args:
        action: An action of the decision's explanation.
        decision: Has the scores of the actions that it is compared with.
        view: Details of the bundle.
    """
    view = view or View()
    is_placed = action.dropped_at is Stage.PLACED
    parts: list[RenderableType] = [
        _title(action, view, is_placed=is_placed),
        paragraph(_headline(action), style="bold green" if is_placed else "bold red"),
    ]
    reason = _reason(action, decision, view)
    if reason:
        parts.append(paragraph(reason))
    parts += [line for clause in action.clauses for line in _render_clause(clause, view)]
    if action.score:
        parts += [Text(), paragraph(_formula(action.score, decision.currency), 0, _INDENT)]
        parts += [paragraph(f"context weight {weight}", _INDENT) for weight in action.context_weights]
    if action.changes and not is_placed:
        parts += [
            Text(),
            Text("What would have to change", "bold"),
            *(paragraph(f"- {change}", 2, 4) for change in action.changes),
        ]
    return Group(*parts, Text())


def _title(action: ActionExplanation, view: View, *, is_placed: bool) -> RenderableType:
    label = view.label(action.action)
    about = [label] if label else []
    about.append(f"{action.issue} > {action.group}")
    why = "Why " if is_placed else "Why not "
    return paragraph(Text.assemble(why, (action.action, "bold"), "?  ", (", ".join(about), "dim")))


def _headline(action: ActionExplanation) -> str:
    fallback = fallback_of(action)
    placing = action.placing
    if action.dropped_at is Stage.PLACED:
        where = f" in {placing.placement}, treatment {placing.treatment}" if placing else ""
        rank = f", rank {action.rank}" if action.rank else ""
        return f"Placed{where}{rank}{f'; also {fallback}' if fallback else ''}"
    lead = f"{fallback[:1].upper()}{fallback[1:]};" if fallback else "Not placed:"
    if action.dropped_at is Stage.AVAILABILITY:
        why = UNAVAILABLE.get(action.unavailable, "for an unknown reason")
        return f"{lead} dropped at availability, {why}"
    outcome = OUTCOMES.get(placing.outcome, "") if placing and placing.outcome is not Outcome.FALLBACK else ""
    if placing and placing.outcome is Outcome.LOST:
        outcome = f"rank {action.rank} lost {placing.placement} to {placing.lost_to}"
    return f"{lead} dropped at {action.dropped_at}{f', {outcome}' if outcome else ''}"


def _reason(action: ActionExplanation, decision: Decision, view: View) -> str:
    """The factors that put it above the next, or below the action that it lost to."""
    score, placing = action.score, action.placing
    if score is None or placing is None:
        return ""
    placed = {one.action: one for one in best_first(decision)}
    if placing.outcome is Outcome.LOST and placing.lost_to in placed:
        why = compare(placed[placing.lost_to].score, score, decision.currency)
        needed = word_need(action)
        sentences = [f"{placing.lost_to} is ahead: {why}" if why else ""]
        return "; ".join(filter(None, [*sentences, f"{action.action} {needed}" if needed else ""]))
    if action.dropped_at is not Stage.PLACED or _is_mandatory(action.action, decision):
        return ""
    rivals = {one.rank: (one.action, one.score) for one in placed.values()}
    ahead = word_lead(
        action.rank, score, {**rivals, **ranked_scores(decision), **view.rivals}, decision.currency
    )
    return f"{ahead[:1].upper()}{ahead[1:]}"


def _is_mandatory(action: str, decision: Decision) -> bool:
    return any(one.action == action and one.reason is Reason.MANDATORY for one in best_first(decision))


def _render_clause(clause: ClauseExplanation, view: View) -> list[RenderableType]:
    """The clause with its truth, its position and reason, and its values."""
    of = f" of treatment {clause.treatment}" if clause.treatment else ""
    word = "is unknown" if clause.truth is Truth.UNKNOWN else f"is {clause.truth}"
    title = Text.assemble((f"{clause.stage}{of}", "bold red"), f": {clause.text}  ", (word, "bold"))
    lines: list[RenderableType] = [Text(), paragraph(title)]
    if clause.reason:
        lines.append(paragraph(f"reason: {clause.reason}", _INDENT, style="italic"))
    if clause.position:
        part = f", in: {clause.condition}" if clause.condition != clause.text else ""
        lines.append(paragraph(f"at {clause.position}{part}", _INDENT, style="dim"))
    several = len(clause.literals) > 1
    if several:
        lines.append(paragraph("any one of these would do:", _INDENT))
    for literal in clause.literals:
        for line in word_literal(literal, view.zone):
            bare = line.lstrip()
            deeper = len(line) - len(bare) + (_INDENT if several else 0)
            lines.append(paragraph(bare, _INDENT + deeper))
    return lines


def _formula(score: Score, currency: str) -> str:
    match score.propensity_source:
        case PropensitySource.MODEL:
            source = f"of model {score.model}"
        case PropensitySource.DEGRADED:
            source = f"the prior, as model {score.model} gave none"
        case _:
            source = "a constant, as there is no model"
    factors = [
        f"propensity {word_percent(score.propensity)} ({source})",
        f"context weight {score.context_weight:.2f}",
        f"value {word_amount(score.value, currency)}",
        f"lever {score.lever:.2f}",
    ]
    if is_product(score):
        return f"priority {short_number(score.priority)} = {' x '.join(factors)}"
    return f"priority {short_number(score.priority)}, by the workspace's formula; {', '.join(factors)}"
