"""Turns the protocol's scores and contributions into the types of `nextbest.client.scores`."""

from enum import StrEnum
from typing import Any, TypeVar

from nextbest.client import scores
from nextbest.client.values import decode
from nextbest.v1 import decision_pb2

_Word = TypeVar("_Word", bound=StrEnum)


def decode_contributions(
    message: decision_pb2.RankedAction | decision_pb2.ActionExplanation,
) -> scores.Contributions | None:
    """Decodes what a propensity is made of; None where that was not asked for."""
    if not message.HasField("contributions"):
        return None
    found = message.contributions
    return scores.Contributions(
        method=decode_word(scores.ContributionLevel, decision_pb2.ContributionLevel, found.method),
        scale=decode_word(scores.ContributionScale, decision_pb2.ContributionScale, found.scale),
        base=found.base,
        margin=found.margin,
        contributions=tuple(
            scores.Contribution(line.attribute, line.label, decode(line.value), line.contribution, line.text)
            for line in found.contributions
        ),
        others=found.others,
        refusal=found.refusal,
    )


def decode_score(message: decision_pb2.Score) -> scores.Score:
    """Decodes a score."""
    return scores.Score(
        propensity=message.propensity,
        context_weight=message.context_weight,
        value=message.value,
        lever=message.lever,
        priority=message.priority,
        propensity_source=decode_word(
            scores.PropensitySource, decision_pb2.PropensitySource, message.propensity_source
        ),
        model=message.model,
    )


def decode_word(words: type[_Word], numbers: Any, number: int) -> _Word:
    """Finds the word of a number: `STAGE_PLACED` of the enumeration `Stage` is `placed`."""
    known = numbers.DESCRIPTOR.values_by_number.get(number)
    if known is None:
        return words("unspecified")
    prefix = numbers.DESCRIPTOR.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return words(known.name.removeprefix(prefix).lower())
