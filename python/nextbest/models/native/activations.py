"""Activations of neural nets."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from nextbest.models.native.arithmetic import combine
from nextbest.models.native.call import Call, Operator
from nextbest.models.native.program import Operation
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import Known, Tensor, Value
from nextbest.v1 import native_pb2 as native


def _plain(operation: Operation) -> Operator:
    def operator(call: Call) -> Sequence[Value]:
        value = call.floats(0)
        return [value.moved(call.program.apply(operation, value.references), value.rows)]

    return operator


def _number(value: float) -> Known:
    return np.array(value, dtype=np.float32)


def _at_least_zero(call: Call, value: Tensor, otherwise: Tensor) -> Sequence[Value]:
    """Keeps what is not below 0; NaN goes the other way, as in ONNX Runtime."""
    positive = combine(call, native.NATIVE_GREATER_OR_EQUAL, [value, _number(0.0)])
    chosen = combine(call, native.NATIVE_SELECT, [positive, value, otherwise])
    return [value.moved(chosen.references, chosen.rows)]


def _leaky(call: Call) -> Sequence[Value]:
    value = call.floats(0)
    slope = _number(call.attribute("alpha", 0.01))
    return _at_least_zero(call, value, combine(call, native.NATIVE_MULTIPLY, [value, slope]))


def _sloped(call: Call) -> Sequence[Value]:
    value, slope = call.floats(0), call.known(1)
    scaled = combine(call, native.NATIVE_MULTIPLY, [value, slope])
    if scaled.references.shape != value.references.shape:
        raise NotLowered("it has slopes that do not fit")
    return _at_least_zero(call, value, scaled)


def _exponential_minus_one(call: Call, value: Tensor, factor: float) -> Tensor:
    grown = value.moved(call.program.apply(native.NATIVE_EXPONENTIAL, value.references), value.rows)
    less = combine(call, native.NATIVE_SUBTRACT, [grown, _number(1.0)])
    return combine(call, native.NATIVE_MULTIPLY, [less, _number(factor)])


def _elu(call: Call) -> Sequence[Value]:
    value = call.floats(0)
    return _at_least_zero(call, value, _exponential_minus_one(call, value, call.attribute("alpha", 1.0)))


def _hard_sigmoid(call: Call) -> Sequence[Value]:
    value = combine(call, native.NATIVE_MULTIPLY, [call.floats(0), _number(call.attribute("alpha", 0.2))])
    value = combine(call, native.NATIVE_ADD, [value, _number(call.attribute("beta", 0.5))])
    value = combine(call, native.NATIVE_MINIMUM, [value, _number(1.0)])
    return [combine(call, native.NATIVE_MAXIMUM, [value, _number(0.0)])]


def _softsign(call: Call) -> Sequence[Value]:
    value = call.floats(0)
    size = value.moved(call.program.apply(native.NATIVE_ABSOLUTE, value.references), value.rows)
    more = combine(call, native.NATIVE_ADD, [size, _number(1.0)])
    return [combine(call, native.NATIVE_DIVIDE, [value, more])]


OPERATORS: Final[dict[str, Operator]] = {
    "Relu": _plain(native.NATIVE_RELU),
    "Sigmoid": _plain(native.NATIVE_LOGISTIC),
    "Tanh": _plain(native.NATIVE_TANH),
    "Erf": _plain(native.NATIVE_ERF),
    "Softplus": _plain(native.NATIVE_SOFTPLUS),
    "LeakyRelu": _leaky,
    "PRelu": _sloped,
    "Elu": _elu,
    "HardSigmoid": _hard_sigmoid,
    "Softsign": _softsign,
}
