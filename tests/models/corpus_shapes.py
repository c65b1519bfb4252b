"""Shapes of graphs that few exporters write: tables of scores, embeddings, long sets, one-vs-rest, int8."""

from collections.abc import Callable

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from corpus_case import Case, table
from corpus_graphs import floats, number
from onnx import TensorProto, helper
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
TYPES = [("X", FloatTensorType([None, 6]))]
CATEGORIES = 3_000
FEW = 200
FEATURES = ("age", "income", "tenure")
PLACES = {"region": 30, "product": 50}
rng = np.random.default_rng(12)


def graph(nodes, inputs, initializers) -> bytes:
    """A graph to one output `p`, of inputs by name: element type and shape."""
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items()],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, None)],
        initializers,
    )
    return helper.make_model(made, opset_imports=OPSETS, ir_version=8).SerializeToString()


def boosting_machine() -> Case:
    """An explainable boosting machine: for each feature, the score of the bin that its value falls into.

    The first bin is that of missing values, and of those below all cuts.
    """
    nodes, initializers, terms = [], [number("axis", np.array([1])), number("one", np.float32([1]))], []
    for name in FEATURES:
        cuts = np.append(np.sort(rng.normal(size=12)), np.inf).astype(np.float32)
        initializers += [number(f"{name} cuts", cuts.reshape(1, -1)), floats(f"{name} scores", len(cuts))]
        nodes += [
            helper.make_node("Unsqueeze", [name, "axis"], [f"{name} column"]),
            helper.make_node("Less", [f"{name} column", f"{name} cuts"], [f"{name} below"]),
            helper.make_node("Cast", [f"{name} below"], [f"{name} flags"], to=TensorProto.FLOAT),
            helper.make_node("ArgMax", [f"{name} flags"], [f"{name} bin"], axis=1),
            helper.make_node("Gather", [f"{name} scores", f"{name} bin"], [f"{name} score"]),
        ]
        terms.append(f"{name} score")
    nodes += [
        helper.make_node("Sum", terms, ["margin"]),
        helper.make_node("Sigmoid", ["margin"], ["accepts"]),
        helper.make_node("Sub", ["one", "accepts"], ["declines"]),
        helper.make_node("Concat", ["declines", "accepts"], ["p"], axis=1),
    ]
    inputs = {name: (TensorProto.FLOAT, [None]) for name in FEATURES}

    def draw(rng, count):
        return {name: rng.normal(size=count).astype(np.float32) for name in FEATURES}

    return Case(graph(nodes, inputs, initializers), "p", draw=draw)


