"""Types that several files of a workspace share: names, expressions, times, percentages, conditions."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from nextbest._core import start_of_day
from nextbest.casting.duration import duration_us
from nextbest.expression.value import TIMESTAMP_US_MAX, TIMESTAMP_US_MIN

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
ATTRIBUTE_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"
DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
TIMESTAMP: Final = re.compile(r"(?a:\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2}))")
SPAN: Final = re.compile(r"(?a:(?:\d{1,5}w)?(?:\d{1,5}d)?(?:\d{1,6}h)?(?:\d{1,7}m)?)")
SPAN_US_MAX: Final = 400 * 86_400_000_000


class Definition(BaseModel):
    """Base of all definitions: unknown keys are errors, and text is never taken for a number."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True, populate_by_name=False
    )


def moment_us(text: str, zone: str = "") -> int:
    """Reads a date (its first moment in a time zone) or an RFC 3339 timestamp, in microseconds since 1970.

    Args:
        text: `2026-06-01` or `2026-06-01T12:00:00+02:00`.
        zone: The time zone of dates: `Europe/Berlin`, `+01:00`; empty: UTC.

    Raises:
        PydanticCustomError: NB207.
    """
    day = _day(text)
    if day is not None:
        try:
            return start_of_day(day.year, day.month, day.day, zone)
        except ValueError:
            # East of Greenwich, the first day begins before the first possible timestamp.
            return TIMESTAMP_US_MIN
    if not TIMESTAMP.fullmatch(text):
        raise PydanticCustomError("NB207", "is not a date or time")
    try:
        since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    except ValueError as error:
        raise PydanticCustomError("NB207", "is not in the calendar") from error
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def end_us(text: str, zone: str = "") -> int:
    """Reads the end of a window, in microseconds since 1970: the first moment after it.

    A date is in the window: it ends with the day.

    Args:
        text: As for `moment_us`.
        zone: As for `moment_us`.

    Raises:
        PydanticCustomError: NB207.
    """
    day = _day(text)
    if day is None:
        return moment_us(text, zone)
    if day == date.max:
        return TIMESTAMP_US_MAX
    after = day + timedelta(days=1)
    return start_of_day(after.year, after.month, after.day, zone)


def _day(text: str) -> date | None:
    """The date that a text holds; None if it is not a date.

    Raises:
        PydanticCustomError: NB207.
    """
    if not DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PydanticCustomError("NB207", "is not in the calendar") from error


def span_us(text: str) -> int:
    """Reads a duration, `7d` or `1d12h` (weeks, days, hours, minutes), in microseconds.

    Raises:
        PydanticCustomError: NB706 if it is not a duration, is zero, or is longer than 400 days.
    """
    if not SPAN.fullmatch(text) or not text:
        raise PydanticCustomError("NB706", "is not a duration")
    total = duration_us(text)
    if not 0 < total <= SPAN_US_MAX:
        raise PydanticCustomError("NB706", "is not between a minute and 400 days")
    return total


def _moment(text: str) -> str:
    moment_us(text)
    return text


def _span(text: str) -> str:
    span_us(text)
    return text


Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
AttributeName = Annotated[str, StringConstraints(pattern=ATTRIBUTE_PATTERN)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
# CEL over `customer`, `context`, `action` and `now`.
Expression = Annotated[str, StringConstraints(min_length=1)]
Moment = Annotated[
    str,
    AfterValidator(_moment),
    WithJsonSchema(
        {
            "type": "string",
            "description": "A date, in the workspace's time zone, or a timestamp (RFC 3339).",
            "examples": ["2026-01-31", "2026-01-31T09:00:00Z"],
        }
    ),
]
Span = Annotated[
    str,
    AfterValidator(_span),
    WithJsonSchema(
        {
            "type": "string",
            "description": "A duration in weeks, days, hours and minutes.",
            "examples": ["7d", "1d12h", "30m"],
        }
    ),
]
Number = Annotated[float, Field(allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=-100, le=10_000, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1)]


def _kind_of_score(data: object) -> str:
    return "<class>" if isinstance(data, str) else "<column or class>"


# A column of scores: its number, from 0, or its class.
ScoreColumn = Annotated[
    Annotated[Text, Tag("<class>")]
    | Annotated[Annotated[int, Field(ge=0, le=99_999)], Tag("<column or class>")],
    Discriminator(_kind_of_score),
]
StageName = Literal[
    "availability", "eligibility", "applicability", "suitability", "treatment", "propensity", "arbitration"
]


class ConditionDefinition(Definition):
    """A condition of a policy, and why it is there."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"when": "customer.age >= 18", "reason": "a credit card needs an adult holder"}]
        }
    )

    when: Expression
    """An expression that has to be true. An absent attribute makes it unknown, and unknown is not true."""
    reason: Text = ""
    """Why the condition is there, in words that an explanation can show."""


class Policies(Definition):
    """The engagement policies of an issue, a group or an action."""

    eligibility: list[ConditionDefinition] = Field(default_factory=list)
    """May we? Law, contract, age."""
    applicability: list[ConditionDefinition] = Field(default_factory=list)
    """Is it relevant now? For example: does not have it already."""
    suitability: list[ConditionDefinition] = Field(default_factory=list)
    """Is it good for the customer?"""
