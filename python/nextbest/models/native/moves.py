"""Operators that only move elements about: executed here and now, on references, they emit no step."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.native.call import Call, Operator
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import ROWS, Known, Line, Tensor, Value, check_size


def dimensions(value: Tensor | Known) -> list[int]:
    """Returns a shape, with `ROWS` where the rows are."""
    if not isinstance(value, Tensor):
        return list(value.shape)
    shape = list(value.references.shape)
    shape[value.rows] = ROWS
    return shape


def _operand(call: Call, place: int = 0) -> Tensor | Known:
    value = call.inputs[place]
    if isinstance(value, Tensor | np.ndarray):
        return value
    raise NotLowered(f"its operator `{call.node.op_type}` is given no tensor")


def _identity(call: Call) -> Sequence[Value]:
    return [_operand(call)]


def _reshape(call: Call) -> Sequence[Value]:
    wanted = call.known(1).tolist() if call.has(1) else call.attribute("shape").tolist()
    value = _operand(call)
    own = dimensions(value)
    if not call.attribute("allowzero", 0):
        wanted = [own[place] if size == 0 else size for place, size in enumerate(wanted)]
    return [reshape(value, wanted)]


def reshape(value: Tensor | Known, wanted: list[int]) -> Tensor | Known:
    """Gives `value` another shape, of which one dimension may be -1; rows stay rows.

    Raises:
        NotLowered: Numbers of several rows would become one row, or the number of rows is fixed.
    """
    if not isinstance(value, Tensor):
        return value.reshape(wanted)
    rest = int(np.prod([size for size in wanted if size not in (-1, ROWS)], dtype=np.int64))
    if ROWS not in wanted:
        if -1 not in wanted or rest != value.width:
            raise NotLowered("it reshapes rows into one another")
        wanted = [ROWS if size == -1 else size for size in wanted]
    elif -1 in wanted and rest:
        wanted = [value.width // rest if size == -1 else size for size in wanted]
    rows = wanted.index(ROWS)
    before = int(np.prod(wanted[:rows], dtype=np.int64))
    if before != int(np.prod(value.references.shape[: value.rows], dtype=np.int64)):
        raise NotLowered("it reshapes rows into one another")
    shape = [1 if size == ROWS else size for size in wanted]
    if int(np.prod(shape, dtype=np.int64)) != value.width:
        raise NotLowered("it reshapes a tensor into a shape that does not fit")
    return value.moved(value.references.reshape(shape), rows)


def _flatten(call: Call) -> Sequence[Value]:
    value = _operand(call)
    own = dimensions(value)
    axis = call.attribute("axis", 1)
    axis = axis + len(own) if axis < 0 else axis
    if isinstance(value, Tensor) and (value.rows != 0 or axis != 1):
        raise NotLowered("it flattens rows into one another")
    return [reshape(value, [int(np.prod(own[:axis], dtype=np.int64)), -1] if axis != 1 else [own[0], -1])]


def _transpose(call: Call) -> Sequence[Value]:
    value = _operand(call)
    count = len(dimensions(value))
    order = call.attribute("perm", np.arange(count)[::-1]).tolist()
    if sorted(order) != list(range(count)):
        raise NotLowered("it transposes axes that are not there")
    if isinstance(value, Tensor):
        return [value.moved(value.references.transpose(order), order.index(value.rows))]
    return [value.transpose(order)]


def _concat(call: Call) -> Sequence[Value]:
    values = [_operand(call, place) for place in range(len(call.inputs))]
    axis = call.axis(call.attribute("axis", 1), len(dimensions(values[0])))
    return [join(call, values, axis)]


def join(call: Call, values: Sequence[Tensor | Known], axis: int) -> Tensor | Known:
    """Joins tensors along an axis that is not the rows'."""
    tensors = [value for value in values if isinstance(value, Tensor)]
    check_size([sum(value.width if isinstance(value, Tensor) else value.size for value in values)])
    if not tensors:
        return np.concatenate(list(values), axis=axis)
    first = tensors[0]
    if len(tensors) != len(values) or axis == first.rows:
        raise NotLowered("it joins rows with rows of another tensor or with constants")
    if len({(tensor.rows, tensor.references.ndim, tensor.element) for tensor in tensors}) != 1:
        raise NotLowered("it joins tensors that differ in kind")
    if len({tensor.line for tensor in tensors}) == 1:
        return first.moved(np.concatenate([tensor.references for tensor in tensors], axis=axis), first.rows)
    joined = np.concatenate([call.cells(tensor) for tensor in tensors], axis=axis)
    return Tensor(joined, first.rows, first.element, Line.CELLS)


