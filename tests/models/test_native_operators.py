"""Each operator by itself, against ONNX Runtime, on numbers that are awkward."""

import numpy as np
import onnxruntime
import pytest
from corpus import open_session
from native_evaluator import RowFails, evaluate
from onnx import TensorProto
from operator_cases import CASES, INPUTS, ROWS, model, node

from nextbest.models.native import lower


def both(onnx):
    """The answers of ONNX Runtime and of the lowered model, flat for each row."""
    session = open_session(onnx)
    names = [tensor.name for tensor in session.get_inputs()]
    (answer,) = session.run(["y"], {name: INPUTS[name] for name in names})
    expected = answer.astype(np.float32).reshape(ROWS, -1)
    lowered = lower(onnx, "y", range(expected.shape[1]))
    line = [INPUTS[name].astype(np.float32) for name in names if name in "xb"]
    found = evaluate(
        lowered,
        np.hstack(line) if line else np.zeros((ROWS, 0), np.float32),
        INPUTS["n"] if "n" in names else None,
        INPUTS["t"] if "t" in names else None,
    )
    return expected, np.stack([found[column] for column in range(expected.shape[1])], axis=1)


@pytest.mark.parametrize("name", CASES)
def test_an_operator_computes_as_onnx_runtime(name):
    nodes, constants = CASES[name]
    expected, found = both(model(nodes, constants))
    lost = np.isnan(expected)
    assert (np.isnan(found) == lost).all(), (
        expected[np.isnan(found) != lost],
        found[np.isnan(found) != lost],
    )
    with np.errstate(invalid="ignore"):
        distance = np.where(
            expected == found, 0.0, np.abs(expected - found) / np.maximum(1.0, np.abs(expected))
        )
    assert distance[~lost].max(initial=0.0) <= 1e-6


FILLED = [
    node("LabelEncoder", "t", "is", keys_strings=["", "b"], values_int64s=[1, 1], default_int64=0),
    node("Cast", "is", "lost", to=TensorProto.BOOL),
    node("Where", "lost fill t", "filled"),
    node("OneHotEncoder", "filled", cats_strings=["a", "zz"], zeros=0),
]
FAILING = {
    # Graph, constants, and a row that fails beside one that does not.
    "Binarizer": ([node("Binarizer", "x")], {}, ("x", np.nan, 1.0)),
    "OneHotEncoder": ([node("OneHotEncoder", "t", cats_strings=["a"], zeros=0)], {}, ("t", "b", "a")),
    "OneHotEncoder of floats": (
        [node("OneHotEncoder", "x", cats_int64s=[1], zeros=0)],
        {},
        ("x", np.nan, 1.5),
    ),
    "texts filled in": (FILLED, {"fill": np.array(["a"], dtype=object)}, ("t", "ü", "")),
}


def row_of(line, value):
    """One row of a graph with one input, and the inputs of the evaluator."""
    row = np.full((1, 4), value, dtype=object if line == "t" else np.float32)
    return {line: row}, (np.zeros((1, 0), np.float32), None, row) if line == "t" else (row,)


@pytest.mark.parametrize("name", FAILING)
def test_a_row_fails_where_onnx_runtime_does(name):
    nodes, constants, (line, bad, good) = FAILING[name]
    onnx = model(nodes, constants)
    session = open_session(onnx)
    feeds, inputs = row_of(line, good)
    (expected,) = session.run(["y"], feeds)
    found = evaluate(lower(onnx, "y", range(expected.size)), *inputs)
    assert list(found.values()) == expected.reshape(-1).tolist()
    feeds, inputs = row_of(line, bad)
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.Fail):
        session.run(["y"], feeds)
    with pytest.raises(RowFails):
        evaluate(lower(onnx, "y", [0]), *inputs)
