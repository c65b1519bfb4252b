"""What is lowered is held against ONNX Runtime before it is used, by every kernel of this machine."""

import pytest
from corpus import CORPUS, REFUSED, build, lowered
from onnx import TensorProto, helper

from nextbest.models.native import NotLowered, proof, prove


@pytest.mark.parametrize("name", sorted(set(CORPUS) - set(REFUSED)))
def test_the_engine_scores_as_onnx_runtime(name):
    case = build(name)
    assert prove(case.onnx, case.output, case.columns) == lowered(name)


def sabotage(monkeypatch, change):
    def lower(onnx, output, columns):
        model = lower_rightly(onnx, output, columns)
        change(model)
        return model

    lower_rightly = proof.lower
    monkeypatch.setattr(proof, "lower", lower)


def refused(name):
    case = build(name)
    with pytest.raises(NotLowered) as refusal:
        prove(case.onnx, case.output, case.columns)
    return refusal.value.reason


@pytest.mark.parametrize(
    "name", ["LightGBM", "XGBoost", "CatBoost", "random forest", "mixed columns, boosting"]
)
def test_one_wrong_leaf_or_threshold_is_found(monkeypatch, name):
    def change_leaf(model):
        weights = model.ensembles[0].leaf_weights
        weights[0] += 1e-3

    sabotage(monkeypatch, change_leaf)
    assert "differs from ONNX Runtime in" in refused(name)


def test_a_missing_number_that_goes_the_other_way_is_found(monkeypatch):
    def change_side(model):
        for slot in model.ensembles[0].slots:
            slot.missing_left = not slot.missing_left

    sabotage(monkeypatch, change_side)
    assert "differs from ONNX Runtime in" in refused("LightGBM")


def test_one_wrong_weight_is_found(monkeypatch):
    def change_weight(model):
        model.matrices[0].weights[0] += 1e-3

    sabotage(monkeypatch, change_weight)
    assert "from ONNX Runtime" in refused("small net")


def test_a_sigmoid_of_its_own_may_differ_in_its_last_bit():
    """A score card: a sum of weighted columns would be a product of matrices; a single column is not."""
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["z"]), helper.make_node("Sigmoid", ["z"], ["p"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("w", TensorProto.FLOAT, [1], [0.37])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert len(prove(model.SerializeToString(), "p", [0]).steps) == 2
