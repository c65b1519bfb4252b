"""Small ONNX models, by name, as functions that build their bytes."""

from collections.abc import Callable

import onnx
from onnx import TensorProto, helper

OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]


def classifier(rows: int | None = None, *, job: bool = False) -> bytes:
    """Two numbers (and a job) -> a label and the probabilities of two classes."""
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [rows, 2])]
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [2, 2], [0.1, -0.1, 0.2, -0.2])
    nodes = [
        helper.make_node("MatMul", ["features", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    outputs = [helper.make_tensor_value_info("label", TensorProto.INT64, [rows])]
    if job:
        inputs.append(helper.make_tensor_value_info("job", TensorProto.STRING, [None, 1]))
        nodes.append(helper.make_node("Identity", ["job"], ["same_job"]))
        outputs.append(helper.make_tensor_value_info("same_job", TensorProto.STRING, [None, 1]))
    outputs.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [rows, 2]))
    graph = helper.make_graph(nodes, "classifier", inputs, outputs, [weights])
    model = helper.make_model(graph, opset_imports=OPSETS, ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def cumulative() -> bytes:
    """A classifier with an operator that is not run natively."""
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [2, 2], [0.1, -0.1, 0.2, -0.2])
    axis = helper.make_tensor("axis", TensorProto.INT64, [], [1])
    nodes = [
        helper.make_node("MatMul", ["features", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["shares"]),
        helper.make_node("CumSum", ["shares", "axis"], ["probabilities"]),
    ]
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 2])]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])]
    graph = helper.make_graph(nodes, "cumulative", inputs, outputs, [weights, axis])
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=8).SerializeToString()


def bomb() -> bytes:
    """Two hundred bytes that ask for 4.9 GB when they run."""
    size = helper.make_tensor("size", TensorProto.INT64, [2], [600_000_000, 2])
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("MatMul", ["zeros", "features"], ["probabilities"]),
    ]
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 2])]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])]
    graph = helper.make_graph(nodes, "bomb", inputs, outputs, [size])
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=8).SerializeToString()


MODELS: dict[str, Callable[[], bytes]] = {
    "card.onnx": classifier,
    "mixed.onnx": lambda: classifier(job=True),
    "fixed.onnx": lambda: classifier(10),
    "bomb.onnx": bomb,
    "cumulative.onnx": cumulative,
}
