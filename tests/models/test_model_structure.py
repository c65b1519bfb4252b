"""What a model is made of is checked before anything runs it: attacks are refused, exporters' work is not."""

import contextlib
import time
import tracemalloc

import attacks
import numpy as np
import onnx
import pytest
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper

from nextbest.models import ModelError, inspect, limits, wire
from nextbest.models.structure import check_structure

SCAN_S_MAX = 5.0


@pytest.mark.parametrize("name", attacks.STRUCTURE)
def test_attack_is_refused_in_this_process(name):
    attack = attacks.STRUCTURE[name]
    data = attack.build()
    began = time.process_time()
    with pytest.raises(ModelError) as caught:
        inspect(data)
    assert caught.value.code == attack.code
    assert caught.value.help
    assert "\n" not in caught.value.message
    assert time.process_time() - began < SCAN_S_MAX


@pytest.mark.parametrize("kind", attacks.EXTERNAL)
@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "link"])
def test_another_file_is_never_named(kind, location):
    with pytest.raises(ModelError) as caught:
        check_structure(attacks.EXTERNAL[kind](location))
    assert caught.value.code == "NB653"


def test_what_the_scan_lets_pass_is_what_a_parser_sees():
    """Files with a few bytes changed: refused, or nothing is in them that the scan has not seen."""
    bases = [build("x") for build in attacks.EXTERNAL.values()]
    bases += [attacks.model([attacks.trees()]), attacks.in_version_5(), attacks.loop(), attacks.functions()]
    codes: dict[str, int] = {}
    for seed in range(3_000):
        data = attacks.mutated(bases[seed % len(bases)], seed)
        try:
            census = wire.scan(data)
            parsed = onnx.ModelProto.FromString(data)
        except (ModelError, DecodeError) as error:
            code = getattr(error, "code", "parser")
            codes[code] = codes.get(code, 0) + 1
            continue
        codes["passed"] = codes.get("passed", 0) + 1
        assert list(forbidden(parsed)) == []
        assert census.nodes == len(parsed.graph.node)
        with contextlib.suppress(ModelError):
            check_structure(data)
    assert codes.keys() >= {"passed", "NB651", "NB653", "NB654"}


def forbidden(message):
    """Weights in other files, graphs in graphs and functions, wherever they are in a message."""
    if isinstance(message, onnx.TensorProto) and (message.data_location == 1 or len(message.external_data)):
        yield "external data"
    if isinstance(message, onnx.AttributeProto) and (message.HasField("g") or len(message.graphs)):
        yield "graph"
    if isinstance(message, onnx.ModelProto) and (len(message.functions) or len(message.training_info)):
        yield "function"
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if field.is_repeated else [value]:
                yield from forbidden(part)


def test_the_good_trees_that_the_attacks_change_are_taken():
    for data in (attacks.model([attacks.trees()]), attacks.in_version_5()):
        (ensemble,) = check_structure(data).ensembles
        assert (ensemble.name, ensemble.input) == ("trees", "x")
        assert list(ensemble.node_counts) == [3]
        assert list(ensemble.depths) == [1]
        assert list(ensemble.path_lengths) == [1.0]
        assert (list(ensemble.features), list(ensemble.thresholds)) == ([0], [0.5])


def test_a_leaf_of_version_5_may_be_named_twice():
    assert check_structure(attacks.in_version_5(nodes_falsenodeids=[0])).ensembles


def chain_of_equalities(count: int) -> bytes:
    """One split by a set of `count` categories, as exporters of LightGBM and XGBoost write it."""
    inner, leaves = list(range(count)), [count, count + 1]
    return attacks.model(
        [
            attacks.trees(
                nodes_treeids=[0] * (count + 2),
                nodes_nodeids=[*inner, *leaves],
                nodes_featureids=[0] * (count + 2),
                nodes_values=[float(2 * node) for node in inner] + [0.0, 0.0],
                nodes_modes=["BRANCH_EQ"] * count + ["LEAF"] * 2,
                nodes_truenodeids=[count] * count + [0, 0],
                nodes_falsenodeids=[*inner[1:], count + 1, 0, 0],
                target_nodeids=leaves,
            )
        ]
    )


