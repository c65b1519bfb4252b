"""Text, and numbers of any kind -> whole numbers and numbers for attributes."""

import math
import re
from decimal import Decimal
from typing import Final

from nextbest.casting.refusal import CastError

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
EXACT_MAX: Final = 2**53
"""Above it, a 64-bit float cannot represent every whole number."""

_DIGITS_MAX: Final = 400
"""A longer text cannot be a number of 64 bits, and parsing it would take long."""
_WHOLE: Final = re.compile(r"([+-]?\d+)(?:\.0*)?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA: Final = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_GROUPED: Final = re.compile(
    r"([+-]?)([1-9]\d{0,2})((?P<mark>[,.'_\u2019\u00a0\u202f ])\d{3}(?:(?P=mark)\d{3})*)"
    r"(?:(?!(?P=mark))[.,](\d+))?",
    re.ASCII,
)
"""Thousands separated by one mark, and possibly a fraction after another."""


def parse_int(text: str) -> int:
    """Reads a whole number; `3.0` is one.

    Raises:
        CastError: It is not a whole number, or does not fit 64 bits.
    """
    found = _WHOLE.fullmatch(text) if len(text) <= _DIGITS_MAX else None
    if found is None:
        if _NUMBER.fullmatch(text) and "e" in text.lower():
            message = f"`{text}` has an exponent, so digits may be lost"
            raise CastError(message, "write all of its digits")
        raise _refusal(text, "a whole number", "42", _WHOLE)
    return _fitting(int(found[1]), text)


def parse_double(text: str) -> float:
    """Reads a number.

    Raises:
        CastError: It is not a number, or is not finite.
    """
    if len(text) > _DIGITS_MAX or not _NUMBER.fullmatch(text):
        raise _refusal(text, "a number", "12.5", _NUMBER)
    return _finite(float(text), text)


def to_int(number: float | Decimal) -> int:
    """Converts a number of any kind that is whole.

    Raises:
        CastError: It has a fraction, may have lost digits, or does not fit 64 bits.
    """
    if isinstance(number, int):
        return _fitting(number, str(number))
    if not math.isfinite(number) or number != int(number):
        message = f"`{_short(str(number))}` is not a whole number"
        raise CastError(message, "write a whole number, such as 42")
    if isinstance(number, float) and abs(number) > EXACT_MAX:
        message = f"`{number!r}` is too large: as a number with a fraction it may have lost digits"
        raise CastError(message, "write it as a whole number, without a fraction, or as text")
    return _fitting(int(number), str(number))


def to_double(number: float | Decimal) -> float:
    """Converts a number of any kind.

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
    """Words what may be intended; what the remedy suggests is accepted, and is the same amount."""
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
    """The possible readings of a number with marks other than a point, each with why it is refused."""
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
