"""A proposed binding is taken by a push once its gaps are filled, for whatever exporters write."""

import json
import re

import numpy as np
import onnx
import pytest
from corpus_boosted import BOOSTED
from corpus_case import table
from corpus_scikit import SCIKIT, convert
from onnx import TensorProto, helper
from sklearn.linear_model import LogisticRegression

from nextbest.models.pushing.push import Request, push
from nextbest.registry.registry import Registry
from nextbest.workspace.proposal import propose
from nextbest.workspace.source import parse

SCHEMA = """
customer:
  age: {type: int}
  balances: {type: double}
  job: {type: string}
  area: {type: int}
  bool: {type: bool}
  moment: {type: timestamp}
  f0: {type: double}
  f1: {type: double}
"""
CORPUS = {
    "mixed columns, linear": SCIKIT,
    "forest with ZipMap": SCIKIT,
    "LightGBM": BOOSTED,
    "XGBoost, four actions": BOOSTED,
    "CatBoost": BOOSTED,
}


def fill(text, missing):
    """Writes an attribute of the right type into every gap, following the comment next to it."""

    def attribute(found):
        given = {"string": "customer.job", "int64": "customer.area"}
        kind = next((kind for kind in given if kind in found[2]), None)
        return f"{found[1]} {given[kind] if kind is not None else 'customer.balances'}  # {found[2]}"

    filled, count = re.subn(r"^(  \w+:|    -)  # (?!.*columns)(.*)$", attribute, text, flags=re.MULTILINE)
    assert count == len(missing)
    return filled


@pytest.mark.parametrize("name", CORPUS)
def test_what_exporters_write_is_pushed_once_the_gaps_are_filled(tmp_path, name):
    case = CORPUS[name][name]()
    (tmp_path / "model.onnx").write_bytes(case.onnx)
    (tmp_path / "schema.yaml").write_text(SCHEMA)
    proposal, diagnostics = propose(tmp_path / "model.onnx", tmp_path)
    assert diagnostics == []
    binding = tmp_path / "binding.yaml"
    binding.write_text(proposal.text)
    request = Request(model=tmp_path / "model.onnx", name="m", by="ana", binding=binding, workspace=tmp_path)
    refused = push(Registry(tmp_path / "registry"), request)
    assert {found.code for found in refused.diagnostics} == ({"NB206"} if proposal.missing else set())
    assert len(refused.diagnostics) == len(proposal.missing)
    binding.write_text(fill(proposal.text, proposal.missing))
    pushed = push(Registry(tmp_path / "registry2"), request)
    assert [found.code for found in pushed.diagnostics if found.severity == "error"] == []
    assert pushed.manifest.binding.output == case.output
    given = {match.name for match in proposal.by_name}
    assert given == {"age", "job"} & {tensor.name for tensor in pushed.manifest.report.facts.signature.inputs}


def model(*inputs, outputs=(("p", TensorProto.FLOAT, [None, 2]),), names=None):
    """A graph that is only looked at."""
    given = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs]
    made = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in outputs]
    value = helper.make_tensor("v", TensorProto.FLOAT, [1, 2], [0.5, 0.5])
    nodes = [helper.make_node("Identity", ["v"], [name]) for name, _, _ in outputs]
    graph = helper.make_graph(nodes, "g", given, made, [value])
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if names is not None:
        onnx.helper.set_model_props(file, {"feature_names": json.dumps(names)})
    return file.SerializeToString()


def proposed(tmp_path, data):
    (tmp_path / "model.onnx").write_bytes(data)
    (tmp_path / "schema.yaml").write_text(SCHEMA)
    proposal, _ = propose(tmp_path / "model.onnx", tmp_path)
    lines = [line for line in proposal.text.splitlines() if not line.startswith("#")]
    return lines, proposal.missing


