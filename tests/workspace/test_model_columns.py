"""One model for several actions: each names the column of the output that is its propensity."""

from datetime import UTC, datetime

import numpy as np
import pytest
from onnx import TensorProto, helper

from nextbest import bundle, workspace
from nextbest.bundle.offline import OfflineBundle

WEIGHTS = np.array([[0.1, -0.2, 0.3], [0.05, 0.02, -0.04]], dtype=np.float32)
FILES = {
    "workspace.yaml": "name: shop\n",
    "schema.yaml": """
customer:
  age: {type: int, required: true}
  balance: {type: double, required: true}
""",
    "channels.yaml": "channels:\n  web:\n    placements:\n      hero: {count: 3}\n",
    "actions/cards.yaml": """
issue: sales
group: cards
actions:
  gold: {propensity: {model: next-product, column: 0}, treatments: [{channel: web}]}
  iron: {propensity: {model: next-product, column: 2}, treatments: [{channel: web}]}
  plain: {propensity: next-product, treatments: [{channel: web}]}
""",
    "models/next-product.yaml": """
name: next-product
file: next-product.onnx
prior: 0.02
inputs: {x: [customer.age, customer.balance]}
positive_class: 1
""",
}


def graph(*extra):
    """A softmax over three products; `extra` operators before it keep it on ONNX Runtime."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 3], WEIGHTS.reshape(-1))
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["s"]),
        *extra,
        helper.make_node("Softmax", ["t" if extra else "s"], ["p"]),
    ]
    made = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 3])],
        [weights, helper.make_tensor("one", TensorProto.DOUBLE, [1], [1.0])],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8).SerializeToString()


@pytest.mark.parametrize("engine", ["native", "onnxruntime"])
def test_each_action_gets_its_column(tmp_path, engine):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    # What computes in doubles stays on ONNX Runtime.
    in_doubles = [
        helper.make_node("Cast", ["s"], ["d"], to=TensorProto.DOUBLE),
        helper.make_node("Mul", ["d", "one"], ["e"]),
        helper.make_node("Cast", ["e"], ["t"], to=TensorProto.FLOAT),
    ]
    extra = in_doubles if engine == "onnxruntime" else []
    (tmp_path / "models/next-product.onnx").write_bytes(graph(*extra))
    compilation = workspace.compile(tmp_path)
    assert compilation.errors == []
    (model,) = compilation.bundle.models
    assert model.HasField("native") == (engine == "native")
    decided = OfflineBundle(bundle.seal(compilation.bundle).data).decide(
        customer={"age": 3, "balance": 2.5}, channel="web", placements=["hero"],
        now=datetime(2026, 6, 1, tzinfo=UTC), seed=1,
    )  # fmt: skip
    scores = {placed.action: placed.score.propensity for placed in decided["hero"]}
    margin = np.array([3, 2.5]) @ WEIGHTS
    expected = np.exp(margin) / np.exp(margin).sum()
    assert scores == pytest.approx({"gold": expected[0], "plain": expected[1], "iron": expected[2]}, abs=1e-6)
