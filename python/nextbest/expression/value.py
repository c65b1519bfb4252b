"""Constants as the compiler holds them, and as a bundle does."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nextbest.casting.duration import DurationError, Problem, duration_us, spell_us
from nextbest.expression.schema import Type
from nextbest.v1 import customer_pb2

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
# cel-cpp's bounds: years 0001 to 9999.
TIMESTAMP_US_MIN, TIMESTAMP_US_MAX = -62_135_596_800_000_000, 253_402_300_799_999_999

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-]\d\d:\d\d))", re.ASCII
)
# CEL has no days or weeks.
_DURATION_UNITS = ("h", "m", "s", "ms", "us", "ns")
_DURATION_REMEDIES = {
    Problem.NOT_A_DURATION: 'write a duration as "36h", "1h30m" or "90s"; a day is "24h"',
    Problem.TOO_FINE: "write whole microseconds: that is the resolution of time",
    Problem.TOO_LONG: "durations are at most 10,000 years",
}


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
        return spell_us(self.us)


Constant = bool | int | float | str | Timestamp | Duration | tuple[str, ...] | tuple[int, ...]


class ValueTextError(ValueError):
    """Text that is not a value of the requested type; the message has the right form."""


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
    """Writes a constant as the message of a bundle.

    Args:
        constant: A value of the type; an int is also taken for a double.
        type_: Its type in the bundle.

    Raises:
        TypeError: The constant is not of the type.
    """
    if isinstance(constant, tuple):
        items = set(map(type, constant))
        if type_ is Type.STRING_LIST and items <= {str}:
            return customer_pb2.Value(strings=customer_pb2.StringList(items=map(str, constant)))
        if type_ is Type.INT_LIST and items <= {int}:
            return customer_pb2.Value(ints=customer_pb2.IntList(items=map(int, constant)))
        raise TypeError(f"{constant!r} is not of the type {type_}")
    if type_ is Type.DOUBLE and type(constant) is int:
        constant = float(constant)
    if _SCALARS[type(constant)] is not type_:
        raise TypeError(f"{constant!r} is not of the type {type_}")
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
        raise ValueTextError("write at most six digits after the seconds: the resolution is one microsecond")
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
    try:
        return Duration(duration_us(text, _DURATION_UNITS))
    except DurationError as error:
        raise ValueTextError(_DURATION_REMEDIES[error.problem]) from error
