"""Writes the ONNX files of this folder, and what ONNX Runtime's Python package scores with them.

Run it from this folder: `python models.py`. Each `NAME.csv` holds a line for each row, the expected
probability last.
"""

# ruff: noqa: INP001 -- data beside Rust tests, and no package.

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

HERE = Path(__file__).parent
ML = "ai.onnx.ml"


def save(name: str, nodes: list, inputs: list, outputs: list, constants: list = ()) -> bytes:
    """Writes a model of one graph."""
    graph = helper.make_graph(nodes, name, inputs, outputs, list(constants))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    (HERE / f"{name}.onnx").write_bytes(data)
    return data


def tensor(name: str, kind: int, *shape: object) -> onnx.ValueInfoProto:
    """Declares an input or output; a dimension of None is free."""
    return helper.make_tensor_value_info(name, kind, list(shape))


def expect(name: str, data: bytes, feed: dict, output: str, column: int) -> None:
    """Scores with Python and keeps the result beside the inputs."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    scores = np.asarray(session.run([output], feed)[0])
    scores = scores[:, column] if scores.ndim == 2 else scores
    tables = [np.asarray(values).reshape(len(values), -1) for values in feed.values()]
    columns = [table[:, place] for table in tables for place in range(table.shape[1])]
    rows = zip(*columns, scores, strict=True)
    lines = [",".join([*map(str, row[:-1]), repr(float(row[-1]))]) for row in rows]
    (HERE / f"{name}.csv").write_text("\n".join(lines) + "\n")


def linear_nodes() -> list:
    """A logistic regression over three features."""
    classifier = helper.make_node(
        "LinearClassifier",
        ["features"],
        ["label", "probabilities"],
        domain=ML,
        coefficients=[-0.5, 0.25, -1.0, 0.5, -0.25, 1.0],
        intercepts=[0.1, -0.1],
        classlabels_ints=[0, 1],
        post_transform="SOFTMAX",
    )
    return [classifier]


def tree() -> None:
    """A tree of a float and a missing one, whose probability is a column of two."""
    node = helper.make_node(
        "TreeEnsembleClassifier",
        ["features"],
        ["label", "probabilities"],
        domain=ML,
        nodes_treeids=[0] * 5,
        nodes_nodeids=[0, 1, 2, 3, 4],
        nodes_featureids=[0, 1, 0, 0, 0],
        nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF"],
        nodes_values=[30.0, 1000.0, 0.0, 0.0, 0.0],
        nodes_truenodeids=[1, 3, 0, 0, 0],
        nodes_falsenodeids=[2, 4, 0, 0, 0],
        nodes_missing_value_tracks_true=[1, 0, 0, 0, 0],
        class_treeids=[0, 0, 0],
        class_nodeids=[2, 3, 4],
        class_ids=[0, 0, 0],
        class_weights=[-1.5, 0.25, 2.0],
        classlabels_int64s=[0, 1],
        post_transform="LOGISTIC",
    )
    data = save(
        "tree",
        [node],
        [tensor("features", TensorProto.FLOAT, None, 2)],
        [tensor("label", TensorProto.INT64, None), tensor("probabilities", TensorProto.FLOAT, None, 2)],
    )
    rows = np.array([[20, 500], [20, 2000], [40, 500], [np.nan, 500], [20, np.nan]], np.float32)
    expect("tree", data, {"features": rows}, "probabilities", 1)


def linear() -> None:
    """A logistic regression whose label is not used."""
    data = save(
        "linear",
        linear_nodes(),
        [tensor("features", TensorProto.FLOAT, None, 3)],
        [tensor("label", TensorProto.INT64, None), tensor("probabilities", TensorProto.FLOAT, None, 2)],
    )
    rows = np.array([[0, 0, 0], [1, 2, 3], [-1.5, 0.25, 4], [100, -100, 0.125]], np.float32)
    expect("linear", data, {"features": rows}, "probabilities", 1)


def zipmap() -> None:
    """The same as its exporters write it by default: a list of maps, and no tensor."""
    nodes = linear_nodes()
    nodes[0].output[1] = "raw"
    nodes.append(helper.make_node("ZipMap", ["raw"], ["probabilities"], domain=ML, classlabels_int64s=[0, 1]))
    number = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    score = helper.make_map_type_proto(TensorProto.INT64, number)
    maps = helper.make_value_info("probabilities", helper.make_sequence_type_proto(score))
    save("zipmap", nodes, [tensor("features", TensorProto.FLOAT, None, 3)], [maps])


def doubles() -> None:
    """Doubles in, a vector of doubles out."""
    nodes = [
        helper.make_node("MatMul", ["features", "weights"], ["margin"]),
        # ONNX Runtime has no Sigmoid of doubles: 1 / (1 + exp(-x)).
        helper.make_node("Neg", ["margin"], ["negative"]),
        helper.make_node("Exp", ["negative"], ["power"]),
        helper.make_node("Add", ["power", "one"], ["denominator"]),
        helper.make_node("Div", ["one", "denominator"], ["column"]),
        helper.make_node("Squeeze", ["column", "axis"], ["probability"]),
    ]
    constants = [
        helper.make_tensor("weights", TensorProto.DOUBLE, [2, 1], [0.5, -0.25]),
        helper.make_tensor("one", TensorProto.DOUBLE, [1], [1.0]),
        helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
    ]
    data = save(
        "doubles",
        nodes,
        [tensor("features", TensorProto.DOUBLE, None, 2)],
        [tensor("probability", TensorProto.DOUBLE, None)],
        constants,
    )
    rows = np.array([[0, 0], [1.1, 2.2], [-3, 0.3]], np.float64)
    expect("doubles", data, {"features": rows}, "probability", 0)


def mixed() -> None:
    """Text, whole numbers and truth values, each a separate input."""
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["segment"],
            ["segment_number"],
            domain=ML,
            keys_strings=["mass", "affluent", "private"],
            values_floats=[0.0, 1.0, 2.0],
            default_float=-1.0,
        ),
        helper.make_node("Cast", ["visits"], ["visits_number"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["vip"], ["vip_number"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["segment_number", "visits_number", "vip_number"], ["features"], axis=1),
        helper.make_node("Gemm", ["features", "weights", "bias"], ["margin"]),
        helper.make_node("Sigmoid", ["margin"], ["probability"]),
    ]
    constants = [
        helper.make_tensor("weights", TensorProto.FLOAT, [4, 1], [0.5, 0.125, -0.25, 1.0]),
        helper.make_tensor("bias", TensorProto.FLOAT, [1], [-1.0]),
    ]
    data = save(
        "mixed",
        nodes,
        [
            tensor("segment", TensorProto.STRING, None, 1),
            tensor("visits", TensorProto.INT64, None, 2),
            tensor("vip", TensorProto.BOOL, None, 1),
        ],
        [tensor("probability", TensorProto.FLOAT, None, 1)],
        constants,
    )
    feed = {
        "segment": np.array([["mass"], ["private"], ["naïve"]], object),
        "visits": np.array([[1, 2], [3, 0], [0, 0]], np.int64),
        "vip": np.array([[True], [False], [True]]),
    }
    expect("mixed", data, feed, "probability", 0)


def vectors() -> None:
    """One vector of rows for each feature, as exporters of additive models and of embeddings write them."""
    nodes = [
        helper.make_node("Mul", ["age", "weight"], ["aged"]),
        helper.make_node("Gather", ["levels", "visits"], ["level"]),
        helper.make_node("Add", ["aged", "level"], ["margin"]),
        helper.make_node("Sigmoid", ["margin"], ["probability"]),
    ]
    constants = [
        helper.make_tensor("weight", TensorProto.FLOAT, [], [0.03125]),
        helper.make_tensor("levels", TensorProto.FLOAT, [4], [-2.0, 0.5, 1.0, -0.25]),
    ]
    data = save(
        "vectors",
        nodes,
        [tensor("age", TensorProto.FLOAT, None), tensor("visits", TensorProto.INT64, None)],
        [tensor("probability", TensorProto.FLOAT, None)],
        constants,
    )
    feed = {"age": np.array([40, 20, 65], np.float32), "visits": np.array([0, 3, 1], np.int64)}
    expect("vectors", data, feed, "probability", 0)


def crossed() -> None:
    """A softmax over the rows instead of the classes: scored by itself, each row would have 0.25."""
    nodes = [
        helper.make_node("Softmax", ["features"], ["shares"], axis=0),
        helper.make_node("Mul", ["shares", "quarter"], ["probability"]),
    ]
    data = save(
        "crossed",
        nodes,
        [tensor("features", TensorProto.FLOAT, None, 1)],
        [tensor("probability", TensorProto.FLOAT, None, 1)],
        [helper.make_tensor("quarter", TensorProto.FLOAT, [], [0.25])],
    )
    expect("crossed", data, {"features": np.array([[1], [2], [3]], np.float32)}, "probability", 0)


if __name__ == "__main__":
    tree()
    linear()
    zipmap()
    doubles()
    mixed()
    vectors()
    crossed()
