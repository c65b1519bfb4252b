"""Turns the protocol's answers into the types of `nextbest.client.answers`."""

import json
from enum import StrEnum
from typing import Any, TypeVar

from nextbest.client import answers
from nextbest.client.errors import NextbestError, of_failure
from nextbest.client.values import decode, from_microseconds
from nextbest.v1 import customer_pb2, decision_pb2

_Word = TypeVar("_Word", bound=StrEnum)


def decode_decision(message: decision_pb2.DecideResponse) -> answers.Decision:
    """Decodes the answer of Decide, and the decision inside the answer of Explain."""
    return answers.Decision(
        decision_id=message.decision_id,
        bundle_digest=message.bundle_digest,
        placements=tuple(
            answers.Placement(placement.name, tuple(_ranked(action) for action in placement.actions))
            for placement in message.placements
        ),
        degradations=tuple(
            answers.Degradation(
                _word(answers.DegradationKind, decision_pb2.DegradationKind, entry.kind),
                entry.name,
                entry.actions,
            )
            for entry in message.degradations
        ),
        explanation=_explanation(message.explanation) if message.HasField("explanation") else None,
        now=from_microseconds(message.now_us),
        seed=message.seed,
        currency=message.currency,
    )


def decode_batch(message: decision_pb2.DecideBatchResponse) -> list[answers.Decision | NextbestError]:
    """Decodes the answer of DecideBatch: a decision each, or why there is none."""
    return [
        decode_decision(entry.decided)
        if entry.WhichOneof("result") == "decided"
        else of_failure(entry.failure)
        for entry in message.decisions
    ]


def decode_customer(message: customer_pb2.Customer) -> answers.Customer:
    """Decodes a stored customer."""
    attributes = {attribute.name: decode(attribute.value) for attribute in message.attributes}
    return answers.Customer(message.customer_id, attributes)


def _ranked(message: decision_pb2.RankedAction) -> answers.RankedAction:
    return answers.RankedAction(
        action=message.action,
        issue=message.issue,
        group=message.group,
        treatment=message.treatment,
        content=json.loads(message.content) if message.content else {},
        rank=message.rank,
        score=_score(message.score),
        reason=_word(answers.Reason, decision_pb2.Reason, message.reason),
        reason_text=message.reason_text,
        contributions=_contributions(message),
    )


def _contributions(
    message: decision_pb2.RankedAction | decision_pb2.ActionExplanation,
) -> answers.Contributions | None:
    if not message.HasField("contributions"):
        return None
    told = message.contributions
    return answers.Contributions(
        method=_word(answers.ContributionLevel, decision_pb2.ContributionLevel, told.method),
        scale=_word(answers.ContributionScale, decision_pb2.ContributionScale, told.scale),
        base=told.base,
        margin=told.margin,
        contributions=tuple(
            answers.Contribution(line.attribute, line.label, decode(line.value), line.contribution, line.text)
            for line in told.contributions
        ),
        others=told.others,
        refusal=told.refusal,
    )


def _score(message: decision_pb2.Score) -> answers.Score:
    return answers.Score(
        propensity=message.propensity,
        context_weight=message.context_weight,
        value=message.value,
        lever=message.lever,
        priority=message.priority,
        propensity_source=_word(
            answers.PropensitySource, decision_pb2.PropensitySource, message.propensity_source
        ),
        model=message.model,
    )


def _explanation(message: decision_pb2.Explanation) -> answers.Explanation:
    return answers.Explanation(
        funnel=tuple(
            answers.StageCount(
                _word(answers.Stage, decision_pb2.Stage, count.stage), count.remaining, count.unknown
            )
            for count in message.funnel
        ),
        actions=tuple(_action(action) for action in message.actions),
    )


def _action(message: decision_pb2.ActionExplanation) -> answers.ActionExplanation:
    return answers.ActionExplanation(
        action=message.action,
        issue=message.issue,
        group=message.group,
        dropped_at=_word(answers.Stage, decision_pb2.Stage, message.dropped_at),
        unavailable=_word(answers.Unavailable, decision_pb2.Unavailable, message.unavailable),
        clauses=tuple(_clause(clause) for clause in message.clauses),
        score=_score(message.score) if message.HasField("score") else None,
        rank=message.rank,
        placing=_placing(message.placing) if message.HasField("placing") else None,
        changes=tuple(message.changes),
        context_weights=tuple(message.context_weights),
        contributions=_contributions(message),
        advice=_advice(message.advice) if message.HasField("advice") else None,
    )


def _advice(message: decision_pb2.Advice) -> answers.Advice:
    return answers.Advice(
        customer={attribute.name: decode(attribute.value) for attribute in message.customer},
        context={attribute.name: decode(attribute.value) for attribute in message.context},
        dropped_at=_word(answers.Stage, decision_pb2.Stage, message.dropped_at),
        rank=message.rank,
        score=_score(message.score) if message.HasField("score") else None,
        placing=_placing(message.placing) if message.HasField("placing") else None,
    )


def _clause(message: decision_pb2.ClauseExplanation) -> answers.ClauseExplanation:
    position = message.position
    return answers.ClauseExplanation(
        stage=_word(answers.Stage, decision_pb2.Stage, message.stage),
        truth=_word(answers.Truth, decision_pb2.Truth, message.truth),
        text=message.text,
        condition=message.condition,
        reason=message.reason,
        position=answers.SourcePosition(position.file, position.line, position.column)
        if position.file
        else None,
        treatment=message.treatment,
        literals=tuple(_literal(literal) for literal in message.literals),
    )


def _literal(message: decision_pb2.LiteralExplanation) -> answers.LiteralExplanation:
    return answers.LiteralExplanation(
        text=message.text,
        truth=_word(answers.Truth, decision_pb2.Truth, message.truth),
        feature=message.feature,
        actual=decode(message.actual),
        required=message.required,
        label=message.label,
        reads=tuple(
            answers.ReadAttribute(read.name, read.label, decode(read.value)) for read in message.reads
        ),
        no_result=message.no_result,
    )


def _placing(message: decision_pb2.Placing) -> answers.Placing:
    return answers.Placing(
        outcome=_word(answers.Outcome, decision_pb2.Outcome, message.outcome),
        placement=message.placement,
        treatment=message.treatment,
        lost_to=message.lost_to,
        factor_needed=message.factor_needed,
        lever_needed_percent=(
            message.lever_needed_percent if message.HasField("lever_needed_percent") else None
        ),
        fallback_placements=tuple(message.fallback_placements),
    )


def _word(words: type[_Word], numbers: Any, number: int) -> _Word:
    """Finds the word of a number: `STAGE_PLACED` of the enumeration `Stage` is `placed`."""
    known = numbers.DESCRIPTOR.values_by_number.get(number)
    if known is None:
        return words("unspecified")
    prefix = numbers.DESCRIPTOR.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return words(known.name.removeprefix(prefix).lower())
