"""Operators that make one number of many: reductions, places of the largest and smallest, and softmax.

With NaN among four or more numbers, the maximum that ONNX Runtime finds depends on the positions in a
register; here NaN in the first position is the maximum, and is ignored in others. This also applies to
positions (ArgMax).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from nextbest.models.native.call import Call, Operator
from nextbest.models.native.program import Operation
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import Element, Known, References, Tensor, Value
from nextbest.v1 import native_pb2 as native

# Of a single number, these are the number.
_UNCHANGED: Final = (native.NATIVE_REDUCE_SUM, native.NATIVE_REDUCE_MEAN, native.NATIVE_REDUCE_PRODUCT)


def _lines(value: Tensor, axes: Sequence[int]) -> tuple[References, list[int]]:
    """Returns references of shape [lines, group], and the axes that are left."""
    if value.rows in axes:
        raise NotLowered("it reduces rows to one another")
    kept = [axis for axis in range(value.references.ndim) if axis not in axes]
    turned = value.references.transpose([*kept, *axes])
    group = int(np.prod([value.references.shape[axis] for axis in axes], dtype=np.int64))
    if not group:
        raise NotLowered("it reduces an axis of length 0")
    return turned.reshape(-1, group), kept


def fold(value: Tensor, axes: Sequence[int], reduced: References, *, keep: bool) -> Tensor:
    """Gives what is left of the lines its shape."""
    shape = list(value.references.shape)
    for axis in axes:
        shape[axis] = 1
    whole = reduced.reshape(shape)
    if keep:
        return value.moved(whole, value.rows)
    left = [axis for axis in range(len(shape)) if axis not in axes]
    return value.moved(whole.reshape([shape[axis] for axis in left]), left.index(value.rows))


def _axes(call: Call, count: int) -> list[int]:
    axes = call.known(1) if call.has(1) else call.attribute("axes")
    if axes is None or not axes.size:
        if call.attribute("noop_with_empty_axes", 0):
            return []
        return list(range(count))
    return sorted({call.axis(axis, count) for axis in axes.reshape(-1).tolist()})


def _folded(call: Call, method: str, value: Known) -> Known:
    """Reduces a constant by the method of numpy of that name."""
    keep = bool(call.attribute("keepdims", 1))
    reduced = getattr(value, method)(axis=tuple(_axes(call, value.ndim)), keepdims=keep)
    return np.asarray(reduced, dtype=value.dtype)


def _reduction(operation: Operation, known: str | None = None) -> Operator:
    def operator(call: Call) -> Sequence[Value]:
        if known is not None and isinstance(call.inputs[0], np.ndarray):
            return [_folded(call, known, call.inputs[0])]
        value = call.floats(0)
        if call.tensor(0).element is not Element.FLOAT:
            raise NotLowered(f"its operator `{call.node.op_type}` computes in whole numbers")
        axes = _axes(call, value.references.ndim)
        if not axes and operation in _UNCHANGED:
            return [value]
        if not axes:
            raise NotLowered("it reduces no axis")
        lines, _ = _lines(value, axes)
        reduced = call.program.reduce(operation, lines)
        return [fold(value, axes, reduced, keep=bool(call.attribute("keepdims", 1)))]

    return operator


def _place(operation: Operation) -> Operator:
    def operator(call: Call) -> Sequence[Value]:
        value = call.floats(0)
        if call.attribute("select_last_index", 0):
            raise NotLowered("it takes the last of several largest")
        axis = call.axis(call.attribute("axis", 0), value.references.ndim)
        lines, _ = _lines(value, [axis])
        places = call.program.reduce(operation, lines)
        shaped = fold(value, [axis], places, keep=bool(call.attribute("keepdims", 1)))
        return [Tensor(shaped.references, shaped.rows, Element.INT)]

    return operator


def _softmax(call: Call) -> Sequence[Value]:
    value = call.floats(0)
    count = value.references.ndim
    axis = call.axis(call.attribute("axis", -1 if call.opset >= 13 else 1), count)
    axes = [axis] if call.opset >= 13 else list(range(axis, count))
    lines, kept = _lines(value, axes)
    done = np.stack([call.program.whole(native.NATIVE_SOFTMAX, line, len(line), None) for line in lines])
    turned = [*kept, *axes]
    shaped = done.reshape([value.references.shape[axis] for axis in turned])
    return [value.moved(shaped.transpose(np.argsort(turned)), value.rows)]


OPERATORS: Final[dict[str, Operator]] = {
    "ReduceSum": _reduction(native.NATIVE_REDUCE_SUM, "sum"),
    "ReduceMean": _reduction(native.NATIVE_REDUCE_MEAN, "mean"),
    "ReduceMax": _reduction(native.NATIVE_REDUCE_MAXIMUM, "max"),
    "ReduceMin": _reduction(native.NATIVE_REDUCE_MINIMUM, "min"),
    "ReduceProd": _reduction(native.NATIVE_REDUCE_PRODUCT, "prod"),
    "ReduceL1": _reduction(native.NATIVE_REDUCE_L1),
    "ReduceL2": _reduction(native.NATIVE_REDUCE_L2),
    "ReduceLogSumExp": _reduction(native.NATIVE_REDUCE_LOG_SUM_EXP),
    "ArgMax": _place(native.NATIVE_ARG_MAXIMUM),
    "ArgMin": _place(native.NATIVE_ARG_MINIMUM),
    "Softmax": _softmax,
}