@pytest.mark.parametrize("count", [2, 600, limits.TREE_WRITTEN_DEPTH_MAX])
def test_a_set_of_categories_is_one_comparison(count):
    (ensemble,) = check_structure(chain_of_equalities(count)).ensembles
    assert list(ensemble.node_counts) == [3]
    assert list(ensemble.depths) == [1]
    assert list(ensemble.path_lengths) == [1.0]
    assert len(ensemble.thresholds) == count


def test_a_set_of_version_5_is_one_comparison():
    """Leaves have separate numbers there, and several nodes may lead to the same."""
    data = attacks.in_version_5(
        nodes_featureids=[0] * 600,
        nodes_splits=helper.make_tensor("s", TensorProto.FLOAT, [600], [float(node) for node in range(600)]),
        nodes_modes=helper.make_tensor("m", TensorProto.UINT8, [600], [4] * 600),
        nodes_truenodeids=[0] * 600,
        nodes_trueleafs=[1] * 600,
        nodes_falsenodeids=[*range(1, 600), 1],
        nodes_falseleafs=[0] * 599 + [1],
    )
    (ensemble,) = check_structure(data).ensembles
    assert list(ensemble.depths) == [1]


def test_more_categories_than_onnx_runtime_has_stack_for_are_refused():
    with pytest.raises(ModelError, match="a path of 8,193 nodes") as caught:
        check_structure(chain_of_equalities(limits.TREE_WRITTEN_DEPTH_MAX + 1))
    assert caught.value.code == "NB652"


def test_tests_of_two_features_are_two_comparisons():
    model = onnx.ModelProto.FromString(chain_of_equalities(2))
    features = next(a for a in model.graph.node[0].attribute if a.name == "nodes_featureids")
    features.ints[1] = 1
    (ensemble,) = check_structure(model.SerializeToString()).ensembles
    assert list(ensemble.node_counts) == [4]
    assert list(ensemble.depths) == [2]
    assert list(ensemble.path_lengths) == [1.5]


def test_a_chain_that_leads_back_to_itself_is_damaged():
    model = onnx.ModelProto.FromString(chain_of_equalities(3))
    falses = next(a for a in model.graph.node[0].attribute if a.name == "nodes_falsenodeids")
    for root_leads, back in ((3, 1), (1, 0), (1, 1)):
        falses.ints[0], falses.ints[2] = root_leads, back
        with pytest.raises(ModelError, match="in a circle"):
            check_structure(model.SerializeToString())


def test_is_it_missing_is_a_comparison_with_infinity():
    data = attacks.model([attacks.trees(nodes_values=[float("inf"), 0.0, 0.0])])
    assert list(check_structure(data).ensembles[0].thresholds) == [float("inf")]


def test_features_behind_a_scaler_are_counted_but_not_the_columns_of_the_input():
    scaler = helper.make_node("Scaler", ["x"], ["z"], domain=attacks.ML, offset=[0.0], scale=[1.0])
    node = attacks.trees()
    node.input[0] = "z"
    (ensemble,) = check_structure(attacks.model([scaler, node])).ensembles
    assert ensemble.input == ""
    wrong = attacks.trees(nodes_featureids=[2, 0, 0])
    wrong.input[0] = "z"
    with pytest.raises(ModelError, match="its input has 2 columns"):
        check_structure(attacks.model([scaler, wrong]))