def embeddings() -> Case:
    """Whole numbers that pick rows of learned tables, a number beside them, two dense layers."""
    nodes, parts = [helper.make_node("Unsqueeze", ["age", "axis"], ["age column"])], ["age column"]
    initializers = [number("axis", np.array([1]))]
    for name, count in PLACES.items():
        initializers.append(floats(f"{name} table", count, 4))
        nodes.append(helper.make_node("Gather", [f"{name} table", name], [f"{name} vector"]))
        parts.append(f"{name} vector")
    initializers += [floats("w1", 9, 8), floats("b1", 8), floats("w2", 8, 1), floats("b2", 1)]
    nodes += [
        helper.make_node("Concat", parts, ["joined"], axis=1),
        helper.make_node("Gemm", ["joined", "w1", "b1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["bent"]),
        helper.make_node("Gemm", ["bent", "w2", "b2"], ["margin"]),
        helper.make_node("Sigmoid", ["margin"], ["p"]),
    ]
    inputs = {name: (TensorProto.INT64, [None]) for name in PLACES} | {"age": (TensorProto.FLOAT, [None])}

    def draw(rng, count):
        places = {name: rng.integers(0, places, count) for name, places in PLACES.items()}
        return {**places, "age": rng.normal(size=count).astype(np.float32)}

    return Case(graph(nodes, inputs, initializers), "p", columns=(0,), draw=draw)


def merchants(count: int, seed: int):
    """Numbers of which one is a merchant, and whether a customer accepts."""
    numbers, _ = table(count, seed=seed)
    drawn = np.random.default_rng(seed)
    numbers[:, 4] = drawn.integers(0, CATEGORIES, count)
    effect = np.random.default_rng(5).normal(size=CATEGORIES)[numbers[:, 4].astype(int)]
    return numbers, (effect + numbers[:, 0] > 0).astype(int)


def draw_merchants(rng: np.random.Generator, count: int):
    """Merchants, of whom some were never seen, are negative or no whole numbers."""
    numbers = rng.normal(size=(count, 6)).astype(np.float32)
    numbers[:, 4] = rng.integers(-20, CATEGORIES + 20, count) / rng.choice([1, 1, 1, 2], count)
    return {"X": numbers}


def light_merchants() -> Case:
    numbers, accepts = merchants(8_000, seed=1)
    model = lightgbm.LGBMClassifier(
        n_estimators=6,
        num_leaves=6,
        verbose=-1,
        num_threads=1,
        max_cat_threshold=150,
        min_data_per_group=2,
        cat_smooth=1,
    )
    model.fit(numbers, accepts, categorical_feature=[4])
    onnx_model = convert_lightgbm(model, initial_types=TYPES, zipmap=False)
    return Case(onnx_model.SerializeToString(), exact=True, draw=draw_merchants)


def extreme_merchants() -> Case:
    numbers, accepts = merchants(4_000, seed=2)
    numbers[:, 4] = numbers[:, 4] % FEW
    frame = pd.DataFrame(numbers, columns=[f"f{column}" for column in range(6)])
    frame["f4"] = pd.Categorical(numbers[:, 4].astype(int), categories=range(FEW))
    # Its exporter writes the larger side of a split, by recursion.
    model = xgboost.XGBClassifier(
        n_estimators=6, max_depth=4, enable_categorical=True, tree_method="hist", n_jobs=1, random_state=0
    )
    onnx_model = convert_xgboost(model.fit(frame, accepts), initial_types=TYPES)
    return Case(onnx_model.SerializeToString(), exact=True, draw=draw_merchants)


def one_vs_rest() -> Case:
    """Scores of three models, normalised to one."""
    numbers, _ = table()
    model = OneVsRestClassifier(LogisticRegression()).fit(numbers, np.argmax(numbers[:, :3], axis=1))
    options = {OneVsRestClassifier: {"zipmap": False}}
    onnx_model = to_onnx(model, numbers[:1], options=options, target_opset={"": 17, "ai.onnx.ml": 3})
    return Case(onnx_model.SerializeToString(), columns=(0, 1, 2))


def int8() -> Case:
    """A net whose inputs and weights are quantised with fixed scales, as calibration writes them."""
    weights = rng.integers(-127, 128, (6, 4)).astype(np.int8)
    initializers = [
        number("scale", np.float32(0.05)), number("zero", np.uint8(128)),
        helper.make_tensor("weights", TensorProto.INT8, weights.shape, weights.reshape(-1).tolist()),
        number("weight scale", np.float32(0.01)), number("weight zero", np.int8(0)),
        floats("last", 4, 1),
    ]  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["X", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["x"]),
        helper.make_node("DequantizeLinear", ["weights", "weight scale", "weight zero"], ["w"]),
        helper.make_node("MatMul", ["x", "w"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["bent"]),
        helper.make_node("MatMul", ["bent", "last"], ["margin"]),
        helper.make_node("Sigmoid", ["margin"], ["p"]),
    ]
    return Case(graph(nodes, {"X": (TensorProto.FLOAT, [None, 6])}, initializers), "p", columns=(0,))


SHAPES: dict[str, Callable[[], Case]] = {
    "explainable boosting machine": boosting_machine,
    "embeddings": embeddings,
    "LightGBM, 3,000 categories": light_merchants,
    "XGBoost, 200 categories": extreme_merchants,
    "one-vs-rest": one_vs_rest,
    "int8 net": int8,
}
