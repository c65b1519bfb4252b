"""The explanation of one action -> why it was not chosen, in lines for people."""

from collections.abc import Iterator

from nextbest.client.explanations import ActionExplanation, ClauseExplanation, Outcome, Stage, Truth
from nextbest.wording import OUTCOMES, UNAVAILABLE, short_number, word_literal


def explain_absence(name: str, placement: str, explanation: ActionExplanation) -> Iterator[str]:
    """Explains why an action is not in the expected placement.

    Args:
        name: The action.
        placement: Where it was expected; empty for anywhere.
        explanation: The engine's explanation of it.
    """
    placing, score = explanation.placing, explanation.score
    if explanation.dropped_at is Stage.PLACED and placing and score:
        where = "its order" if placing.placement == placement else f"`{placing.placement}`"
        yield f"`{name}` is offered in {where}, with priority {short_number(score.priority)}"
        return
    if explanation.dropped_at is Stage.AVAILABILITY:
        yield f"`{name}` is not available: {UNAVAILABLE.get(explanation.unavailable, 'no reason is given')}"
        return
    clauses = [clause for clause in explanation.clauses if clause.stage is explanation.dropped_at]
    if clauses:
        yield f"`{name}` is dropped at {explanation.dropped_at}:"
        for clause in clauses:
            yield from (f"  {line}" for line in _clause(clause))
        return
    yield f"`{name}` is dropped at {explanation.dropped_at}: {_placing(explanation)}"


def _clause(clause: ClauseExplanation) -> Iterator[str]:
    truth = "is unknown" if clause.truth is Truth.UNKNOWN else "does not hold"
    treatment = f" (treatment `{clause.treatment}`)" if clause.treatment else ""
    yield f"`{clause.text}` {truth}{treatment}  {clause.position or ''}".rstrip()
    for literal in clause.literals:
        yield from (f"  {line}" for line in word_literal(literal))
    if clause.reason:
        yield f"  reason: {clause.reason}"


def _placing(explanation: ActionExplanation) -> str:
    placing, score = explanation.placing, explanation.score
    if placing is None:
        return "no reason is given"
    if placing.outcome is not Outcome.LOST or score is None:
        return OUTCOMES.get(placing.outcome, "no reason is given")
    lost = (
        f"its priority {short_number(score.priority)} (rank {explanation.rank}) lost to `{placing.lost_to}`"
    )
    if placing.factor_needed:
        lost += f"; it would need {short_number(placing.factor_needed)} times as much"
    if placing.lever_needed_percent is not None:
        lost += f", or +{short_number(placing.lever_needed_percent)} percentage points of lever"
    return lost
