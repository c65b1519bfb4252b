"""Files that an attacker could push, by name, with the code that refuses each."""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from onnx import AttributeProto, ModelProto, SparseTensorProto, TensorProto, helper

ML = "ai.onnx.ml"
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 3)]


def model(nodes, initializers=(), width=2, opsets=OPSETS, **more) -> bytes:
    """A graph from `x`, [rows, width], to `y`, [rows, 1]."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        list(initializers),
        **more,
    )
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def outside(name: str, location: str) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


def external_initializer(location: str) -> bytes:
    return model([helper.make_node("Add", ["x", "w"], ["y"])], [outside("w", location)])


def external_constant(location: str) -> bytes:
    constant = helper.make_node("Constant", [], ["w"])
    constant.attribute.append(
        AttributeProto(name="value", type=AttributeProto.TENSOR, t=outside("w", location))
    )
    return model([constant, helper.make_node("Add", ["x", "w"], ["y"])])


def sparse(location: str, *, indices: bool = False) -> SparseTensorProto:
    here = helper.make_tensor("w", TensorProto.FLOAT, [4], [1.0, 2.0, 3.0, 4.0])
    places = helper.make_tensor("i", TensorProto.INT64, [4], [0, 1, 2, 3])
    if indices:
        places = outside("i", location)
    else:
        here = outside("w", location)
    return SparseTensorProto(values=here, indices=places, dims=[4])


def external_sparse_initializer(location: str) -> bytes:
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    return model(nodes, sparse_initializer=[sparse(location)])


def external_sparse_indices(location: str) -> bytes:
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    return model(nodes, sparse_initializer=[sparse(location, indices=True)])


def external_sparse_attribute(location: str) -> bytes:
    constant = helper.make_node("Constant", [], ["w"])
    attribute = AttributeProto(name="sparse_value", type=AttributeProto.SPARSE_TENSOR)
    attribute.sparse_tensor.CopyFrom(sparse(location))
    constant.attribute.append(attribute)
    return model([constant, helper.make_node("Add", ["x", "w"], ["y"])])


def external_attribute_of_trees(location: str) -> bytes:
    node = trees()
    attribute = AttributeProto(name="nodes_values_as_tensor", type=AttributeProto.TENSOR)
    attribute.t.CopyFrom(outside("v", location))
    node.attribute.append(attribute)
    return model([node])


def external_without_saying_so(location: str) -> bytes:
    tensor = outside("w", location)
    tensor.data_location = TensorProto.DEFAULT
    return model([helper.make_node("Add", ["x", "w"], ["y"])], [tensor])


def external_hidden_by_a_later_field(location: str) -> bytes:
    """Protobuf lets the last of two values win; a checker may have read the first."""
    made = ModelProto.FromString(external_initializer(location))
    tensor = made.graph.initializer[0].SerializeToString() + b"\x70\x00"
    graph = made.graph
    del graph.initializer[:]
    rest = graph.SerializeToString() + b"\x2a" + bytes([len(tensor)]) + tensor
    made.ClearField("graph")
    return made.SerializeToString() + b"\x3a" + _varint(len(rest)) + rest


EXTERNAL: dict[str, Callable[[str], bytes]] = {
    "initializer": external_initializer,
    "constant": external_constant,
    "sparse initializer": external_sparse_initializer,
    "sparse indices": external_sparse_indices,
    "sparse attribute": external_sparse_attribute,
    "attribute of trees": external_attribute_of_trees,
    "without data_location": external_without_saying_so,
    "hidden by a later field": external_hidden_by_a_later_field,
}


def trees(**changes):
    """One tree: x0 <= 0.5 ? 0.1 : 0.9."""
    attributes = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_values": [0.5, 0.0, 0.0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights": [0.1, 0.9],
        "n_targets": 1,
        "post_transform": "NONE",
        **changes,
    }
    # A list without entries has no type that it could be written with.
    attributes = {name: value for name, value in attributes.items() if value != []}
    return helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], name="trees", domain=ML, **attributes)


def trees_5(**changes):
    """The same in the operator of version 5."""
    attributes = {
        "nodes_featureids": [0],
        "nodes_splits": helper.make_tensor("s", TensorProto.FLOAT, [1], [0.5]),
        "nodes_modes": helper.make_tensor("m", TensorProto.UINT8, [1], [0]),
        "nodes_truenodeids": [0],
        "nodes_falsenodeids": [1],
        "nodes_trueleafs": [1],
        "nodes_falseleafs": [1],
        "leaf_targetids": [0, 0],
        "leaf_weights": helper.make_tensor("w", TensorProto.FLOAT, [2], [0.1, 0.9]),
        "tree_roots": [0],
        "n_targets": 1,
        **changes,
    }
    return helper.make_node("TreeEnsemble", ["x"], ["y"], name="trees", domain=ML, **attributes)


def in_version_5(**changes) -> bytes:
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(ML, 5)]
    return model([trees_5(**changes)], opsets=opsets)


def chain(depth: int) -> bytes:
    """A tree that is one long branch."""
    count = 2 * depth + 1
    inner = range(depth)
    return model(
        [
            trees(
                nodes_treeids=[0] * count,
                nodes_nodeids=list(range(count)),
                nodes_featureids=[0] * count,
                nodes_values=[float(node) for node in range(count)],
                nodes_modes=["BRANCH_LEQ"] * depth + ["LEAF"] * (depth + 1),
                nodes_truenodeids=[depth + node for node in inner] + [0] * (depth + 1),
                nodes_falsenodeids=[*range(1, depth), 2 * depth] + [0] * (depth + 1),
                target_treeids=[0] * (depth + 1),
                target_nodeids=list(range(depth, count)),
                target_ids=[0] * (depth + 1),
                target_weights=[0.1] * (depth + 1),
            )
        ]
    )


def many_trees(count: int) -> bytes:
    """Trees of one leaf."""
    each = list(range(count))
    return model(
        [
            trees(
                nodes_treeids=each,
                nodes_nodeids=[0] * count,
                nodes_featureids=[0] * count,
                nodes_values=[0.0] * count,
                nodes_modes=["LEAF"] * count,
                nodes_truenodeids=[0] * count,
                nodes_falsenodeids=[0] * count,
                target_treeids=each,
                target_nodeids=[0] * count,
                target_ids=[0] * count,
                target_weights=[0.0] * count,
            )
        ]
    )


def sized(operator: str, inputs: list[str], **numbers: list[int]) -> bytes:
    """An operator whose result has the size that a number in the file gives."""
    stored = [helper.make_tensor(name, TensorProto.INT64, [len(v)], v) for name, v in numbers.items()]
    return model([helper.make_node(operator, inputs, ["y"])], stored)


def bomb() -> bytes:
    """204 bytes that took 4.9 GB and 20 s in ONNX Runtime 1.31.1."""
    size = helper.make_tensor("n", TensorProto.INT64, [1], [1_200_000_000])
    nodes = [
        helper.make_node("ConstantOfShape", ["n"], ["z"]),
        helper.make_node("ReduceSum", ["z"], ["s"], keepdims=1),
        helper.make_node("Add", ["x", "s"], ["y"]),
    ]
    return model(nodes, [size])


def body(name: str, inner=None):
    """A graph for inside a node."""
    ins = [
        helper.make_tensor_value_info("i", TensorProto.INT64, []),
        helper.make_tensor_value_info("c", TensorProto.BOOL, []),
        helper.make_tensor_value_info("v", TensorProto.FLOAT, None),
    ]
    outs = [
        helper.make_tensor_value_info("d", TensorProto.BOOL, []),
        helper.make_tensor_value_info("w", TensorProto.FLOAT, None),
    ]
    last = inner or helper.make_node("Identity", ["v"], ["w"])
    return helper.make_graph([helper.make_node("Identity", ["c"], ["d"]), last], name, ins, outs)


def loop() -> bytes:
    trips = helper.make_tensor("n", TensorProto.INT64, [], [2**62])
    go_on = helper.make_tensor("t", TensorProto.BOOL, [], [True])
    return model([helper.make_node("Loop", ["n", "t", "x"], ["y"], body=body("b"))], [trips, go_on])


def graphs_inside_graphs(depth: int) -> bytes:
    """Made of bytes: a writer of protobuf would not nest as deep."""
    graph = b""
    for _ in range(depth):
        attribute = b"\x32" + _varint(len(graph)) + graph
        node = b"\x2a" + _varint(len(attribute)) + attribute
        graph = b"\x0a" + _varint(len(node)) + node
    return b"\x08\x08\x3a" + _varint(len(graph)) + graph


def types_inside_types(depth: int) -> bytes:
    kind = b""
    for _ in range(depth):
        element = b"\x0a" + _varint(len(kind)) + kind
        kind = b"\x22" + _varint(len(element)) + element
    value = b"\x12" + _varint(len(kind)) + kind
    graph = b"\x5a" + _varint(len(value)) + value
    return b"\x08\x08\x3a" + _varint(len(graph)) + graph


def functions() -> bytes:
    made = ModelProto.FromString(model([helper.make_node("F", ["x"], ["y"], domain="mine")]))
    double = helper.make_node("Add", ["a", "a"], ["b"])
    made.functions.append(helper.make_function("mine", "F", ["a"], ["b"], [double], OPSETS))
    return made.SerializeToString()


def a_million_nodes() -> bytes:
    node = helper.make_node("Identity", ["x"], ["x"]).SerializeToString()
    graph = (b"\x0a" + bytes([len(node)]) + node) * 1_000_000
    return b"\x08\x08\x3a" + _varint(len(graph)) + graph


def millions_of_unknown_fields() -> bytes:
    return b"\x08\x08\x3a\x00" + b"\xf8\x07\x00" * 5_000_000


def promises(dims: list[int]) -> bytes:
    """A tensor with a large shape and no data."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims)
    return model([helper.make_node("Add", ["x", "w"], ["y"])], [tensor])


