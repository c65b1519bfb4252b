"""What a native model means: slow, obvious, in numpy, row by row of nothing but the message.

It shares no code with what lowers graphs, nor with the engine, and both are measured against it.
"""

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from nextbest.v1 import native_pb2 as native

Floats = NDArray[np.float32]

expf = ctypes.CDLL(None).expf
expf.argtypes, expf.restype = [ctypes.c_float], ctypes.c_float

ZERO, ONE = np.float32(0), np.float32(1)


class RowFails(Exception):  # noqa: N818
    """A key that is in no dictionary, or a place that is not there."""


def evaluate(
    model: native.NativeModel,
    floats: Floats,
    ints: NDArray[np.int64] | None = None,
    texts: NDArray[np.object_] | None = None,
) -> dict[int, Floats]:
    """Returns each output column for all rows; the inputs are tables of rows and columns."""
    rows = len(floats)
    ints = np.zeros((rows, 0), dtype=np.int64) if ints is None else ints
    texts = np.zeros((rows, 0), dtype=object) if texts is None else texts
    assert (floats.shape[1], ints.shape[1], texts.shape[1]) == (
        model.float_inputs,
        model.int_inputs,
        model.text_inputs,
    )
    cells = np.zeros((rows, model.cells), dtype=np.float32)
    filled = np.zeros(model.cells, dtype=bool)
    constants = np.array(model.constants, dtype=np.float32)
    cells[:, : model.float_inputs] = floats
    cells[:, model.float_inputs : model.float_inputs + len(constants)] = constants
    filled[: model.float_inputs + len(constants)] = True
    with np.errstate(all="ignore"):
        for step in model.steps:
            written = run(model, step, cells, filled, ints, texts)
            assert written.shape == (rows, step.width), (step, written.shape)
            assert not filled[step.out : step.out + step.width].any(), "a cell is written once"
            filled[step.out : step.out + step.width] = True
            cells[:, step.out : step.out + step.width] = written
    assert all(filled[output.cell] for output in model.outputs)
    return {output.column: cells[:, output.cell] for output in model.outputs}


def run(model, step, cells, filled, ints, texts) -> Floats:
    """Returns what one step writes, of shape [rows, width]."""

    def read(place: int, count: int = step.width) -> Floats:
        operand = step.operands[place]
        count = 1 if operand.single else count
        assert filled[operand.start : operand.start + count].all(), "only filled cells are read"
        return cells[:, operand.start : operand.start + count]

    shape = (len(cells), step.width)
    if step.operation in ELEMENTWISE:
        result = ELEMENTWISE[step.operation](*map(read, range(len(step.operands))))
        return np.broadcast_to(result, shape).astype(np.float32)
    if step.operation in REDUCE:
        groups = read(0, step.width * step.group).reshape(*shape, step.group)
        return REDUCE[step.operation](groups).astype(np.float32)
    return run_whole(model, step, read, cells, filled, ints, texts)


def run_whole(model, step, read, cells, filled, ints, texts) -> Floats:
    """Steps that are neither elementwise nor reductions."""
    operation = step.operation
    if operation == native.NATIVE_GATHER:
        assert filled[list(step.sources)].all()
        return cells[:, list(step.sources)]
    if operation == native.NATIVE_INT:
        start = step.operands[0].start
        return ints[:, start : start + step.width].astype(np.float32)
    if operation == native.NATIVE_SOFTMAX:
        return softmax(read(0))
    if operation == native.NATIVE_PICK:
        return pick(read(0), read(1, step.group), step.group)
    if operation == native.NATIVE_GEMM:
        return gemm(model.matrices[step.table], read(0, step.group))
    if operation == native.NATIVE_LOOK_UP:
        dictionary = model.dictionaries[step.table]
        line = texts if dictionary.texts else ints if dictionary.ints else cells
        return look_up(dictionary, line[:, step.operands[0].start], step.width)
    assert operation == native.NATIVE_TREES, operation
    return trees(model.ensembles[step.table], cells, filled)


def exponential(x: Floats) -> Floats:
    """The C library's, which ONNX Runtime calls as well: numpy's differs from it in the last bit."""
    return np.array([expf(value) for value in x.reshape(-1).tolist()], dtype=np.float32).reshape(x.shape)


