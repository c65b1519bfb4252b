"""Lowers an ONNX graph and holds the result against ONNX Runtime: what differs stays on ONNX Runtime.

Rows are drawn with a fixed seed: numbers around the thresholds that the model has, exactly on them and one
float beside them, missing, infinite, and keys of its dictionaries or none. Trees, and whatever else every
machine computes alike, must have equal bits; what adds up products may differ by 1e-6.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from nextbest._core import BundleError, kernels
from nextbest._core import NativeModel as Engine
from nextbest.models.native.graph import lower
from nextbest.models.native.refusal import NotLowered
from nextbest.models.refusal import ModelError
from nextbest.models.signature import open_session
from nextbest.v1 import native_pb2
from nextbest.v1.native_pb2 import NativeModel

DISTANCE_MAX: Final = 1e-6
"""Of the scores of a model that adds up products, to ONNX Runtime's."""

_ROWS: Final = 192
_ALONE_EVERY: Final = 12
_BOUNDARY_ROWS_MAX: Final = 1_536
_SEED: Final = 20_260_101
_SEVERITY_FATAL: Final = 4
# Operations whose result is the same on every machine, down to the last bit. The logistic function behind
# trees is the C library's, for both.
_EXACT: Final = frozenset(
    {
        native_pb2.NATIVE_GATHER,
        native_pb2.NATIVE_INT,
        native_pb2.NATIVE_NEGATE,
        native_pb2.NATIVE_ABSOLUTE,
        native_pb2.NATIVE_LOGISTIC,
        native_pb2.NATIVE_NOT,
        native_pb2.NATIVE_IS_NAN,
        native_pb2.NATIVE_ADD,
        native_pb2.NATIVE_SUBTRACT,
        native_pb2.NATIVE_MULTIPLY,
        native_pb2.NATIVE_DIVIDE,
        native_pb2.NATIVE_SELECT,
        native_pb2.NATIVE_LOOK_UP,
        native_pb2.NATIVE_TREES,
    }
)

_Line = NDArray[Any]
# The line of an input, and its source.
_KINDS: Final[dict[str, tuple[int, type]]] = {
    "tensor(float)": (0, np.float32),
    "tensor(double)": (0, np.float64),
    "tensor(bool)": (0, np.bool_),
    "tensor(int64)": (1, np.int64),
    "tensor(string)": (2, np.object_),
}
_Table = tuple[_Line, _Line, _Line]
"""Rows of numbers, whole numbers and texts."""


# It computes as engines do, with infinities and NaN.
@np.errstate(all="ignore")
def prove(onnx: bytes, output: str, columns: Sequence[int]) -> NativeModel:
    """Lowers a graph, and compares it with the graph on some two thousand rows at most.

    Args:
        onnx: The file.
        output: The output that holds the probabilities.
        columns: The columns of the output that are used.

    Raises:
        NotLowered: It has no native form, or one that differs from ONNX Runtime; the reason has the
            difference.
    """
    model = lower(onnx, output, columns)
    engine = _take(model)
    session = _open(onnx)
    is_exact = {step.operation for step in model.steps} <= _EXACT and not _has_sigmoid(onnx)
    tables = _tables(model)
    _check_alone(engine, tables[0], columns)
    for table in tables:
        expected = _run(session, output, table, columns)
        if expected is None:
            # A key that the graph refuses, for all rows of a run: there is nothing to compare with.
            continue
        for kernel in kernels():
            found = _score(engine, table, columns, kernel)
            _compare(expected, found, is_exact=is_exact, kernel=kernel)
    return model


def _take(model: NativeModel) -> Engine:
    try:
        return Engine(model.SerializeToString())
    except BundleError as error:
        # Sets of categories take memory that a graph does not show.
        raise NotLowered("its native form is larger than the engine takes") from error


