"""Small graphs, of each operator that is lowered, and rows of numbers that are awkward."""

import numpy as np
from corpus_graphs import number
from onnx import TensorProto, helper

OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 4)]
KINDS = {"x": TensorProto.FLOAT, "b": TensorProto.BOOL, "n": TensorProto.INT64, "t": TensorProto.STRING}
rng = np.random.default_rng(4)
AWKWARD = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1.5, 2.0, 3.0, 7.0, np.nan, np.inf, -np.inf, 1e-30], np.float32
)
ROWS = 60
INPUTS = {
    "x": np.concatenate([rng.normal(size=(30, 4)).astype(np.float32), rng.choice(AWKWARD, (30, 4))]),
    "b": rng.random((ROWS, 4)) > 0.5,
    "n": rng.choice(np.array([-3, 0, 1, 2, 5, 16777217, 2**62, -(2**63)]), (ROWS, 4)),
    "t": rng.choice(np.array(["a", "b", "ü", "", "zz"], dtype=object), (ROWS, 4)),
}


def node(kind, inputs, output="y", **attributes):
    """A node, of the domain that has its operator; `y` is the answer."""
    domain = {"domain": "ai.onnx.ml"} if kind in ML else {}
    return helper.make_node(kind, inputs.split(), output.split(), **domain, **attributes)


ML = {
    "ArrayFeatureExtractor",
    "Binarizer",
    "CategoryMapper",
    "FeatureVectorizer",
    "Imputer",
    "LabelEncoder",
    "LinearClassifier",
    "LinearRegressor",
    "Normalizer",
    "OneHotEncoder",
    "Scaler",
}


def floats(*shape):
    return rng.normal(size=shape).astype(np.float32)


