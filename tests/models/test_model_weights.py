"""Weights that are not numbers, damaged support vectors, and what ONNX Runtime computes otherwise."""

import math

import attacks
import numpy as np
import onnx
import onnxruntime
import pytest
from corpus import build
from onnx import TensorProto, helper, numpy_helper

from nextbest.models import ModelError
from nextbest.models.job import Job, Plan
from nextbest.models.known_faults import find_faults
from nextbest.models.structure import check_structure
from nextbest.models.validation import validate

ML = "ai.onnx.ml"


def made(nodes, constants=(), outputs=1, opsets=attacks.OPSETS, ir_version=8):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, outputs])],
        list(constants),
    )
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)


def weights(*values, dtype=np.float32, name="w"):
    return numpy_helper.from_array(np.array(values, dtype=dtype).reshape(-1, 1), name)


def typed(values, kind):
    """Not as raw bytes: in the field of its type."""
    return helper.make_tensor("w", kind, [len(values), 1], values)


GEMM = [helper.make_node("Gemm", ["x", "w"], ["z"]), helper.make_node("Sigmoid", ["z"], ["y"])]
CAST = [
    helper.make_node("Cast", ["w"], ["v"], to=TensorProto.FLOAT),
    helper.make_node("MatMul", ["x", "v"], ["y"]),
]
BAD = {
    "an initializer": (made(GEMM, [weights(0.5, np.nan)]), "the weight `w` is NaN at position 1"),
    "an infinite one": (made(GEMM, [weights(np.inf, 0.5)]), "the weight `w` is infinite at position 0"),
    "several": (made(GEMM, [weights(np.nan, np.inf)]), "2 of its 2 numbers are NaN or infinite"),
    "typed floats": (made(GEMM, [typed([0.5, -math.inf], TensorProto.FLOAT)]), "infinite at position 1"),
    "doubles behind a cast": (made(CAST, [weights(0.5, np.nan, dtype=np.float64)]), "NaN at position 1"),
    "halves behind a cast": (made(CAST, [typed([math.nan, 1.0], TensorProto.FLOAT16)]), "NaN at position 0"),
    "a constant": (
        made([helper.make_node("Constant", [], ["w"], value=weights(1.0, np.nan)), *GEMM]),
        "the weight `Constant` is NaN at position 1",
    ),
    "a linear model": (
        made(
            [
                helper.make_node(
                    "LinearRegressor", ["x"], ["y"], domain=ML, coefficients=[0.5, math.nan], intercepts=[0.0]
                )
            ]
        ),
        "`coefficients of LinearRegressor` is NaN at position 1",
    ),
    "a scaler": (
        made(
            [helper.make_node("Scaler", ["x"], ["y"], domain=ML, offset=[0.0, 0.0], scale=[1.0, math.inf])],
            outputs=2,
        ),
        "`scale of Scaler` is infinite at position 1",
    ),
    "a factor": (
        made([helper.make_node("Gemm", ["x", "w"], ["y"], alpha=math.nan)], [weights(1.0, 1.0)]),
        "`alpha of Gemm` is NaN",
    ),
    "a bias that leaves nothing": (
        made(
            [helper.make_node("Add", ["x", "w"], ["y"])],
            [numpy_helper.from_array(np.array([-np.inf, -np.inf], np.float32), "w")],
            2,
        ),
        "2 of its 2 numbers are NaN or infinite",
    ),
    "what is added to": (
        made(
            [helper.make_node("Add", ["x", "w"], ["y"])],
            [numpy_helper.from_array(np.float32(np.inf), "w")],
            2,
        ),
        "the weight `w` is infinite",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_weight_that_is_not_a_number_is_refused(name):
    model, message = BAD[name]
    with pytest.raises(ModelError) as caught:
        check_structure(model.SerializeToString())
    assert caught.value.code == "NB679"
    assert message in caught.value.message


def scalar(value, name="w"):
    return numpy_helper.from_array(np.float32(value), name)


GOOD = {
    "compared with infinity": made(
        [
            helper.make_node("Less", ["x", "w"], ["b"]),
            helper.make_node("Cast", ["b"], ["y"], to=TensorProto.FLOAT),
        ],
        [scalar(np.inf)],
        2,
    ),
    "clipped at infinity": made(
        [helper.make_node("Clip", ["x", "low", "w"], ["y"])], [scalar(0.0, "low"), scalar(np.inf)], 2
    ),
    "a constant for missing values": made(
        [helper.make_node("IsNaN", ["x"], ["lost"]), helper.make_node("Where", ["lost", "w", "x"], ["y"])],
        [scalar(np.nan)],
        2,
    ),
    "a mask": made(
        [helper.make_node("Add", ["x", "w"], ["s"]), helper.make_node("Softmax", ["s"], ["y"])],
        [numpy_helper.from_array(np.array([0.0, -np.inf], np.float32), "w")],
        2,
    ),
    "what an imputer replaces": made(
        [
            helper.make_node(
                "Imputer",
                ["x"],
                ["y"],
                domain=ML,
                imputed_value_floats=[0.0, 1.0],
                replaced_value_float=math.nan,
            )
        ],
        outputs=2,
    ),
    "keys of categories": made(
        [
            helper.make_node(
                "LabelEncoder",
                ["x"],
                ["y"],
                domain=ML,
                keys_floats=[1.0, math.nan],
                values_floats=[0.0, 1.0],
                default_float=math.nan,
            )
        ],
        outputs=2,
    ),
    "an infinite threshold": onnx.load_from_string(
        attacks.model([attacks.trees(nodes_values=[math.inf, 0.0, 0.0])])
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_has_a_meaning_stays(name):
    assert check_structure(GOOD[name].SerializeToString())


def test_a_model_without_a_score_for_zeros_is_warned_of():
    """Without any rows, the one of zeros is all that a push can look at."""
    model = made(
        [helper.make_node("Log", ["x"], ["l"]), helper.make_node("Sub", ["l", "l"], ["y"])], outputs=2
    )
    outcome = validate(Job(model.SerializeToString(), Plan.REHEARSAL, output="y"))
    assert not outcome.refusals
    assert [(one.code, one.message) for one in outcome.warnings] == [
        ("NB665", "has no score for a row of zeros")
    ]


def run(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    (answer,) = session.run(["y"], {"x": np.array([[-1.0, 0.0], [1.0, 0.0]], np.float32)})
    return answer.astype(float)


def regressor(transform, targets):
    """A tree whose two leaves have a weight for each target."""
    leaves = [(leaf, target) for leaf in (1, 2) for target in range(targets)]
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain=ML, n_targets=targets, post_transform=transform,
        nodes_treeids=[0] * 3, nodes_nodeids=[0, 1, 2], nodes_featureids=[0] * 3, nodes_values=[0.0] * 3,
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0] * len(leaves), target_nodeids=[leaf for leaf, _ in leaves],
        target_ids=[target for _, target in leaves],
        target_weights=[0.2 * leaf + 0.3 * target for leaf, target in leaves],
    )  # fmt: skip
    return made([node], outputs=targets)


def linear(transform, targets):
    node = helper.make_node(
        "LinearRegressor", ["x"], ["y"], domain=ML, targets=targets, post_transform=transform,
        coefficients=[0.2, 0.0] * targets, intercepts=[0.5 + 0.1 * target for target in range(targets)],
    )  # fmt: skip
    return made([node], outputs=targets)


def of_version_5(transform, targets):
    number = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT").index(transform)
    node = helper.make_node(
        "TreeEnsemble", ["x"], ["y"], domain=ML, n_targets=targets, post_transform=number,
        aggregate_function=1,
        nodes_splits=helper.make_tensor("s", TensorProto.FLOAT, [targets], [0.0] * targets),
        nodes_modes=helper.make_tensor("m", TensorProto.UINT8, [targets], [0] * targets),
        nodes_featureids=[0] * targets, nodes_trueleafs=[1] * targets, nodes_falseleafs=[1] * targets,
        nodes_truenodeids=[2 * tree for tree in range(targets)],
        nodes_falsenodeids=[2 * tree + 1 for tree in range(targets)], tree_roots=list(range(targets)),
        leaf_targetids=[leaf // 2 for leaf in range(2 * targets)],
        leaf_weights=helper.make_tensor(
            "w", TensorProto.FLOAT, [2 * targets], [0.3 + 0.1 * leaf for leaf in range(2 * targets)]
        ),
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(ML, 5)]
    return made([node], outputs=targets, opsets=opsets, ir_version=10)


def transformed(sums, transform):
    """By the definitions of the ONNX operators."""
    if transform == "LOGISTIC":
        return 1 / (1 + np.exp(-sums))
    if transform in {"SOFTMAX", "SOFTMAX_ZERO"}:
        powers = np.exp(sums - sums.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    return sums


@pytest.mark.parametrize("build_model", [regressor, linear, of_version_5])
@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"])
def test_a_warning_means_that_onnx_runtime_differs_from_the_standard(build_model, targets, transform):
    model = build_model(transform, targets)
    standard = transformed(run(build_model("NONE", targets)), transform)
    differs = not np.allclose(run(model), standard, atol=1e-5)
    found = find_faults(model)
    assert bool(found) == differs
    if found:
        assert (found[0].code, transform in found[0].message) == ("NB680", True)


def test_softmax_of_one_score_is_left_out():
    node = helper.make_node(
        "LinearClassifier", ["x"], ["label", "y"], domain=ML, coefficients=[0.2, 0.0], intercepts=[0.5],
        classlabels_ints=[0, 1], post_transform="SOFTMAX",
    )  # fmt: skip
    model = made([node], outputs=2)
    assert np.allclose(run(model)[0], [0.7, 0.3], atol=1e-6)
    (found,) = find_faults(model)
    assert "SOFTMAX of one score" in found.message


def test_a_push_warns_and_takes_it():
    outcome = validate(Job(regressor("LOGISTIC", 1).SerializeToString(), Plan.REHEARSAL, output="y"))
    assert not outcome.refusals
    assert [one.code for one in outcome.warnings] == ["NB680"]


def support_vectors(**changed):
    model = onnx.load_from_string(build("support vectors").onnx)
    (node, *_) = [node for node in model.graph.node if node.op_type == "SVMClassifier"]
    for name, values in changed.items():
        kept = [attribute for attribute in node.attribute if attribute.name != name]
        del node.attribute[:]
        node.attribute.extend(kept)
        if values is not None:
            node.attribute.append(helper.make_attribute(name, values))
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"vectors_per_class": [10**9, 1]}, "`support_vectors` has"),
        ({"vectors_per_class": [-1, 2]}, "`vectors_per_class` does not"),
        ({"vectors_per_class": [3]}, "`vectors_per_class` does not"),
        ({"support_vectors": [0.5]}, "`support_vectors` has 1 numbers"),
        ({"coefficients": [0.5]}, "`coefficients` has 1 entries"),
        ({"rho": [0.5, 0.5]}, "`rho` has 2 entries, not 1"),
        ({"prob_a": [0.1]}, "`prob_b` has 0 entries, not 1"),
        ({"kernel_params": [0.1]}, "`kernel_params` has 1 entries, not 0 or 3"),
        ({"kernel_type": "COSINE"}, "the kernel `COSINE` is unknown"),
        ({"classlabels_ints": [0]}, "it has 1 classes"),
    ],
)
def test_support_vectors_that_do_not_agree_are_refused(changed, message):
    with pytest.raises(ModelError) as caught:
        check_structure(support_vectors(**changed))
    assert caught.value.code == "NB681"
    assert message in caught.value.message
    assert check_structure(support_vectors())
