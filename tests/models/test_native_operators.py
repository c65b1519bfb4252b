"""Each operator by itself, against ONNX Runtime, on numbers that are awkward."""

import numpy as np
import pytest
from corpus import open_session
from native_evaluator import evaluate
from operator_cases import CASES, INPUTS, ROWS, model

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
def test_an_operator_says_what_onnx_runtime_says(name):
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
