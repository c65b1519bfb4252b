"""The models of `bundle show`: which engine scores with each, and why."""

import json

import pytest
from onnx import TensorProto, helper

from nextbest.bundle import read, seal

MODEL = """
name: {name}
file: {name}.onnx
prior: 0.02
inputs: {{x: [customer.age]}}
positive_class: 0
"""


def write_model(folder, name, *operators):
    """A model of one input whose operators turn `x` into `p`."""
    graph = helper.make_graph(
        list(operators),
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "models").mkdir(exist_ok=True)
    (folder / f"models/{name}.onnx").write_bytes(model.SerializeToString())
    (folder / f"models/{name}.yaml").write_text(MODEL.format(name=name))


@pytest.fixture
def models(nextbest, shop):
    """By name, the entries of `bundle show --json` for a model that is lowered, and for one that is not."""
    write_model(shop, "lowered", helper.make_node("Abs", ["x"], ["p"]))
    write_model(
        shop,
        "doubles",
        helper.make_node("Cast", ["x"], ["d"], to=TensorProto.DOUBLE),
        helper.make_node("Sigmoid", ["d"], ["s"]),
        helper.make_node("Cast", ["s"], ["p"], to=TensorProto.FLOAT),
    )
    assert nextbest("compile", "--output", "shop.bundle").code == 0
    found = json.loads(nextbest("bundle", "show", "shop.bundle", "--json").out)
    return {model["model"]: model for model in found["models"]}


def test_each_model_has_its_engine_and_the_reason(models):
    assert models["lowered"]["engine"] == {
        "name": "native",
        "reason": "compiled to 1 step; agrees with ONNX Runtime",
    }
    assert models["doubles"]["engine"]["name"] == "onnxruntime"
    assert "double" in models["doubles"]["engine"]["reason"]


def test_the_table_shows_the_same(nextbest, models):
    shown = " ".join(nextbest("bundle", "show", "shop.bundle").out.split())
    assert "native:" in shown
    assert "onnxruntime:" in shown


def test_a_bundle_sealed_before_models_were_lowered_has_no_reason(nextbest, models, shop):
    message = read((shop / "shop.bundle").read_bytes())
    for model in message.models:
        model.ClearField("native")
        model.ClearField("native_refusal")
    (shop / "old.bundle").write_bytes(seal(message).data)
    found = json.loads(nextbest("bundle", "show", "old.bundle", "--json").out)
    assert [model["engine"] for model in found["models"]] == [{"name": "onnxruntime", "reason": ""}] * 2
