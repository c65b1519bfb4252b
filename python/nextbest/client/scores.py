"""How an action is scored: its priority, and what each attribute adds to the propensity in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from nextbest.client.attributes import AttributeValue


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


class PropensitySource(StrEnum):
    """Where a propensity comes from. DEGRADED: from the prior, because the model had no answer."""

    UNSPECIFIED = "unspecified"
    MODEL = "model"
    PRIOR = "prior"
    DEGRADED = "degraded"


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
