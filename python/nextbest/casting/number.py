"""Text, and numbers of any kind -> whole numbers and numbers that an attribute can have."""

import math
import re
from decimal import Decimal
from typing import Final

from nextbest.casting.refusal import CastError

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
EXACT_MAX: Final = 2**53
"""Beyond it, numbers of 64 bits with a fraction skip whole numbers."""

_DIGITS_MAX: Final = 400
"""Longer texts are no numbers that anything could hold, and would take long to read."""
_WHOLE: Final = re.compile(r"([+-]?\d+)(?:\.0*)?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA: Final = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_GROUPED: Final = re.compile(
    r"([+-]?)([1-9]\d{0,2})((?P<mark>[,.'_\u2019\u00a0\u202f ])\d{3}(?:(?P=mark)\d{3})*)"
    r"(?:(?!(?P=mark))[.,](\d+))?",
    re.ASCII,
)
"""Thousands set apart by one mark, and perhaps a fraction behind another."""


def parse_int(text: str) -> int:
    """Reads a whole number; `3.0` is one.

    Raises:
        CastError: It is none, or does not fit 64 bits.
    """
    found = _WHOLE.fullmatch(text) if len(text) <= _DIGITS_MAX else None
    if found is None:
        if _NUMBER.fullmatch(text) and "e" in text.lower():
            message = f"`{text}` is written with an exponent, which may have lost digits"
            raise CastError(message, "write all of its digits")
        raise _refusal(text, "a whole number", "42", _WHOLE)
    return _fitting(int(found[1]), text)


def parse_double(text: str) -> float:
    """Reads a number.

    Raises:
        CastError: It is none, or is not finite.
    """
    if len(text) > _DIGITS_MAX or not _NUMBER.fullmatch(text):
        raise _refusal(text, "a number", "12.5", _NUMBER)
    return _finite(float(text), text)


def to_int(number: float | Decimal) -> int:
    """Takes a number of any kind that is whole.

    Raises:
        CastError: It has a fraction, may have lost digits, or does not fit 64 bits.
    """
    if isinstance(number, int):
        return _fitting(number, str(number))
    if not math.isfinite(number) or number != int(number):
        message = f"`{_short(str(number))}` is not a whole number"
        raise CastError(message, "write a whole number, such as 42")
    if isinstance(number, float) and abs(number) > EXACT_MAX:
        message = f"`{number!r}` is too large to have kept all its digits in a number with a fraction"
        raise CastError(message, "write whole numbers as such, or as text")
    return _fitting(int(number), str(number))


def to_double(number: float | Decimal) -> float:
    """Takes a number of any kind.

    Raises:
        CastError: It is not finite.
    """
    try:
        found = float(number)
    except OverflowError:
        found = math.inf
    return _finite(found, str(number))


def _finite(number: float, written: str) -> float:
    if not math.isfinite(number):
        raise CastError(f"`{_short(written)}` is not a finite number", "write a number, such as 12.5")
    return number


def _fitting(number: int, written: str) -> int:
    if not INT_MIN <= number <= INT_MAX:
        remedy = f"whole numbers are from {INT_MIN} to {INT_MAX}"
        raise CastError(f"`{_short(written)}` does not fit 64 bits", remedy)
    return number


def _refusal(text: str, phrase: str, example: str, accepted: re.Pattern[str]) -> CastError:
    """Says what may be meant; the remedy has nothing that would be refused again, or be another amount."""
    message = f"`{_short(text)}` is not {phrase}"
    readings = _readings(text) if len(text) <= _DIGITS_MAX else {}
    named = " or ".join(readings)
    if len(readings) > 1:
        message = f"`{_short(text)}` may be {named}"
    elif readings:
        message = f"{message}: it has {readings[named]}"
    written = [reading for reading in readings if accepted.fullmatch(reading)]
    if not written:
        return CastError(message, f"write {phrase}, such as {example}")
    return CastError(message, f"write {' or '.join(written)}")


def _readings(text: str) -> dict[str, str]:
    """What a number with other marks than a point may be, each with what is wrong with how it is written."""
    readings = {}
    grouped = _GROUPED.fullmatch(text)
    if grouped is not None:
        sign, head, groups, mark, fraction = grouped.groups()
        whole = f"{sign}{head}{groups.replace(mark, '')}"
        what = "marks between thousands"
        if fraction is not None:
            return {f"{whole}.{fraction}": what}
        readings[whole] = what
        if mark == "." and len(groups) == 4:
            readings[text] = "a fraction"
    if _COMMA.fullmatch(text):
        readings[text.replace(",", ".")] = "a decimal comma"
    return readings


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
