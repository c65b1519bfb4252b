"""Models as people train and export them; run it for a table of how they are lowered.

    PYTHONPATH=python python tests/models/corpus.py

Everything is trained here, on little data, with fixed seeds and one thread.
"""

import functools
import sys
import warnings
from dataclasses import dataclass

import numpy as np
import onnxruntime
from corpus_boosted import BOOSTED
from corpus_case import Case, Feeds
from corpus_graphs import GRAPHS
from corpus_scikit import SCIKIT
from corpus_shapes import SHAPES
from native_evaluator import evaluate
from numpy.typing import NDArray

from nextbest.models.native import NotLowered, lower
from nextbest.v1 import native_pb2 as native

CORPUS = {**SCIKIT, **BOOSTED, **GRAPHS, **SHAPES}
# What stays on ONNX Runtime, and why.
REFUSED = {
    "doubles": "computes in doubles",
    "int8 net": "its operator `QuantizeLinear` has no native kernel",
    "support vectors": "its operator `SVMClassifier` has no native kernel",
}
BOUNDARY_ROWS_MAX = 4000


@functools.cache
def build(name: str) -> Case:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of exporters, about the libraries they use
        return CORPUS[name]()


@dataclass(frozen=True)
class Finding:
    """How far a native model is from ONNX Runtime."""

    rows: int
    difference_max: float
    differing_bits: int


def open_session(onnx: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def reference(case: Case, session: onnxruntime.InferenceSession, feeds: Feeds) -> NDArray[np.float32]:
    """ONNX Runtime's answer: the columns that are needed."""
    (answer,) = session.run([case.output], dict(feeds))
    if isinstance(answer, list):
        answer = np.array([list(row.values()) for row in answer], dtype=np.float32)
    return answer.reshape(len(answer), -1)[:, list(case.columns)]


def lines(session: onnxruntime.InferenceSession, feeds: Feeds) -> list[NDArray]:
    """The inputs of a native model: floats, whole numbers, texts."""
    count = len(next(iter(feeds.values())))
    kinds = {"tensor(int64)": 1, "tensor(string)": 2}
    found = [[np.zeros((count, 0), dtype)] for dtype in (np.float32, np.int64, object)]
    for tensor in session.get_inputs():
        found[kinds.get(tensor.type, 0)].append(feeds[tensor.name].reshape(count, -1))
    with np.errstate(over="ignore"):
        tables = [np.hstack(tables) for tables in found]
    return [tables[0].astype(np.float32), *tables[1:]]


def boundaries(model: native.NativeModel, feeds: Feeds, session: onnxruntime.InferenceSession) -> Feeds:
    """Rows in which each input that trees test takes each threshold, and the floats beside it."""
    cuts: dict[int, set[float]] = {}
    for ensemble in model.ensembles:
        for slot, threshold in zip(ensemble.node_slots, ensemble.node_thresholds, strict=True):
            cut = ensemble.slots[slot]
            cuts.setdefault(cut.cell, set()).update(cut.members or [threshold])
    rows = {name: table.copy() for name, table in feeds.items()}
    cell = 0
    for tensor in session.get_inputs():
        if tensor.type != "tensor(float)":
            continue
        table = rows[tensor.name].reshape(len(rows[tensor.name]), -1)
        for column in range(table.shape[1]):
            values = np.array(sorted(cuts.get(cell + column, ())), dtype=np.float32)
            beside = [np.nextafter(values, side, dtype=np.float32) for side in np.float32([-np.inf, np.inf])]
            line = np.concatenate([values, *beside, np.float32([-0.0, 0.0])])
            table[:, column] = np.resize(np.roll(line, 7 * column), len(table))
        cell += table.shape[1]
    return rows


def lose(feeds: Feeds, rng: np.random.Generator) -> Feeds:
    """Puts NaN and infinities into inputs of floats."""
    rows = {name: table.copy() for name, table in feeds.items()}
    for table in rows.values():
        if table.dtype == np.float32:
            drawn = rng.random(table.shape)
            table[drawn < 0.25] = np.nan
            table[(drawn > 0.95) & (drawn < 0.975)] = np.inf
            table[drawn > 0.975] = -np.inf
    return rows


def compare(case: Case, model: native.NativeModel) -> Finding:
    """Runs both engines on rows at random, on what is lost, and on boundaries."""
    rng = np.random.default_rng(7)
    session = open_session(case.onnx)
    thresholds = max((len(ensemble.node_thresholds) for ensemble in model.ensembles), default=0)
    tables = [case.draw(rng, 400)]
    if case.lost:
        tables.append(lose(case.draw(rng, 400), rng))
    if thresholds:
        tables.append(boundaries(model, case.draw(rng, min(3 * thresholds + 2, BOUNDARY_ROWS_MAX)), session))
    expected = np.concatenate([reference(case, session, feeds) for feeds in tables])
    answers = [evaluate(model, *lines(session, feeds)) for feeds in tables]
    found = np.concatenate(
        [np.stack([answer[column] for column in case.columns], axis=1) for answer in answers]
    )
    both_lost = np.isnan(expected) & np.isnan(found)
    same = (expected == found) | both_lost
    with np.errstate(invalid="ignore"):
        distance = np.where(same, 0.0, np.abs(expected - found))
    bits = (expected.view(np.uint32) != found.view(np.uint32)) & ~both_lost
    return Finding(len(found), float(np.where(np.isnan(distance), np.inf, distance).max()), int(bits.sum()))


def lowered(name: str) -> native.NativeModel:
    case = build(name)
    return lower(case.onnx, case.output, case.columns)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    line = "{:28} {:8} {:>6} {:>6} {:>6} {:>6} {:>9} {:>6}"
    say(line.format("model", "engine", "steps", "cells", "trees", "rows", "distance", "bits"))
    for name in CORPUS:
        try:
            model = lowered(name)
        except NotLowered as refusal:
            say(line.format(name, "ONNX", "", "", "", "", "", "") + refusal.reason)
            continue
        finding = compare(build(name), model)
        trees = sum(len(ensemble.tree_nodes) for ensemble in model.ensembles)
        distance = f"{finding.difference_max:.1e}"
        figures = (len(model.steps), model.cells, trees, finding.rows, distance, finding.differing_bits)
        say(line.format(name, "native", *figures) + ("" if build(name).exact else "  dense"))


if __name__ == "__main__":
    main()