def take(value: Tensor | Known, indices: NDArray[np.int64], axis: int) -> Tensor | Known:
    """Takes some places of an axis; those before 0 count from its end."""
    own = [1 if length == ROWS else length for length in dimensions(value)]
    size = own[axis]
    if isinstance(value, Tensor) and axis == value.rows:
        raise NotLowered("it picks single rows")
    if indices.size and (indices.min() < -size or indices.max() >= size):
        raise NotLowered("it picks a column that is not there")
    check_size([*own[:axis], *indices.shape, *own[axis + 1 :]])
    if not isinstance(value, Tensor):
        return np.take(value, indices, axis=axis)
    rows = value.rows if value.rows < axis else value.rows + indices.ndim - 1
    return value.moved(np.take(value.references, indices, axis=axis), rows)


def _slice(call: Call) -> Sequence[Value]:
    value = _operand(call)
    own = dimensions(value)
    if call.opset < 10:
        starts, ends = call.attribute("starts"), call.attribute("ends")
        axes, strides = call.attribute("axes"), None
    else:
        starts, ends = call.known(1), call.known(2)
        axes = call.known(3) if call.has(3) else None
        strides = call.known(4) if call.has(4) else None
    axes = np.arange(len(starts)) if axes is None else axes
    strides = np.ones(len(starts), dtype=np.int64) if strides is None else strides
    for start, end, axis, stride in zip(
        starts.tolist(), ends.tolist(), axes.tolist(), strides.tolist(), strict=True
    ):
        place = call.axis(axis, len(own))
        if own[place] == ROWS:
            if (start, stride) != (0, 1) or end < 2**31 - 1:
                raise NotLowered("it slices rows")
            continue
        value = take(value, np.arange(own[place])[start : _end(end, stride) : stride], place)
    return [value]


def _end(end: int, stride: int) -> int | None:
    """ONNX writes "down to the very first" as a number far below 0; to Python that is an empty slice."""
    return None if stride < 0 and end < -(2**30) else end


def _split(call: Call) -> Sequence[Value]:
    value = _operand(call)
    own = dimensions(value)
    axis = call.axis(call.attribute("axis", 0), len(own))
    sizes = call.known(1) if call.has(1) else call.attribute("split")
    count = len(call.node.output)
    if sizes is None:
        each = -(-own[axis] // count)
        sizes = np.array([min(each, own[axis] - place * each) for place in range(count)])
    if own[axis] == ROWS or sizes.min() < 0 or sizes.sum() != own[axis] or len(sizes) != count:
        raise NotLowered("it splits rows, or into parts that do not fit")
    starts = np.cumsum(sizes) - sizes
    return [
        take(value, np.arange(start, start + size), axis) for start, size in zip(starts, sizes, strict=True)
    ]


def _axes(call: Call, count: int) -> list[int] | None:
    axes = call.known(1) if call.has(1) else call.attribute("axes")
    return None if axes is None else sorted(call.axis(axis, count) for axis in axes.reshape(-1).tolist())


def _squeeze(call: Call) -> Sequence[Value]:
    value = _operand(call)
    own = dimensions(value)
    axes = _axes(call, len(own))
    axes = [place for place, size in enumerate(own) if size == 1] if axes is None else axes
    if any(own[axis] != 1 for axis in axes):
        raise NotLowered("it squeezes the rows, or an axis that is not of length 1")
    return [reshape(value, [size for place, size in enumerate(own) if place not in axes])]


def _unsqueeze(call: Call) -> Sequence[Value]:
    value = _operand(call)
    shape = dimensions(value)
    axes = call.known(1) if call.has(1) else call.attribute("axes")
    for axis in sorted(call.axis(axis, len(shape) + len(axes)) for axis in axes.reshape(-1).tolist()):
        shape.insert(axis, 1)
    return [reshape(value, shape)]


def _tile(call: Call) -> Sequence[Value]:
    value, repeats = _operand(call), call.known(1)
    if (repeats < 0).any():
        raise NotLowered("it repeats a tensor less than never")
    check_size([value.width if isinstance(value, Tensor) else value.size, *repeats.tolist()])
    if not isinstance(value, Tensor):
        return [np.tile(value, repeats)]
    if len(repeats) != value.references.ndim or repeats[value.rows] != 1:
        raise NotLowered("it repeats rows")
    return [value.moved(np.tile(value.references, repeats), value.rows)]


def _features(call: Call) -> Sequence[Value]:
    parts: list[Tensor | Known] = [call.rows_of_floats(place)[1] for place in range(len(call.inputs))]
    widths = [part.width for part in parts if isinstance(part, Tensor)]
    stated = call.attribute("inputdimensions")
    if stated is not None and stated.tolist() != widths:
        raise NotLowered("it joins features of other widths than it declares")
    return [join(call, parts, 1)]


OPERATORS: Final[dict[str, Operator]] = {
    "Identity": _identity,
    "Dropout": _identity,
    "ZipMap": _identity,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Concat": _concat,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Tile": _tile,
    "FeatureVectorizer": _features,
}
