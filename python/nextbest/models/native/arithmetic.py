"""Operators that work number by number."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final

import numpy as np

from nextbest.models.native import texts, whole
from nextbest.models.native.call import Call, Operator
from nextbest.models.native.program import Operation
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import ROWS, Element, Known, Tensor, Value, broadcast, check_size
from nextbest.v1 import native_pb2 as native

# Operations of one operand that answer with a truth value.
_TRUTHS: Final = (native.NATIVE_NOT, native.NATIVE_IS_NAN)
Fold = Callable[..., Any]


def _unary(operation: Operation, fold: Fold) -> Operator:
    def operator(call: Call) -> Sequence[Value]:
        value = call.inputs[0]
        if isinstance(value, np.ndarray):
            return [_folded(fold, value)]
        operand = call.floats(0)
        if call.tensor(0).element is Element.INT:
            raise NotLowered(f"its operator `{call.node.op_type}` computes in whole numbers")
        element = Element.BOOL if operation in _TRUTHS else Element.FLOAT
        return [Tensor(call.program.apply(operation, operand.references), operand.rows, element)]

    return operator


def _folded(fold: Fold, *values: Known) -> Known:
    if any(value.dtype.kind in "iu" and (value == ROWS).any() for value in values):
        raise NotLowered("it computes with the number of rows")
    check_size(np.broadcast_shapes(*(value.shape for value in values)))
    kind = np.result_type(*values)
    with np.errstate(all="ignore"):
        folded = np.asarray(fold(*values))
    return folded if folded.dtype == bool else folded.astype(kind)


def combine(call: Call, operation: Operation, values: Sequence[Tensor | Known]) -> Tensor:
    """Adds an elementwise step of several operands, of which at least one depends on the row."""
    elements = {value.element for value in values if isinstance(value, Tensor)}
    if Element.DOUBLE in elements:
        raise NotLowered(f"its operator `{call.node.op_type}` computes in doubles")
    if Element.TEXT in elements:
        raise NotLowered(f"its operator `{call.node.op_type}` works on text")
    parts = [
        (call.cells(value), value.rows) if isinstance(value, Tensor) else (constant(call, value), None)
        for value in values
    ]
    operands, rows = broadcast(parts)
    if Element.INT in elements:
        whole.check(call.program, operation, operands)
    result = call.program.apply(operation, *operands)
    if native.NATIVE_LESS <= operation <= native.NATIVE_XOR:
        return Tensor(result, rows, Element.BOOL)
    element = elements.pop() if len(elements) == 1 else Element.FLOAT
    return Tensor(result, rows, element)


def constant(call: Call, value: Known) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Returns references of a constant; of whole numbers, only such as are exact as floats."""
    if value.dtype == np.float64:
        raise NotLowered(f"its operator `{call.node.op_type}` computes in doubles")
    if value.dtype.kind in "iu" and value.size and np.abs(value).max() >= whole.EXACT_MAX:
        raise NotLowered("it has whole numbers that are not exact as floats")
    if value.dtype.kind not in "iufb":
        raise NotLowered(f"its operator `{call.node.op_type}` works on text")
    return call.program.constant(value)


def _operands(call: Call) -> list[Tensor | Known]:
    values = [value for value in call.inputs if isinstance(value, Tensor | np.ndarray)]
    if len(values) != len(call.inputs) or not values:
        raise NotLowered(f"its operator `{call.node.op_type}` lacks an input")
    return values


def _nary(operation: Operation, fold: Fold) -> Operator:
    def operator(call: Call) -> Sequence[Value]:
        values = _operands(call)

        def join(left: Tensor | Known, right: Tensor | Known) -> Tensor | Known:
            if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
                return _folded(fold, left, right)
            return combine(call, operation, [left, right])

        return [reduce(join, values)]

    return operator


def _all_known(values: Sequence[Tensor | Known]) -> list[Known] | None:
    known = [value for value in values if isinstance(value, np.ndarray)]
    return known if len(known) == len(values) else None


def _divide(call: Call) -> Sequence[Value]:
    values = _operands(call)
    known = _all_known(values)
    if known:
        return [_folded(np.divide if known[0].dtype.kind == "f" else np.floor_divide, *known)]
    result = combine(call, native.NATIVE_DIVIDE, values)
    if result.element is Element.INT:
        raise NotLowered("it divides whole numbers")
    return [result]


