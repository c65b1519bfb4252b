"""What a server answers, as typed, immutable Python values.

The values are those of the protocol in lower case. `UNSPECIFIED` replaces a value that this version does not
know: a newer server may use more values than an older client.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nextbest.client.values import AttributeValue


class ExplanationLevel(StrEnum):
    """How much of an explanation comes with a decision."""

    UNSPECIFIED = "unspecified"
    NONE = "none"
    FUNNEL = "funnel"
    FULL = "full"


class ContributionLevel(StrEnum):
    """How contributions to propensities are found.

    FAST follows the customer down each tree (Saabas); EXACT gives Shapley values (TreeSHAP).
    """

    UNSPECIFIED = "unspecified"
    NONE = "none"
    FAST = "fast"
    EXACT = "exact"


class ContributionScale(StrEnum):
    """What contributions count.

    LOG_ODDS: the natural logarithm of the odds. PROPENSITY: the propensity itself. CLASS_SCORE: the score of
    one class of several, before they are weighed against each other.
    """

    UNSPECIFIED = "unspecified"
    LOG_ODDS = "log_odds"
    PROPENSITY = "propensity"
    CLASS_SCORE = "class_score"


class Reason(StrEnum):
    """Why an action was placed."""

    UNSPECIFIED = "unspecified"
    PRIORITY = "priority"
    MANDATORY = "mandatory"
    FALLBACK = "fallback"


class PropensitySource(StrEnum):
    """Where a propensity comes from. DEGRADED: from the prior, because the model had no answer."""

    UNSPECIFIED = "unspecified"
    MODEL = "model"
    PRIOR = "prior"
    DEGRADED = "degraded"


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
class Score:
    """priority = propensity x context weight x value x lever, or the workspace's formula.

    Attributes:
        propensity: 0.0 to 1.0.
        context_weight: At least 0; 1 when no weight matches.
        value: In the workspace's currency.
        lever: At least 0; 1 without levers.
        priority: What actions are ranked by; greater is better.
        propensity_source: Where the propensity comes from.
        model: Name of the model bound to the action; empty without one.
    """

    propensity: float
    context_weight: float
    value: float
    lever: float
    priority: float
    propensity_source: PropensitySource
    model: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one attribute adds to a propensity.

    Attributes:
        attribute: With its root, or the expression that is bound: `customer.income`.
        label: What people call it.
        value: As the decision read it; None: missing.
        contribution: On the scale of the contributions it is one of.
        text: For people: `income 72,000 raises the odds by 31 %`.
    """

    attribute: str
    label: str
    value: AttributeValue
    contribution: float
    text: str


@dataclass(frozen=True, slots=True)
class Contributions:
    """What a propensity is made of: base + contributions + others = margin.

    Attributes:
        method: FAST or EXACT.
        scale: What the numbers count.
        base: The margin that is expected over the model's background sample.
        margin: What the propensity is computed from.
        contributions: The largest first, whether they raise or lower; at most 100.
        others: The sum of those beyond.
        refusal: Why there are none; empty where there are.
    """

    method: ContributionLevel
    scale: ContributionScale
    base: float
    margin: float
    contributions: tuple[Contribution, ...]
    others: float
    refusal: str

    def __iter__(self) -> Iterator[Contribution]:
        return iter(self.contributions)


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
    explanation: Explanation | None
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