def test_sizes_that_come_from_other_tensors_are_taken():
    """As AdaBoost and polynomial features are exported."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("ConstantOfShape", ["s"], ["z"]),
        helper.make_node("Add", ["x", "z"], ["y"]),
    ]
    assert check_structure(attacks.model(nodes)).operators == {"Add": 1, "ConstantOfShape": 1, "Shape": 1}


def test_an_operator_that_is_not_listed_is_taken_on_request():
    data = attacks.STRUCTURE["operator that is not listed"].build()
    assert check_structure(data, any_operator=True).operators == {"MaxPool": 1}
    for name in ("custom operator", "operator of ONNX Runtime's own", "operator that draws lots"):
        with pytest.raises(ModelError, match="not allowed"):
            check_structure(attacks.STRUCTURE[name].build(), any_operator=True)


def test_an_unreadable_name_is_refused():
    """It would fill every message and table that shows it."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x" * 1_001], ["y"])],
        "g",
        [helper.make_tensor_value_info("x" * 1_001, TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
    )
    model = helper.make_model(graph, opset_imports=attacks.OPSETS, ir_version=8)
    with pytest.raises(ModelError) as caught:
        check_structure(model.SerializeToString())
    assert (caught.value.code, len(caught.value.message) < 200) == ("NB652", True)
    model.graph.node[0].input[0] = model.graph.input[0].name = "x" * 1_000
    assert check_structure(model.SerializeToString())


def test_the_census_counts_what_onnx_counts():
    weights = helper.make_tensor("w", TensorProto.FLOAT, [3, 5], np.ones(15, np.float32).tobytes(), raw=True)
    packed = helper.make_tensor("p", TensorProto.INT64, [4], [1, -1, 300, 2**40])
    texts = helper.make_tensor("t", TensorProto.STRING, [2], [b"ab", b"cde"])
    data = attacks.model([attacks.trees()], [weights, packed, texts])
    census = wire.scan(data)
    assert census.nodes == 1
    of_trees = sum(
        len(attribute.ints) + len(attribute.floats) + len(attribute.strings) + bool(attribute.s)
        for attribute in attacks.trees().attribute
    )
    assert census.elements == 15 + 4 + 2 + of_trees
    assert census.string_bytes == 5 + len("BRANCH_LEQLEAFLEAF") + len("NONE")


def test_a_large_model_is_measured_in_little_time_and_memory():
    count = 300_000
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain=attacks.ML,
        nodes_values=[0.5] * count, nodes_nodeids=list(range(count)), nodes_modes=["BRANCH_LEQ"] * count,
    )  # fmt: skip
    data = attacks.model([node])
    tracemalloc.start()
    began = time.process_time()
    assert wire.scan(data).elements == 3 * count
    seconds, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 2.0
    assert peak < 2 * len(data)


def test_the_limits_let_large_ensembles_pass():
    """Five hundred trees of 64 leaves: a twentieth of what is allowed."""
    nodes = 500 * 127
    assert 15 * nodes * 20 < limits.ELEMENTS_MAX * 1.1
    assert nodes * 15 < limits.ELEMENTS_MAX


def test_field_numbers_are_those_of_onnx():
    """The scan names fields by number; should ONNX move one, this fails."""
    fields = {
        "model": (onnx.ModelProto, {"graph": "graph", "training_info": "training", "functions": "function"}),
        "graph": (
            onnx.GraphProto,
            {
                "node": "node", "initializer": "tensor", "sparse_initializer": "sparse", "input": "value",
                "output": "value", "value_info": "value",
            },
        ),
        "node": (onnx.NodeProto, {"attribute": "attribute"}),
        "attribute": (
            onnx.AttributeProto,
            {
                "s": "strings", "t": "tensor", "g": "subgraph", "floats": "fixed32", "ints": "varints",
                "strings": "strings", "tensors": "tensor", "graphs": "subgraph", "tp": "type",
                "type_protos": "type", "sparse_tensor": "sparse", "sparse_tensors": "sparse",
            },
        ),
        "tensor": (
            onnx.TensorProto,
            {
                "dims": "dims", "float_data": "fixed32", "int32_data": "varints", "string_data": "strings",
                "int64_data": "varints", "double_data": "fixed64", "uint64_data": "varints",
                "external_data": "external", "data_location": "location",
            },
        ),
        "sparse": (onnx.SparseTensorProto, {"values": "tensor", "indices": "tensor", "dims": "dims"}),
        "value": (onnx.ValueInfoProto, {"type": "type"}),
        "type": (
            onnx.TypeProto,
            {"sequence_type": "element", "map_type": "entry", "optional_type": "element"},
        ),
        "element": (onnx.TypeProto.Sequence, {"elem_type": "type"}),
        "entry": (onnx.TypeProto.Map, {"value_type": "type"}),
    }  # fmt: skip
    for kind, (message, meanings) in fields.items():
        by_name = message.DESCRIPTOR.fields_by_name
        assert {by_name[name].number: meaning for name, meaning in meanings.items()} == wire._MESSAGES[kind]
