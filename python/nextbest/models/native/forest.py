"""Reads the trees of an ONNX node, of any version, into flat arrays of nodes, as ONNX Runtime reads them."""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.native.call import Call
from nextbest.models.native.refusal import NotLowered

_MODES_OF_V5: Final = ("LEQ", "LT", "GTE", "GT", "EQ", "NEQ", "MEMBER")


@dataclass(eq=False)
class Forest:
    """Nodes of all trees, in the order of the file.

    Attributes:
        modes: How a node compares: LEQ, LT, GTE, GT, EQ, NEQ, MEMBER; or LEAF.
        columns: Which number of the input it compares.
        thresholds: With what, as a float of 32 bits.
        trues: Index of the node where the comparison holds.
        falses: Index of the node where it does not.
        missing_true: Whether NaN makes it hold.
        members: Of a MEMBER, the numbers it compares with.
        roots: Index of the first node of each tree, in the order in which trees are added.
        weights: Of a leaf: target and weight, in order.
    """

    modes: list[str]
    columns: list[int]
    thresholds: NDArray[np.float32]
    trues: list[int]
    falses: list[int]
    missing_true: list[bool]
    roots: list[int]
    weights: dict[int, list[tuple[int, float]]]
    members: dict[int, list[float]] = field(default_factory=dict)


def floats_of(call: Call, name: str) -> NDArray[np.float32] | None:
    """Returns an attribute of floats, which may be a tensor under another name."""
    values = call.attribute(name)
    values = call.attribute(f"{name}_as_tensor") if values is None or not len(values) else values
    if values is None or not len(values):
        return None
    if values.dtype != np.float32:
        raise NotLowered("its trees compute in doubles")
    floats: NDArray[np.float32] = values
    return floats


def read_forest(call: Call, prefix: str) -> Forest:
    """Reads TreeEnsembleClassifier (`prefix` is "class") or TreeEnsembleRegressor ("target")."""
    trees, ids = call.attribute("nodes_treeids").tolist(), call.attribute("nodes_nodeids").tolist()
    places = {key: place for place, key in enumerate(zip(trees, ids, strict=True))}
    if len(places) != len(ids):
        raise NotLowered("two nodes of a tree have the same number")
    modes = [mode.removeprefix("BRANCH_") for mode in call.attribute("nodes_modes")]
    thresholds = floats_of(call, "nodes_values")
    if thresholds is None or not set(modes) <= {*_MODES_OF_V5[:6], "LEAF"}:
        raise NotLowered("its trees have nodes of an unknown kind")
    children = {
        side: [
            -1 if mode == "LEAF" else places[tree, child]
            for mode, tree, child in zip(modes, trees, call.attribute(name).tolist(), strict=True)
        ]
        for side, name in ((True, "nodes_truenodeids"), (False, "nodes_falsenodeids"))
    }
    roots = [place for place, tree in enumerate(trees) if not place or trees[place - 1] != tree]
    if len(roots) != len(set(trees)):
        raise NotLowered("the nodes of a tree are not adjacent")
    columns = call.attribute("nodes_featureids").tolist()
    missing = _missing(call, len(ids))
    weights = _weights(call, prefix, places)
    return Forest(modes, columns, thresholds, children[True], children[False], missing, roots, weights)


def _missing(call: Call, count: int) -> list[bool]:
    flags = call.attribute("nodes_missing_value_tracks_true")
    flags = [] if flags is None else flags.tolist()
    if len(flags) not in (0, count):
        raise NotLowered("its trees do not say of each node where missing values go")
    return [flag == 1 for flag in flags] or [False] * count


def _weights(
    call: Call, prefix: str, places: dict[tuple[int, int], int]
) -> dict[int, list[tuple[int, float]]]:
    found: dict[int, list[tuple[int, float]]] = {}
    values = floats_of(call, f"{prefix}_weights")
    if values is None:
        raise NotLowered("its trees have no weights")
    for tree, node, target, weight in zip(
        call.attribute(f"{prefix}_treeids").tolist(),
        call.attribute(f"{prefix}_nodeids").tolist(),
        call.attribute(f"{prefix}_ids").tolist(),
        values.tolist(),
        strict=True,
    ):
        found.setdefault(places[tree, node], []).append((target, weight))
    return found


def read_new_forest(call: Call) -> Forest:
    """Reads the attributes of TreeEnsemble, whose leaves are numbered apart: they follow the nodes here."""
    splits, leaf_weights = call.attribute("nodes_splits"), call.attribute("leaf_weights")
    if splits.dtype != np.float32 or leaf_weights.dtype != np.float32:
        raise NotLowered("its trees compute in doubles")
    count, leaves = len(splits), len(leaf_weights)
    modes = [_MODES_OF_V5[mode] for mode in call.attribute("nodes_modes").tolist()]
    sides = {}
    for side in ("true", "false"):
        ids, are_leaves = call.attribute(f"nodes_{side}nodeids"), call.attribute(f"nodes_{side}leafs")
        if (ids < 0).any() or (ids >= np.where(are_leaves, leaves, count)).any():
            raise NotLowered("a node of its trees leads nowhere")
        sides[side] = (ids + np.where(are_leaves, count, 0)).tolist()
    roots = call.attribute("tree_roots").tolist()
    for place, root in enumerate(roots):
        if sides["true"][root] == sides["false"][root]:
            # A tree that is a single leaf. ONNX Runtime takes the leaf with the number of the root.
            if sides["true"][root] != count + root:
                raise NotLowered("a tree of it is a single leaf under another number")
            roots[place] = count + root
    return Forest(
        modes + ["LEAF"] * leaves,
        call.attribute("nodes_featureids").tolist() + [0] * leaves,
        np.concatenate([splits, np.zeros(leaves, dtype=np.float32)]),
        sides["true"] + [-1] * leaves,
        sides["false"] + [-1] * leaves,
        _missing(call, count) + [False] * leaves,
        roots,
        {
            count + place: [(target, weight)]
            for place, (target, weight) in enumerate(
                zip(call.attribute("leaf_targetids").tolist(), leaf_weights.tolist(), strict=True)
            )
        },
        _members(call, modes),
    )


def _members(call: Call, modes: list[str]) -> dict[int, list[float]]:
    """Sets are stored one after the other, each ended by NaN; the last NaN may be missing."""
    values = call.attribute("membership_values")
    sets: list[list[float]] = [[]]
    for value in [] if values is None else values.tolist():
        if math.isnan(value):
            sets.append([])
        else:
            sets[-1].append(value)
    nodes = [place for place, mode in enumerate(modes) if mode == "MEMBER"]
    found = dict(zip(nodes, sets, strict=False))
    if len(found) != len(nodes) or not all(found.values()):
        raise NotLowered("a node of its trees tests for membership of nothing")
    return found
