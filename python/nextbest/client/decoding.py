"""Turns the protocol's answers into the types of `nextbest.client.answers`."""

import json
from typing import TYPE_CHECKING

from nextbest.client import answers
from nextbest.client.errors import NextbestError, of_failure
from nextbest.client.score_decoding import decode_contributions, decode_score, decode_word
from nextbest.client.values import decode, from_microseconds
from nextbest.v1 import customer_pb2, decision_pb2

if TYPE_CHECKING:
    from nextbest.client.explanations import Explanation


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
                decode_word(answers.DegradationKind, decision_pb2.DegradationKind, entry.kind),
                entry.name,
                entry.actions,
            )
            for entry in message.degradations
        ),
        explanation=_explanation(message),
        now=from_microseconds(message.now_us),
        seed=message.seed,
        currency=message.currency,
    )


def _explanation(message: decision_pb2.DecideResponse) -> "Explanation | None":
    if not message.HasField("explanation"):
        return None
    # Few clients ask for explanations, and their types take a tenth of the time in which a client is loaded.
    from nextbest.client.explanation_decoding import decode_explanation  # noqa: PLC0415

    return decode_explanation(message.explanation)


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
        score=decode_score(message.score),
        reason=decode_word(answers.Reason, decision_pb2.Reason, message.reason),
        reason_text=message.reason_text,
        contributions=decode_contributions(message),
    )