def logistic(x: Floats) -> Floats:
    value = ONE / (ONE + exponential(-np.abs(x)))
    return np.where(x < 0, ONE - value, value)


ELEMENTWISE = {
    native.NATIVE_NEGATE: np.negative,
    native.NATIVE_ABSOLUTE: np.abs,
    native.NATIVE_SQUARE_ROOT: np.sqrt,
    native.NATIVE_EXPONENTIAL: exponential,
    native.NATIVE_LOGARITHM: np.log,
    native.NATIVE_FLOOR: np.floor,
    native.NATIVE_CEILING: np.ceil,
    native.NATIVE_ROUND: np.rint,
    native.NATIVE_SIGN: np.sign,
    native.NATIVE_RECIPROCAL: lambda x: ONE / x,
    native.NATIVE_RELU: lambda x: np.maximum(x, ZERO),
    native.NATIVE_LOGISTIC: logistic,
    native.NATIVE_TANH: np.tanh,
    native.NATIVE_NOT: lambda x: x == 0,
    native.NATIVE_IS_NAN: np.isnan,
    native.NATIVE_TRUNCATE: np.trunc,
    native.NATIVE_ERF: erf,
    native.NATIVE_SOFTPLUS: lambda x: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, ZERO),
    native.NATIVE_ADD: np.add,
    native.NATIVE_SUBTRACT: np.subtract,
    native.NATIVE_MULTIPLY: np.multiply,
    native.NATIVE_DIVIDE: np.divide,
    native.NATIVE_POWER: np.power,
    native.NATIVE_MINIMUM: np.minimum,
    native.NATIVE_MAXIMUM: np.maximum,
    native.NATIVE_LESS: np.less,
    native.NATIVE_LESS_OR_EQUAL: np.less_equal,
    native.NATIVE_GREATER: np.greater,
    native.NATIVE_GREATER_OR_EQUAL: np.greater_equal,
    native.NATIVE_EQUAL: np.equal,
    native.NATIVE_AND: np.logical_and,
    native.NATIVE_OR: np.logical_or,
    native.NATIVE_XOR: np.logical_xor,
    native.NATIVE_SELECT: lambda chosen, yes, no: np.where(chosen != 0, yes, no),
}


def best_place(x: Floats, better) -> NDArray[np.int64]:
    """The first is best until another is better: NaN stays where it is first, elsewhere it is left out."""
    place = np.zeros(x.shape[:2], dtype=np.int64)
    for at in range(x.shape[2]):
        now = np.take_along_axis(x, place[:, :, None], axis=2)[:, :, 0]
        place = np.where(better(x[:, :, at], now), at, place)
    return place


def best(x: Floats, better) -> Floats:
    return np.take_along_axis(x, best_place(x, better)[:, :, None], axis=2)[:, :, 0]


def log_sum_exp(x: Floats) -> Floats:
    """Of what is not finite, nothing is subtracted."""
    most = best(x, np.greater)
    most = np.where(np.isfinite(most), most, ZERO)
    return np.log(added(exponential(x - most[:, :, None]))) + most


def added(x: Floats) -> Floats:
    """The sum over the last axis, one after the other: numpy adds in pairs."""
    total = np.zeros(x.shape[:-1], dtype=np.float32)
    for at in range(x.shape[-1]):
        total = total + x[..., at]
    return total


REDUCE = {
    native.NATIVE_REDUCE_SUM: added,
    native.NATIVE_REDUCE_MEAN: lambda x: added(x) / np.float32(x.shape[2]),
    native.NATIVE_REDUCE_MAXIMUM: lambda x: best(x, np.greater),
    native.NATIVE_REDUCE_MINIMUM: lambda x: best(x, np.less),
    native.NATIVE_REDUCE_PRODUCT: lambda x: x.prod(axis=2),
    native.NATIVE_REDUCE_L1: lambda x: added(np.abs(x)),
    native.NATIVE_REDUCE_L2: lambda x: np.sqrt(added(x * x)),
    native.NATIVE_ARG_MAXIMUM: lambda x: best_place(x, np.greater),
    native.NATIVE_ARG_MINIMUM: lambda x: best_place(x, np.less),
    native.NATIVE_REDUCE_LOG_SUM_EXP: log_sum_exp,
}


