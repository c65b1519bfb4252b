"""A bundle's attribute declarations -> the schema that they were written in."""

from collections.abc import Mapping
from typing import Final

from nextbest.casting import Schema
from nextbest.v1 import bundle_pb2

TYPE_NAMES: Final[Mapping[bundle_pb2.Type.ValueType, str]] = {
    bundle_pb2.TYPE_BOOL: "bool",
    bundle_pb2.TYPE_INT: "int",
    bundle_pb2.TYPE_DOUBLE: "double",
    bundle_pb2.TYPE_STRING: "string",
    bundle_pb2.TYPE_TIMESTAMP: "timestamp",
    bundle_pb2.TYPE_DURATION: "duration",
    bundle_pb2.TYPE_STRING_LIST: "list<string>",
    bundle_pb2.TYPE_INT_LIST: "list<int>",
}


def schema_of(bundle: bundle_pb2.Bundle, root: bundle_pb2.Root.ValueType) -> Schema:
    """Returns the schema of a root; the type of an attribute is empty where it is not known here."""
    types = {
        attribute.name: TYPE_NAMES.get(attribute.type, "")
        for attribute in bundle.attributes
        if attribute.root == root
    }
    return Schema(types, bundle.time_zone)
