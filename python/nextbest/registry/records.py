"""Dataclasses <-> what JSON can say, with every type checked on the way back.

What is read here was written by a child process that ran a stranger's model, or has lain on a disk: it is
taken only as far as it has the form it should have.
"""

import dataclasses
import json
import types
import typing
from enum import Enum
from typing import Any, TypeVar, Union

RecordT = TypeVar("RecordT")


def encode(value: Any) -> Any:
    """Turns a dataclass into dictionaries, lists, texts and numbers."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def decode(kind: type[RecordT], plain: Any) -> RecordT:
    """Turns what `encode` made into the dataclass again.

    Raises:
        ValueError: The form is not valid; the message has the position.
    """
    value: RecordT = _decode(kind, plain, "")
    return value


def parse(kind: type[RecordT], data: bytes) -> RecordT:
    """Reads a dataclass from JSON.

    Raises:
        ValueError: It is not JSON, or does not have the form of the dataclass.
    """
    try:
        return decode(kind, json.loads(data))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _decode(kind: Any, plain: Any, place: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {Union, types.UnionType}:
        if plain is None and type(None) in arguments:
            return None
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _decode(inner, plain, place)
    if origin is not None:
        return _decode_collection(origin, arguments, plain, place)
    if dataclasses.is_dataclass(kind):
        return _decode_record(kind, _expect(dict, plain, place), place)
    if issubclass(kind, Enum):
        return kind(_expect(str, plain, place))
    is_whole = kind is float and isinstance(plain, int) and not isinstance(plain, bool)
    return _as_float(plain, place) if is_whole else _expect(kind, plain, place)


def _decode_collection(origin: Any, arguments: tuple[Any, ...], plain: Any, place: str) -> Any:
    """A list, a tuple of any length, or a dictionary by text."""
    if origin is dict:
        entries = _expect(dict, plain, place)
        return {str(key): _decode(arguments[1], item, f"{place}.{key}") for key, item in entries.items()}
    items = enumerate(_expect(list, plain, place))
    return origin(_decode(arguments[0], item, f"{place}[{index}]") for index, item in items)


def _decode_record(kind: Any, plain: dict[str, Any], place: str) -> Any:
    hints = typing.get_type_hints(kind)
    values = {}
    for field in dataclasses.fields(kind):
        if field.name in plain:
            values[field.name] = _decode(hints[field.name], plain[field.name], f"{place}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"`{place}.{field.name}` is missing".replace("`.", "`"))
    return kind(**values)


def _as_float(plain: int, place: str) -> float:
    try:
        return float(plain)
    except OverflowError:
        raise ValueError(f"`{place.removeprefix('.')}` is too large") from None


def _expect(kind: Any, plain: Any, place: str) -> Any:
    if not isinstance(plain, kind) or (kind is not bool and isinstance(plain, bool)):
        raise ValueError(f"`{place.removeprefix('.')}` is not of type {kind.__name__}")
    if kind is str and not plain.isascii():
        # Half of a surrogate pair can neither be written again nor shown: the message names it.
        plain.encode()
    return plain
