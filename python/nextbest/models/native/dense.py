"""Operators that multiply a row with a matrix."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from nextbest.models.native.arithmetic import combine
from nextbest.models.native.call import Call, Operator
from nextbest.models.native.post_transforms import complement, oppose, transform
from nextbest.models.native.program import Floats, Matrix
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import Element, Known, Missing, References, Tensor, Value
from nextbest.v1 import native_pb2 as native

_LABEL: Final = Missing("its answer is made from the label of a class")


def _weights(value: Known) -> Floats:
    if value.dtype != np.float32:
        raise NotLowered("its weights are not floats of 32 bits")
    return value


def multiply(call: Call, line: References, weights: Floats, bias: Floats | None) -> References:
    """Adds the product of a line with a matrix of shape [inputs, outputs]; returns a line."""
    if len(line) != len(weights) or not line.size or not weights.shape[1]:
        raise NotLowered("it multiplies a row with a matrix that does not fit")
    matrix = Matrix(np.ascontiguousarray(weights), bias)
    return call.program.whole(native.NATIVE_GEMM, line, weights.shape[1], matrix)


def _matmul(call: Call) -> Sequence[Value]:
    if not isinstance(call.inputs[0], Tensor):
        raise NotLowered("it multiplies a constant with rows")
    value, weights = call.floats(0), _weights(call.known(1))
    if value.rows == value.references.ndim - 1 or weights.ndim not in (1, 2):
        raise NotLowered("it multiplies tensors of more than two axes")
    lines = value.references.reshape(-1, value.references.shape[-1])
    columns = weights.reshape(len(weights), -1)
    done = np.stack([multiply(call, line, columns, None) for line in lines])
    shape = value.references.shape[:-1]
    return [value.moved(done.reshape(shape + weights.shape[1:]), value.rows)]


def _gemm(call: Call) -> Sequence[Value]:
    line, value = call.rows_of_floats(0)
    weights = _weights(call.known(1))
    if call.attribute("transA", 0) or weights.ndim != 2:
        raise NotLowered("it multiplies rows with one another")
    weights = weights.T if call.attribute("transB", 0) else weights
    weights = weights * np.float32(call.attribute("alpha", 1.0))
    beta = np.float32(call.attribute("beta", 1.0))
    # What is multiplied by 0 is left out, even where it is NaN.
    addend = call.inputs[2] if call.has(2) and beta else None
    if not isinstance(addend, np.ndarray):
        product = value.moved(multiply(call, line, weights, None).reshape(1, -1), 0)
        if not isinstance(addend, Tensor):
            return [product]
        scaled = combine(call, native.NATIVE_MULTIPLY, [call.floats(2), np.asarray(beta)])
        return [combine(call, native.NATIVE_ADD, [product, scaled])]
    if addend.ndim == 2 and addend.shape[0] != 1:
        raise NotLowered("it is written for a fixed number of rows")
    bias = np.broadcast_to(_weights(addend).reshape(-1) * beta, weights.shape[1:])
    return [value.moved(multiply(call, line, weights, bias).reshape(1, -1), 0)]


def _attribute_matrix(call: Call, targets: int, width: int) -> Floats:
    """Coefficients are stored target by target."""
    coefficients = call.attribute("coefficients")
    if coefficients is None or len(coefficients) != targets * width:
        raise NotLowered("its coefficients are not one for each column")
    matrix: Floats = coefficients.reshape(targets, width).T
    return matrix


def _linear_line(call: Call) -> tuple[References, Tensor]:
    """Doubles are taken as floats: so does ONNX Runtime."""
    value = call.tensor(0)
    if value.element is Element.DOUBLE:
        value = Tensor(value.references, value.rows, Element.FLOAT)
    references = call.cells(value)
    if value.element is Element.TEXT or value.rows != 0 or references.ndim != 2:
        raise NotLowered(f"its operator `{call.node.op_type}` is given no table of numbers")
    return references.reshape(-1), value


def _linear_classifier(call: Call) -> Sequence[Value]:
    line, value = _linear_line(call)
    bias = call.attribute("intercepts")
    if bias is None:
        raise NotLowered("its linear classifier has no intercepts")
    labels = call.attribute("classlabels_ints", call.attribute("classlabels_strings", []))
    scores = multiply(call, line, _attribute_matrix(call, len(bias), len(line)), bias)
    kind = call.attribute("post_transform", "NONE")
    if len(bias) == 1:
        if len(labels) != 2 or kind == "PROBIT":
            raise NotLowered("its linear classifier knows only one class")
        # ONNX Runtime takes the only score for a probability, unless it makes one of it.
        to_both = oppose if kind == "LOGISTIC" else complement
        scores = to_both(call.program, scores)
    else:
        scores = transform(call.program, kind, scores)
    return [_LABEL, Tensor(scores.reshape(1, -1), value.rows, Element.FLOAT)]


def _linear_regressor(call: Call) -> Sequence[Value]:
    line, value = call.rows_of_floats(0)
    targets = call.attribute("targets", 1)
    bias = call.attribute("intercepts")
    bias = bias if bias is not None and len(bias) == targets else None
    scores = multiply(call, line, _attribute_matrix(call, targets, len(line)), bias)
    kind = call.attribute("post_transform", "NONE")
    if targets > 1:
        scores = transform(call.program, kind, scores)
    elif kind == "PROBIT":
        raise NotLowered("it ends in a probit")
    return [value.moved(scores.reshape(1, -1), 0)]


def _batch_normalization(call: Call) -> Sequence[Value]:
    value = call.floats(0)
    scale, shift, mean, variance = (_weights(call.known(place)) for place in range(1, 5))
    if call.attribute("training_mode", 0) or value.references.ndim < 2 or value.rows == 1:
        raise NotLowered("it normalises over rows")
    factor = scale / np.sqrt(variance + np.float32(call.attribute("epsilon", 1e-5)))
    shape = (1, -1) + (1,) * (value.references.ndim - 2)
    scaled = combine(call, native.NATIVE_MULTIPLY, [value, factor.reshape(shape)])
    return [combine(call, native.NATIVE_ADD, [scaled, (shift - mean * factor).reshape(shape)])]


OPERATORS: Final[dict[str, Operator]] = {
    "MatMul": _matmul,
    "Gemm": _gemm,
    "LinearClassifier": _linear_classifier,
    "LinearRegressor": _linear_regressor,
    "BatchNormalization": _batch_normalization,
}
