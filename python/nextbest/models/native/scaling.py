"""Operators of ai.onnx.ml that prepare numbers: scaling, filling in, normalising, cutting in two."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from nextbest.models.native.arithmetic import combine
from nextbest.models.native.call import Call, Operator
from nextbest.models.native.program import Operation
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import Element, Known, Tensor, Value
from nextbest.v1 import native_pb2 as native


def _number(value: float) -> Known:
    return np.array(value, dtype=np.float32)


def _apply(call: Call, operation: Operation, value: Tensor) -> Tensor:
    return value.moved(call.program.apply(operation, value.references), value.rows)


def _table(call: Call) -> Tensor:
    return call.rows_of_floats(0)[1]


def _each_column(values: Known, width: int) -> Known:
    """Values for each column, or one for all."""
    if len(values) not in (1, width):
        raise NotLowered("it prepares another number of columns than it is given")
    return values


def _scaler(call: Call) -> Sequence[Value]:
    value = _table(call)
    offset, scale = call.attribute("offset"), call.attribute("scale")
    if call.tensor(0).element is Element.INT or offset is None or scale is None or len(offset) != len(scale):
        raise NotLowered("it scales whole numbers, or without an offset")
    less = combine(call, native.NATIVE_SUBTRACT, [value, _each_column(offset, value.width)])
    return [combine(call, native.NATIVE_MULTIPLY, [less, _each_column(scale, value.width)])]


def _imputer(call: Call) -> Sequence[Value]:
    given = call.tensor(0)
    value = _table(call)
    if given.element is Element.INT:
        filled, replaced = call.attribute("imputed_value_int64s"), call.attribute("replaced_value_int64", 0)
        replaced = np.array(replaced)
    else:
        filled = call.attribute("imputed_value_floats")
        replaced = _number(call.attribute("replaced_value_float", 0.0))
    if filled is None or not len(filled):
        raise NotLowered("it fills in values of another kind than it is given")
    # ONNX Runtime takes the first value where there is not one for each column.
    filled = filled if len(filled) == value.width else filled[:1]
    value = Tensor(value.references, value.rows, given.element)
    if np.isnan(replaced):
        lost = _apply(call, native.NATIVE_IS_NAN, value)
    else:
        lost = combine(call, native.NATIVE_EQUAL, [value, replaced])
    chosen = combine(call, native.NATIVE_SELECT, [lost, filled, value])
    return [Tensor(chosen.references, value.rows, given.element)]


def _binarizer(call: Call) -> Sequence[Value]:
    value = _table(call)
    threshold = _number(call.attribute("threshold", 0.0))
    above = combine(call, native.NATIVE_GREATER, [value, threshold])
    # ONNX Runtime fails on NaN. So does a pick from one number, at the place 1.
    lost = call.program.apply(native.NATIVE_IS_NAN, value.references)
    zero = call.program.pick(lost, call.program.constant(np.zeros(1, dtype=np.float32)))
    sum_of_both = call.program.apply(native.NATIVE_ADD, above.references, zero)
    return [value.moved(sum_of_both, value.rows)]


def _normalizer(call: Call) -> Sequence[Value]:
    value = _table(call)
    if call.tensor(0).element is not Element.FLOAT:
        raise NotLowered("it normalises whole numbers")
    norm = call.attribute("norm", "MAX")
    if norm == "L2":
        size, scaled = _euclidean(call, value)
    elif norm in ("L1", "MAX"):
        size = _manhattan(call, value) if norm == "L1" else _largest(call, value)
        scaled = combine(call, native.NATIVE_DIVIDE, [value, size])
    else:
        raise NotLowered(f"it normalises by {norm}")
    none = combine(call, native.NATIVE_EQUAL, [size, _number(0.0)])
    chosen = combine(call, native.NATIVE_SELECT, [none, value, scaled])
    return [value.moved(chosen.references, value.rows)]


def _lp_normalization(call: Call) -> Sequence[Value]:
    """Each row over the sum of its absolute values, or over its length; a row of zeros stays one."""
    value = _table(call)
    if call.tensor(0).element is not Element.FLOAT:
        raise NotLowered("it normalises whole numbers")
    if call.axis(call.attribute("axis", -1), value.references.ndim) == value.rows:
        raise NotLowered("it reduces rows to one another")
    if call.attribute("p", 2) == 1:
        size = _manhattan(call, value)
    else:
        squares = combine(call, native.NATIVE_MULTIPLY, [value, value])
        size = _apply(call, native.NATIVE_SQUARE_ROOT, _reduced(call, native.NATIVE_REDUCE_SUM, squares))
    none = combine(call, native.NATIVE_EQUAL, [size, _number(0.0)])
    chosen = combine(
        call, native.NATIVE_SELECT, [none, _number(0.0), combine(call, native.NATIVE_DIVIDE, [value, size])]
    )
    return [value.moved(chosen.references, value.rows)]


def _reduced(call: Call, operation: Operation, value: Tensor) -> Tensor:
    return value.moved(call.program.reduce(operation, value.references).reshape(1, 1), value.rows)


def _euclidean(call: Call, value: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of squares; and each number over its root, in the order of operations of ONNX Runtime."""
    squares = combine(call, native.NATIVE_MULTIPLY, [value, value])
    total = _reduced(call, native.NATIVE_REDUCE_SUM, squares)
    root = _apply(call, native.NATIVE_SQUARE_ROOT, combine(call, native.NATIVE_DIVIDE, [squares, total]))
    below = combine(call, native.NATIVE_LESS, [value, _number(0.0)])
    signed = combine(call, native.NATIVE_SELECT, [below, _apply(call, native.NATIVE_NEGATE, root), root])
    return total, value.moved(signed.references, value.rows)


def _manhattan(call: Call, value: Tensor) -> Tensor:
    return _reduced(call, native.NATIVE_REDUCE_SUM, _apply(call, native.NATIVE_ABSOLUTE, value))


def _largest(call: Call, value: Tensor) -> Tensor:
    """Missing numbers are passed over."""
    lost = _apply(call, native.NATIVE_IS_NAN, value)
    least = np.array(np.finfo(np.float32).min)
    kept = combine(call, native.NATIVE_SELECT, [lost, least, value])
    return _reduced(call, native.NATIVE_REDUCE_MAXIMUM, kept)


OPERATORS: Final[dict[str, Operator]] = {
    "Scaler": _scaler,
    "Imputer": _imputer,
    "Binarizer": _binarizer,
    "Normalizer": _normalizer,
    "LpNormalization": _lp_normalization,
}
