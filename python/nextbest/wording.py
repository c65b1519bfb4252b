"""Values of answers, and the outcomes of actions -> words for people.

`nextbest.expression.rendering` writes what an author can write in a workspace; this is what everybody reads.
"""

import json
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nextbest.client.attributes import AttributeValue
from nextbest.client.explanations import LiteralExplanation, Outcome, Unavailable

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
    Outcome.FALLBACK: "it was dropped before, and is there as a fallback",
}

# From here on, and below the smaller one, numbers are written with an exponent.
_HUGE: Final = 1e15
_TINY: Final = 1e-6
_UNITS: Final = (("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000))
_SECOND: Final = 1_000_000
_KILO: Final = 1_000
_DECIMALS_MAX: Final = 3


def word_value(value: AttributeValue, zone: tzinfo | None = None) -> str:
    """Writes a value; `missing` for None.

    `18`, `0.5`, `"web"`, `2026-06-01 12:00:00 UTC`, `151 days 5 hours`

    Args:
        value: Of an attribute.
        zone: Of times; None: the time zone of this computer.
    """
    match value:
        case None:
            text = "missing"
        case datetime():
            text = word_moment(value, zone)
        case timedelta():
            text = word_duration(value)
        case float():
            text = word_number(value)
        case _:
            text = json.dumps(value, ensure_ascii=False)
    return text


def word_moment(moment: datetime, zone: tzinfo | None = None) -> str:
    """Writes a time with the name of its zone: `2026-06-01 14:00:00 Europe/Berlin`.

    Args:
        moment: Any time.
        zone: To show it in; None: the time zone of this computer.
    """
    try:
        local = moment.astimezone(zone)
    except (OverflowError, ValueError):
        # The first and the last day of the calendar exist in UTC alone.
        local = moment.astimezone(UTC)
    fraction = f".{local.microsecond:06}".rstrip("0") if local.microsecond else ""
    named = getattr(local.tzinfo, "key", "") or local.tzname() or ""
    # Where a zone has no abbreviation, its name is an offset.
    named = f"UTC{named}" if named[:1] in {"+", "-"} else named
    written = local.replace(tzinfo=None, microsecond=0).isoformat(" ")
    return f"{written}{fraction} {named}".rstrip()


def zone_named(key: str) -> tzinfo:
    """The time zone of a workspace; UTC where it names none, or this computer does not know it."""
    try:
        return ZoneInfo(key) if key else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


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


def word_percent(share: float, digits: int = 2) -> str:
    """Writes a share, `3.1 %`, `0.042 %`: with one decimal, and at least `digits` significant digits."""
    percent = 100.0 * share
    if percent and abs(percent) < _TINY:
        return f"{percent:.{digits - 1}e} %"
    magnitude = math.floor(math.log10(abs(percent))) if percent else 0
    return f"{percent:,.{max(digits - 1 - magnitude, 1)}f} %"


def word_percents(shares: Sequence[float]) -> list[str]:
    """Writes shares below each other, `12.40 %`, `0.88 %`: with as many decimals as the smallest needs.

    A share that would need more than three decimals has its own.
    """
    sizes = [math.floor(math.log10(abs(share))) for share in shares if share]
    decimals = min(max(-1 - min(sizes, default=0), 1), _DECIMALS_MAX)
    return [
        f"{100.0 * share:,.{decimals}f} %"
        if not share or abs(share) >= 10.0 ** -(decimals + 1)
        else word_percent(share)
        for share in shares
    ]


def word_amount(amount: float, currency: str = "") -> str:
    """Writes a sum of money, `1,200 EUR`, `85.50 EUR`; a huge one short."""
    (text,) = word_amounts([amount])
    return f"{text} {currency}".rstrip()


def word_amounts(amounts: Sequence[float]) -> list[str]:
    """Writes sums of money below each other: all with two decimals, or, where all are whole, all without."""
    decimals = 0 if all(abs(amount) >= _HUGE or amount == round(amount) for amount in amounts) else 2
    return [short_number(amount) if abs(amount) >= _HUGE else f"{amount:,.{decimals}f}" for amount in amounts]


def word_bytes(size: int) -> str:
    """Writes a size, `812 bytes`, `4.2 kB`, `139 kB`, `1.5 MB`."""
    if size < _KILO:
        return f"{size:,} byte{'' if size == 1 else 's'}"
    units = ["kB", "MB", "GB", "TB"]
    amount, unit = size / _KILO, units.pop(0)
    while units and round(amount) >= _KILO:
        amount, unit = amount / _KILO, units.pop(0)
    return f"{amount:,.{1 if amount < 100 else 0}f} {unit}"


def word_literal(literal: LiteralExplanation, zone: tzinfo | None = None) -> list[str]:
    """Writes what a test looked at and what it required; what an expression reads comes on a second line."""
    feature = word_name(literal.feature, literal.label)
    actual = f"is {_word_actual(literal, zone)}"
    if literal.no_result:
        actual = f"has no result ({literal.no_result})"
    lines = [f"{feature} {actual}, required: {literal.required}"]
    if literal.reads:
        reads = (
            f"{word_name(read.name, read.label)} is {word_value(read.value, zone)}" for read in literal.reads
        )
        lines.append(f"  {', '.join(reads)}")
    return lines


def _word_actual(literal: LiteralExplanation, zone: tzinfo | None) -> str:
    """The value of an attribute as it is; that of an expression in no more digits than people read."""
    if literal.reads and isinstance(literal.actual, float):
        text = short_number(literal.actual)
        if not re.search(rf"(^|\s){re.escape(text)}$", literal.required):
            return text
    return word_value(literal.actual, zone)


def word_name(name: str, label: str) -> str:
    """Writes an attribute with what people call it: `customer.income (yearly income)`."""
    return f"{name} ({label})" if label else name


def word_label(name: str, label: str) -> str:
    """The label of something, to show next to its name; empty if it repeats the name."""
    spelled = " ".join(re.split(r"[\s_-]+", name.rpartition(".")[2].casefold()))
    return "" if " ".join(re.split(r"[\s_-]+", label.casefold())) == spelled else label


def _has_exponent(number: float) -> bool:
    return number != 0.0 and not _TINY <= abs(number) < _HUGE