def texts_without_end() -> bytes:
    keys = ["k" * 17_000_000]
    return model([helper.make_node("LabelEncoder", ["x"], ["y"], domain=ML, keys_strings=keys)])


def sparse_promise() -> bytes:
    tensor = sparse("")
    tensor.values.CopyFrom(helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0]))
    tensor.indices.CopyFrom(helper.make_tensor("i", TensorProto.INT64, [1], [0]))
    del tensor.dims[:]
    tensor.dims.extend([1_000_000, 1_000_000])
    return model([helper.make_node("Add", ["x", "w"], ["y"])], sparse_initializer=[tensor])


def tensor_in_two_halves() -> bytes:
    """A parser joins the two, and their harmless shapes: 10^6 by 10^6."""
    half = TensorProto(dims=[1_000_000]).SerializeToString()
    attribute = b"\x0a\x05value\xa0\x01\x04" + (b"\x2a" + bytes([len(half)]) + half) * 2
    node = b"\x12\x01w\x22\x08Constant\x2a" + _varint(len(attribute)) + attribute
    graph = b"\x0a" + _varint(len(node)) + node
    return b"\x08\x08\x3a" + _varint(len(graph)) + graph


def doubling(times: int) -> bytes:
    """Allowed operators, and twice the memory with each: joined with itself `times` times."""
    nodes = []
    for step in range(times):
        source = "x" if step == 0 else f"t{step}"
        nodes.append(helper.make_node("Concat", [source, source], [f"t{step + 1}"], axis=1))
    nodes.append(helper.make_node("ReduceMean", [f"t{times}"], ["y"], axes=[1], keepdims=1))
    return model(nodes)


