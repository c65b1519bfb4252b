"""What a tensor is made of -> the attributes that fit it, and values in place of absent ones."""

import math
from collections.abc import Mapping

from nextbest.expression import Type
from nextbest.models import Element
from nextbest.v1 import bundle_pb2, customer_pb2
from nextbest.workspace.check.values import INT_MAX, INT_MIN

# The attributes that can stand in a tensor of each element type. A bool is 0 or 1 among numbers.
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
    """What stands in for an absent attribute, as the element type has it; None when it is none of it."""
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
