"""Explanations of a decision, as typed, immutable Python values: the funnel, and each action of the bundle.

Loaded with the first explanation that is decoded: a decision alone does without.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from nextbest.client.attributes import AttributeValue
from nextbest.client.scores import Contributions, Score


class Stage(StrEnum):
    """The stages of a decision, in their order."""

    UNSPECIFIED = "unspecified"
    AVAILABILITY = "availability"
    ELIGIBILITY = "eligibility"
    APPLICABILITY = "applicability"
    SUITABILITY = "suitability"
    TREATMENT = "treatment"
    PROPENSITY = "propensity"
    ARBITRATION = "arbitration"
    PLACED = "placed"


class Unavailable(StrEnum):
    """Why an action was dropped at availability."""

    UNSPECIFIED = "unspecified"
    DISABLED = "disabled"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    NO_TREATMENT_FOR_CHANNEL = "no_treatment_for_channel"
    NO_TREATMENT_FOR_PLACEMENTS = "no_treatment_for_placements"


class Truth(StrEnum):
    """The three values of a condition. UNKNOWN: an attribute is missing, or an expression has no result."""

    UNSPECIFIED = "unspecified"
    FALSE = "false"
    TRUE = "true"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What arbitration did with an action that reached it. FALLBACK: dropped before, and a fallback."""

    UNSPECIFIED = "unspecified"
    PLACED = "placed"
    BELOW_PROPENSITY_THRESHOLD = "below_propensity_threshold"
    BELOW_PRIORITY_THRESHOLD = "below_priority_threshold"
    GROUP_LIMIT = "group_limit"
    LOST = "lost"
    VALUE_MISSING = "value_missing"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class StageCount:
    """How many actions remained after a stage; UNSPECIFIED comes first, for all actions of the bundle.

    Attributes:
        stage: Which.
        remaining: Actions that remain after it.
        unknown: Of those dropped at it, the actions dropped only because something is missing.
    """

    stage: Stage
    remaining: int
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """Where a condition was written: a file of the workspace, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class ReadAttribute:
    """An attribute that an expression reads.

    Attributes:
        name: With its root: `customer.income`.
        label: As in LiteralExplanation.
        value: None: missing.
    """

    name: str
    label: str
    value: AttributeValue


@dataclass(frozen=True, slots=True)
class LiteralExplanation:
    """One test of one feature.

    Attributes:
        feature: The attribute, or expression over attributes, that was looked at.
        actual: Its value; None: missing.
        required: What was required: `>= 18`, `< 30 days (720h)`, `one of "web", "app"`, `present`.
        label: What people call the attribute; empty for an expression, and where the schema has no label
            or one that repeats the name.
        reads: For an expression: the attributes that it reads, in its order; at most 20.
        no_result: Why an expression has no result; empty where it has one.
    """

    text: str
    truth: Truth
    feature: str
    actual: AttributeValue
    required: str
    label: str = ""
    reads: tuple[ReadAttribute, ...] = ()
    no_result: str = ""


@dataclass(frozen=True, slots=True)
class ClauseExplanation:
    """A clause that is false or unknown.

    Attributes:
        text: The clause, and `condition` the whole of what was written after `when:`.
        reason: The marketer's; may be empty.
        position: None if the workspace has no text for the clause.
        treatment: The treatment whose condition this is; empty for the action's own.
        literals: Any one of these would do.
    """

    stage: Stage
    truth: Truth
    text: str
    condition: str
    reason: str
    position: SourcePosition | None
    treatment: str
    literals: tuple[LiteralExplanation, ...]


@dataclass(frozen=True, slots=True)
class Placing:
    """How an action fared in arbitration.

    Attributes:
        placement: Where it was placed, or where it came closest.
        lost_to: The placed action that it has to pass, if any.
        factor_needed: By which its priority would have to grow to draw level: 1.12 is 12 % more; 0: none
            would do.
        lever_needed_percent: On top of today's lever, in percentage points: it would place the action in
            `placement`. None where no higher lever would.
        fallback_placements: Where it is the fallback, whatever the outcome.
    """

    outcome: Outcome
    placement: str
    treatment: str
    lost_to: str
    factor_needed: float
    lever_needed_percent: float | None
    fallback_placements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """Values with which all conditions of an action hold, and what deciding again with them gave.

    Attributes:
        customer: To be sent in place of those that the request has; None: missing then.
        context: The same.
        dropped_at: The stage at which the action is dropped then; PLACED if it is not.
        rank: 1 is the best; 0: not ranked.
        score: None when it is never ranked.
        placing: None when it does not reach arbitration.
    """

    customer: Mapping[str, AttributeValue]
    context: Mapping[str, AttributeValue]
    dropped_at: Stage
    rank: int
    score: Score | None
    placing: Placing | None


@dataclass(frozen=True, slots=True)
class ActionExplanation:
    """The explanation of one action.

    Attributes:
        dropped_at: The stage at which it was dropped; PLACED if it was not.
        unavailable: Why, when it was dropped at availability; UNSPECIFIED otherwise.
        clauses: All that are false or unknown, of all stages.
        score: None when it was never ranked.
        rank: 1 is the best; 0: not ranked.
        placing: None when it did not reach arbitration, unless it is a fallback.
        changes: The changes that would get it placed, a sentence each; then the outcome after them.
        context_weights: Those that matched.
        contributions: What its propensity is made of; None unless asked for.
        advice: For one that was dropped for its conditions; None where no values that meet them were found,
            and for all but 100 named actions or 20 others.
    """

    action: str
    issue: str
    group: str
    dropped_at: Stage
    unavailable: Unavailable
    clauses: tuple[ClauseExplanation, ...]
    score: Score | None
    rank: int
    placing: Placing | None
    changes: tuple[str, ...]
    context_weights: tuple[str, ...]
    contributions: Contributions | None = None
    advice: Advice | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a decision came about: the funnel, and each action in the order of the bundle."""

    funnel: tuple[StageCount, ...]
    actions: tuple[ActionExplanation, ...]