def products() -> bytes:
    """A table of 3,600 by 3,600, multiplied with itself again and again: 93 billion operations each."""
    size = helper.make_tensor("n", TensorProto.INT64, [2], [900, 900])
    wide = helper.make_tensor("three", TensorProto.INT64, [2], [4, 4])
    nodes = [
        helper.make_node("ConstantOfShape", ["n"], ["p0"]),
        helper.make_node("Tile", ["p0", "three"], ["p1"]),
    ]
    nodes += [helper.make_node("MatMul", [f"p{i}", f"p{i}"], [f"p{i + 1}"]) for i in range(1, 200)]
    nodes += [
        helper.make_node("ReduceMean", ["p200"], ["m"], axes=[0, 1], keepdims=1),
        helper.make_node("Add", ["x", "m"], ["y"]),
    ]
    return model(nodes, [size, wide])


def _varint(value: int) -> bytes:
    encoded = b""
    while value > 0x7F:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def random_bytes(seed: int) -> bytes:
    return random.Random(seed).randbytes(2_000)


def mutated(data: bytes, seed: int) -> bytes:
    """Bytes with a few of them changed, left out, made up or repeated elsewhere."""
    source = random.Random(seed)
    changed = bytearray(data)
    for _ in range(source.randint(1, 4)):
        at, length = source.randrange(len(changed)), source.randint(1, 8)
        match source.randrange(4):
            case 0:
                changed[at] = source.randrange(256)
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = source.randbytes(length)
            case _:
                other = source.randrange(len(changed))
                changed[at:at] = changed[other : other + 5 * length]
    return bytes(changed)


