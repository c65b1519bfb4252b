"""Text -> a duration, and back: `720h`, `7d`, `1h30m`, or ISO 8601, `P7D` and `PT1H30M`; exact."""

import re
from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Final

from nextbest.casting.refusal import CastError

UNITS_NS: Final = {
    "w": 604_800_000_000_000,
    "d": 86_400_000_000_000,
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
_PART: Final = re.compile(r"(\d+)(?:\.(\d*))?([a-z]+)", re.ASCII)
_ISO: Final = re.compile(
    r"([+-]?)P(?:([\d.]+)W)?(?:([\d.]+)D)?(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_CALENDAR: Final = re.compile(r"[+-]?P[\d.]+[YM].*", re.ASCII | re.IGNORECASE)
_CLOCK: Final = re.compile(r"-?\d+:\d\d(:\d\d(\.\d+)?)?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)
_EXAMPLE: Final = "write a duration such as 720h, 30d or 1h30m"
US_MAX: Final = 315_576_000_000 * 1_000_000
"""10,000 years: the longest duration of CEL (cel-cpp)."""


LETTERS_MAX: Final = 200
"""Python refuses to parse a whole number of more than 4,300 digits, and no real duration is that long."""


class Problem(StrEnum):
    """Why a text is not a duration that can be stored."""

    NOT_A_DURATION = "it is not an amount and a unit, or several"
    TOO_FINE = "it is finer than a microsecond"
    TOO_LONG = "it is longer than 10,000 years"


class DurationError(ValueError):
    """A text that is not a valid duration in its notation.

    Attributes:
        problem: Why it is not valid.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def duration_us(text: str, units: Collection[str] = UNITS_NS.keys()) -> int:
    """Reads amounts with units, `1h30m`, `-1.5s` or `0`, in microseconds.

    Args:
        text: The duration. A sign applies to all of it.
        units: The units of `UNITS_NS` that the notation allows. A day is 24 hours.

    Raises:
        DurationError: The text is not a duration, is finer than microseconds, or longer than 10,000 years.
    """
    written = text[1:] if text[:1] in ("+", "-") else text
    if len(written) > LETTERS_MAX:
        raise DurationError(Problem.NOT_A_DURATION)
    total_ns, end = Fraction(), 0
    for part in _PART.finditer(written):
        whole, fraction, unit = part.groups(default="")
        if part.start() != end or unit not in units:
            raise DurationError(Problem.NOT_A_DURATION)
        total_ns += Fraction(int(whole + fraction), 10 ** len(fraction)) * UNITS_NS[unit]
        end = part.end()
    if end != len(written) or not written:
        if text.strip("+-") == "0":
            return 0
        raise DurationError(Problem.NOT_A_DURATION)
    us = total_ns / 1_000
    if us.denominator != 1:
        raise DurationError(Problem.TOO_FINE)
    if us > US_MAX:
        raise DurationError(Problem.TOO_LONG)
    return -int(us) if text.startswith("-") else int(us)


def spell_us(length_us: int) -> str:
    """Writes a duration in the notation that `duration_us` and conditions read: `720h`, `1h30m`, `1.5s`."""
    hours, rest = divmod(abs(length_us), 3_600_000_000)
    minutes, rest = divmod(rest, 60_000_000)
    seconds = f"{rest // 1_000_000}.{rest % 1_000_000:06}".rstrip("0").rstrip(".")
    parts = [f"{hours}h"] * (hours > 0) + [f"{minutes}m"] * (minutes > 0) + [f"{seconds}s"] * (rest > 0)
    return ("-" if length_us < 0 else "") + ("".join(parts) or "0s")


def parse_duration(text: str) -> timedelta:
    """Reads a duration, which may have a sign.

    Units: w, d, h, m, s, ms, us, ns. A day is 24 hours.

    Raises:
        CastError: The text is not a duration, is finer than microseconds, or longer than 10,000 years.
    """
    try:
        return timedelta(microseconds=duration_us(_without_iso(text)))
    except DurationError as error:
        match error.problem:
            case Problem.TOO_FINE:
                remedy = "durations have a resolution of one microsecond: round it"
                raise CastError(f"`{text}` is finer than a microsecond", remedy) from error
            case Problem.TOO_LONG:
                raise CastError(f"`{text}` is longer than 10,000 years", _EXAMPLE) from error
        raise _refusal(text) from error


def spell_duration(length: timedelta) -> str:
    """Writes a duration as `parse_duration` and conditions read it: `720h`, `1h30m`, `1.5s`."""
    return spell_us(length // timedelta(microseconds=1))


def _without_iso(text: str) -> str:
    """Rewrites ISO 8601 in the notation of amounts and units; returns any other text unchanged."""
    iso = _ISO.fullmatch(text)
    if iso is None:
        return text
    sign, *amounts = iso.groups()
    return sign + "".join(f"{amount}{unit}" for amount, unit in zip(amounts, "wdhms", strict=True) if amount)


def _refusal(text: str) -> CastError:
    message = f"`{text}` is not a duration"
    if _CALENDAR.fullmatch(text):
        return CastError(f"{message}: months and years differ in length", "write it in days, P30D or 30d")
    if _CLOCK.fullmatch(text):
        return CastError(f"{message}: its parts have no units", _EXAMPLE)
    if _NUMBER.fullmatch(text):
        return CastError(f"{message}: a number has no unit", _EXAMPLE)
    return CastError(message, _EXAMPLE)
