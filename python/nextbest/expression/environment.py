"""A schema -> the CEL environment that its expressions are parsed and type-checked in.

Attributes become fields of one protobuf message per root, with explicit presence, so that cel-cpp knows their
types, evaluates `has()` and reports unknown attributes. Comparisons and arithmetic are declared again: int
and double mix, equality needs two values of one kind, and operations that bundles do not have are not
declared.
"""

import json
from collections.abc import Iterable
from functools import cache
from itertools import product
from typing import Self

from cel_expr_python import cel
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, duration_pb2, timestamp_pb2

from nextbest.expression.checked import checked_pb2
from nextbest.expression.schema import Attribute, Root, Schema, Type

FORMULA_INPUTS = ("propensity", "context_weight", "value", "lever")

_ORDER = ("_<_", "_<=_", "_>_", "_>=_")
_EQUALITY = ("_==_", "_!=_")
_MIXED = tuple(product(("int", "double"), repeat=2))
_ORDERED = (*_MIXED, ("string", "string"), ("timestamp", "timestamp"), ("duration", "duration"))
_ARITHMETIC = tuple((a, b, "int" if a == b == "int" else "double") for a, b in _MIXED)
_OVERLOADS: dict[str, tuple[tuple[str, str, str], ...]] = {
    **{name: tuple((a, b, "bool") for a, b in _ORDERED) for name in _ORDER},
    **{name: tuple((a, b, "bool") for a, b in (*_ORDERED, ("bool", "bool"))) for name in _EQUALITY},
    "_+_": (
        *_ARITHMETIC,
        ("string", "string", "string"),
        ("timestamp", "duration", "timestamp"),
        ("duration", "timestamp", "timestamp"),
        ("duration", "duration", "duration"),
    ),
    "_-_": (
        *_ARITHMETIC,
        ("timestamp", "timestamp", "duration"),
        ("timestamp", "duration", "timestamp"),
        ("duration", "duration", "duration"),
    ),
    "_*_": _ARITHMETIC,
    "_/_": _ARITHMETIC,
}
_TypeInfo = dict[str, object]
_WITHDRAWN = ("type", "dyn", "bytes", "uint")

_Field = descriptor_pb2.FieldDescriptorProto
_FIELD_TYPES = {
    Type.BOOL: _Field.TYPE_BOOL,
    Type.INT: _Field.TYPE_INT64,
    Type.DOUBLE: _Field.TYPE_DOUBLE,
    Type.STRING: _Field.TYPE_STRING,
    Type.TIMESTAMP: _Field.TYPE_MESSAGE,
    Type.DURATION: _Field.TYPE_MESSAGE,
    Type.STRING_LIST: _Field.TYPE_STRING,
    Type.INT_LIST: _Field.TYPE_INT64,
}
_LABELS = {Type.STRING_LIST: _Field.LABEL_REPEATED, Type.INT_LIST: _Field.LABEL_REPEATED}
_MESSAGE_TYPES = {Type.TIMESTAMP: ".google.protobuf.Timestamp", Type.DURATION: ".google.protobuf.Duration"}


class CheckError(Exception):
    """An error that cel-cpp reports; `args[0]` is its message, one or more findings in lines."""


