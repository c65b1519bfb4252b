"""Graphs lowered to native models, against ONNX Runtime."""

import numpy as np
import onnxruntime
import pytest
from native_evaluator import evaluate
from onnx import TensorProto, helper

from nextbest.models.native import NotLowered, lower

OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]


def build(nodes, columns=3, opsets=OPSETS, initializers=(), element=TensorProto.FLOAT):
    """A graph of one input `x` and one output `y`."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", element, [None, columns])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None])],
        list(initializers),
    )
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def run(onnx, feeds, output="y"):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    return session.run([output], feeds)[0]


def rows(columns=3, count=50, seed=1):
    return np.random.default_rng(seed).normal(size=(count, columns)).astype(np.float32)


def number(name, values, dtype=np.float32):
    values = np.asarray(values, dtype=dtype)
    return helper.make_tensor(
        name, helper.np_dtype_to_tensor_dtype(values.dtype), values.shape, values.reshape(-1)
    )


def test_a_small_net():
    weights = [number("w", rows(4, 3)), number("b", [[1, 2, 3, 4]]), number("v", rows(1, 4))]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("MatMul", ["d", "v"], ["e"]),
        helper.make_node("Sigmoid", ["e"], ["y"]),
    ]
    onnx = build(nodes, initializers=weights)
    table = rows()
    found = evaluate(lower(onnx, "y", [0]), table)
    assert np.abs(found[0] - run(onnx, {"x": table})[:, 0]).max() <= 1e-6


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ([helper.make_node("Det", ["x"], ["y"])], "its operator `Det` has no native kernel"),
        (
            [
                helper.make_node("Cast", ["x"], ["d"], to=TensorProto.DOUBLE),
                helper.make_node("Exp", ["d"], ["e"]),
                helper.make_node("Cast", ["e"], ["y"], to=TensorProto.FLOAT),
            ],
            "its operator `Exp` computes in doubles",
        ),
        ([helper.make_node("ReduceSum", ["x"], ["y"])], "it reduces rows to one another"),
        ([helper.make_node("Exp", ["z"], ["y"])], "its operator `Exp` reads `z`, which nothing computes"),
    ],
)
def test_refusals_have_reasons(nodes, reason):
    with pytest.raises(NotLowered) as caught:
        lower(build(nodes), "y", [0])
    assert caught.value.reason == reason


def test_bytes_that_are_not_a_model_are_refused():
    with pytest.raises(NotLowered, match="not an ONNX model"):
        lower(b"\xff\xff", "y", [0])
