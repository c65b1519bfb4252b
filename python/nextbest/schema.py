"""A bundle's attribute declarations -> the types they were written with in `schema.yaml`."""

from collections.abc import Mapping
from typing import Final

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


def attribute_types(bundle: bundle_pb2.Bundle, root: bundle_pb2.Root.ValueType) -> dict[str, str]:
    """Returns the attributes of a root, without it, each with its type; empty for a type not known here."""
    return {
        attribute.name: TYPE_NAMES.get(attribute.type, "")
        for attribute in bundle.attributes
        if attribute.root == root
    }