def _where(call: Call) -> Sequence[Value]:
    condition, *branches = _operands(call)
    known = _all_known([condition, *branches])
    if known:
        check_size(np.broadcast_shapes(*(value.shape for value in known)))
        return [np.where(*known)]
    kinds = {value.element if isinstance(value, Tensor) else _element(value) for value in branches}
    if kinds == {Element.TEXT} and isinstance(condition, Tensor) and len(branches) == 2:
        return [texts.choose(call.program, condition, branches)]
    result = combine(call, native.NATIVE_SELECT, [condition, *branches])
    if len(kinds) != 1:
        raise NotLowered("it chooses between numbers of different kinds")
    return [Tensor(result.references, result.rows, kinds.pop())]


def _element(value: Known) -> Element:
    return {"f": Element.FLOAT, "b": Element.BOOL, "O": Element.TEXT}.get(value.dtype.kind, Element.INT)


def _clip(call: Call) -> Sequence[Value]:
    (value,) = _operands(call)[:1]
    # A limit that is not given is the last number before infinity.
    most = float(np.finfo(np.float32).max)
    for place, name, default, operation, fold in (
        (1, "min", -most, native.NATIVE_MAXIMUM, np.maximum),
        (2, "max", most, native.NATIVE_MINIMUM, np.minimum),
    ):
        limit = call.inputs[place] if call.has(place) else call.attribute(name, default)
        limit = np.array(limit, dtype=np.float32) if isinstance(limit, float) else limit
        if not isinstance(limit, Tensor | np.ndarray):
            raise NotLowered("it clips to no number")
        if isinstance(value, np.ndarray) and isinstance(limit, np.ndarray):
            value = _folded(fold, value, limit)
        else:
            value = combine(call, operation, [value, limit])
    return [value]


def _mean(call: Call) -> Sequence[Value]:
    (total,) = _nary(native.NATIVE_ADD, np.add)(call)
    count = np.array(len(call.inputs), dtype=np.float32)
    if isinstance(total, Tensor):
        return [combine(call, native.NATIVE_DIVIDE, [total, count])]
    return [np.asarray(total) / count]


OPERATORS: Final[dict[str, Operator]] = {
    "Neg": _unary(native.NATIVE_NEGATE, np.negative),
    "Abs": _unary(native.NATIVE_ABSOLUTE, np.abs),
    "Sqrt": _unary(native.NATIVE_SQUARE_ROOT, np.sqrt),
    "Exp": _unary(native.NATIVE_EXPONENTIAL, np.exp),
    "Log": _unary(native.NATIVE_LOGARITHM, np.log),
    "Floor": _unary(native.NATIVE_FLOOR, np.floor),
    "Ceil": _unary(native.NATIVE_CEILING, np.ceil),
    "Round": _unary(native.NATIVE_ROUND, np.round),
    "Sign": _unary(native.NATIVE_SIGN, np.sign),
    "Reciprocal": _unary(native.NATIVE_RECIPROCAL, np.reciprocal),
    "Add": _nary(native.NATIVE_ADD, np.add),
    "Sum": _nary(native.NATIVE_ADD, np.add),
    "Sub": _nary(native.NATIVE_SUBTRACT, np.subtract),
    "Mul": _nary(native.NATIVE_MULTIPLY, np.multiply),
    "Div": _divide,
    "Pow": _nary(native.NATIVE_POWER, np.power),
    "Min": _nary(native.NATIVE_MINIMUM, np.minimum),
    "Max": _nary(native.NATIVE_MAXIMUM, np.maximum),
    "Mean": _mean,
    "Less": _nary(native.NATIVE_LESS, np.less),
    "LessOrEqual": _nary(native.NATIVE_LESS_OR_EQUAL, np.less_equal),
    "Greater": _nary(native.NATIVE_GREATER, np.greater),
    "GreaterOrEqual": _nary(native.NATIVE_GREATER_OR_EQUAL, np.greater_equal),
    "Equal": _nary(native.NATIVE_EQUAL, np.equal),
    "And": _nary(native.NATIVE_AND, np.logical_and),
    "Or": _nary(native.NATIVE_OR, np.logical_or),
    "Xor": _nary(native.NATIVE_XOR, np.logical_xor),
    "Not": _unary(native.NATIVE_NOT, np.logical_not),
    "IsNaN": _unary(native.NATIVE_IS_NAN, np.isnan),
    "Where": _where,
    "Clip": _clip,
}
