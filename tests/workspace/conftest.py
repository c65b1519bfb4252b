"""An ONNX model for the tests of workspaces."""

import pytest
from onnx import TensorProto, helper


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
