"""Turns Python values into the typed values of the protocol, and back.

| Python | protocol |
|---|---|
| None | no kind: absent |
| bool, int, float, str | bool, int, double, string |
| datetime with a time zone | timestamp, to the microsecond |
| timedelta | duration, to the microsecond |
| list or tuple of str, or of int | list of strings, list of ints |
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from numbers import Real
from operator import index
from typing import Final, TypeVar

from nextbest.client.attributes import AttributeValue
from nextbest.client.errors import InvalidRequest
from nextbest.v1 import customer_pb2 as pb

_TYPES: Final = "bool, int, float, str, datetime, timedelta, list of str, list of int or None"

_Item = TypeVar("_Item")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**63 - 1


def encode(value: AttributeValue, field: str) -> pb.Value:
    """Encodes one value.

    Args:
        value: See the table above. A float must be finite, an int must fit 64 bits, a datetime must have a
            time zone.
        field: Its path in the request, for the error.

    Raises:
        InvalidRequest: There is no such value in the protocol.
    """
    match value:
        case None:
            encoded = pb.Value()
        case bool():
            encoded = pb.Value(bool=value)
        case int():
            encoded = pb.Value(int=_int(value, field))
        case float():
            encoded = pb.Value(double=_double(value, field))
        case str():
            encoded = pb.Value(string=check_text(value, field))
        case datetime():
            encoded = pb.Value(timestamp_us=to_microseconds(value, field))
        case timedelta():
            encoded = pb.Value(duration_us=_int(value // _MICROSECOND, field))
        case list() | tuple():
            encoded = _encode_list(value, field)
        case _:
            raise InvalidRequest(f"a {type(value).__name__} is not an attribute value: use {_TYPES}", field)
    return encoded


def encode_attributes(attributes: Mapping[str, AttributeValue], field: str) -> list[pb.Attribute]:
    """Encodes named values, in their order.

    Args:
        attributes: Names without their root: `age`, not `customer.age`.
        field: Their path in the request, for the error.

    Raises:
        InvalidRequest: They are not a mapping, or one of them has no form in the protocol; its `field` is
            `context.device`, for instance.
    """
    if not isinstance(attributes, Mapping):
        message = f'attributes are a mapping of names and values: {{"age": 42}}, {_not_a(attributes)}'
        raise InvalidRequest(message, field)
    return [
        pb.Attribute(name=check_text(name, f"{field}.{name}"), value=encode(value, f"{field}.{name}"))
        for name, value in attributes.items()
    ]


def decode(value: pb.Value) -> AttributeValue:
    """Decodes one value; None when absent or of a kind this version does not know. Lists come as lists."""
    match value.WhichOneof("kind"):
        case "timestamp_us":
            return from_microseconds(value.timestamp_us)
        case "duration_us":
            return timedelta(microseconds=value.duration_us)
        case "strings":
            return list(value.strings.items)
        case "ints":
            return list(value.ints.items)
        case None:
            return None
        case kind:
            plain: bool | int | float | str = getattr(value, kind)
            return plain


def check_text(text: str, field: str) -> str:
    """Returns a text that a message can hold: every one that enters a request passes here.

    Args:
        text: Of Python, which may have bytes that were not UTF-8 as halves of characters.
        field: Its path in the request, for the error.

    Raises:
        InvalidRequest: It is not a text, or holds a lone surrogate.
    """
    if not isinstance(text, str):
        raise InvalidRequest(f'a text is needed: "c-1", {_not_a(text)}', _shown(field))
    try:
        text.encode()
    except UnicodeEncodeError:
        message = "the text contains a lone surrogate (half a character): decode it again"
        raise InvalidRequest(message, _shown(field)) from None
    return text


def check_whole(number: int, field: str, maximum: int, meaning: str) -> int:
    """Returns a whole number from 0 to `maximum`.

    Args:
        number: What was given.
        field: Its path in the request, for the error.
        maximum: The largest.
        meaning: What it has to be, for the error.

    Raises:
        InvalidRequest: It is not that.
    """
    try:
        # numpy's whole numbers are as good as Python's; a bool is not a count.
        whole = index(number) if not isinstance(number, bool) else -1
    except TypeError:
        raise InvalidRequest(f"{meaning}, {_not_a(number)}", field) from None
    if not 0 <= whole <= maximum:
        raise InvalidRequest(meaning, field)
    return whole


def check_seconds(seconds: float, field: str = "timeout_s") -> float:
    """Returns a length of time.

    Raises:
        InvalidRequest: It is not a number.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, Real) or math.isnan(seconds):
        raise InvalidRequest(f"a number of seconds is needed: 1.0, {_not_a(seconds)}", field)
    return float(seconds)


