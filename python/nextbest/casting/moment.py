"""Text -> a moment. A date whose day and month could be exchanged is refused with both readings."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from nextbest.casting.refusal import CastError

_MOMENT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)? ?([Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_LOCAL: Final = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[ T].*)?", re.ASCII | re.DOTALL)
_LOOSE: Final = re.compile(r"(\d{4})[/.-]?(\d{1,2})[/.-]?(\d{1,2})", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXAMPLE: Final = "write a date, 2026-01-31, or a time, 2026-01-31T09:00:00Z"


def parse_moment(text: str, zone: str = "") -> datetime:
    """Reads `2026-01-31`, or `2026-01-31T09:00:00Z` with any offset; UTC if the time has no offset.

    A date is its first moment in `zone`. A blank may replace the T, and seconds may be left out. The
    resolution is one microsecond: finer digits are dropped.

    Raises:
        CastError: It is neither of them, is not in the calendar, or its day and month could be exchanged.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise _refusal(text)
    year, month, day, hour, minute, second, fraction, offset = found.groups(default="")
    try:
        if not hour:
            return first_moment(date(int(year), int(month), int(day)), zone)
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0),
            int(f"{fraction[:6]:0<6}"), _zone(offset),
        )  # fmt: skip
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise CastError(f"`{text}` is not in the calendar", _EXAMPLE) from None


def is_date(text: str) -> bool:
    """Whether the text is a date without a time; such a date begins in a time zone that it does not name."""
    found = _MOMENT.fullmatch(text.strip())
    return found is not None and found[4] is None


def first_moment(day: date, zone: str) -> datetime:
    """The first moment of a day in a time zone; empty: UTC.

    Raises:
        ValueError: It begins before the year 0001 of UTC.
    """
    # Imported here because commands that cast nothing need not load it.
    from nextbest._core import start_of_day  # noqa: PLC0415

    return _EPOCH + timedelta(microseconds=start_of_day(day.year, day.month, day.day, zone))


def _zone(offset: str) -> timezone:
    if offset in {"", "Z", "z"}:
        return UTC
    digits = offset[1:].replace(":", "")
    length = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-length if offset[0] == "-" else length)


def _refusal(text: str) -> CastError:
    local = _LOCAL.fullmatch(text)
    if local is not None:
        first, second, year = int(local[1]), int(local[3]), int(local[4])
        readings = [
            reading
            for reading in dict.fromkeys((_date(year, second, first), _date(year, first, second)))
            if reading is not None
        ]
        if len(readings) == 2:
            either, other = (f"{reading.day} {reading:%B}" for reading in readings)
            remedy = f"write {readings[0]} or {readings[1]}"
            return CastError(f"`{text}` may be {either} or {other}", remedy)
        if readings:
            return CastError(f"`{text}` is not a timestamp", f"write {readings[0]}")
    loose = _LOOSE.fullmatch(text)
    written = _date(int(loose[1]), int(loose[2]), int(loose[3])) if loose is not None else None
    if written is not None and not (text.isdecimal() and len(text) != 8):
        return CastError(f"`{text}` is not a timestamp", f"write {written}")
    if _NUMBER.fullmatch(text):
        message = f"`{text}` is not a timestamp: a number has neither a unit nor a starting point"
        return CastError(message, _EXAMPLE)
    return CastError(f"`{text}` is not a timestamp", _EXAMPLE)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