def model(nodes, constants=None, opsets=OPSETS):
    """A graph of the inputs that are named, each of four columns."""
    named = {name for one in nodes for name in one.input}
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info(name, kind, [None, 4])
            for name, kind in KINDS.items()
            if name in named
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [number(name, values) for name, values in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


C = {"c": floats(4), "row": floats(1, 4), "wide": floats(2, 1, 4)}
AXIS = {"one": np.array([1]), "last": np.array([-1])}
TO_FLOAT = {"to": TensorProto.FLOAT}

CASES = {
    # Number by number.
    **{
        kind: ([node(kind, "x")], {})
        for kind in (
            "Neg",
            "Abs",
            "Sqrt",
            "Exp",
            "Log",
            "Floor",
            "Ceil",
            "Round",
            "Sign",
            "Reciprocal",
            "Relu",
            "Sigmoid",
            "Tanh",
            "Erf",
            "Softplus",
            "Softsign",
            "LeakyRelu",
            "Elu",
            "HardSigmoid",
        )
    },
    **{kind: ([node(kind, "x c")], C) for kind in ("Add", "Sub", "Mul", "Div", "Min", "Max", "PRelu")},
    "Pow": ([node("Pow", "x c")], {"c": np.float32([2.0, 3.0, 0.5, -1.0])}),
    "Sum of three": ([node("Sum", "x c row")], C),
    "Mean": ([node("Mean", "x c row")], C),
    "Clip": ([node("Clip", "x low high")], {"low": np.float32(-1), "high": np.float32(0.5)}),
    **{
        kind: (
            [node(kind, "x c", "t1"), node("Cast", "t1", **TO_FLOAT)],
            {"c": np.float32([0.0, 1.0, -1.0, 0.5])},
        )
        for kind in ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal")
    },
    "IsNaN, Not": ([node("IsNaN", "x", "a"), node("Not", "a", "d"), node("Cast", "d", **TO_FLOAT)], {}),
    **{
        kind: ([node("IsNaN", "x", "a"), node(kind, "a b", "d"), node("Cast", "d", **TO_FLOAT)], {})
        for kind in ("And", "Or", "Xor")
    },
    "Where": ([node("Where", "b x c")], C),
    "Where of whole numbers": (
        [node("Where", "b n c", "w"), node("Cast", "w", **TO_FLOAT)],
        {"c": np.array([1, 2, 3, 4])},
    ),
    "comparing whole numbers": (
        [node("Less", "n c", "l"), node("Cast", "l", **TO_FLOAT)],
        {"c": np.array([1, 0, 16777215, -3])},
    ),
    "to truth": ([node("Cast", "x", "a", to=TensorProto.BOOL), node("Cast", "a", **TO_FLOAT)], {}),
    "whole numbers to floats": ([node("Cast", "n", **TO_FLOAT)], {}),
    "floats through doubles": (
        [node("Cast", "x", "d", to=TensorProto.DOUBLE), node("Cast", "d", **TO_FLOAT)],
        {},
    ),
    # Many to one.
    **{
        kind: ([node(kind, "x one", keepdims=0)], AXIS)
        for kind in ("ReduceSum", "ReduceMean", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSumExp")
    },
    **{
        kind: ([node(kind, "x", "p", axis=1), node("Cast", "p", **TO_FLOAT)], {})
        for kind in ("ArgMax", "ArgMin")
    },
    **{
        kind: (
            [
                node("IsNaN", "x", "lost"),
                node("Where", "lost zero x", "kept"),
                node(kind, "kept one", keepdims=1),
            ],
            {"zero": np.float32(0), **AXIS},
        )
        for kind in ("ReduceMax", "ReduceMin")
    },
    "LinearClassifier of one score": (
        [
            node(
                "LinearClassifier",
                "x",
                "label y",
                classlabels_ints=[0, 1],
                coefficients=floats(4).tolist(),
                intercepts=[0.5],
                post_transform="SOFTMAX",
            )
        ],
        {},
    ),
    "Softmax": ([node("Softmax", "x", axis=-1)], {}),
    "reducing nothing": ([node("ReduceSum", "x", noop_with_empty_axes=1)], {}),
    # Moves.
    "rows in the middle": (
        [
            node("Reshape", "x shape", "r"),
            node("Add", "r wide", "s"),
            node("Transpose", "s", "u", perm=[1, 0, 2]),
            node("Reshape", "u flat"),
        ],
        {"shape": np.array([1, -1, 4]), "flat": np.array([0, -1]), **C},
    ),
    "a new axis, and away": (
        [node("Unsqueeze", "x one", "u"), node("Mul", "u w", "m"), node("Flatten", "m", axis=1)],
        {"one": np.array([1]), "w": floats(1, 3, 4)},
    ),
    "Squeeze": (
        [node("Unsqueeze", "x last", "u"), node("Squeeze", "u last", "s"), node("Neg", "s")],
        {"last": np.array([-1])},
    ),
    "shape, spread": (
        [
            node("Shape", "x", "s"),
            node("ConstantOfShape", "s", "o", value=number("v", np.float32([2.5]))),
            node("Add", "o x"),
        ],
        {},
    ),
    "rows of the shape alone": (
        [
            node("Shape", "x", "s"),
            node("Gather", "s zero", "rows"),
            node("Concat", "rows two", "both", axis=0),
            node("ConstantOfShape", "both", "o"),
            node("Concat", "o x", axis=1),
        ],
        {"zero": np.array([0]), "two": np.array([2])},
    ),
    "Expand": (
        [node("Slice", "x from to one", "s"), node("Expand", "s shape", "e"), node("Mul", "e x")],
        {"from": np.array([1]), "to": np.array([2]), "one": np.array([1]), "shape": np.array([1, 4])},
    ),
    "Slice with strides": (
        [node("Slice", "x from to one two")],
        {"from": np.array([-1]), "to": np.array([-100]), "one": np.array([1]), "two": np.array([-2])},
    ),
    "Split": ([node("Split", "x parts", "p q", axis=1), node("Sub", "p q")], {"parts": np.array([2, 2])}),
    "Gather backwards": ([node("Gather", "x at", axis=1)], {"at": np.array([-1, 0, 0])}),
    "FeatureVectorizer": ([node("FeatureVectorizer", "x x", inputdimensions=[4, 4])], {}),
    # Dense.
    "Gemm": (
        [node("Gemm", "x w c", alpha=0.5, beta=-2.0, transB=1)],
        {"w": floats(3, 4), "c": np.float32(0.25)},
    ),
    "Gemm without its rows": ([node("Gemm", "x w x", beta=0.0)], {"w": np.eye(4, dtype=np.float32)}),
    "Clip from below": ([node("Clip", "x low")], {"low": np.float32(-1)}),
    "LabelEncoder of NaN": (
        [
            node(
                "LabelEncoder",
                "x",
                keys_floats=[float("nan"), 1.0, float("nan")],
                values_floats=[5.0, 6.0, 7.0],
                default_float=8.0,
            )
        ],
        {},
    ),
    "Gemm with rows": ([node("Gemm", "x w x", beta=0.5)], {"w": floats(4, 4)}),
    "MatMul with a line": ([node("MatMul", "x w")], {"w": floats(4)}),
    "MatMul of three axes": (
        [node("Unsqueeze", "x one", "u"), node("MatMul", "u w")],
        {"one": np.array([1]), "w": floats(4, 2)},
    ),
    "LinearRegressor": (
        [node("LinearRegressor", "x", coefficients=floats(8).tolist(), intercepts=[1.0, 2.0], targets=2)],
        {},
    ),
    "LinearClassifier of whole numbers": (
        [
            node(
                "LinearClassifier",
                "n",
                "label y",
                classlabels_ints=[0, 1],
                coefficients=[1e-19, 0.0, 0.0, 0.0],
                intercepts=[0.5],
                post_transform="LOGISTIC",
            )
        ],
        {},
    ),
    "LinearClassifier, softmax": (
        [
            node(
                "LinearClassifier",
                "x",
                "label y",
                classlabels_ints=[0, 1, 2],
                coefficients=floats(12).tolist(),
                intercepts=[0.5, 0.1, 0.0],
                post_transform="SOFTMAX",
            )
        ],
        {},
    ),
    # Preparation.
    "Scaler": ([node("Scaler", "x", offset=[1.0, 2.0, 0.0, -1.0], scale=[2.0, 1.0, 3.0, 0.5])], {}),
    "Imputer of a number": (
        [node("Imputer", "x", imputed_value_floats=[9.0], replaced_value_float=-1.0)],
        {},
    ),
    "Imputer of NaN": (
        [node("Imputer", "x", imputed_value_floats=[1.0, 2.0, 3.0, 4.0], replaced_value_float=float("nan"))],
        {},
    ),
    "Imputer of whole numbers": (
        [
            node("Imputer", "n", "i", imputed_value_int64s=[7], replaced_value_int64=0),
            node("Cast", "i", **TO_FLOAT),
        ],
        {},
    ),
    **{f"Normalizer {norm}": ([node("Normalizer", "x", norm=norm)], {}) for norm in ("L1", "L2", "MAX")},
    **{
        f"LpNormalization {p}": ([node("LpNormalization", "x", p=p, axis=axis)], {})
        for p, axis in ((1, 1), (2, -1))
    },
    # Keys.
    "OneHotEncoder of texts": ([node("OneHotEncoder", "t", cats_strings=["b", "a", "", "b"])], {}),
    "OneHotEncoder of whole numbers": ([node("OneHotEncoder", "n", cats_int64s=[5, 2**62, 1])], {}),
    "OneHotEncoder of floats": ([node("OneHotEncoder", "x", cats_int64s=[0, 1, -2])], {}),
    "LabelEncoder of texts": (
        [
            node("LabelEncoder", "t", "l", keys_strings=["a", "ü"], values_int64s=[3, 4], default_int64=-1),
            node("Cast", "l", **TO_FLOAT),
        ],
        {},
    ),
    "LabelEncoder to floats": (
        [
            node(
                "LabelEncoder",
                "n",
                keys_int64s=[2**62, 1, 1],
                values_floats=[0.5, 2.0, 3.0],
                default_float=9.0,
            )
        ],
        {},
    ),
    "LabelEncoder of floats": (
        [node("LabelEncoder", "x", keys_floats=[0.0, 1.5, 3.0], values_floats=[5.0, 6.0, 7.0])],
        {},
    ),
    "LabelEncoder of tensors": (
        [
            node(
                "LabelEncoder",
                "x",
                keys_tensor=number("k", np.float32([1.0, -0.0])),
                values_tensor=number("v", np.float32([5.0, 6.0])),
                default_tensor=number("d", np.float32([7.0])),
            )
        ],
        {},
    ),
    "CategoryMapper": (
        [
            node(
                "CategoryMapper",
                "t",
                "m",
                cats_strings=["a", "b", "a"],
                cats_int64s=[10, 20, 30],
                default_int64=-5,
            ),
            node("Cast", "m", **TO_FLOAT),
        ],
        {},
    ),
    "encoded, then one-hot": (
        [
            node("LabelEncoder", "t", "l", keys_strings=["a", "b", "zz"], values_int64s=[0, 1, 2]),
            node("OneHotEncoder", "l", cats_int64s=[0, 1, 2]),
        ],
        {},
    ),
    # Picks.
    "row of a table by truth": (
        [
            node("Cast", "b", "i", to=TensorProto.INT64),
            node("Gather", "table i"),
        ],
        {"table": floats(2, 3)},
    ),
    "row of a table by what is missing": (
        [
            node("IsNaN", "x", "lost"),
            node("Not", "lost", "kept"),
            node("Cast", "kept", "i", to=TensorProto.INT64),
            node("Gather", "table i"),
        ],
        {"table": floats(2)},
    ),
    "GatherElements": (
        [node("ArgMin", "x", "p", axis=1), node("GatherElements", "x p", axis=1)],
        {},
    ),
}
