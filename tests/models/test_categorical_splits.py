"""Categorical splits as exporters write them, a node a category: what a bundle with one decides."""

import threading
from datetime import UTC, datetime

import pytest
from onnx import TensorProto, helper

from nextbest import bundle, workspace
from nextbest.bundle.offline import OfflineBundle
from nextbest.models.limits import TREE_WRITTEN_DEPTH_MAX
from nextbest.models.native import NotLowered, prove

FILES = {
    "workspace.yaml": "name: shop\n",
    "schema.yaml": "customer:\n  merchant: {type: int}\n",
    "channels.yaml": "channels:\n  web:\n    placements:\n      hero: {count: 1}\n",
    "actions/offers.yaml": """
issue: sales
group: offers
actions:
  offer: {propensity: m, treatments: [{channel: web}]}
""",
    "models/m.yaml": "name: m\nfile: m.onnx\nprior: 0.0123\ninputs: {x: customer.merchant}\n",
}
SMALL_STACK = 1 << 20


def split(count, *after):
    """0.3 for even numbers below twice `count`, 0.1 for others; `after` operators keep it on ONNX Runtime."""
    nodes, leaves = list(range(count + 2)), [count, count + 1]
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["s" if after else "p"], domain="ai.onnx.ml",
        nodes_treeids=[0] * (count + 2), nodes_nodeids=nodes, nodes_featureids=[0] * (count + 2),
        nodes_modes=["BRANCH_EQ"] * count + ["LEAF"] * 2,
        nodes_values=[float(2 * category) for category in range(count)] + [0.0, 0.0],
        nodes_truenodeids=[count] * count + [0, 0], nodes_falsenodeids=[*range(1, count), count + 1, 0, 0],
        target_treeids=[0, 0], target_nodeids=leaves, target_ids=[0, 0], target_weights=[0.3, 0.1],
        n_targets=1,
    )  # fmt: skip
    made = helper.make_graph(
        [node, *after],
        "split",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("one", TensorProto.DOUBLE, [1], [1.0])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8).SerializeToString()


IN_DOUBLES = (
    helper.make_node("Cast", ["s"], ["d"], to=TensorProto.DOUBLE),
    helper.make_node("Mul", ["d", "one"], ["e"]),
    helper.make_node("Cast", ["e"], ["p"], to=TensorProto.FLOAT),
)


@pytest.mark.parametrize(("engine", "after"), [("native", ()), ("onnxruntime", IN_DOUBLES)])
@pytest.mark.parametrize("count", [600, TREE_WRITTEN_DEPTH_MAX])
def test_as_many_categories_as_a_column_has(tmp_path, count, engine, after):
    """Also where models are opened on a thread with a small stack, as those of a server."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "models/m.onnx").write_bytes(split(count, *after))
    compilation = workspace.compile(tmp_path)
    assert compilation.errors == []
    assert compilation.bundle.models[0].HasField("native") == (engine == "native")
    sealed = bundle.seal(compilation.bundle).data
    last = 2 * count - 2
    expected = {0: 0.3, 4: 0.3, 5: 0.1, last: 0.3, last + 2: 0.1, -1: 0.1, None: 0.1}
    found = {}

    def decide():
        offline = OfflineBundle(sealed)
        for merchant in expected:
            decided = offline.decide(
                customer={} if merchant is None else {"merchant": merchant}, channel="web",
                placements=["hero"], now=datetime(2026, 6, 1, tzinfo=UTC), seed=1,
            )  # fmt: skip
            found[merchant] = decided["hero"][0].score.propensity

    deciding = threading.Thread(target=decide)
    usual = threading.stack_size(SMALL_STACK)
    deciding.start()
    threading.stack_size(usual)
    deciding.join()
    assert found == pytest.approx(expected, abs=1e-7)


def test_sets_beyond_the_memory_of_the_engine_stay_on_onnx_runtime():
    """30,000 sets, each of one different category."""
    trees, per_tree = 300, 100
    places = range(2 * per_tree + 1)
    falses = [*range(1, per_tree), 2 * per_tree, *[0] * (per_tree + 1)]
    leaves = range(per_tree, 2 * per_tree + 1)
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["p"], domain="ai.onnx.ml", n_targets=1,
        nodes_treeids=[tree for tree in range(trees) for _ in places],
        nodes_nodeids=[*places] * trees,
        nodes_featureids=[0] * (trees * len(places)),
        nodes_modes=(["BRANCH_EQ"] * per_tree + ["LEAF"] * (per_tree + 1)) * trees,
        nodes_values=[float(tree * per_tree + place) for tree in range(trees) for place in places],
        nodes_truenodeids=[*range(per_tree, 2 * per_tree), *[0] * (per_tree + 1)] * trees,
        nodes_falsenodeids=falses * trees,
        target_treeids=[tree for tree in range(trees) for _ in leaves],
        target_nodeids=[*leaves] * trees,
        target_ids=[0] * (trees * len(leaves)),
        target_weights=[0.001] * (trees * len(leaves)),
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    with pytest.raises(NotLowered, match="larger than the engine takes"):
        prove(onnx, "p", [0])
