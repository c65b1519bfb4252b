"""A scorer and rows -> what scoring costs; and of a model that costs too much, what in it does.

Times are medians of many runs: machines hiccup. Native models are timed where they run. ONNX Runtime is
called from Python, whose part, measured with a graph that does nothing, is taken off: servers have none.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from nextbest._core import NativeModel as Engine
from nextbest.models.inner_values import inner_values
from nextbest.models.job import Rows
from nextbest.models.native import flags, lines
from nextbest.models.report import Latency
from nextbest.models.scoring import Scorer, row_count, take
from nextbest.models.signature import open_session
from nextbest.models.structure import Structure
from nextbest.models.trees import Ensemble
from nextbest.v1.native_pb2 import NativeModel

Own = Mapping[str, Sequence[bool]]
"""For each input, of each of its columns whether it comes from the action."""
RUNS_MIN: Final = 100
RUNS_MAX: Final = 1_000
BATCH: Final = 100
_SECONDS: Final = 0.5
_WARM_UP: Final = 20
_NODES_TIMED_MAX: Final = 64
_DEAREST: Final = 3
_CUSTOMERS: Final = 10
_SLOWER: Final = 1.2
_SINGLE_US: Final = 1.0
_DECISION_US: Final = 10.0
# What a run that does nothing takes when it is called from Rust.
_RUN_US: Final = 1.5


def measure_latency(scorer: Scorer, rows: Rows, native: NativeModel | None, own: Own) -> Latency:
    """Times single rows, and decisions of one customer and a hundred actions.

    Rows are cycled, so that no branch predictor learns one by heart. In a decision the columns of the
    customer are the same for all actions; a native model computes what depends on them alone once, as a
    server does.

    Args:
        scorer: The model, open in ONNX Runtime.
        rows: What is scored.
        native: The model, lowered; it is timed then, and ONNX Runtime beside it.
        own: For each input, of each column whether it comes from the action.
    """
    graph = _latency(*_time_graph(scorer, rows, own))
    if native is None:
        return graph
    return replace(
        _latency(*_time_native(scorer, rows, native, own)),
        onnxruntime_single_us=graph.single_us,
        onnxruntime_batch_row_us=graph.batch_row_us,
    )


def own_columns(columns: Mapping[str, Sequence[str]], rows: Rows) -> Own:
    """Which columns come from the action, by their names; none of a model whose columns have no names."""
    return {
        name: [
            place < len(columns.get(name, ())) and columns[name][place].startswith("action.")
            for place in range(array.shape[1])
        ]
        for name, array in rows.items()
    }


def is_slower(found: Latency) -> bool:
    """Whether a native model takes longer than ONNX Runtime by what is worth giving up contributions for.

    That is a fifth and a microsecond more for one row, or a fifth and ten microseconds more for a decision
    with a hundred actions. Small models are within that: which engine is faster is then a matter of chance.
    """
    single, batch = found.onnxruntime_single_us, found.onnxruntime_batch_row_us
    if single is None or batch is None:
        return False
    return _exceeds(found.single_us, single, _SINGLE_US) or _exceeds(
        BATCH * found.batch_row_us, BATCH * batch, _DECISION_US
    )


def _exceeds(native: float, graph: float, least_us: float) -> bool:
    return native > _SLOWER * graph and native - graph > least_us


def of_onnxruntime(found: Latency) -> tuple[Latency, str]:
    """What ONNX Runtime takes, where a native model is slower; and the reason to choose it."""
    single, batch = found.onnxruntime_single_us or 0.0, found.onnxruntime_batch_row_us or 0.0
    reason = (
        f"faster than its native form: {single:.1f} us for one row and {batch:.3f} us a row of a hundred, "
        f"native {found.single_us:.1f} and {found.batch_row_us:.3f}"
    )
    return Latency(single, single, batch, found.runs), reason


def _latency(single: list[float], batch: list[float]) -> Latency:
    return Latency(
        single_us=float(np.median(single)),
        single_us_p99=float(np.quantile(single, 0.99)),
        batch_row_us=float(np.median(batch)) / BATCH,
        runs=len(single),
    )


def _time_native(
    scorer: Scorer, rows: Rows, native: NativeModel, own: Own
) -> tuple[list[float], list[float]]:
    engine = Engine(native.SerializeToString())
    inputs = ((tensor.name, tensor.element) for tensor in scorer.inputs)
    table = (row_count(rows), *lines(inputs, rows))
    engine.time(*table, batch=1, runs=_WARM_UP)
    single = engine.time(*table, batch=1, runs=RUNS_MAX)
    is_own = flags(((tensor.name, tensor.element) for tensor in scorer.inputs), own)
    options: dict[str, Any] = {"column": scorer.column, "is_own": is_own, "actions": BATCH}
    engine.time_decisions(*table, **options, runs=_WARM_UP)
    return single, engine.time_decisions(*table, **options, runs=RUNS_MIN)


def _time_graph(scorer: Scorer, rows: Rows, own: Own) -> tuple[list[float], list[float]]:
    count = row_count(rows)
    singles = [take(rows, np.array([index % count])) for index in range(min(RUNS_MAX, max(RUNS_MIN, count)))]
    single = _time(lambda index: scorer.run(singles[index % len(singles)]), RUNS_MAX)
    batches = [_decision(rows, index, own) for index in range(_CUSTOMERS)]
    batch = _time(lambda index: scorer.run(batches[index % len(batches)]), RUNS_MIN)
    call = _call_of_python()
    return [max(took - call, _RUN_US) for took in single], [
        max(took - call * scorer.runs(BATCH), _RUN_US * scorer.runs(BATCH)) for took in batch
    ]


def _decision(rows: Rows, customer: int, own: Own) -> Rows:
    """A row for each of a hundred actions: columns of the customer are the same in all of them."""
    count = row_count(rows)
    batch = take(rows, np.full(BATCH, customer % count))
    actions = take(rows, np.arange(BATCH) % count)
    for name, columns in own.items():
        places = np.flatnonzero(columns)
        batch[name][:, places] = actions[name][:, places]
    return batch


def _call_of_python() -> float:
    """Microseconds by which a call from Python is longer than one from Rust."""
    # Loads slowly, and only who measures needs it.
    from onnx import TensorProto, helper  # noqa: PLC0415

    given, made = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "nothing", [given], [made])
    opsets = [helper.make_opsetid("", 17)]
    nothing = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    scorer, row = (
        Scorer(open_session(nothing.SerializeToString()), "y", 0),
        {"x": np.zeros((1, 1), np.float32)},
    )
    return max(0.0, float(np.median(_time(lambda _: scorer.run(row), RUNS_MAX))) - _RUN_US)


def explain_cost(scorer: Scorer, structure: Structure, rows: Rows, single_us: float) -> str:
    """Names the dearest operators, and of tree ensembles the dearest trees.

    Each operator is run alone in ONNX Runtime, on its inputs for one row. Only the shares are used, not the
    times: each run has a fixed cost, and another engine may score with the model.

    Args:
        scorer: The model, open.
        structure: Of the model.
        rows: The first of them is scored.
        single_us: What a row costs in the engine that serves; the shares are shares of it.
    """
    costs = _operator_costs(structure.model, scorer.feeds(take(rows, np.array([0]))))
    total = sum(costs.values())
    dearest = sorted(costs.items(), key=lambda item: -item[1])[:_DEAREST] if total else []
    parts = [f"`{name}` {single_us * cost / total:.1f} us ({cost / total:.0%})" for name, cost in dearest]
    parts += [text for ensemble in structure.ensembles if (text := _tree_costs(ensemble))]
    return "; ".join(parts)


def _time(run: Callable[[int], Any], runs_max: int) -> list[float]:
    """Microseconds of each run, until there are enough or half a second is over."""
    for index in range(_WARM_UP):
        run(index)
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < runs_max and (len(times) < RUNS_MIN or time.perf_counter() - began < _SECONDS):
        start = time.perf_counter_ns()
        run(len(times))
        times.append((time.perf_counter_ns() - start) / 1_000)
    return times


def _operator_costs(model: Any, row: Rows) -> dict[str, float]:
    """Microseconds of each operator by itself, without what running nothing costs."""
    values = {**row, **inner_values(model, row)}
    floor = _alone(model, _nothing(model), values)
    costs: dict[str, float] = {}
    for node in model.graph.node[:_NODES_TIMED_MAX]:
        cost = _alone(model, node, values)
        if cost is not None:
            name = str(node.name or node.op_type)
            costs[name] = costs.get(name, 0.0) + max(0.0, cost - (floor or 0.0))
    return costs


def _nothing(model: Any) -> Any:
    node = type(model.graph.node[0])(op_type="Identity", name="nothing", output=["nothing"])
    node.input.append(model.graph.input[0].name)
    return node


def _alone(model: Any, node: Any, values: dict[str, Any]) -> float | None:
    """The median of an operator in a separate graph; None if it cannot be run alone."""
    alone = type(model)(ir_version=model.ir_version, opset_import=model.opset_import)
    alone.graph.name = "alone"
    alone.graph.node.append(node)
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    feeds = {}
    for name in dict.fromkeys(node.input):
        if name in stored:
            alone.graph.initializer.append(stored[name])
        elif name in values:
            feeds[name] = values[name]
            tensor = alone.graph.input.add(name=name).type.tensor_type
            tensor.elem_type = _ELEMENTS.get(values[name].dtype.kind + str(values[name].dtype.itemsize), 8)
            for _ in values[name].shape:
                tensor.shape.dim.add()
    for name in node.output:
        alone.graph.output.add(name=name)
    try:
        session = open_session(alone.SerializeToString())
        return float(np.median(_time(lambda _: session.run(None, feeds), RUNS_MIN)))
    except Exception:  # noqa: BLE001 - an operator that cannot be timed is left out of an explanation
        return None


# ONNX's number of a numpy type; 8 is text.
_ELEMENTS: Final = {"f4": 1, "i4": 6, "i8": 7, "b1": 9, "f8": 11, "u1": 2}


def _tree_costs(ensemble: Ensemble) -> str:
    if len(ensemble.path_lengths) < 2:
        return ""
    total = float(ensemble.path_lengths.sum()) or 1.0
    order = np.argsort(-ensemble.path_lengths, kind="stable")[:_DEAREST]
    trees = [
        f"tree {tree} has {ensemble.node_counts[tree]:,} nodes, depth {ensemble.depths[tree]} "
        f"({ensemble.path_lengths[tree] / total:.1%})"
        for tree in order
    ]
    return f"of the {len(ensemble.depths):,} trees of `{ensemble.name}`, {', '.join(trees)}"
