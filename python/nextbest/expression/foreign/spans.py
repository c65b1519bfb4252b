"""Durations in other notations, `30d`, `30 days`, `1.5h` -> durations of CEL."""

import re
from fractions import Fraction

from nextbest.diagnostics import Remedy

_SPAN = re.compile(
    r"(\d{1,7}(?:\.\d{1,6})?) ?(days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|weeks?|w)",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"(\d{1,7}[hms])+")
_LONG = re.compile(r"\d+(\.\d+)? ?(months?|years?|mo|y|yrs?|quarters?)", re.IGNORECASE)
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
LONG_HELP = (
    'months and years have no fixed length: write them as days, in hours; 30 days are `duration("720h")`'
)
HELP = 'write a duration in hours, minutes or seconds: `duration("720h")` is 30 days'


def read_span(text: str) -> tuple[str, str] | None:
    """Reads a duration.

    Returns:
        The argument of `duration(...)`, and words if the unit was days or weeks; None if it is not a
        duration, or has no fixed length.
    """
    if _PLAIN.fullmatch(text):
        return text, ""
    found = _SPAN.fullmatch(text)
    if found is None or found[2] == "M":
        return None
    unit = found[2][0].lower()
    seconds = Fraction(found[1]) * _SECONDS[unit]
    if seconds.denominator != 1:
        return None
    whole = int(seconds)
    in_words = f"{found[1]} {'days' if unit == 'd' else 'weeks'}" if unit in "dw" else ""
    for name in "hm":
        if whole % _SECONDS[name] == 0:
            return f"{whole // _SECONDS[name]}{name}", in_words
    return f"{whole}s", in_words


def in_hours(call: str) -> Remedy | None:
    """The remedy for `duration("30d")`; None if the text is not a duration."""
    found = re.fullmatch(r"""duration\(\s*(["'])(.*)\1\s*\)""", call)
    span = read_span(found[2]) if found else None
    return Remedy(words_of(span[1]), f'duration("{span[0]}")') if span else None


def is_long(text: str) -> bool:
    """Whether a text is a number of months or years."""
    return _LONG.fullmatch(text) is not None


def words_of(in_words: str) -> str:
    """The remedy around a duration."""
    if in_words.startswith("1 "):
        in_words = in_words.removesuffix("s")
    return f"write a duration, here of {in_words}: `{{}}`" if in_words else "write a duration: `{}`"
