"""The attributes of a tree ensemble -> trees whose every index is known to be good.

Kernels follow the indices of a file without checks, so each is checked here: children exist, every node is
reached from the root of its tree and no node from itself, features and targets are in range, and no number
makes every sum overflow. An infinite threshold is kept: "is it missing?" is exported as a comparison with
infinity.
"""

from dataclasses import dataclass
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from nextbest.models.ensemble import Leaves, Nodes, read_ensemble
from nextbest.models.levels import Levels, join_chains
from nextbest.models.limits import (
    NODES_PER_TREE_MAX,
    OUTPUTS_MAX,
    TREE_DEPTH_MAX,
    TREE_WRITTEN_DEPTH_MAX,
    TREES_MAX,
)
from nextbest.models.refusal import TOO_LARGE, TREES, ModelError

Indices = NDArray[np.int64]
Numbers = NDArray[np.float64]

# Nodes that hand their columns on as they are, so that a feature of the trees is a column of the input.
_PASSING: Final = frozenset({"Identity", "Cast"})
# Nodes that keep the number of columns.
_KEEPING: Final = _PASSING | {"Scaler", "Imputer", "Normalizer", "Binarizer"}


@dataclass(frozen=True, slots=True)
class Ensemble:
    """A tree ensemble that has been checked.

    Attributes:
        name: Of its node in the graph; its operator where it has none.
        input: The graph's input whose columns its features are; empty if other nodes are in between.
        node_counts: Of each tree, leaves included; a set of categories is one node.
        depths: Of each tree: the most comparisons on a way to a leaf, a set of categories being one.
        path_lengths: Of each tree: comparisons on the way, when each branch is as likely as the other.
        features: Of each comparison.
        thresholds: Of each comparison, in the same order.
    """

    name: str
    input: str
    node_counts: Indices
    depths: Indices
    path_lengths: Numbers
    features: Indices
    thresholds: Numbers


def check_trees(model: Any) -> list[Ensemble]:
    """Checks every tree ensemble of a graph.

    Args:
        model: An `onnx.ModelProto`, measured by `wire.scan` before it was parsed.

    Raises:
        ModelError: A tree is damaged (NB657), or there are more or larger ones than allowed (NB652).
    """
    made = {name: node for node in model.graph.node for name in node.output if name}
    widths = {value.name: _width(value) for value in model.graph.input}
    found = []
    for node in model.graph.node:
        if node.op_type.startswith("TreeEnsemble") and node.domain == "ai.onnx.ml":
            source, width, is_plain = _source(node, made, widths)
            found.append(_check(node, source if is_plain else "", width))
    return found


def _width(value: Any) -> int | None:
    dimensions = value.type.tensor_type.shape.dim
    return int(dimensions[1].dim_value) or None if len(dimensions) == 2 else None


def _source(node: Any, made: Any, widths: Any) -> tuple[str, int | None, bool]:
    """Follows the input of a node to the graph's: its name, its columns, and whether they come unchanged."""
    name, is_plain = node.input[0] if node.input else "", True
    for _ in range(len(made) + 1):
        before = made.get(name)
        if before is None or before.op_type not in _KEEPING or not before.input:
            break
        is_plain &= before.op_type in _PASSING
        name = before.input[0]
    return (name, widths[name], is_plain) if name in widths else ("", None, False)


def _check(node: Any, source: str, width: int | None) -> Ensemble:
    nodes, leaves = read_ensemble(node)
    name = str(node.name or node.op_type)
    branches = nodes.left >= 0
    if len(nodes.roots) > TREES_MAX:
        _too_large(name, f"{len(nodes.roots):,} trees", TREES_MAX)
    _check_features(name, nodes.features[branches], width)
    if np.isnan(nodes.thresholds[branches]).any():
        _damaged(name, "a threshold is not a number")
    _check_leaves(name, leaves)
    walk = _walk(name, nodes)
    if (walk.node_counts > NODES_PER_TREE_MAX).any():
        _too_large(name, f"a tree of {walk.node_counts.max():,} nodes", NODES_PER_TREE_MAX)
    return Ensemble(
        name,
        source,
        walk.node_counts,
        walk.depths,
        walk.path_lengths,
        nodes.features[branches],
        nodes.thresholds[branches],
    )