@dataclass(frozen=True)
class Attack:
    """A file, built when it is wanted, and the code that refuses it."""

    build: Callable[[], bytes]
    code: str


def _trees(**changes) -> Attack:
    return Attack(lambda: model([trees(**changes)]), "NB657")


def _trees_5(**changes) -> Attack:
    if isinstance(changes.get("nodes_modes"), int):
        changes["nodes_modes"] = helper.make_tensor("m", TensorProto.UINT8, [1], [changes["nodes_modes"]])
    return Attack(lambda: in_version_5(**changes), "NB657")


def _sized(operator: str, inputs: list[str], **numbers: list[int]) -> Attack:
    return Attack(lambda: sized(operator, inputs, **numbers), "NB656")


def _node(operator: str, domain: str = "", **attributes) -> Attack:
    return Attack(
        lambda: model([helper.make_node(operator, ["x"], ["y"], domain=domain, **attributes)]), "NB655"
    )


STRUCTURE: dict[str, Attack] = {
    "negative feature id": _trees(nodes_featureids=[-1, 0, 0]),
    "very negative feature id": _trees(nodes_featureids=[-(2**62), 0, 0]),
    "feature id beyond the input": _trees(nodes_featureids=[2, 0, 0]),
    "huge feature id": _trees(nodes_featureids=[2**40, 0, 0]),
    "target id out of range": _trees(target_ids=[5, 0]),
    "negative target id": _trees(target_ids=[-1, 0]),
    "no targets": _trees(n_targets=0),
    "a billion targets": _trees(n_targets=10**9),
    "cycle": _trees(nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"], nodes_falsenodeids=[2, 2, 0]),
    "child that is its parent": _trees(nodes_truenodeids=[0, 0, 0]),
    "both children the same": _trees(nodes_falsenodeids=[1, 0, 0]),
    "dangling child": _trees(nodes_falsenodeids=[7, 0, 0]),
    "negative child": _trees(nodes_falsenodeids=[-1, 0, 0]),
    "child of another tree": _trees(nodes_treeids=[0, 0, 1]),
    "node id twice": _trees(nodes_nodeids=[0, 1, 1]),
    "node id beyond 32 bits": _trees(nodes_nodeids=[0, 1, 2**32 + 1]),
    "root that is not first": _trees(
        nodes_modes=["LEAF", "BRANCH_LEQ", "LEAF"], nodes_nodeids=[1, 0, 2],
        nodes_truenodeids=[0, 1, 0], nodes_falsenodeids=[0, 2, 0],
    ),
    "trees that are mixed up": _trees(nodes_treeids=[0, 1, 0], nodes_modes=["LEAF"] * 3),
    "length mismatch": _trees(nodes_values=[0.5]),
    "weights of other length": _trees(target_weights=[0.1]),
    "weight on a branch": _trees(target_nodeids=[0, 2]),
    "weight on a missing node": _trees(target_nodeids=[1, 9]),
    "weight that is not a number": _trees(target_weights=[float("nan"), 0.0]),
    "infinite weight": _trees(target_weights=[float("inf"), 0.0]),
    "threshold that is not a number": _trees(nodes_values=[float("nan"), 0.0, 0.0]),
    "infinite base value": _trees(base_values=[float("inf")]),
    "base values of other length": _trees(base_values=[0.1, 0.2, 0.3]),
    "long circle": _trees(
        nodes_treeids=[0] * 5, nodes_nodeids=[0, 1, 2, 3, 4], nodes_featureids=[0] * 5,
        nodes_values=[0.5] * 5, nodes_modes=["BRANCH_LEQ"] * 3 + ["LEAF"] * 2,
        nodes_truenodeids=[1, 2, 1, 0, 0], nodes_falsenodeids=[3, 4, 4, 0, 0],
        target_nodeids=[3, 4],
    ),
    "circle beside the tree": _trees(
        nodes_treeids=[0] * 5, nodes_nodeids=[0, 1, 2, 3, 4], nodes_featureids=[0] * 5,
        nodes_values=[0.5] * 5, nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LEQ", "BRANCH_LEQ"],
        nodes_truenodeids=[1, 0, 0, 4, 3], nodes_falsenodeids=[2, 0, 0, 4, 3],
    ),
    "unknown mode": _trees(nodes_modes=["BRANCH_WHATEVER", "LEAF", "LEAF"]),
    "unknown transform": _trees(post_transform="MAGIC"),
    "unknown aggregate": _trees(aggregate_function="MAGIC"),
    "no nodes": Attack(lambda: many_trees(0), "NB657"),
    "too deep": Attack(lambda: chain(600), "NB652"),
    "too many trees": Attack(lambda: many_trees(5_001), "NB652"),
    "version 5: leaf out of range": _trees_5(nodes_falsenodeids=[2]),
    "version 5: negative leaf": _trees_5(nodes_truenodeids=[-1]),
    "version 5: cycle": _trees_5(nodes_trueleafs=[0]),
    "version 5: root out of range": _trees_5(tree_roots=[1]),
    "version 5: two trees share a root": _trees_5(tree_roots=[0, 0]),
    "version 5: negative feature id": _trees_5(nodes_featureids=[-3]),
    "version 5: unknown mode": _trees_5(nodes_modes=9),
    "version 5: member of nothing": _trees_5(nodes_modes=6),
    "version 5: target out of range": _trees_5(leaf_targetids=[0, 1]),
    "custom operator": _node("Steal", "evil.ops"),
    "operator of ONNX Runtime's own": _node("Gelu", "com.microsoft"),
    "operator that is not listed": _node("MaxPool", kernel_shape=[1]),
    "operator that draws lots": _node("RandomNormalLike"),
    "training": _node("BatchNormalization", training_mode=1),
    "loop without end": Attack(loop, "NB654"),
    "graphs inside graphs": Attack(lambda: graphs_inside_graphs(500), "NB654"),
    "types inside types": Attack(lambda: types_inside_types(500), "NB654"),
    "functions": Attack(functions, "NB654"),
    "ConstantOfShape bomb": Attack(bomb, "NB656"),
    "Expand bomb": _sized("Expand", ["x", "n"], n=[1_000_000, 1_000, 2]),
    "Tile bomb": _sized("Tile", ["x", "n"], n=[100_000, 100_000]),
    "Range bomb": _sized("Range", ["a", "b", "c"], a=[0], b=[2**40], c=[1]),
    "Range that never ends": _sized("Range", ["a", "b", "c"], a=[0], b=[1], c=[0]),
    "size from the input": _sized("ConstantOfShape", ["x"]),
    "a million nodes": Attack(a_million_nodes, "NB652"),
    "millions of unknown fields": Attack(millions_of_unknown_fields, "NB652"),
    "tensor that promises too much": Attack(lambda: promises([2**40]), "NB652"),
    "product of sizes that overflows": Attack(lambda: promises([2**32, 2**32, 2**32]), "NB652"),
    "negative size": Attack(lambda: promises([-1]), "NB651"),
    "sparse tensor that promises too much": Attack(sparse_promise, "NB652"),
    "tensor in two halves": Attack(tensor_in_two_halves, "NB651"),
    "too large a file": Attack(lambda: bytes(64 * 1024 * 1024 + 1), "NB652"),
    "texts without end": Attack(texts_without_end, "NB652"),
    "nothing": Attack(lambda: b"", "NB651"),
    "random bytes": Attack(lambda: random_bytes(1), "NB651"),
    "a graph that breaks off": Attack(lambda: model([trees()])[:-40], "NB651"),
    "a length beyond the end": Attack(lambda: b"\x3a\xff\xff\xff\x7f" + struct.pack("<q", 0), "NB651"),
    "a number without end": Attack(lambda: b"\x08" + b"\xff" * 100, "NB651"),
    "a group": Attack(lambda: b"\x0b\x0c", "NB651"),
}  # fmt: skip
"""Refused by what they are made of, before anything runs them."""

HUNGRY: dict[str, Attack] = {
    "memory by allowed operators": Attack(lambda: doubling(30), "NB660"),
    "time by allowed operators": Attack(products, "NB661"),
}
"""Nothing is wrong with them but what they cost."""
