"""The element type of a tensor -> the attribute types that fit it, and values for missing attributes."""

import math
from collections.abc import Mapping

from nextbest.expression import Type
from nextbest.models import Element
from nextbest.v1 import bundle_pb2, customer_pb2
from nextbest.workspace.check.values import INT_MAX, INT_MIN

# The attribute types that fit a tensor of each element type. A bool is 0 or 1 among numbers.
FITTING: Mapping[Element, frozenset[Type]] = {
    Element.FLOAT32: frozenset({Type.BOOL, Type.INT, Type.DOUBLE}),
    Element.FLOAT64: frozenset({Type.BOOL, Type.INT, Type.DOUBLE}),
    Element.INT64: frozenset({Type.BOOL, Type.INT}),
    Element.STRING: frozenset({Type.STRING}),
    Element.BOOLEAN: frozenset({Type.BOOL}),
}
ELEMENT_NUMBERS = {
    Element.FLOAT32: bundle_pb2.FLOAT32,
    Element.FLOAT64: bundle_pb2.FLOAT64,
    Element.INT64: bundle_pb2.INT64,
    Element.STRING: bundle_pb2.STRING,
    Element.BOOLEAN: bundle_pb2.BOOLEAN,
}
ELEMENT_WORDS = {
    Element.FLOAT32: "numbers",
    Element.FLOAT64: "numbers",
    Element.INT64: "whole numbers",
    Element.STRING: "text",
    Element.BOOLEAN: "true or false",
}


def encode_missing(element: Element, missing: object) -> customer_pb2.Value | None:
    """The value for a missing attribute in the element type of the tensor; None if it does not fit."""
    match element, missing:
        case ((Element.FLOAT32 | Element.FLOAT64), (int() | float())):
            return customer_pb2.Value(double=float(missing)) if math.isfinite(missing) else None
        case Element.INT64, int() if not isinstance(missing, bool) and INT_MIN <= missing <= INT_MAX:
            return customer_pb2.Value(int=missing)
        case Element.STRING, str():
            return customer_pb2.Value(string=missing)
        case Element.BOOLEAN, bool():
            return customer_pb2.Value(bool=missing)
    return None
