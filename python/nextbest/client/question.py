"""What a decision is asked with, as typed Python values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Required, TypedDict

from nextbest.client.answers import Customer, ExplanationLevel
from nextbest.client.attributes import Attributes
from nextbest.client.scores import ContributionLevel

RequestedCustomer = str | Customer | tuple[str, Attributes] | Attributes
"""A customer of a batch: an id, a `Customer`, an id with attributes, or attributes without an id."""
Placements = Mapping[str, int] | Sequence[str]


class _QuestionArguments(TypedDict, total=False):
    channel: Required[str]
    placements: Required[Placements]
    context: Attributes
    contributions: ContributionLevel | str
    contributions_top: int
    now: datetime | None
    seed: int | None


class ExplainArguments(_QuestionArguments, total=False):
    """The arguments of both `decide` and `explain`; `Question` describes them."""

    customer_id: str
    customer: Attributes


class BatchArguments(_QuestionArguments, total=False):
    """What `decide_batch` takes: all of `decide` but whom it is about."""

    dry_run: bool
    explanation: ExplanationLevel | str


class DecideArguments(ExplainArguments, BatchArguments, total=False):
    """What `decide` takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything a decision is asked with.

    Attributes:
        channel: As the workspace names it.
        placements: Names, or names with the maximum number of actions for each (1 to 100; 0: the workspace's
            number). Filled in this order.
        customer_id: Whose stored attributes are read; empty for an anonymous customer.
        customer: Attributes sent along; each takes precedence over the stored one. None: absent.
        context: Attributes of the moment.
        dry_run: Leave no trace in the customer's state.
        explanation: `none`, `funnel` (how many actions were left after each stage) or `full`.
        contributions: `none`, `fast` or `exact`: what each attribute adds to the propensities of the best
            actions placed; with `explain`, of all explained actions (at most 100).
        contributions_top: Of how many of the best: 1 to 10; 0: 3.
        now: Time of the decision, with a time zone. Only with `dry_run`.
        seed: 0 to 2**64 - 1. Only with `dry_run`: repeats the decision that reported it.
    """

    channel: str
    placements: Placements
    customer_id: str = ""
    customer: Attributes = field(default_factory=dict)
    context: Attributes = field(default_factory=dict)
    dry_run: bool = False
    explanation: ExplanationLevel | str = ExplanationLevel.NONE
    contributions: ContributionLevel | str = ContributionLevel.NONE
    contributions_top: int = 0
    now: datetime | None = None
    seed: int | None = None