def _check_features(name: str, features: Indices, width: int | None) -> None:
    if len(features) and features.min() < 0:
        _damaged(name, f"it compares feature {features.min()}: features count from 0")
    if width is not None and len(features) and features.max() >= width:
        _damaged(name, f"it compares feature {features.max()}, its input has {width} columns")


def _check_leaves(name: str, leaves: Leaves) -> None:
    if not 0 < leaves.target_count <= OUTPUTS_MAX:
        _damaged(name, f"it has {leaves.target_count:,} outputs, 1 to {OUTPUTS_MAX:,} are allowed")
    if len(leaves.targets) and (leaves.targets.min() < 0 or leaves.targets.max() >= leaves.target_count):
        wrong = leaves.targets.min() if leaves.targets.min() < 0 else leaves.targets.max()
        _damaged(name, f"a leaf adds to output {wrong}, there are {leaves.target_count}")
    if not np.isfinite(leaves.weights).all():
        _damaged(name, "the weight of a leaf is not a finite number")
    if not np.isfinite(leaves.base_values).all():
        _damaged(name, "a base value is not a finite number")


@dataclass(frozen=True, slots=True)
class _Walk:
    node_counts: Indices
    depths: Indices
    path_lengths: Numbers


def _walk(name: str, nodes: Nodes) -> _Walk:
    """Walks all trees at once, a level at a time, each node after all that lead to it.

    A node may be reached in several ways. It must not be reached from itself, two trees, or nowhere.
    """
    trees = np.arange(len(nodes.roots))
    levels = join_chains(nodes)
    left, right = levels.left, levels.right
    is_branch = (left >= 0) & levels.is_node
    waiting = np.bincount(np.concatenate([left[is_branch], right[is_branch]]), minlength=len(left))
    owners = np.full(len(left), -1)
    owners[nodes.roots] = trees
    shares = np.zeros(len(left))
    shares[nodes.roots] = 1.0
    depths, written = np.zeros_like(trees), np.zeros(len(left), dtype=np.int64)
    links = np.bincount(levels.heads, minlength=len(left))
    if len(np.unique(nodes.roots)) != len(trees) or waiting[nodes.roots].any():
        _damaged(name, "a tree is part of another, or runs in a circle")
    front, reached = nodes.roots, 0
    for depth in range(TREE_DEPTH_MAX + 1):
        reached += len(front)
        depths[owners[front]] = depth
        parents = front[is_branch[front]]
        if not len(parents):
            break
        following = np.concatenate([left[parents], right[parents]])
        np.maximum.at(written, following, np.tile(written[parents] + links[parents], 2))
        owners[following] = np.tile(owners[parents], 2)
        np.add.at(shares, following, np.tile(shares[parents] / 2, 2))
        np.subtract.at(waiting, following, 1)
        following = np.unique(following)
        front = following[waiting[following] == 0]
    else:
        _too_large(name, f"a tree deeper than {TREE_DEPTH_MAX:,}", TREE_DEPTH_MAX)
    _check_owners(name, levels, owners, reached)
    if written.max() > TREE_WRITTEN_DEPTH_MAX:
        what = f"a path of {written.max():,} nodes, tests for one category each,"
        _too_large(name, what, TREE_WRITTEN_DEPTH_MAX, "train it with fewer categories, or fewer in a split")
    counts = np.bincount(owners[levels.is_node], minlength=len(trees))
    lengths = np.zeros(len(trees))
    np.add.at(lengths, owners[is_branch], shares[is_branch])
    return _Walk(counts, depths, lengths)


def _check_owners(name: str, levels: Levels, owners: Indices, reached: int) -> None:
    missed = np.count_nonzero(levels.is_node) - reached + levels.circling
    if missed:
        _damaged(name, f"{missed:,} nodes are reached from no root, or run in a circle")
    parents = np.flatnonzero((levels.left >= 0) & levels.is_node)
    children = np.concatenate([levels.left[parents], levels.right[parents]])
    if (owners[children] != np.tile(owners[parents], 2)).any():
        _damaged(name, "two trees share a node")


def _damaged(name: str, reason: str) -> NoReturn:
    remedy = "export it again; what an exporter writes is never so"
    raise ModelError(f"the trees of `{name}` are damaged: {reason}", remedy, TREES)


def _too_large(name: str, what: str, limit: int, remedy: str = "train fewer or shallower trees") -> NoReturn:
    raise ModelError(f"`{name}` has {what}, at most {limit:,} are allowed", remedy, TOO_LARGE)
