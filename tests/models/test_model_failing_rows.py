"""A model that fails on some rows is refused once, with the first row and the value that it fails on."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from nextbest.models.job import Job, Plan
from nextbest.models.report import Refusal
from nextbest.models.stages import Trial, run

NAMES = ("nurse", "pilot")


def encoder(name, source, target):
    return helper.make_node(
        "OneHotEncoder", [source], [target], name, domain="ai.onnx.ml", cats_strings=NAMES, zeros=0
    )


def texts(width: int) -> bytes:
    """One or two columns of text, each an input: the share of the first category."""
    nodes = []
    for index in range(width):
        nodes.append(encoder(f"encode_{index}", f"job_{index}", f"o{index}"))
        nodes.append(helper.make_node("ReduceMax", [f"o{index}"], [f"m{index}"], axes=[1], keepdims=0))
    nodes.append(helper.make_node("Concat", [f"m{index}" for index in range(width)], ["c"], axis=1))
    nodes.append(helper.make_node("Gather", ["c", "first"], ["p"], axis=1))
    return model(nodes, [(f"job_{index}", TensorProto.STRING, [None, 1]) for index in range(width)])


def codes() -> bytes:
    """A number and a code that a table of three is indexed with."""
    nodes = [
        helper.make_node("Gather", ["table", "code"], ["g"], axis=0),
        helper.make_node("Mul", ["g", "x"], ["s"]),
        helper.make_node("Sigmoid", ["s"], ["p"]),
    ]
    return model(nodes, [("x", TensorProto.FLOAT, [None, 1]), ("code", TensorProto.INT64, [None, 1])])


def model(nodes, inputs) -> bytes:
    stored = [
        numpy_helper.from_array(np.array([0]), "first"),
        numpy_helper.from_array(np.array([0.1, 0.2, 0.3], np.float32), "table"),
    ]
    outputs = [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(*given) for given in inputs], outputs, stored
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def refusals(onnx: bytes, golden=None, background=None) -> list[Refusal]:
    expected = np.full(len(next(iter(golden.values()))), 0.5) if golden is not None else None
    columns = {name: [f"customer.{name}"] for name in (golden or background)}
    job = Job(
        onnx,
        Plan.REHEARSAL,
        output="p",
        columns=columns,
        golden=golden,
        expected=expected,
        background=background,
    )
    trial = Trial(job)
    run(trial, lambda *_: None)
    return trial.refusals


def column(values):
    return np.array(values, dtype=object).reshape(-1, 1)


JOBS = column(["nurse", "pilot"] * 4 + ["nurse", "cook", "cook"])


def test_an_unknown_category_is_reported_once_with_its_row_and_the_known_ones():
    (refusal,) = refusals(texts(1), {"job_0": JOBS}, {"job_0": JOBS})
    assert refusal.code == "NB659"
    assert refusal.message == (
        "fails on golden row 10, where customer.job_0 is `cook`: `OneHotEncoder` (`encode_0`) reports: "
        "Unknown Category and zeros = 0"
    )
    assert "`cook` is not one of the categories that it knows (`nurse`, `pilot`)" in refusal.help
    assert 'handle_unknown="ignore"' in refusal.help


def test_a_row_of_the_background_sample():
    (refusal,) = refusals(texts(1), None, {"job_0": JOBS})
    assert "fails on row 10 of the background sample, where customer.job_0 is `cook`" in refusal.message


def test_a_row_far_down_is_found():
    jobs = column(["nurse", "pilot"] * 1_500 + ["cook"])
    (refusal,) = refusals(texts(1), None, {"job_0": jobs})
    assert "row 3,001 of the background sample" in refusal.message


@pytest.mark.parametrize("bad", [0, 1])
def test_of_two_columns_the_one_is_named(bad):
    rows = {
        f"job_{index}": column(["nurse"] * 9 + ["cook" if index == bad else "pilot"]) for index in range(2)
    }
    (refusal,) = refusals(texts(2), rows)
    assert f"where customer.job_{bad} is `cook`:" in refusal.message
    assert "pilot" not in refusal.message


def test_without_one_cause_the_texts_of_the_row_are_named():
    rows = {f"job_{index}": column(["nurse"] * 9 + ["cook"]) for index in range(2)}
    (refusal,) = refusals(texts(2), rows)
    assert "golden row 10, where customer.job_0 is `cook` and customer.job_1 is `cook`:" in refusal.message


def test_a_number_that_a_table_does_not_have():
    rows = {"x": np.ones((10, 1), np.float32), "code": np.array([[0], [2]] * 4 + [[1], [7]])}
    (refusal,) = refusals(codes(), None, rows)
    assert "fails on row 10 of the background sample, where customer.code is `7`: `Gather`" in refusal.message
    assert "which numbers the model takes for customer.code" in refusal.help
