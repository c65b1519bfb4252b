"""Inputs and columns whose names are those of attributes bind by themselves; nothing else does."""

import json

import onnx
import pytest
from onnx import TensorProto, helper

from nextbest import bundle, workspace
from nextbest.bundle.offline import OfflineBundle
from nextbest.diagnostics import Severity
from nextbest.models.pushing.push import Request, push
from nextbest.registry.registry import Registry

SCHEMA = """
customer:
  age: {type: int}
  balance: {type: double}
  job: {type: string}
  segment: {type: string}
context:
  segment: {type: string}
  hour: {type: int}
"""
SHOP = {
    "workspace.yaml": "name: shop\n",
    "schema.yaml": SCHEMA,
    "channels.yaml": "channels: {web: {placements: {hero: {}}}}\n",
    "actions/cards.yaml": """
issue: sales
group: cards
actions:
  gold: {propensity: card, treatments: [{channel: web}]}
""",
}
FLOAT, TEXT = TensorProto.FLOAT, TensorProto.STRING


def graph(inputs, names=None):
    """Sigmoid of the sum of all numbers; texts are passed on. `inputs`: names, types and widths."""
    given = [helper.make_tensor_value_info(name, kind, [None, width]) for name, kind, width in inputs]
    numbers = [name for name, kind, _ in inputs if kind == FLOAT]
    nodes = [
        helper.make_node("Concat", numbers, ["all"], axis=1),
        helper.make_node("ReduceSum", ["all", "axis"], ["sum"], keepdims=1),
        helper.make_node("Sigmoid", ["sum"], ["probabilities"]),
    ]
    outputs = [helper.make_tensor_value_info("probabilities", FLOAT, [None, 1])]
    for name, kind, width in inputs:
        if kind == TEXT:
            nodes.append(helper.make_node("Identity", [name], [f"{name}_same"]))
            outputs.append(helper.make_tensor_value_info(f"{name}_same", TEXT, [None, width]))
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    made = helper.make_graph(nodes, "sum", given, outputs, [axis])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if names is not None:
        onnx.helper.set_model_props(model, {"feature_names": names})
    return model.SerializeToString()


def lay(folder, data, model="name: card\nfile: card.onnx\nprior: 0.1\n", **files):
    for name, text in (SHOP | {"models/card.yaml": model} | files).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "models/card.onnx").write_bytes(data)
    return workspace.compile(folder)


def score(compilation, **customer):
    decision = OfflineBundle(bundle.seal(compilation.bundle).data).decide(
        customer=customer, context={"hour": 3}, channel="web", placements=["hero"]
    )
    return decision["hero"][0].score.propensity


@pytest.mark.parametrize("name", ["age", "customer_age", "customer.age"])
def test_an_input_of_the_name_of_an_attribute_needs_no_entry(tmp_path, name):
    compilation = lay(tmp_path, graph([(name, FLOAT, 1), ("hour", FLOAT, 1)]))
    (note,) = compilation.diagnostics
    assert (note.code, note.severity) == ("NB685", Severity.NOTE)
    assert note.message == f"bound by their names: `{name}` to `customer.age`, `hour` to `context.hour`"
    assert note.position.file == "models/card.yaml"
    assert score(compilation, age=-4) == pytest.approx(0.2689414, abs=1e-6)
    assert score(compilation) == pytest.approx(0.1), "without an age the prior is used"