def _has_sigmoid(onnx: bytes) -> bool:
    """Whether it has a `Sigmoid`, whose last bit differs from that of the logistic function behind trees."""
    return any(node.op_type == "Sigmoid" for node in ModelProto.FromString(onnx).graph.node)


def _open(onnx: bytes) -> Any:
    try:
        return open_session(onnx, optimised=True)
    except ModelError as error:
        raise NotLowered("ONNX Runtime does not open it") from error


def _run(session: Any, output: str, table: _Table, columns: Sequence[int]) -> _Line | None:
    """Returns ONNX Runtime's scores, of shape [rows, columns]; None where it refuses the rows."""
    places = [0, 0, 0]
    feeds: dict[str, _Line] = {}
    for argument in session.get_inputs():
        line, element = _KINDS[argument.type]
        width = argument.shape[1] if len(argument.shape) == 2 else 1
        fed: _Line = table[line][:, places[line] : places[line] + width].astype(element)
        feeds[argument.name] = fed if len(argument.shape) == 2 else fed.reshape(-1)
        places[line] += width
    # Loads slowly, and only a workspace with models needs it.
    import onnxruntime  # noqa: PLC0415

    quietly = onnxruntime.RunOptions()
    # It would report each row that it refuses.
    quietly.log_severity_level = _SEVERITY_FATAL
    try:
        (answer,) = session.run([output], feeds, quietly)
    except Exception:  # noqa: BLE001 - its exceptions share no base class but this
        return None
    if isinstance(answer, list):
        answer = np.array([list(row.values()) for row in answer], dtype=np.float32)
    return np.asarray(answer).reshape(len(table[0]), -1)[:, list(columns)]


def _score(engine: Engine, table: _Table, columns: Sequence[int], kernel: str) -> _Line:
    floats, ints, texts = table
    scores = [
        engine.score(
            len(floats),
            floats.astype("<f4").tobytes(),
            ints.reshape(-1).tolist(),
            texts.reshape(-1).tolist(),
            column=column,
            kernel=kernel,
        )
        for column in columns
    ]
    return np.stack([np.frombuffer(score, "<f4") for score in scores], axis=1)


def _check_alone(engine: Engine, table: _Table, columns: Sequence[int]) -> None:
    """Scores rows together, by themselves and in the reverse order: every bit must be the same."""
    rows = range(0, len(table[0]), _ALONE_EVERY)
    for kernel in kernels():
        together = _score(engine, table, columns, kernel)
        turned = tuple(line[::-1] for line in table)
        back = _score(engine, (turned[0], turned[1], turned[2]), columns, kernel)[::-1]
        alone = [
            _score(engine, (table[0][i:][:1], table[1][i:][:1], table[2][i:][:1]), columns, kernel)
            for i in rows
        ]
        same = (together.tobytes() == back.tobytes()) and together[rows].tobytes() == b"".join(
            one.tobytes() for one in alone
        )
        if not same:
            raise NotLowered(f"its native form scores a row otherwise beside other rows ({kernel})")


def _compare(expected: _Line, found: _Line, *, is_exact: bool, kernel: str) -> None:
    neither = np.isnan(expected) & np.isnan(found)
    if is_exact:
        differing = int(((expected.view(np.uint32) != found.view(np.uint32)) & ~neither).sum())
        if differing:
            share = f"{differing} of {expected.size} scores ({kernel})"
            raise NotLowered(f"its native form differs from ONNX Runtime in {share}")
        return
    with np.errstate(invalid="ignore"):
        distance = np.where(neither | (expected == found), 0.0, np.abs(expected - found))
    farthest = float(np.where(np.isnan(distance), np.inf, distance).max(initial=0.0))
    if farthest > DISTANCE_MAX:
        raise NotLowered(f"its native form is up to {farthest:.1e} from ONNX Runtime ({kernel})")