def test_what_is_clear_is_filled_in_and_the_rest_has_a_suggestion(tmp_path):
    lines, missing = proposed(
        tmp_path,
        model(
            ("age", TensorProto.FLOAT, [None, 1]),
            ("balance", TensorProto.FLOAT, [None, 1]),
            ("moment", TensorProto.INT64, [None, 1]),
            ("bool", TensorProto.BOOL, [None, 1]),
            ("X", TensorProto.FLOAT, [None, 3]),
            ("Z", TensorProto.STRING, [None, 1]),
        ),
    )
    assert lines == [
        "inputs:",
        "  age: customer.age  # float32, by its name",
        "  balance:  # float32; may be customer.balances",
        "  moment:  # int64; customer.moment has this name, but is a timestamp",
        "  bool: customer.bool  # boolean, by its name",
        "  X:  # float32, 3 columns",
        "    -  # X[0]",
        "    -  # X[1]",
        "    -  # X[2]",
        "  Z:  # string",
        "output: p  # float32, the probabilities",
        'positive_class: 1  # of 2 columns, from 0: the one that means "accepts"',
    ]
    assert missing == ["balance", "moment", "X[0]", "X[1]", "X[2]", "Z"]


def test_columns_with_names_are_filled_in(tmp_path):
    lines, missing = proposed(
        tmp_path, model(("X", TensorProto.FLOAT, [None, 3]), names=["customer.age", "f0", "bal"])
    )
    assert lines[1:5] == [
        "  X:  # float32, 3 columns",
        "    - customer.age  # customer.age, by its name",
        "    - customer.f0  # f0, by its name",
        "    -  # bal; may be customer.balances",
    ]
    assert missing == ["X[2]"]


def test_classes_are_shown_and_a_text_is_left_to_the_author(tmp_path):
    """Column 1 of two texts is the one that comes later in the alphabet, which no one has chosen."""
    rows, accepts = table()
    for labels, line in (
        (["accept", "decline"], 'positive_class:  # the class that means "accepts": `accept` or `decline`'),
        ([0, 1], "(`0` is column 0, `1` is column 1)"),
    ):
        fitted = LogisticRegression().fit(rows, np.array(labels)[accepts])
        lines, missing = proposed(tmp_path, convert(fitted, zipmap=False).SerializeToString())
        assert lines[-1].endswith(line)
        assert ("positive_class" in missing) == isinstance(labels[0], str)


def test_several_outputs_are_left_to_the_author(tmp_path):
    outputs = [("p", TensorProto.FLOAT, [None, 2]), ("q", TensorProto.FLOAT, [None, 2])]
    lines, missing = proposed(tmp_path, model(("age", TensorProto.FLOAT, [None, 1]), outputs=outputs))
    assert lines[-1] == "output:  # the one with the probabilities: p or q"
    assert missing == ["output"]


def test_names_of_strangers_stay_names(tmp_path):
    """They are read back as they are, and no line holds what a terminal would take for a command."""
    names = [
        "0",
        "yes",
        "a: b",
        "a #b",
        "- x",
        "a\nb: c",
        "\x1b[31m",
        "\u202e",
        'q"\\\x07',
        "'",
        "é",
        "[",
        "null",
    ]
    (tmp_path / "model.onnx").write_bytes(model(*((name, TensorProto.FLOAT, [None, 2]) for name in names)))
    proposal, _ = propose(tmp_path / "model.onnx", tmp_path)
    assert all(line.isprintable() for line in proposal.text.splitlines())
    filled = re.sub(r"^    -", "    - customer.age", proposal.text, flags=re.MULTILINE)
    document, diagnostics = parse("binding.yaml", filled.encode())
    assert diagnostics == []
    assert list(document.data["inputs"]) == names


def test_names_that_are_too_long_for_yaml_are_left_out_with_the_reason(tmp_path):
    inputs = [("k" * 900, TensorProto.FLOAT, [None, 1]), ("\x07" * 900, TensorProto.FLOAT, [None, 500])]
    (tmp_path / "model.onnx").write_bytes(model(*inputs))
    proposal, _ = propose(tmp_path / "model.onnx", tmp_path)
    filled = proposal.text.replace(f"{'k' * 900}:", f"{'k' * 900}: customer.age")
    document, diagnostics = parse("binding.yaml", filled.encode())
    assert diagnostics == []
    assert list(document.data["inputs"]) == ["k" * 900]
    assert "cannot be bound: its name has 900 characters" in proposal.text
    assert max(map(len, proposal.text.splitlines())) < 1_200
