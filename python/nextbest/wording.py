"""Values of answers, and what became of an action -> the words that people read.

`nextbest.expression.rendering` writes what an author can write in a workspace; this is what everybody reads.
"""

import json
import math
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from nextbest.client.answers import LiteralExplanation, Outcome, Unavailable
from nextbest.client.values import AttributeValue

UNAVAILABLE: Final = {
    Unavailable.DISABLED: "it is disabled",
    Unavailable.NOT_YET: "its window has not begun",
    Unavailable.EXPIRED: "its window has ended",
    Unavailable.NO_TREATMENT_FOR_CHANNEL: "it has no treatment for this channel",
    Unavailable.NO_TREATMENT_FOR_PLACEMENTS: "it has no treatment for these placements",
}
OUTCOMES: Final = {
    Outcome.BELOW_PROPENSITY_THRESHOLD: "its propensity is below the threshold",
    Outcome.BELOW_PRIORITY_THRESHOLD: "its priority is below the threshold",
    Outcome.GROUP_LIMIT: "its group already has as many actions in the answer as it may",
    Outcome.VALUE_MISSING: "its value has no result for this customer",
    Outcome.FALLBACK: "it left before, and stands as a fallback",
}

# From here on, and below the smaller one, numbers are written with an exponent.
_HUGE: Final = 1e15
_TINY: Final = 1e-6
_UNITS: Final = (("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000))
_SECOND: Final = 1_000_000


def word_value(value: AttributeValue) -> str:
    """Writes a value; `missing` for None.

    `18`, `0.5`, `"web"`, `2026-06-01T12:00:00Z`, `151 days 5 hours`
    """
    match value:
        case None:
            text = "missing"
        case datetime():
            text = value.isoformat().replace("+00:00", "Z")
        case timedelta():
            text = word_duration(value)
        case float():
            text = word_number(value)
        case _:
            text = json.dumps(value, ensure_ascii=False)
    return text


def word_duration(duration: timedelta) -> str:
    """Writes a duration as people say it, without rounding: `151 days 5 hours`, `1.5 seconds`, `-1 day`."""
    microseconds = duration // timedelta(microseconds=1)
    rest, parts = abs(microseconds), []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    if rest or not parts:
        seconds = f"{rest // _SECOND}.{rest % _SECOND:06}".rstrip("0").rstrip(".")
        parts.append(f"{seconds} second{'' if rest == _SECOND else 's'}")
    return ("-" if microseconds < 0 else "") + " ".join(parts)


def word_number(number: float) -> str:
    """Writes a number as it is: `18`, `0.1`, `1e+300`, `4.2e-7`."""
    exact = Decimal(repr(number)).normalize()
    return f"{exact:e}" if _has_exponent(number) else f"{exact:f}"


def short_number(number: float) -> str:
    """Writes a number in four significant digits at least: `2.28`, `0.0004211`, `12345.7`, `1.798e+308`."""
    if _has_exponent(number):
        return f"{Decimal(f'{number:.3e}').normalize():e}"
    magnitude = math.floor(math.log10(abs(number))) if number else 0
    return f"{number:.{max(3 - magnitude, 1)}f}".rstrip("0").rstrip(".")


def word_amount(amount: float, currency: str = "") -> str:
    """Writes a sum of money with two decimals, `1,200.00 EUR`; a huge one short."""
    text = short_number(amount) if abs(amount) >= _HUGE else f"{amount:,.2f}"
    return f"{text} {currency}".rstrip()


def word_literal(literal: LiteralExplanation) -> list[str]:
    """Writes what a test looked at and what it required; what an expression reads comes on a second line."""
    feature = word_name(literal.feature, literal.label)
    actual = f"is {word_value(literal.actual)}"
    if literal.no_result:
        actual = f"has no result ({literal.no_result})"
    lines = [f"{feature} {actual}, required: {literal.required}"]
    if literal.reads:
        reads = (f"{word_name(read.name, read.label)} is {word_value(read.value)}" for read in literal.reads)
        lines.append(f"  {', '.join(reads)}")
    return lines


def word_name(name: str, label: str) -> str:
    """Writes an attribute with what people call it: `customer.income (yearly income)`."""
    return f"{name} ({label})" if label else name


def _has_exponent(number: float) -> bool:
    return number != 0.0 and not _TINY <= abs(number) < _HUGE