def test_a_vector_of_rows_binds_by_its_name(tmp_path):
    """What exporters of additive models and embeddings write: one vector for each feature."""
    nodes = [
        helper.make_node("Sigmoid", ["age"], ["vector"]),
        helper.make_node("Unsqueeze", ["vector", "axis"], ["probabilities"]),
    ]
    given = helper.make_tensor_value_info("age", FLOAT, [None])
    made = helper.make_tensor_value_info("probabilities", FLOAT, [None, 1])
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    vector = helper.make_graph(nodes, "vector", [given], [made], [axis])
    model = helper.make_model(vector, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    compilation = lay(tmp_path, model.SerializeToString())
    assert [found.code for found in compilation.diagnostics] == ["NB685"]
    assert score(compilation, age=-1) == pytest.approx(0.2689414, abs=1e-6)


def test_columns_bind_by_the_names_in_the_file(tmp_path):
    names = json.dumps(["customer.balance", "age"])
    compilation = lay(tmp_path, graph([("X", FLOAT, 2)], names))
    assert [found.code for found in compilation.diagnostics] == ["NB685"]
    (tensor,) = compilation.bundle.models[0].inputs
    features = [compilation.bundle.features[column.feature] for column in tensor.columns]
    attributes = [compilation.bundle.attributes[feature.attribute].name for feature in features]
    assert attributes == ["balance", "age"]
    assert score(compilation, age=1, balance=-1.5) == pytest.approx(0.3775407, abs=1e-6)


@pytest.mark.parametrize(
    "names",
    [
        '["age"]', '["age", "age"]', '["age", 5]', '{"age": 1}', "age,balance", "[" * 100_000, '["age", ""]',
        "", '["age", "balance", "hour"]',
    ],
)  # fmt: skip
def test_a_value_that_is_not_a_list_of_names_is_ignored(tmp_path, names):
    compilation = lay(tmp_path, graph([("X", FLOAT, 2)], names))
    assert [found.code for found in compilation.diagnostics] == ["NB605"]


@pytest.mark.parametrize(
    ("tensor", "remedy"),
    [
        (
            ("segment", TEXT, 1),
            "with one attribute (`segment`: `customer.segment` and `context.segment` have this name)",
        ),
        (("job", FLOAT, 1), "with one attribute (`job`: `customer.job` has this name, but is a string)"),
        (("blance", FLOAT, 1), "with one attribute (`blance` may be `customer.balance`)"),
        (("Age", FLOAT, 1), "with one attribute (`Age` may be `customer.age`)"),
        (("X", FLOAT, 1), "with one attribute"),
        (("age", FLOAT, 2), "with a list of 2 attributes"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_not_bound(tmp_path, tensor, remedy):
    compilation = lay(tmp_path, graph([("hour", FLOAT, 1), tensor]))
    (error,) = compilation.errors
    assert error.code == "NB605"
    assert error.help == f"add `{tensor[0]}:` {remedy}"


def test_columns_without_an_attribute_are_named(tmp_path):
    compilation = lay(tmp_path, graph([("X", FLOAT, 3)], '["age", "agee", "tenure"]'))
    (error,) = compilation.errors
    assert error.help == (
        "add `X:` with a list of 3 attributes (`agee` may be `customer.age`; `tenure` is not an attribute)"
    )


def test_an_entry_wins(tmp_path):
    model = """
name: card
file: card.onnx
prior: 0.1
inputs: {age: {attribute: customer.balance, missing: 0.0}}
"""
    compilation = lay(tmp_path, graph([("age", FLOAT, 1), ("hour", FLOAT, 1)]), model)
    assert [found.message for found in compilation.diagnostics] == [
        "bound by their names: `hour` to `context.hour`"
    ]
    assert score(compilation, age=50) == pytest.approx(0.9525741, abs=1e-6)


def pushing(folder, data, **given):
    (folder / "pushed.onnx").write_bytes(data)
    request = Request(model=folder / "pushed.onnx", name="card", by="ana", workspace=folder, **given)
    return push(Registry(folder / "models/registry"), request)


def test_a_push_binds_by_name_once_and_for_all(tmp_path):
    lay(tmp_path, b"")
    data = graph([("age", FLOAT, 1), ("hour", FLOAT, 1)])
    pushed = pushing(tmp_path, data)
    assert [(found.code, found.severity, found.position) for found in pushed.diagnostics] == [
        ("NB685", Severity.NOTE, None)
    ]
    inputs = pushed.manifest.binding.inputs
    assert [(column.attribute, column.is_by_name) for (column,) in inputs.values()] == [
        ("customer.age", True), ("context.hour", True),
    ]  # fmt: skip
    digest = pushed.version.digest[:12]
    model = f"name: card\nversion: '{digest}'\nprior: 0.1\n"
    compilation = lay(tmp_path, b"", model)
    assert compilation.diagnostics == []
    assert score(compilation, age=-4) == pytest.approx(0.2689414, abs=1e-6)
    # Two attributes have the name by now: the version keeps what it was pushed with.
    schema = SCHEMA.replace("  hour: {type: int}", "  hour: {type: int}\n  age: {type: int}")
    compilation = lay(tmp_path, b"", model, **{"schema.yaml": schema})
    assert compilation.diagnostics == []
    assert score(compilation, age=-4) == pytest.approx(0.2689414, abs=1e-6)
    # And an attribute that is not there any more is an error where the version is named.
    compilation = lay(tmp_path, b"", model, **{"schema.yaml": SCHEMA.replace("  age: {type: int}\n", "")})
    assert [(found.code, found.position.file) for found in compilation.errors] == [
        ("NB402", "models/card.yaml")
    ]


def test_a_push_of_which_only_some_columns_match_is_not_bound(tmp_path):
    lay(tmp_path, b"")
    pushed = pushing(tmp_path, graph([("age", FLOAT, 1), ("hours", FLOAT, 1)]))
    assert pushed.manifest.binding.inputs == {}
    (note,) = pushed.diagnostics
    assert (note.code, note.severity) == ("NB685", Severity.NOTE)
    assert "only some columns have the names of attributes, `age` to `customer.age`" in note.message
    assert "`hours` may be `context.hour`" in note.help


def test_a_binding_of_a_push_needs_only_what_does_not_match(tmp_path):
    lay(tmp_path, b"")
    (tmp_path / "binding.yaml").write_text("inputs: {hours: context.hour}\nprior: 0.1\n")
    data = graph([("age", FLOAT, 1), ("hours", FLOAT, 1)])
    pushed = pushing(tmp_path, data, binding=tmp_path / "binding.yaml")
    assert [column.is_by_name for (column,) in pushed.manifest.binding.inputs.values()] == [True, False]
    compilation = lay(tmp_path, b"", f"name: card\nversion: '{pushed.version.digest[:12]}'\n")
    assert compilation.diagnostics == []
    assert score(compilation, age=-4) == pytest.approx(0.2689414, abs=1e-6)
