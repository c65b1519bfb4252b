"""What a server answers, as typed, immutable Python values.

The values are those of the protocol in lower case. `UNSPECIFIED` replaces a value that this version does not
know: a newer server may use more values than an older client.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from nextbest.client.attributes import AttributeValue
from nextbest.client.scores import Contributions, Score

if TYPE_CHECKING:
    from nextbest.client.explanations import Explanation


class ExplanationLevel(StrEnum):
    """How much of an explanation comes with a decision."""

    UNSPECIFIED = "unspecified"
    NONE = "none"
    FUNNEL = "funnel"
    FULL = "full"


class Reason(StrEnum):
    """Why an action was placed."""

    UNSPECIFIED = "unspecified"
    PRIORITY = "priority"
    MANDATORY = "mandatory"
    FALLBACK = "fallback"


class DegradationKind(StrEnum):
    """What a decision had to do without."""

    UNSPECIFIED = "unspecified"
    CUSTOMER_UNKNOWN = "customer_unknown"
    MODEL_FAILED = "model_failed"
    PROPENSITY_INVALID = "propensity_invalid"
    VALUE_MISSING = "value_missing"
    MODEL_INPUT_MISSING = "model_input_missing"
    DEADLINE = "deadline"
    WORK_EXHAUSTED = "work_exhausted"


@dataclass(frozen=True, slots=True)
class RankedAction:
    """An action that was placed.

    Attributes:
        content: The treatment's content as the workspace wrote it.
        rank: 1 is the best of the decision, over all placements; 0 for a fallback.
        reason_text: The reason in a sentence.
        contributions: The parts of its propensity; None unless requested, and only for the requested number
            of the best.
    """

    action: str
    issue: str
    group: str
    treatment: str
    content: Mapping[str, object]
    rank: int
    score: Score
    reason: Reason
    reason_text: str
    contributions: Contributions | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A placement and the actions in it, best first; fewer than asked when fewer remained."""

    name: str
    actions: tuple[RankedAction, ...]

    def __iter__(self) -> Iterator[RankedAction]:
        return iter(self.actions)


@dataclass(frozen=True, slots=True)
class Degradation:
    """Something the decision had to do without.

    Attributes:
        name: The model or action concerned; empty where there is none.
        actions: How many actions it touched.
    """

    kind: DegradationKind
    name: str
    actions: int


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer.

    Attributes:
        decision_id: A UUID (version 7).
        bundle_digest: SHA-256 of the bundle that decided, in hexadecimal.
        placements: As requested, in the order requested.
        degradations: What the decision had to do without; empty: nothing.
        explanation: None unless asked for.
        now: The time decided at, in UTC.
        seed: With `now`, the same question as a dry run gives the same answer.
        currency: Of values, ISO 4217; empty where the workspace names none.
    """

    decision_id: str
    bundle_digest: str
    placements: tuple[Placement, ...]
    degradations: tuple[Degradation, ...]
    explanation: "Explanation | None"
    now: datetime
    seed: int
    currency: str = ""

    def __getitem__(self, placement: str) -> tuple[RankedAction, ...]:
        """Returns the actions of a placement, best first.

        Raises:
            KeyError: The placement was not asked for.
        """
        for candidate in self.placements:
            if candidate.name == placement:
                return candidate.actions
        raise KeyError(placement)


@dataclass(frozen=True, slots=True)
class Customer:
    """What is stored of a customer; attributes in the order of their names."""

    customer_id: str
    attributes: Mapping[str, AttributeValue]
