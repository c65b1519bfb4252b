"""Graphs written by hand, of kinds that no exporter here makes."""

from collections.abc import Callable

import numpy as np
from corpus_case import Case
from onnx import TensorProto, helper

OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 5)]
OLD_OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
rng = np.random.default_rng(11)


def build(nodes, initializers=(), opsets=OPSETS) -> bytes:
    """A graph of one input `X` of six columns and one output `y`."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        list(initializers),
    )
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def number(name, values):
    values = np.asarray(values)
    if values.dtype == object:
        texts = [text.encode() for text in values.reshape(-1).tolist()]
        return helper.make_tensor(name, TensorProto.STRING, values.shape, texts)
    kind = helper.np_dtype_to_tensor_dtype(values.dtype)
    return helper.make_tensor(name, kind, values.shape, values.reshape(-1).tolist())


def floats(name, *shape):
    return number(name, rng.normal(size=shape).astype(np.float32))


def ml(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs, outputs, domain="ai.onnx.ml", **attributes)


def sets() -> Case:
    """TreeEnsemble of version 5: sets, both orders, two targets, where missing values go."""
    node = ml(
        "TreeEnsemble",
        ["X"],
        ["y"],
        n_targets=2,
        aggregate_function=1,
        post_transform=0,
        tree_roots=[0, 3],
        nodes_featureids=[0, 1, 2, 3, 0],
        nodes_modes=number("m", np.array([6, 0, 3, 1, 6], dtype=np.uint8)),
        nodes_splits=number("s", np.array([0.0, 0.25, -0.5, 0.0, 0.0], dtype=np.float32)),
        membership_values=number(
            "v", np.array([1.0, 0.0, 40.0, -3.0, np.nan, 2.0, 0.5, np.nan], dtype=np.float32)
        ),
        nodes_truenodeids=[1, 0, 2, 4, 5],
        nodes_trueleafs=[0, 1, 1, 0, 1],
        nodes_falsenodeids=[2, 1, 3, 4, 6],
        nodes_falseleafs=[0, 1, 1, 1, 1],
        nodes_missing_value_tracks_true=[1, 0, 1, 1, 0],
        leaf_targetids=[0, 0, 1, 0, 1, 1, 0],
        leaf_weights=number("w", np.array([0.5, -1.25, 3.0, 0.1, 0.7, -0.3, 0.9], dtype=np.float32)),
    )

    def draw(rng, count):
        return {"X": (rng.integers(-4, 5, (count, 6)) / np.float32(2)).astype(np.float32)}

    return Case(build([node]), "y", exact=True, columns=(0, 1), draw=draw)


def averaged(transform: str) -> Callable[[], Case]:
    """A regressor of two targets, of three trees that are averaged."""

    def case() -> Case:
        trees, per_tree = 3, 3
        node = ml(
            "TreeEnsembleRegressor",
            ["X"],
            ["y"],
            n_targets=2,
            aggregate_function="AVERAGE",
            post_transform=transform,
            base_values=[0.25, -0.125],
            nodes_treeids=sorted([*range(trees)] * per_tree),
            nodes_nodeids=[0, 1, 2] * trees,
            nodes_featureids=[0, 0, 0, 1, 0, 0, 2, 0, 0],
            nodes_modes=["BRANCH_LT", "LEAF", "LEAF"] * trees,
            nodes_values=[0.1, 0, 0, 0.2, 0, 0, -0.0, 0, 0],
            nodes_truenodeids=[1, 0, 0] * trees,
            nodes_falsenodeids=[2, 0, 0] * trees,
            target_treeids=sorted([*range(trees)] * 4),
            target_nodeids=[1, 1, 2, 2] * trees,
            target_ids=[0, 1, 0, 1] * trees,
            target_weights=rng.normal(size=4 * trees).tolist(),
        )
        return Case(build([node], opsets=OLD_OPSETS), "y", exact=True, columns=(0, 1))

    return case


def deep_net() -> Case:
    """A transposed matrix, batch normalisation, leaky and other activations, a residual, softmax."""
    weights = [
        floats("w1", 8, 6),
        floats("b1", 8),
        floats("w2", 8, 8),
        floats("b2", 1, 8),
        floats("w3", 8, 3),
    ]
    scales = [floats("scale", 8), floats("shift", 8), floats("mean", 8)]
    variance = number("variance", rng.random(8).astype(np.float32) + np.float32(0.5))
    nodes = [
        helper.make_node("Gemm", ["X", "w1", "b1"], ["a"], transB=1, alpha=0.5, beta=2.0),
        helper.make_node("BatchNormalization", ["a", "scale", "shift", "mean", "variance"], ["n"]),
        helper.make_node("LeakyRelu", ["n"], ["l"], alpha=0.2),
        helper.make_node("Gemm", ["l", "w2", "b2"], ["c"]),
        helper.make_node("Add", ["c", "l"], ["residual"]),
        helper.make_node("Elu", ["residual"], ["e"]),
        helper.make_node("MatMul", ["e", "w3"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["y"], axis=1),
    ]
    return Case(build(nodes, [*weights, *scales, variance]), "y", columns=(0, 2))


def embedded() -> Case:
    """Rows of a table, picked by the place of the largest number; pieces cut, tiled and joined again."""
    initializers = [
        floats("table", 6, 2),
        number("axis", np.array([1])),
        number("starts", np.array([5])),
        number("ends", np.array([-(2**62)])),
        number("steps", np.array([-2])),
        number("twice", np.array([1, 2])),
    ]
    nodes = [
        helper.make_node("ArgMax", ["X"], ["place"], axis=1, keepdims=0),
        helper.make_node("Gather", ["table", "place"], ["picked"]),
        helper.make_node("Slice", ["X", "starts", "ends", "axis", "steps"], ["backwards"]),
        helper.make_node("Split", ["backwards"], ["one", "two", "three"], axis=1, num_outputs=3),
        helper.make_node("Tile", ["two", "twice"], ["tiled"]),
        helper.make_node("Concat", ["picked", "tiled", "three", "one"], ["joined"], axis=1),
        helper.make_node("Tanh", ["joined"], ["turned"]),
        helper.make_node("ReduceSum", ["turned", "axis"], ["y"], keepdims=1),
    ]
    return Case(build(nodes, initializers), "y", columns=(0,))


GRAPHS: dict[str, Callable[[], Case]] = {
    "sets of version 5": sets,
    "averaged": averaged("NONE"),
    "averaged, logistic": averaged("LOGISTIC"),
    "deep net": deep_net,
    "picked rows": embedded,
}
