"""Text -> a length of time, and back: `720h`, `7d`, `1h30m`, or ISO 8601, `P7D` and `PT1H30M`; exact."""

import re
from datetime import timedelta
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
_SPELLED: Final = re.compile(r"([+-]?)((?:\d+(?:\.\d*)?(?:w|d|h|ms|m|s|us|ns))+)", re.ASCII)
_PART: Final = re.compile(r"(\d+)(?:\.(\d*))?(w|d|h|ms|m|s|us|ns)", re.ASCII)
_ISO: Final = re.compile(
    r"([+-]?)P(?:([\d.]+)W)?(?:([\d.]+)D)?(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_CALENDAR: Final = re.compile(r"[+-]?P[\d.]+[YM].*", re.ASCII | re.IGNORECASE)
_CLOCK: Final = re.compile(r"-?\d+:\d\d(:\d\d(\.\d+)?)?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)
_EXAMPLE: Final = "write a length of time as 720h, 30d or 1h30m"
US_MAX: Final = 315_576_000_000 * 1_000_000
"""10,000 years, as in conditions."""


def parse_duration(text: str) -> timedelta:
    """Reads a length of time, which may have a sign.

    Units: w, d, h, m, s, ms, us, ns. A day is 24 hours.

    Raises:
        CastError: It is none, is finer than microseconds, or longer than 10,000 years.
    """
    sign, written = _spelled(text)
    total_ns = 0
    for whole, fraction, unit in _PART.findall(written):
        scaled, rest = divmod(int(fraction or "0") * UNITS_NS[unit], 10 ** len(fraction))
        if rest:
            raise _too_fine(text)
        total_ns += int(whole) * UNITS_NS[unit] + scaled
    us, rest = divmod(total_ns, 1_000)
    if rest:
        raise _too_fine(text)
    if us > US_MAX:
        raise CastError(f"`{text}` is longer than 10,000 years", _EXAMPLE)
    return timedelta(microseconds=-us if sign == "-" else us)


def spell_duration(length: timedelta) -> str:
    """Writes a length of time as `parse_duration` and conditions read it: `720h`, `1h30m`, `1.5s`."""
    us = length // timedelta(microseconds=1)
    hours, rest = divmod(abs(us), 3_600_000_000)
    minutes, rest = divmod(rest, 60_000_000)
    seconds = f"{rest // 1_000_000}.{rest % 1_000_000:06}".rstrip("0").rstrip(".")
    parts = [f"{hours}h"] * (hours > 0) + [f"{minutes}m"] * (minutes > 0) + [f"{seconds}s"] * (rest > 0)
    return ("-" if us < 0 else "") + ("".join(parts) or "0s")


def _spelled(text: str) -> tuple[str, str]:
    """The sign, and the parts with their units."""
    if text.strip("+-") == "0":
        return "", "0s"
    spelled = _SPELLED.fullmatch(text)
    if spelled is not None:
        return spelled[1], spelled[2]
    iso = _ISO.fullmatch(text)
    if iso is not None and any(iso.groups()[1:]):
        parts = zip(iso.groups()[1:], "wdhms", strict=True)
        written = "".join(f"{amount}{unit}" for amount, unit in parts if amount)
        if _SPELLED.fullmatch(written):
            return iso[1], written
    raise _refusal(text)


def _refusal(text: str) -> CastError:
    message = f"`{text}` is not a duration"
    if _CALENDAR.fullmatch(text):
        return CastError(f"{message}: months and years differ in length", "write it in days, P30D or 30d")
    if _CLOCK.fullmatch(text):
        return CastError(f"{message}: its parts have no units", _EXAMPLE)
    if _NUMBER.fullmatch(text):
        return CastError(f"{message}: a number has no unit", _EXAMPLE)
    return CastError(message, _EXAMPLE)


def _too_fine(text: str) -> CastError:
    return CastError(f"`{text}` is finer than a microsecond", "time is kept in microseconds: round it")
