"""Operators that pick elements: at known places they are moves, at computed places they are steps."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from nextbest.models.native.arithmetic import constant
from nextbest.models.native.call import Call, Operator
from nextbest.models.native.moves import take
from nextbest.models.native.program import Dictionary
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import Element, Known, Line, References, Tensor, Value


def _gather(call: Call) -> Sequence[Value]:
    value, places = call.inputs[0], call.inputs[1]
    if not isinstance(value, Tensor | np.ndarray):
        raise NotLowered("it picks from no tensor")
    count = value.references.ndim if isinstance(value, Tensor) else value.ndim
    axis = call.axis(call.attribute("axis", 0), count)
    if isinstance(places, np.ndarray):
        return [take(value, places, axis)]
    if isinstance(value, Tensor) or axis != 0:
        raise NotLowered("it picks columns that differ from row to row")
    if call.tensor(1).line is Line.INTS and value.dtype == np.float32:
        return [_from_table(call, value, call.tensor(1))]
    _check_counted(call, call.tensor(1))
    return [_from_constant(call, value, call.tensor(1))]


def _from_table(call: Call, table: Known, places: Tensor) -> Tensor:
    """Looks up lines of a table, an embedding, by whole numbers that are inputs.

    Places before 0 count from the end; those of no line have no result.
    """
    lines = table.reshape(len(table), -1)
    keys = tuple(range(-len(table), len(table)))
    dictionary = Dictionary(keys, np.concatenate([lines, lines]), None)
    found = [call.program.look_up(key, dictionary, of_line=True) for key in places.flat().tolist()]
    shape = places.references.shape + table.shape[1:]
    return Tensor(np.concatenate(found).reshape(shape), places.rows, Element.FLOAT)


def _check_counted(call: Call, places: Tensor) -> None:
    """Places before 0 count from the end to ONNX Runtime; only those that cannot be are taken."""
    for place in places.flat().tolist():
        bound = call.program.bound(place)
        if bound is None or bound[0] < 0:
            raise NotLowered("it picks at places that may count from the end")


def _from_constant(call: Call, table: Known, places: Tensor) -> Tensor:
    """Picks along the first axis of a constant: of each of its columns, at each place."""
    if table.dtype.kind == "O":
        raise NotLowered("it picks texts")
    columns = constant(call, table.reshape(len(table), -1))
    picked = np.stack([call.program.pick(places.references, column) for column in columns.T], axis=-1)
    element = {"f": Element.FLOAT, "b": Element.BOOL}.get(table.dtype.kind, Element.INT)
    if element is Element.INT:
        bounds = (int(table.min()), int(table.max()))
        call.program.bounds.update(dict.fromkeys(picked.reshape(-1).tolist(), bounds))
    return Tensor(picked.reshape(places.references.shape + table.shape[1:]), places.rows, element)


def _gather_elements(call: Call) -> Sequence[Value]:
    value, places = call.tensor(0), call.tensor(1)
    axis = call.axis(call.attribute("axis", 0), value.references.ndim)
    _check_counted(call, places)
    if axis == value.rows or value.rows != places.rows or value.references.ndim != 2:
        raise NotLowered("it picks columns that differ from row to row")
    picked = call.program.pick(places.references, _cells(call, value).reshape(-1))
    return [value.moved(picked, value.rows)]


def _cells(call: Call, value: Tensor) -> References:
    if value.element is Element.TEXT:
        raise NotLowered("it picks texts")
    return call.cells(value)


def _extract(call: Call) -> Sequence[Value]:
    value, places = call.inputs[0], call.inputs[1]
    if isinstance(places, np.ndarray) and isinstance(value, Tensor | np.ndarray):
        count = value.references.ndim if isinstance(value, Tensor) else value.ndim
        if places.size and places.min() < 0:
            raise NotLowered("it picks a column that is not there")
        taken = take(value, places.reshape(-1), count - 1)
        return [taken.reshape(1, -1) if isinstance(taken, np.ndarray) and taken.ndim == 1 else taken]
    at = call.tensor(1)
    if not isinstance(value, np.ndarray) or value.size != value.shape[-1] or at.width != 1:
        raise NotLowered("it picks columns that differ from row to row")
    flat = at.moved(at.references.reshape(1, 1), 1)
    return [_from_constant(call, value.reshape(-1), flat)]


OPERATORS: Final[dict[str, Operator]] = {
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "ArrayFeatureExtractor": _extract,
}