def check_kind(given: object, kind: type, field: str) -> None:
    """Looks whether an argument that may be None is an object of its kind.

    Raises:
        InvalidRequest: It is something else.
    """
    if given is not None and not isinstance(given, kind):
        raise InvalidRequest(f"{kind.__name__}(...) is needed, {_not_a(given)}", field)


def check_truth(truth: bool, field: str) -> bool:  # noqa: FBT001 - it is what is looked at
    """Returns a truth value.

    Raises:
        InvalidRequest: It is something else, such as the text "false", which would count as true.
    """
    # Compared by value: numpy has other truth values.
    if not isinstance(truth, Hashable) or truth not in {True, False}:
        raise InvalidRequest(f"True or False is needed, {_not_a(truth)}", field)
    return bool(truth)


def check_iterable(items: Iterable[_Item], field: str, example: str) -> Iterable[_Item]:
    """Returns what holds several things; a text, a mapping and a table of polars or pandas do not count.

    Args:
        items: What was given.
        field: Its path in the request, for the error.
        example: How it is written: `a list of names: ["gold-card"]`.

    Raises:
        InvalidRequest: It is something else.
    """
    if hasattr(items, "columns") and hasattr(items, "dtypes"):
        # Going through a table gives the names of its columns, or the columns.
        rows = "its rows: to_dicts() of polars, to_dict('records') of pandas"
        raise InvalidRequest(f"{example} is needed, not a table: give {rows}", field)
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise InvalidRequest(f"{example} is needed, {_not_a(items)}", field)
    return items


def to_microseconds(moment: datetime, field: str) -> int:
    """Counts microseconds since 1970-01-01T00:00:00Z.

    Raises:
        InvalidRequest: It is not a datetime, or has no time zone.
    """
    if not isinstance(moment, datetime):
        message = f"a datetime is needed: datetime.now(UTC), for instance, {_not_a(moment)}"
        raise InvalidRequest(message, field)
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise InvalidRequest("a datetime without a time zone: use datetime.now(UTC), for instance", field)
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Returns the moment in UTC, this number of microseconds after 1970-01-01T00:00:00Z."""
    return _EPOCH + timedelta(microseconds=count)


def _not_a(given: object) -> str:
    return "not None" if given is None else f"not {type(given).__name__}"


def _shown(field: str) -> str:
    # What cannot be encoded cannot be printed either.
    return field.encode(errors="backslashreplace").decode()


def _int(value: int, field: str) -> int:
    if not _INT_MIN <= value <= _INT_MAX:
        raise InvalidRequest("the number does not fit 64 bits: use a float or a text", field)
    return int(value)


def _double(value: float, field: str) -> float:
    if not math.isfinite(value):
        raise InvalidRequest("not a finite number: use None for a value that is missing", field)
    return value


def _encode_list(items: Sequence[object], field: str) -> pb.Value:
    # An empty list does not show the type of its elements; a server accepts this form for either type of
    # list.
    if all(isinstance(item, str) for item in items):
        texts = [check_text(str(item), f"{field}[{index}]") for index, item in enumerate(items)]
        return pb.Value(strings=pb.StringList(items=texts))
    if all(isinstance(item, int) and not isinstance(item, bool) for item in items):
        numbers = [
            _int(item, f"{field}[{index}]") for index, item in enumerate(items) if isinstance(item, int)
        ]
        return pb.Value(ints=pb.IntList(items=numbers))
    raise InvalidRequest("a list must hold either texts or whole numbers", field)
