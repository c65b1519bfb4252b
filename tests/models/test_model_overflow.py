"""Numbers that float32 does not have: reported by a diagnostic, and never by a warning of a library."""

import numpy as np
import polars as pl
import pytest
from onnx import TensorProto, helper

from nextbest import workspace
from nextbest.models.engine import engine_of
from nextbest.models.overflow import warn_of_overflow
from nextbest.models.rows import InputColumn, InputTable, Table, drop_unanswerable, fill_inputs, sample
from nextbest.models.signature import Element

LARGEST = float(np.finfo(np.float32).max)


def inputs(element=Element.FLOAT32):
    job = InputTable("job", Element.STRING, (InputColumn(("customer.job",)),))
    return [InputTable("x", element, (InputColumn(("customer.a",)), InputColumn(("customer.b",)))), job]


def table(a, job=None):
    frame = pl.DataFrame(
        {"customer.a": a, "customer.b": [1.0] * len(a), "customer.job": job or ["x"] * len(a)}
    )
    return Table("rows of the background sample", frame)


def test_a_number_beyond_float32_is_infinite_and_reported_with_its_row():
    rows = table([1.0, None, 1e300, -1e300])
    filled = fill_inputs(rows, inputs())
    assert np.isposinf(filled["x"][2, 0])
    (warning,) = warn_of_overflow(rows, inputs())
    assert warning.code == "NB677"
    assert "`customer.a` is 1e+300 in row 3 of the background sample and 1 more:" in warning.message


def test_rows_keep_their_numbers_when_others_are_left_out():
    chosen = drop_unanswerable(table([0.0, 0.0, 1e300], ["x", None, "x"]), inputs())
    assert len(chosen.frame) == 2
    assert "in row 3 of the background sample:" in warn_of_overflow(chosen, inputs())[0].message
    many = sample(drop_unanswerable(table([0.0] * 99 + [1e300], [None] + ["x"] * 99), inputs()), 10)
    assert len(many.frame) == 10
    assert "in row 100 of" in warn_of_overflow(many, inputs())[0].message


@pytest.mark.parametrize("number", [LARGEST, -LARGEST, float("inf"), float("nan"), 1.0])
def test_what_float32_has_is_not_reported(number):
    assert warn_of_overflow(table([number]), inputs()) == []


def test_an_input_of_doubles_takes_them():
    assert warn_of_overflow(table([1e300]), inputs(Element.FLOAT64)) == []


def stump(threshold: float) -> bytes:
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["p"], domain="ai.onnx.ml", n_targets=1, nodes_treeids=[0] * 3,
        nodes_nodeids=[0, 1, 2], nodes_featureids=[0] * 3, nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_values=[threshold, 0.0, 0.0], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0] * 2, target_nodeids=[1, 2], target_ids=[0] * 2, target_weights=[0.1, 0.9],
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "stump",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


@pytest.mark.parametrize("threshold", [LARGEST, -LARGEST, 1e-45])
def test_a_threshold_at_the_end_of_float32_is_proved_in_silence(threshold):
    assert engine_of(stump(threshold), "p", [0]).native is not None


def test_a_compilation_warns_of_the_sample_that_a_model_file_names(tmp_path):
    files = {
        "workspace.yaml": "name: shop\n",
        "schema.yaml": "customer: {a: {type: double}}\n",
        "channels.yaml": "channels: {web: {placements: {hero: {}}}}\n",
        "actions/cards.yaml": "issue: sales\ngroup: cards\nactions:\n"
        "  gold: {propensity: card, treatments: [{channel: web}]}\n",
        "models/card.yaml": "name: card\nfile: card.onnx\nprior: 0.1\ninputs: {x: customer.a}\n"
        "background: sample.csv\n",
        "models/sample.csv": "customer.a\n1\n-1\n1e300\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "models/card.onnx").write_bytes(stump(0.0))
    compiled = workspace.compile(tmp_path)
    (found,) = compiled.diagnostics
    assert (found.code, found.position.file, found.position.line) == ("NB677", "models/card.yaml", 5)
    assert compiled.bundle is not None