class Environment:
    """Where texts of one kind are type-checked."""

    def __init__(self, env: cel.Env) -> None:
        """Takes cel-cpp's declarations; see the two constructors below."""
        self._env = env

    @classmethod
    def of_schema(cls, schema: Schema) -> Self:
        """Declares customer, context, action and now."""
        roots = [(str(root), root.capitalize()) for root in Root]
        return cls(cel.NewEnv(descriptor_pool=_pool(schema), config=_config((*roots, ("now", "timestamp")))))

    @classmethod
    def of_formula(cls) -> Self:
        """Declares the inputs of an arbitration formula, all of them doubles."""
        return cls(cel.NewEnv(config=_config(tuple((name, "double") for name in FORMULA_INPUTS))))

    def check(self, text: str) -> checked_pb2.CheckedExpr:
        """Parses and type-checks a text.

        Raises:
            CheckError: It is not a valid expression of the schema.
        """
        tree = checked_pb2.CheckedExpr()
        tree.ParseFromString(self._compile(text, unchecked=False))
        return tree

    def parse(self, text: str) -> checked_pb2.ParsedExpr:
        """Parses a text without checking types, to analyse an error.

        Raises:
            CheckError: It is not CEL.
        """
        tree = checked_pb2.ParsedExpr()
        tree.ParseFromString(self._compile(text, unchecked=True))
        return tree

    def _compile(self, text: str, *, unchecked: bool) -> bytes:
        try:
            serialized = self._env.compile(text, disable_check=unchecked).serialize()
        except RuntimeError as error:
            raise CheckError(str(error)) from error
        envelope = any_pb2.Any()
        envelope.ParseFromString(serialized)
        return envelope.value


def _pool(schema: Schema) -> descriptor_pool.DescriptorPool:
    # Syntax proto2, where every field knows whether it is set, and names that differ only in case do not
    # collide.
    file = descriptor_pb2.FileDescriptorProto(name="schema.proto")
    pool = descriptor_pool.DescriptorPool()
    for dependency in (timestamp_pb2, duration_pb2):
        pool.AddSerializedFile(dependency.DESCRIPTOR.serialized_pb)
        file.dependency.append(dependency.DESCRIPTOR.name)
    for root in Root:
        file.message_type.append(_message(root, (a for a in schema if a.root is root)))
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _message(root: Root, attributes: Iterable[Attribute]) -> descriptor_pb2.DescriptorProto:
    message = descriptor_pb2.DescriptorProto(name=root.capitalize())
    message.options.deprecated_legacy_json_field_conflicts = True
    for number, attribute in enumerate(attributes, 1):
        message.field.add(
            name=attribute.name,
            json_name=f"f{number}",
            # 19,000 to 19,999 belong to protobuf.
            number=number if number < 19_000 else number + 1_000,
            type=_FIELD_TYPES[attribute.type],
            type_name=_MESSAGE_TYPES.get(attribute.type),
            label=_LABELS.get(attribute.type, _Field.LABEL_OPTIONAL),
        )
    return message


@cache
def _config(variables: tuple[tuple[str, str], ...]) -> cel.EnvConfig:
    overloads = {
        name: [
            _overload(f"{name}:{a},{b}", (_type(a), _type(b)), _type(result)) for a, b, result in signatures
        ]
        for name, signatures in _OVERLOADS.items()
    }
    element = {"type_name": "T", "is_type_param": True}
    elements = _list(element)
    # The macros `filter` and `map` are folds that append; an author's own `+` of lists is refused later.
    overloads["_+_"].append(_overload("append", (elements, elements), elements))
    overloads["_==_"].append(_overload("equal_lists", (elements, elements), _type("bool")))
    overloads["_!=_"].append(_overload("unequal_lists", (elements, elements), _type("bool")))
    overloads["@in"] = [_overload("in", (element, elements), _type("bool"))] + [
        _overload(f"in:{a}", (_type(a), _list(_type(b))), _type("bool")) for a, b in _MIXED if a != b
    ]
    return cel.NewEnvConfigFromYaml(
        json.dumps(
            {
                "stdlib": {"exclude_functions": [{"name": name} for name in (*overloads, *_WITHDRAWN)]},
                "functions": [{"name": name, "overloads": found} for name, found in overloads.items()],
                "variables": [{"name": name, "type_name": type_} for name, type_ in variables],
            }
        )
    )


def _overload(id_: str, args: tuple[_TypeInfo, _TypeInfo], result: _TypeInfo) -> dict[str, object]:
    return {"id": id_, "args": list(args), "return": result}


def _type(name: str) -> _TypeInfo:
    return {"type_name": name}


def _list(element: _TypeInfo) -> _TypeInfo:
    return {"type_name": "list", "params": [element]}