def softmax(x: Floats) -> Floats:
    grown = exponential(x - best(x[:, None, :], np.greater))
    return grown / added(grown)[:, None]


def pick(places: Floats, table: Floats, group: int) -> Floats:
    if not ((places >= 0) & (places < group)).all():
        raise RowFails
    return np.take_along_axis(table, places.astype(np.int64), axis=1)


def gemm(matrix: native.NativeMatrix, line: Floats) -> Floats:
    weights = np.array(matrix.weights, dtype=np.float32).reshape(matrix.rows, matrix.columns)
    total = np.zeros((len(line), matrix.columns), dtype=np.float32)
    for place in range(matrix.rows):
        total += line[:, place : place + 1] * weights[place]
    return total + np.array(matrix.bias, dtype=np.float32) if matrix.bias else total


def look_up(dictionary: native.NativeDictionary, keys: Sequence[object], width: int) -> Floats:
    assert dictionary.width == width
    known = dictionary.texts or dictionary.ints or np.array(dictionary.floats, dtype=np.float32).tolist()
    assert len(set(known)) == len(known)
    values = np.array(dictionary.values, dtype=np.float32).reshape(len(known), width)
    found = {named(key): value for key, value in zip(known, values, strict=True)}
    otherwise = np.array(dictionary.otherwise, dtype=np.float32) if dictionary.otherwise else None
    rows = [found.get(named(key), otherwise) for key in keys]
    if any(row is None for row in rows):
        raise RowFails
    return np.stack(rows)


def named(key: object) -> object:
    if isinstance(key, np.generic):
        key = key.item()
    return "NaN" if isinstance(key, float) and key != key else key


def trees(ensemble: native.TreeEnsemble, cells: Floats, filled: NDArray[np.bool_]) -> Floats:
    slots = [slot_values(slot, cells, filled) for slot in ensemble.slots]
    numbers = np.stack([values for values, _ in slots], axis=1) if slots else cells[:, :0]
    missing = np.stack([is_left for _, is_left in slots], axis=1) if slots else cells[:, :0] > 0
    node_slots, thresholds = np.array(ensemble.node_slots), np.array(ensemble.node_thresholds, np.float32)
    lefts, rights = np.array(ensemble.node_lefts), np.array(ensemble.node_rights)
    weights = np.array(ensemble.leaf_weights, dtype=np.float32).reshape(-1, ensemble.targets)
    assert len(weights) == sum(ensemble.tree_nodes) + len(ensemble.tree_nodes)
    total = np.zeros((len(cells), ensemble.targets), dtype=np.float32)
    rows = np.arange(len(cells))
    node, leaf = 0, 0
    for count in ensemble.tree_nodes:
        at = np.zeros(len(cells), dtype=np.int64) if count else np.full(len(cells), -1)
        while (inner := at >= 0).any():
            place = at[inner] + node
            slot = node_slots[place]
            value, lost = numbers[rows[inner], slot], missing[rows[inner], slot]
            left = np.where(np.isnan(value), lost, value <= thresholds[place])
            below = np.where(left, lefts[place], rights[place])
            assert ((below < 0) | (below > at[inner])).all(), "children come after their parents"
            at[inner] = below
        total += weights[leaf - 1 - at]
        node, leaf = node + count, leaf + count + 1
    if ensemble.divisor:
        total /= np.float32(ensemble.divisor)
    return total + np.array(ensemble.base_values, np.float32) if ensemble.base_values else total


def slot_values(slot, cells, filled) -> tuple[Floats, NDArray[np.bool_]]:
    """Numbers that nodes compare, and for each row whether a missing one goes left."""
    assert filled[slot.cell]
    value = cells[:, slot.cell]
    if not slot.members:
        return value, np.full(len(value), slot.missing_left)
    member = np.isin(value, np.array(slot.members, dtype=np.float32))
    member = np.where(np.isnan(value), slot.missing_is_member, member)
    return member.astype(np.float32), np.zeros(len(value), dtype=bool)
