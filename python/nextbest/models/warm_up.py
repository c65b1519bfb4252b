"""A small built-in model, run before an untrusted one, so that everything that loads on first use is loaded.

A sealed process can open nothing, not even a module of numpy that was not used before.
"""

import numpy as np

from nextbest.models.job import Job, Plan
from nextbest.models.stages import Trial, run


def warm_up() -> None:
    """Runs every stage once, and every refusal's search for its reason."""
    rows = {"x": np.array([[0.0], [1.0], [np.nan]], dtype=np.float32)}
    job = Job(
        _model(),
        Plan.REHEARSAL,
        output="y",
        golden=rows,
        expected=np.array([0.1, 0.9, 0.9]),
        background=rows,
        # Nothing is as fast: what costs how much is looked for.
        budget_us=0.0,
    )
    run(Trial(job), lambda *_: None)


def _model() -> bytes:
    """Two trees of one comparison each, and an operator behind them."""
    from onnx import TensorProto, helper  # noqa: PLC0415 - loaded by those who warm up alone

    trees = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["t"],
        domain="ai.onnx.ml",
        nodes_treeids=[0, 0, 0, 1, 1, 1],
        nodes_nodeids=[0, 1, 2] * 2,
        nodes_featureids=[0] * 6,
        nodes_values=[0.5, 0.0, 0.0] * 2,
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"] * 2,
        nodes_truenodeids=[1, 0, 0] * 2,
        nodes_falsenodeids=[2, 0, 0] * 2,
        target_treeids=[0, 0, 1, 1],
        target_nodeids=[1, 2, 1, 2],
        target_ids=[0] * 4,
        target_weights=[0.05, 0.45] * 2,
        n_targets=1,
    )
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    graph = helper.make_graph(
        [trees, helper.make_node("Mul", ["t", "one"], ["y"])],
        "warm_up",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        [one],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
