"""Turns the protocol's explanations into the types of `nextbest.client.explanations`."""

from nextbest.client import explanations
from nextbest.client.score_decoding import decode_contributions, decode_score, decode_word
from nextbest.client.values import decode
from nextbest.v1 import decision_pb2


def decode_explanation(message: decision_pb2.Explanation) -> explanations.Explanation:
    """Decodes the explanation of a decision."""
    return explanations.Explanation(
        funnel=tuple(
            explanations.StageCount(
                decode_word(explanations.Stage, decision_pb2.Stage, count.stage),
                count.remaining,
                count.unknown,
            )
            for count in message.funnel
        ),
        actions=tuple(_action(action) for action in message.actions),
    )


def _action(message: decision_pb2.ActionExplanation) -> explanations.ActionExplanation:
    return explanations.ActionExplanation(
        action=message.action,
        issue=message.issue,
        group=message.group,
        dropped_at=decode_word(explanations.Stage, decision_pb2.Stage, message.dropped_at),
        unavailable=decode_word(explanations.Unavailable, decision_pb2.Unavailable, message.unavailable),
        clauses=tuple(_clause(clause) for clause in message.clauses),
        score=decode_score(message.score) if message.HasField("score") else None,
        rank=message.rank,
        placing=_placing(message.placing) if message.HasField("placing") else None,
        changes=tuple(message.changes),
        context_weights=tuple(message.context_weights),
        contributions=decode_contributions(message),
        advice=_advice(message.advice) if message.HasField("advice") else None,
    )


def _advice(message: decision_pb2.Advice) -> explanations.Advice:
    return explanations.Advice(
        customer={attribute.name: decode(attribute.value) for attribute in message.customer},
        context={attribute.name: decode(attribute.value) for attribute in message.context},
        dropped_at=decode_word(explanations.Stage, decision_pb2.Stage, message.dropped_at),
        rank=message.rank,
        score=decode_score(message.score) if message.HasField("score") else None,
        placing=_placing(message.placing) if message.HasField("placing") else None,
    )


def _clause(message: decision_pb2.ClauseExplanation) -> explanations.ClauseExplanation:
    position = message.position
    return explanations.ClauseExplanation(
        stage=decode_word(explanations.Stage, decision_pb2.Stage, message.stage),
        truth=decode_word(explanations.Truth, decision_pb2.Truth, message.truth),
        text=message.text,
        condition=message.condition,
        reason=message.reason,
        position=explanations.SourcePosition(position.file, position.line, position.column)
        if position.file
        else None,
        treatment=message.treatment,
        literals=tuple(_literal(literal) for literal in message.literals),
    )


def _literal(message: decision_pb2.LiteralExplanation) -> explanations.LiteralExplanation:
    return explanations.LiteralExplanation(
        text=message.text,
        truth=decode_word(explanations.Truth, decision_pb2.Truth, message.truth),
        feature=message.feature,
        actual=decode(message.actual),
        required=message.required,
        label=message.label,
        reads=tuple(
            explanations.ReadAttribute(read.name, read.label, decode(read.value)) for read in message.reads
        ),
        no_result=message.no_result,
    )


def _placing(message: decision_pb2.Placing) -> explanations.Placing:
    return explanations.Placing(
        outcome=decode_word(explanations.Outcome, decision_pb2.Outcome, message.outcome),
        placement=message.placement,
        treatment=message.treatment,
        lost_to=message.lost_to,
        factor_needed=message.factor_needed,
        lever_needed_percent=(
            message.lever_needed_percent if message.HasField("lever_needed_percent") else None
        ),
        fallback_placements=tuple(message.fallback_placements),
    )
