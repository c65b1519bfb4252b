"""A node of a graph with the values of its inputs: the arguments of an operator."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from onnx import AttributeProto, numpy_helper

from nextbest.models.native.program import Program
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import Element, Known, Line, References, Tensor, Value

Operator = Callable[["Call"], Sequence[Value]]

_SCALARS: Final = {AttributeProto.INT: "i", AttributeProto.FLOAT: "f"}
_LISTS: Final = {AttributeProto.INTS: ("ints", np.int64), AttributeProto.FLOATS: ("floats", np.float32)}


@dataclass(frozen=True)
class Call:
    """One node.

    Attributes:
        opset: Version of the node's domain in this model.
        inputs: None for an optional input that is left out.
    """

    program: Program
    node: onnx.NodeProto
    opset: int
    inputs: list[Value]

    def attribute(self, name: str, default: Any = None) -> Any:
        """Returns an attribute: int, float, str, list of str, or an array of ints, floats or a tensor."""
        for attribute in self.node.attribute:
            if attribute.name == name:
                return _read(attribute)
        return default

    def has(self, place: int) -> bool:
        """Tells whether an optional input is given."""
        return place < len(self.inputs) and self.inputs[place] is not None

    def tensor(self, place: int) -> Tensor:
        """Returns an input that depends on the row; a constant becomes one only where the rows are known."""
        value = self.inputs[place]
        if not isinstance(value, Tensor):
            raise NotLowered(f"its operator `{self.node.op_type}` works on a constant")
        return value

    def floats(self, place: int) -> Tensor:
        """Returns an input of floats in cells; whole numbers and truth values are taken as floats."""
        value = self.tensor(place)
        if value.element is Element.DOUBLE:
            raise NotLowered(f"its operator `{self.node.op_type}` computes in doubles")
        if value.element is Element.TEXT:
            raise NotLowered(f"its operator `{self.node.op_type}` works on text")
        return Tensor(self.cells(value), value.rows, Element.FLOAT)

    def rows_of_floats(self, place: int) -> tuple[References, Tensor]:
        """Returns the one line of an input of shape [rows, columns], and the input."""
        value = self.floats(place)
        if value.rows != 0 or value.references.ndim != 2:
            raise NotLowered(f"its operator `{self.node.op_type}` is given no table of rows and columns")
        return value.flat(), value

    def known(self, place: int) -> Known:
        """Returns an input that is a constant."""
        value = self.inputs[place]
        if not isinstance(value, np.ndarray):
            raise NotLowered(f"its operator `{self.node.op_type}` needs a constant where it is given none")
        return value

    def cells(self, value: Tensor) -> References:
        """Returns references of cells; whole numbers that are inputs are read as floats."""
        if value.line is Line.INTS:
            return self.program.ints(value.references)
        return value.references

    def axis(self, axis: int, dimensions: int) -> int:
        """Returns an axis, counted from 0."""
        counted = axis + dimensions if axis < 0 else axis
        if not 0 <= counted < max(dimensions, 1):
            raise NotLowered(f"its operator `{self.node.op_type}` names an axis that is not there")
        return counted


def _read(attribute: AttributeProto) -> Any:
    if attribute.type in _SCALARS:
        return getattr(attribute, _SCALARS[attribute.type])
    if attribute.type in _LISTS:
        name, kind = _LISTS[attribute.type]
        return np.array(getattr(attribute, name), dtype=kind)
    if attribute.type == AttributeProto.STRING:
        return attribute.s.decode()
    if attribute.type == AttributeProto.STRINGS:
        return [text.decode() for text in attribute.strings]
    if attribute.type == AttributeProto.TENSOR:
        return read_tensor(attribute.t)
    raise NotLowered(f"its attribute `{attribute.name}` holds a graph or something else that is not read")


def read_tensor(tensor: onnx.TensorProto) -> Known:
    """Returns the values of a tensor of the file; texts are in an array of objects."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise NotLowered("it keeps weights in another file")
    array = numpy_helper.to_array(tensor)
    if tensor.data_type == onnx.TensorProto.STRING:
        texts = [item.decode() if isinstance(item, bytes) else str(item) for item in array.reshape(-1)]
        return np.array(texts, dtype=object).reshape(array.shape)
    return np.asarray(array)
