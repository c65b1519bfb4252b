"""A workspace to lay changed files over, and an ONNX model, for the tests of workspaces."""

from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import TensorProto, helper

# Without findings, and no larger than a workspace has to be.
CORRECT = {
    "workspace.yaml": "name: bank\n",
    "schema.yaml": "customer:\n  age: {type: int, required: true}\n",
    "channels.yaml": "channels:\n  web: {placements: {hero: {}}}\n",
    "actions/cards.yaml": """\
issue: sales
group: cards
actions:
  gold:
    propensity: 0.1
    treatments: [{channel: web}]
""",
}


@pytest.fixture
def lay(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Writes a correct workspace, with files changed or added; returns its folder."""

    def lay(files: dict[str, str]) -> Path:
        for name, text in (CORRECT | files).items():
            path = tmp_path / "bank" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "bank"

    return lay


@pytest.fixture(scope="session")
def onnx() -> bytes:
    """Two numbers -> the probabilities of two classes."""
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [2, 2], [0.1, -0.1, 0.2, -0.2])
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["features", "weights"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"]),
        ],
        "classifier",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])],
        [weights],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
