"""Constants as the compiler holds them, and as a bundle does."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nextbest.casting.duration import UNITS_NS
from nextbest.expression.schema import Type
from nextbest.v1 import customer_pb2

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
# cel-cpp's bounds: years 0001 to 9999, and 10,000 years either way.
TIMESTAMP_US_MIN, TIMESTAMP_US_MAX = -62_135_596_800_000_000, 253_402_300_799_999_999
DURATION_US_MAX = 315_576_000_000 * 1_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-]\d\d:\d\d))", re.ASCII
)
_DURATION = re.compile(r"([+-]?)((?:\d+(?:\.\d*)?(?:h|ms|m|s|us|ns))+)", re.ASCII)
_DURATION_PART = re.compile(r"(\d+)(?:\.(\d*))?(h|ms|m|s|us|ns)", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A point in time in microseconds since 1970-01-01T00:00:00Z, years 0001 to 9999."""

    us: int

    @classmethod
    def of(cls, moment: datetime) -> "Timestamp":
        """Takes over a datetime; one without a time zone is UTC."""
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return cls((moment - _EPOCH) // _MICROSECOND)

    def __str__(self) -> str:
        """RFC 3339, in UTC."""
        moment = _EPOCH + timedelta(microseconds=self.us)
        text = moment.replace(tzinfo=None).isoformat(timespec="microseconds")
        return text.rstrip("0").rstrip(".") + "Z"


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in microseconds; may be negative."""

    us: int

    @classmethod
    def of(cls, length: timedelta) -> "Duration":
        """Takes over a timedelta."""
        return cls(length // _MICROSECOND)

    def __str__(self) -> str:
        """As CEL spells it: `720h`, `1h30m`, `1.5s`."""
        rest = abs(self.us)
        hours, rest = divmod(rest, 3_600_000_000)
        minutes, rest = divmod(rest, 60_000_000)
        seconds = f"{rest // 1_000_000}.{rest % 1_000_000:06}".rstrip("0").rstrip(".")
        parts = [f"{hours}h"] * (hours > 0) + [f"{minutes}m"] * (minutes > 0) + [f"{seconds}s"] * (rest > 0)
        return ("-" if self.us < 0 else "") + ("".join(parts) or "0s")


Constant = bool | int | float | str | Timestamp | Duration | tuple[str, ...] | tuple[int, ...]


class ValueTextError(ValueError):
    """Text that does not spell a value of the type asked for; the message says how to write one."""


_SCALARS = {
    bool: Type.BOOL,
    int: Type.INT,
    float: Type.DOUBLE,
    str: Type.STRING,
    Timestamp: Type.TIMESTAMP,
    Duration: Type.DURATION,
}


def type_of(constant: Constant) -> Type:
    """The type of a constant; of a list without elements, a list of strings."""
    if isinstance(constant, tuple):
        return Type.INT_LIST if any(isinstance(item, int) for item in constant) else Type.STRING_LIST
    return _SCALARS[type(constant)]


def encode(constant: Constant, type_: Type) -> customer_pb2.Value:
    """Writes a constant as a bundle does.

    Args:
        constant: A value of the type; an int is also taken for a double.
        type_: What it is to be.

    Raises:
        TypeError: The constant is not of the type.
    """
    if isinstance(constant, tuple):
        items = set(map(type, constant))
        if type_ is Type.STRING_LIST and items <= {str}:
            return customer_pb2.Value(strings=customer_pb2.StringList(items=map(str, constant)))
        if type_ is Type.INT_LIST and items <= {int}:
            return customer_pb2.Value(ints=customer_pb2.IntList(items=map(int, constant)))
        raise TypeError(f"{constant!r} is no {type_}")
    if type_ is Type.DOUBLE and type(constant) is int:
        constant = float(constant)
    if _SCALARS[type(constant)] is not type_:
        raise TypeError(f"{constant!r} is no {type_}")
    match constant:
        case Timestamp():
            return customer_pb2.Value(timestamp_us=constant.us)
        case Duration():
            return customer_pb2.Value(duration_us=constant.us)
    value = customer_pb2.Value()
    setattr(value, str(type_), constant)
    return value


def parse_timestamp(text: str) -> Timestamp:
    """Reads RFC 3339, `2026-01-31T09:00:00Z` or with an offset; at most microseconds.

    Raises:
        ValueTextError: It is not a timestamp.
    """
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        raise ValueTextError("write a timestamp as `2026-01-31T09:00:00Z`")
    date, time, fraction, offset = found.groups(default="")
    if fraction[6:].strip("0"):
        raise ValueTextError("write at most six digits after the seconds: time is kept in microseconds")
    try:
        moment = datetime.fromisoformat(f"{date}T{time}.{fraction[:6]:0<6}{offset or '+00:00'}")
        timestamp = Timestamp.of(moment)
    except (ValueError, OverflowError) as error:
        raise ValueTextError("there is no such date or time of day") from error
    if not TIMESTAMP_US_MIN <= timestamp.us <= TIMESTAMP_US_MAX:
        raise ValueTextError("timestamps are of the years 0001 to 9999")
    return timestamp


def parse_duration(text: str) -> Duration:
    """Reads a duration as CEL spells it, `1h30m`, `-90s`; units h, m, s, ms, us; at most microseconds.

    Raises:
        ValueTextError: It is not a duration.
    """
    found = _DURATION.fullmatch(text)
    if text.strip("+-") == "0":
        return Duration(0)
    if found is None:
        raise ValueTextError('write a duration as "36h", "1h30m" or "90s"; a day is "24h"')
    sign, parts = found.groups()
    total_ns = 0
    for whole, fraction, unit in _DURATION_PART.findall(parts):
        scaled, rest = divmod(int(fraction or "0") * UNITS_NS[unit], 10 ** len(fraction))
        if rest:
            raise ValueTextError("write it in whole microseconds: time is kept in microseconds")
        total_ns += int(whole) * UNITS_NS[unit] + scaled
    if total_ns % 1_000:
        raise ValueTextError("write it in whole microseconds: time is kept in microseconds")
    us = total_ns // 1_000
    if us > DURATION_US_MAX:
        raise ValueTextError("durations are of at most 10,000 years")
    return Duration(-us if sign == "-" else us)
