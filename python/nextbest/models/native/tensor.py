"""The value of a name of a graph during symbolic execution, and how two values are broadcast.

A `Known` is a numpy array whose values are known now. A `Tensor` depends on the row: it holds a reference for
each of its elements of *one* row. Moving elements about is done on these references, and costs nothing later.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.native.refusal import NotLowered

References = NDArray[np.int64]
Known = NDArray[Any]

# Stands for the number of rows in what is known of a shape; no graph has a dimension or constant like it.
ROWS: Final = -(2**60) - 7
# Elements of one tensor: far above what a propensity model has, far below what would hurt.
ELEMENTS_MAX: Final = 1 << 22


def check_size(shape: Sequence[int]) -> None:
    """Refuses a shape of too many elements, before anything takes the memory.

    Raises:
        NotLowered: It has more than `ELEMENTS_MAX`.
    """
    if math.prod(shape) > ELEMENTS_MAX:
        raise NotLowered("it widens a row, or a constant, beyond four million numbers")


class Element(StrEnum):
    """Of which type a tensor's elements are in the graph."""

    FLOAT = "float"
    DOUBLE = "double"
    BOOL = "bool"
    INT = "int"
    TEXT = "text"


class Line(StrEnum):
    """Where a row keeps what references of a tensor name."""

    CELLS = "cells"
    INTS = "ints"
    TEXTS = "texts"


@dataclass(frozen=True)
class Tensor:
    """Of one row.

    Attributes:
        references: In the tensor's shape; the axis of the rows has length 1.
        rows: Which axis that is, from 0.
        element: The elements' type. Whole numbers in `Line.CELLS` were computed; they are exact as floats
            unless the program lacks their bounds.
        line: What the references name.
    """

    references: References
    rows: int
    element: Element
    line: Line = Line.CELLS

    def moved(self, references: References, rows: int) -> "Tensor":
        """Returns the same kind of tensor with other elements, or its elements elsewhere."""
        check_size(references.shape)
        return Tensor(references, rows, self.element, self.line)

    @property
    def width(self) -> int:
        """How many elements a row has."""
        return int(self.references.size)

    def flat(self) -> References:
        """Returns the references in the order of memory."""
        return self.references.reshape(-1)


@dataclass(frozen=True)
class Missing:
    """An output of a node that cannot be lowered; an error only if it is used."""

    reason: str


Value = Tensor | Known | Missing | None


def broadcast(tensors: Sequence[tuple[References, int | None]]) -> tuple[list[References], int]:
    """Brings references to one shape, as numpy does, and returns them with the axis of the rows.

    Args:
        tensors: References and their axis of rows; None for what is the same in every row.

    Raises:
        NotLowered: A dimension of the model meets the rows, or one does not fit the other.
    """
    behind = {array.ndim - rows for array, rows in tensors if rows is not None}
    if len(behind) != 1:
        raise NotLowered("it combines rows with one another")
    (from_end,) = behind
    for array, rows in tensors:
        if rows is None and array.ndim >= from_end and array.shape[array.ndim - from_end] != 1:
            raise NotLowered("it is written for a fixed number of rows")
    try:
        check_size(np.broadcast_shapes(*(array.shape for array, _ in tensors)))
    except ValueError:
        raise NotLowered("it combines tensors whose shapes do not fit") from None
    arrays = np.broadcast_arrays(*(array for array, _ in tensors))
    return [np.ascontiguousarray(array) for array in arrays], arrays[0].ndim - from_end
