"""Operators that change the type of elements, and those that make tensors of shapes."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from onnx import TensorProto, helper

from nextbest.models.native import whole
from nextbest.models.native.call import Call, Operator
from nextbest.models.native.moves import dimensions
from nextbest.models.native.program import Program
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import ROWS, Element, Line, References, Tensor, Value, check_size
from nextbest.v1 import native_pb2 as native

_ELEMENTS: Final[dict[int, Element]] = {
    TensorProto.FLOAT: Element.FLOAT,
    TensorProto.DOUBLE: Element.DOUBLE,
    TensorProto.BOOL: Element.BOOL,
    TensorProto.INT32: Element.INT,
    TensorProto.INT64: Element.INT,
    TensorProto.STRING: Element.TEXT,
}


def _cast(call: Call) -> Sequence[Value]:
    target = call.attribute("to")
    value = call.inputs[0]
    if isinstance(value, np.ndarray):
        return [value.astype(helper.tensor_dtype_to_np_dtype(target))]
    return [cast(call, call.tensor(0), target)]


def cast(call: Call, value: Tensor, target: int) -> Tensor:
    """Returns the tensor with elements of another type; nearly always the same cells."""
    element = _ELEMENTS.get(target)
    if element is None or Element.TEXT in (element, value.element):
        if element is value.element:
            return value
        raise NotLowered(f"it casts to or from {TensorProto.DataType.Name(target).lower()}")
    references = call.cells(value)
    program = call.program
    if element in (Element.FLOAT, Element.DOUBLE):
        _check_float(program, value, references, element)
    elif element is Element.BOOL:
        references = _truth(program, references) if value.element is not Element.BOOL else references
    elif value.element is Element.INT:
        if target == TensorProto.INT32 and not whole.bounded(program, references):
            raise NotLowered("it casts whole numbers to a smaller type")
        return value
    elif value.element is Element.BOOL:
        program.bounds.update(dict.fromkeys(references.reshape(-1).tolist(), (0, 1)))
    elif value.element is Element.DOUBLE:
        raise NotLowered("it casts doubles to whole numbers")
    else:
        references = program.apply(native.NATIVE_TRUNCATE, references)
        program.truncated.update(references.reshape(-1).tolist())
    return Tensor(references, value.rows, element)


def _check_float(program: Program, value: Tensor, references: References, element: Element) -> None:
    if value.element is Element.INT:
        if program.truncated.intersection(references.reshape(-1).tolist()):
            raise NotLowered("it rounds floats by casting them to whole numbers and back")
        if element is Element.DOUBLE and not whole.bounded(program, references):
            raise NotLowered("it casts whole numbers to doubles")


def _truth(program: Program, references: References) -> References:
    zeros = np.broadcast_to(program.constant(np.zeros(1, dtype=np.float32)), references.shape)
    return program.apply(native.NATIVE_NOT, program.apply(native.NATIVE_EQUAL, references, zeros))


def _shape(call: Call) -> Sequence[Value]:
    value = call.inputs[0]
    if not isinstance(value, Tensor | np.ndarray):
        raise NotLowered("it asks for the shape of no tensor")
    own = np.array(dimensions(value), dtype=np.int64)
    return [own[call.attribute("start", 0) : call.attribute("end", None)]]


def _constant(call: Call) -> Sequence[Value]:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        value = call.attribute(name)
        if value is not None:
            kind = {"value_float": np.float32, "value_int": np.int64}.get(name)
            return [np.asarray(value, dtype=kind) if kind else value]
    text = call.attribute("value_string", call.attribute("value_strings"))
    return [np.array(text, dtype=object)]


def _constant_of_shape(call: Call) -> Sequence[Value]:
    value = call.attribute("value", np.zeros(1, dtype=np.float32))
    return [spread(call, value.reshape(()), call.known(0).tolist())]


def _expand(call: Call) -> Sequence[Value]:
    value, wanted = call.inputs[0], call.known(1).tolist()
    if not isinstance(value, Tensor):
        return [spread(call, call.known(0), wanted)]
    own = dimensions(value)
    sizes = [1] * (len(own) - len(wanted)) + wanted
    shape = [1 if size == ROWS else size for size in sizes]
    behind = len(own) - value.rows
    if any(size == ROWS and len(sizes) - place != behind for place, size in enumerate(sizes)):
        raise NotLowered("it combines rows with one another")
    if sizes[-behind] not in (1, ROWS):
        raise NotLowered("it is written for a fixed number of rows")
    wide = np.broadcast_shapes(value.references.shape, shape)
    check_size(wide)
    return [value.moved(np.broadcast_to(value.references, wide), len(wide) - behind)]


def spread(call: Call, value: np.ndarray[Any, Any], wanted: list[int]) -> Value:
    """Broadcasts a constant; where the shape names the rows, it becomes a tensor, equal in all of them."""
    shape = [1 if size == ROWS else size for size in wanted]
    wide = np.broadcast_shapes(value.shape, shape)
    check_size(wide)
    full = np.ascontiguousarray(np.broadcast_to(value, wide))
    if ROWS not in wanted:
        return full
    rows = wanted.index(ROWS) + len(wide) - len(wanted)
    if wide[rows] != 1 or wanted.count(ROWS) != 1:
        raise NotLowered("it combines rows with one another")
    element = {"f": Element.FLOAT, "b": Element.BOOL}.get(full.dtype.kind, Element.INT)
    if full.dtype.kind == "O" or full.dtype == np.float64:
        raise NotLowered("it repeats texts or doubles for each row")
    if element is Element.INT and full.size and np.abs(full).max() >= whole.EXACT_MAX:
        raise NotLowered("it has whole numbers that are not exact as floats")
    return Tensor(call.program.constant(full), rows, element, Line.CELLS)


OPERATORS: Final[dict[str, Operator]] = {
    "Cast": _cast,
    "Shape": _shape,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
}