def _tables(model: NativeModel) -> list[_Table]:
    """Returns rows to compare: common ones, missing and infinite numbers, thresholds, unknown keys."""
    rng = np.random.default_rng(_SEED)
    cuts = _cuts(model)
    common = _draw(model, cuts, rng, _ROWS)
    floats = common[0].copy()
    drawn = rng.random(floats.shape)
    floats[drawn < 0.25] = np.nan
    floats[(drawn > 0.95) & (drawn < 0.975)] = np.inf
    floats[drawn > 0.975] = -np.inf
    tables = [common, (floats, *common[1:])]
    longest = max((len(values) for values in cuts.values()), default=0)
    if longest:
        boundary = _draw(model, cuts, rng, min(3 * longest + 2, _BOUNDARY_ROWS_MAX))
        tables.append((_on_cuts(boundary[0], cuts, rng), *boundary[1:]))
    if model.int_inputs or model.text_inputs:
        unknown = _draw(model, cuts, rng, 8)
        # One row each: where the graph refuses a key, only that row is lost.
        ints = np.full_like(unknown[1], 987_654_321)
        texts = np.full_like(unknown[2], "a key that no dictionary has")
        tables += [(unknown[0][row:][:1], ints[row:][:1], texts[row:][:1]) for row in range(2)]
    return tables


def _cuts(model: NativeModel) -> dict[int, _Line]:
    """Returns for each cell the numbers that trees compare it with, ascending."""
    cuts: dict[int, set[float]] = {}
    for ensemble in model.ensembles:
        for slot, threshold in zip(ensemble.node_slots, ensemble.node_thresholds, strict=True):
            tested = ensemble.slots[slot]
            cuts.setdefault(tested.cell, set()).update(tested.members or [threshold])
    return {cell: np.array(sorted(values), dtype=np.float32) for cell, values in cuts.items()}


def _draw(model: NativeModel, cuts: dict[int, _Line], rng: np.random.Generator, count: int) -> _Table:
    floats = rng.normal(size=(count, model.float_inputs)).astype(np.float32)
    for column in range(model.float_inputs):
        if column in cuts:
            finite = cuts[column][np.isfinite(cuts[column])]
            low, high = (float(finite[0]), float(finite[-1])) if len(finite) else (-1.0, 1.0)
            spread = max(high - low, 1.0)
            floats[:, column] = rng.uniform(low - spread / 8, high + spread / 8, count)
    int_keys: dict[int, list[int]] = {}
    text_keys: dict[int, list[str]] = {}
    for step in model.steps:
        if step.operation == native_pb2.NATIVE_LOOK_UP:
            dictionary = model.dictionaries[step.table]
            start = step.operands[0].start
            if dictionary.ints:
                int_keys.setdefault(start, []).extend(dictionary.ints)
            elif dictionary.texts:
                text_keys.setdefault(start, []).extend(dictionary.texts)
            elif dictionary.floats and start < model.float_inputs:
                floats[:, start] = rng.choice(np.array(dictionary.floats, dtype=np.float32), count)
    ints = np.zeros((count, model.int_inputs), dtype=np.int64)
    for column in range(model.int_inputs):
        ints[:, column] = rng.choice(int_keys.get(column) or list(range(-3, 12)), count)
    texts = np.full((count, model.text_inputs), "", dtype=np.object_)
    for column in range(model.text_inputs):
        texts[:, column] = rng.choice(np.array(text_keys.get(column) or [""], dtype=np.object_), count)
    return floats, ints, texts


def _on_cuts(floats: _Line, cuts: dict[int, _Line], rng: np.random.Generator) -> _Line:
    """Puts every input that trees test on its thresholds and beside them, in another order for each."""
    floats = floats.copy()
    for column in range(floats.shape[1]):
        if column in cuts:
            values = cuts[column]
            below, above = (np.nextafter(values, np.float32(side)) for side in (-np.inf, np.inf))
            line = np.concatenate([values, below, above, np.array([-0.0, 0.0], dtype=np.float32)])
            floats[:, column] = np.resize(rng.permutation(line), len(floats))
    return floats
