"""The explanation of one action -> why it was not chosen, in lines for people."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from nextbest.v1 import customer_pb2, decision_pb2

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNAVAILABLE = {
    decision_pb2.UNAVAILABLE_DISABLED: "it is not enabled",
    decision_pb2.UNAVAILABLE_NOT_YET: "its window has not begun",
    decision_pb2.UNAVAILABLE_EXPIRED: "its window is over",
    decision_pb2.UNAVAILABLE_NO_TREATMENT_FOR_CHANNEL: "it has no treatment for the channel",
    decision_pb2.UNAVAILABLE_NO_TREATMENT_FOR_PLACEMENTS: "it has no treatment for the placements asked for",
}
PLACING = {
    decision_pb2.OUTCOME_BELOW_PROPENSITY_THRESHOLD: "its propensity is below the threshold",
    decision_pb2.OUTCOME_BELOW_PRIORITY_THRESHOLD: "its priority is below the threshold",
    decision_pb2.OUTCOME_GROUP_LIMIT: "its group has as many actions in the answer as it may",
    decision_pb2.OUTCOME_VALUE_MISSING: "its value cannot be computed: an attribute is missing",
}


def stage_name(stage: decision_pb2.Stage.ValueType) -> str:
    """The word of a stage, as tests write it: `eligibility`."""
    return decision_pb2.Stage.Name(stage).removeprefix("STAGE_").lower()


def explain_absence(name: str, placement: str, explanation: decision_pb2.ActionExplanation) -> Iterator[str]:
    """Says why an action is not where it was expected.

    Args:
        name: The action.
        placement: Where it was expected; empty for anywhere.
        explanation: What the engine says of it.
    """
    if explanation.left_at == decision_pb2.STAGE_PLACED:
        elsewhere = explanation.placing.placement
        where = "its order" if elsewhere == placement else f"`{elsewhere}`"
        yield f"`{name}` is offered, in {where}, with priority {explanation.score.priority:g}"
        return
    if explanation.left_at == decision_pb2.STAGE_AVAILABILITY:
        yield f"`{name}` is not available: {UNAVAILABLE.get(explanation.unavailable, 'no reason is given')}"
        return
    clauses = [clause for clause in explanation.clauses if clause.stage == explanation.left_at]
    if clauses:
        yield f"`{name}` leaves at {stage_name(explanation.left_at)}:"
        for clause in clauses:
            yield from (f"  {line}" for line in _clause(clause))
        return
    yield f"`{name}` leaves at {stage_name(explanation.left_at)}: {_placing(explanation)}"


def _clause(clause: decision_pb2.ClauseExplanation) -> Iterator[str]:
    position = clause.position
    place = f"{position.file}:{position.line}:{position.column}"
    truth = "is unknown" if clause.truth == decision_pb2.TRUTH_UNKNOWN else "does not hold"
    treatment = f" (treatment `{clause.treatment}`)" if clause.treatment else ""
    yield f"`{clause.text}` {truth}{treatment}  {place}"
    for literal in clause.literals:
        actual = _written(literal.actual)
        found = "is missing" if actual is None else f"is {actual}"
        yield f"  {literal.feature} {found}, required: {literal.required}"
    if clause.reason:
        yield f"  reason: {clause.reason}"


def _placing(explanation: decision_pb2.ActionExplanation) -> str:
    placing, score = explanation.placing, explanation.score
    if placing.outcome != decision_pb2.OUTCOME_LOST:
        return PLACING.get(placing.outcome, "no reason is given")
    lost = f"its priority {score.priority:g} (rank {explanation.rank}) lost to `{placing.lost_to}`"
    if placing.factor_needed:
        lost += f"; it would need {placing.factor_needed:.3g} times as much"
    if placing.HasField("lever_needed_percent"):
        lost += f", or {placing.lever_needed_percent:+.3g} percentage points of lever"
    return lost


def _written(value: customer_pb2.Value) -> str | None:
    """A value for people; None when it is absent."""
    kind = value.WhichOneof("kind")
    if kind is None:
        return None
    content = getattr(value, kind)
    if kind == "timestamp_us":
        return (EPOCH + timedelta(microseconds=content)).isoformat().replace("+00:00", "Z")
    if kind == "duration_us":
        return f"{content / 1_000_000:g}s"
    if kind in {"strings", "ints"}:
        content = list(content.items)
    return json.dumps(content, ensure_ascii=False)
