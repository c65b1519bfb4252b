"""Files that are broken, or meant to break: they are lowered or refused, and nothing else happens."""

import numpy as np
import onnx
import pytest
from corpus import build
from corpus_graphs import build as graph
from corpus_graphs import ml, number
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from operator_cases import CASES, model

from nextbest.models.native import NotLowered, lower
from nextbest.v1.native_pb2 import NativeModel

NAMES = (
    "gradient boosting",
    "mixed columns, linear",
    "small net",
    "calibrated by steps",
    "sets of version 5",
)


def lower_or_refuse(data, output="y"):
    """Anything but a model or a reason is a failure of the test."""
    reason = ""
    try:
        lowered = lower(data, output, [0])
    except NotLowered as refusal:
        reason = refusal.reason
    else:
        assert NativeModel.FromString(lowered.SerializeToString()) == lowered or has_nan(lowered)
        return
    assert reason
    assert "\n" not in reason


def has_nan(lowered):
    """Messages with NaN are equal to none, not even to themselves."""
    return lowered != lowered


@given(st.sampled_from(NAMES), st.data())
def test_bytes_that_were_changed(name, data):
    case = build(name)
    broken = bytearray(case.onnx)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(broken) - 1))
        broken[place] = data.draw(st.integers(0, 255))
    lower_or_refuse(bytes(broken), case.output)


@given(st.sampled_from(NAMES), st.data())
def test_files_that_were_cut(name, data):
    case = build(name)
    lower_or_refuse(case.onnx[: data.draw(st.integers(0, len(case.onnx)))], case.output)


NUMBERS = st.one_of(st.integers(-3, 12), st.sampled_from([-(2**63), 2**63 - 1, 2**31, 2**24]))


def change(draw, node):
    """Changes an attribute, an input, an output or the kind of a node."""
    if node.attribute and draw(st.booleans()):
        attribute = draw(st.sampled_from(list(node.attribute)))
        if attribute.ints:
            attribute.ints[draw(st.integers(0, len(attribute.ints) - 1))] = draw(NUMBERS)
        elif attribute.floats:
            place = draw(st.integers(0, len(attribute.floats) - 1))
            attribute.floats[place] = draw(st.sampled_from([0.0, -1.0, float("nan"), float("inf"), 3e38]))
        elif attribute.type == onnx.AttributeProto.INT:
            attribute.i = draw(NUMBERS)
        elif attribute.strings or draw(st.booleans()):
            node.attribute.remove(attribute)
        else:
            attribute.s = draw(st.sampled_from([b"SOFTMAX", b"PROBIT", b"\xff", b""]))
        return
    names = list(node.input) + list(node.output)
    if node.input and draw(st.booleans()):
        node.input[draw(st.integers(0, len(node.input) - 1))] = draw(
            st.sampled_from([*names, "", "x", "n", "t"])
        )
    elif draw(st.booleans()):
        node.op_type = draw(
            st.sampled_from(sorted({one.op_type for nodes, _ in CASES.values() for one in nodes}))
        )
    elif node.input:
        del node.input[-1]


@settings(max_examples=300)
@given(st.sampled_from(sorted(CASES)), st.data())
def test_graphs_that_were_changed(name, data):
    broken = onnx.ModelProto.FromString(model(*CASES[name]))
    for _ in range(data.draw(st.integers(1, 3))):
        change(data.draw, data.draw(st.sampled_from(list(broken.graph.node))))
    lower_or_refuse(broken.SerializeToString())


@settings(max_examples=200)
@given(st.sampled_from(NAMES), st.data())
def test_models_that_were_changed(name, data):
    case = build(name)
    broken = onnx.ModelProto.FromString(case.onnx)
    for _ in range(data.draw(st.integers(1, 3))):
        change(data.draw, data.draw(st.sampled_from(list(broken.graph.node))))
    lower_or_refuse(broken.SerializeToString(), case.output)


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs, outputs, **attributes)


HUGE = number("huge", np.array([2**40, 2]))
BOMBS = {
    "a constant of a trillion": [node("ConstantOfShape", ["huge"], ["y"])],
    "rows repeated without end": [node("Tile", ["X", "huge"], ["y"])],
    "doubled fifty times": [
        *(node("Concat", [f"c{at}", f"c{at}"], [f"c{at + 1}"], axis=1) for at in range(50)),
        node("Identity", ["c50"], ["y"]),
    ],
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_take_the_memory_is_refused(name):
    nodes = [node("Identity", ["X"], ["c0"]), *BOMBS[name]]
    with pytest.raises(NotLowered):
        lower(graph(nodes, [HUGE]), "y", [0])


def test_trees_of_three_thousand_million_targets_are_refused():
    """They took 23 GB before anybody counted."""
    model = onnx.load_model_from_string(build("sets of version 5").onnx)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "n_targets":
                attribute.i = 3_000_000_000
    with pytest.raises(NotLowered, match="beyond four million"):
        lower(model.SerializeToString(), build("sets of version 5").output, [0])


def test_trees_that_turn_back_on_themselves_are_refused():
    node = ml(
        "TreeEnsembleRegressor",
        ["X"],
        ["y"],
        n_targets=1,
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[0, 0, 0],
        nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"],
        nodes_values=[0.0, 1.0, 0.0],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 2, 0],
        target_treeids=[0],
        target_nodeids=[2],
        target_ids=[0],
        target_weights=[1.0],
    )
    with pytest.raises(NotLowered, match="turns back on itself"):
        lower(graph([node]), "y", [0])


def test_an_input_of_a_trillion_columns_is_refused():
    model = onnx.ModelProto.FromString(graph([node("Identity", ["X"], ["y"])]))
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 2**40
    with pytest.raises(NotLowered, match="four million"):
        lower(model.SerializeToString(), "y", [0])


def test_weights_in_another_file_are_refused():
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/hostname")
    with pytest.raises(NotLowered, match="another file"):
        lower(graph([node("Add", ["X", "w"], ["y"])], [tensor]), "y", [0])
