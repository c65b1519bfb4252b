"""A node of ONNX's three operators for tree ensembles -> arrays of nodes and leaves, in one form for all.

The classifier and the regressor of `ai.onnx.ml` identify nodes by tree and id; `TreeEnsemble`, of its version
5, by position, with leaves in a separate list. Here lengths agree and names have become positions; whether
the positions make trees is checked by `trees`.
"""

from dataclasses import dataclass
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from nextbest.models.refusal import TREES, ModelError

Indices = NDArray[np.int64]
Numbers = NDArray[np.float64]

_LEAF: Final = -1
_MODES: Final = frozenset(
    {b"BRANCH_LEQ", b"BRANCH_LT", b"BRANCH_GTE", b"BRANCH_GT", b"BRANCH_EQ", b"BRANCH_NEQ", b"LEAF"}
)
_EQUAL: Final = 4
_MODE_MAX: Final = 6
_MEMBER: Final = 6
_TRANSFORMS: Final = frozenset({b"NONE", b"SOFTMAX", b"LOGISTIC", b"SOFTMAX_ZERO", b"PROBIT"})
_AGGREGATES: Final = frozenset({b"SUM", b"AVERAGE", b"MIN", b"MAX"})
_ID_MAX: Final = 2**31 - 1
_NUMBERS: Final = {1: ("float_data", "<f4"), 11: ("double_data", "<f8")}
_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of all trees.

    Attributes:
        roots: Position of each tree's root.
        left: Position of the child where the comparison holds; negative of a leaf.
        right: Position of the other child.
        features: Column that is compared; of a leaf without meaning.
        thresholds: What it is compared with.
        are_equalities: Whether the comparison is for equality.
        targets: The left child as the file names it: a leaf that two nodes of version 5 name has two
            positions and one name.
    """

    roots: Indices
    left: Indices
    right: Indices
    features: Indices
    thresholds: Numbers
    are_equalities: NDArray[np.bool_]
    targets: Indices


@dataclass(frozen=True, slots=True)
class Leaves:
    """What leaves add: to which target, and how much."""

    targets: Indices
    weights: Numbers
    target_count: int
    base_values: Numbers


def read_ensemble(node: Any) -> tuple[Nodes, Leaves]:
    """Reads a `TreeEnsembleClassifier`, `TreeEnsembleRegressor` or `TreeEnsemble`.

    Raises:
        ModelError: NB657: lengths do not agree, a node is named twice or not at all.
    """
    reader = _Reader(node)
    return _by_position(reader) if node.op_type == "TreeEnsemble" else _by_name(reader)


class _Reader:
    """The attributes of a node by name, as arrays."""

    def __init__(self, node: Any) -> None:
        self.name = str(node.name or node.op_type)
        self.operator = str(node.op_type)
        self._attributes = {attribute.name: attribute for attribute in node.attribute}
        if len(self._attributes) != len(node.attribute):
            self.refuse("an attribute is given twice")

    def refuse(self, reason: str) -> NoReturn:
        remedy = "export it again; what an exporter writes is never so"
        raise ModelError(f"the trees of `{self.name}` are damaged: {reason}", remedy, TREES)

    def integers(self, name: str) -> Indices:
        attribute = self._attributes.get(name)
        return np.array(attribute.ints if attribute is not None else (), dtype=np.int64)

    def numbers(self, name: str) -> Numbers:
        """Floats, or the equivalent tensor of doubles."""
        attribute = self._attributes.get(f"{name}_as_tensor")
        if attribute is not None:
            return self.tensor(attribute)
        attribute = self._attributes.get(name)
        if attribute is None:
            return np.zeros(0)
        return (
            self.tensor(attribute)
            if attribute.HasField("t")
            else np.array(attribute.floats, dtype=np.float64)
        )

    def strings(self, name: str) -> list[bytes]:
        attribute = self._attributes.get(name)
        return list(attribute.strings) if attribute is not None else []

    def choice(self, name: str, default: bytes, choices: frozenset[bytes]) -> None:
        attribute = self._attributes.get(name)
        value = attribute.s if attribute is not None else default
        if value not in choices:
            self.refuse(f"`{name}` is `{value.decode(errors='replace')[:40]}`, which is unknown")

    def integer(self, name: str, default: int) -> int:
        attribute = self._attributes.get(name)
        return int(attribute.i) if attribute is not None else default

    def modes(self) -> Indices:
        """The modes of version 5: bytes in a tensor."""
        attribute = self._attributes.get("nodes_modes")
        if attribute is None or attribute.t.data_type != _BYTES:
            self.refuse("`nodes_modes` is not a tensor of bytes")
        raw = attribute.t.raw_data
        return np.array(list(raw) if raw else attribute.t.int32_data, dtype=np.int64)

    def tensor(self, attribute: Any) -> Numbers:
        if attribute.t.data_type not in _NUMBERS:
            self.refuse(f"`{attribute.name}` is a tensor of neither floats nor doubles")
        field, dtype = _NUMBERS[attribute.t.data_type]
        raw = attribute.t.raw_data
        if len(raw) % np.dtype(dtype).itemsize:
            self.refuse(f"`{attribute.name}` breaks off")
        return np.array(np.frombuffer(raw, dtype) if raw else getattr(attribute.t, field), dtype=np.float64)

    def same_length(self, count: int, **arrays: Any) -> None:
        for name, array in arrays.items():
            if len(array) != count:
                self.refuse(f"`{name}` has {len(array):,} entries, there are {count:,}")

    def optional(self, count: int, *names: str) -> None:
        for name in names:
            length = max(len(self.integers(name)), len(self.numbers(name)))
            if length not in {0, count}:
                self.refuse(f"`{name}` has {length:,} entries, there are {count:,}")


def _by_name(reader: _Reader) -> tuple[Nodes, Leaves]:
    reader.choice("post_transform", b"NONE", _TRANSFORMS)
    reader.choice("aggregate_function", b"SUM", _AGGREGATES)
    trees, ids = reader.integers("nodes_treeids"), reader.integers("nodes_nodeids")
    count = len(trees)
    modes, features = reader.strings("nodes_modes"), reader.integers("nodes_featureids")
    thresholds = reader.numbers("nodes_values")
    true_ids, false_ids = reader.integers("nodes_truenodeids"), reader.integers("nodes_falsenodeids")
    if not count:
        reader.refuse("there are none")
    reader.same_length(
        count, nodes_nodeids=ids, nodes_modes=modes, nodes_featureids=features, nodes_values=thresholds,
        nodes_truenodeids=true_ids, nodes_falsenodeids=false_ids,
    )  # fmt: skip
    reader.optional(count, "nodes_missing_value_tracks_true", "nodes_hitrates")
    if not set(modes) <= _MODES:
        reader.refuse("`nodes_modes` holds a mode that is unknown")
    is_leaf = np.array([mode == b"LEAF" for mode in modes])
    names = _Names(reader, trees, ids)
    # A tree's first node is where kernels begin.
    roots = np.flatnonzero(np.diff(trees, prepend=trees[0] - 1))
    if len(roots) != len(np.unique(trees)):
        reader.refuse("the nodes of a tree are not adjacent")
    left = np.where(is_leaf, _LEAF, names.find(trees, true_ids, ~is_leaf))
    right = np.where(is_leaf, _LEAF, names.find(trees, false_ids, ~is_leaf))
    are_equalities = np.array([mode == b"BRANCH_EQ" for mode in modes])
    nodes = Nodes(roots, left, right, features, thresholds, are_equalities, left)
    return nodes, _named_leaves(reader, names, is_leaf)


def _named_leaves(reader: _Reader, names: "_Names", is_leaf: NDArray[np.bool_]) -> Leaves:
    kind = "class" if reader.operator == "TreeEnsembleClassifier" else "target"
    trees, ids = reader.integers(f"{kind}_treeids"), reader.integers(f"{kind}_nodeids")
    targets, weights = reader.integers(f"{kind}_ids"), reader.numbers(f"{kind}_weights")
    reader.same_length(
        len(trees), **{f"{kind}_nodeids": ids, f"{kind}_ids": targets, f"{kind}_weights": weights}
    )
    positions = names.find(trees, ids, np.ones(len(trees), dtype=bool))
    if not is_leaf[positions].all():
        reader.refuse("a weight belongs to a node that is not a leaf")
    count = max(len(reader.integers("classlabels_int64s")), len(reader.strings("classlabels_strings")))
    if kind == "target":
        count = reader.integer("n_targets", 1)
    return Leaves(targets, weights, count, _base_values(reader, count))


def _base_values(reader: _Reader, count: int) -> Numbers:
    values = reader.numbers("base_values")
    if len(values) not in {0, 1, count}:
        reader.refuse(f"`base_values` has {len(values):,} entries, there are {count:,} outputs")
    return values


class _Names:
    """Nodes by tree and id."""

    def __init__(self, reader: _Reader, trees: Indices, ids: Indices) -> None:
        self._reader = reader
        for array in (trees, ids):
            if array.min() < 0 or array.max() > _ID_MAX:
                reader.refuse("the id of a tree or node is negative, or too large")
        names = (trees << 32) | ids
        self._order = np.argsort(names, kind="stable")
        self._sorted = names[self._order]
        if (self._sorted[1:] == self._sorted[:-1]).any():
            reader.refuse("two nodes have the same id")

    def find(self, trees: Indices, ids: Indices, wanted: NDArray[np.bool_]) -> Indices:
        """Positions of nodes; of those not wanted, any."""
        valid = (trees >= 0) & (trees <= _ID_MAX) & (ids >= 0) & (ids <= _ID_MAX)
        names = np.where(valid, (trees << 32) | ids, 0)
        places = np.minimum(np.searchsorted(self._sorted, names), len(self._sorted) - 1)
        if (wanted & (~valid | (self._sorted[places] != names))).any():
            self._reader.refuse("it names a node that does not exist")
        return self._order[places]


def _by_position(reader: _Reader) -> tuple[Nodes, Leaves]:
    modes = reader.modes()
    count = len(modes)
    features, thresholds = reader.integers("nodes_featureids"), reader.numbers("nodes_splits")
    children = [reader.integers(f"nodes_{side}nodeids") for side in ("true", "false")]
    are_leaves = [reader.integers(f"nodes_{side}leafs") for side in ("true", "false")]
    reader.same_length(
        count, nodes_featureids=features, nodes_splits=thresholds, nodes_truenodeids=children[0],
        nodes_falsenodeids=children[1], nodes_trueleafs=are_leaves[0], nodes_falseleafs=are_leaves[1],
    )  # fmt: skip
    reader.optional(count, "nodes_missing_value_tracks_true", "nodes_hitrates")
    if not count or modes.min() < 0 or modes.max() > _MODE_MAX:
        reader.refuse("`nodes_modes` is empty, or holds a mode that is unknown")
    if (
        not 0 <= reader.integer("post_transform", 0) <= 4
        or not 0 <= reader.integer("aggregate_function", 1) <= 3
    ):
        reader.refuse("`post_transform` or `aggregate_function` is unknown")
    members = np.isnan(reader.numbers("membership_values"))
    if np.count_nonzero(members) != np.count_nonzero(modes == _MEMBER) or (len(members) and not members[-1]):
        reader.refuse("`membership_values` has not one list for each node that looks into one")
    targets, weights = reader.integers("leaf_targetids"), reader.numbers("leaf_weights")
    reader.same_length(len(targets), leaf_weights=weights)
    roots = reader.integers("tree_roots")
    if not len(roots) or roots.min() < 0 or roots.max() >= count:
        reader.refuse("`tree_roots` is empty, or names a node that does not exist")
    sides = _join(reader, children, are_leaves, len(targets))
    padding = np.zeros(len(sides[0]) - count, dtype=np.int64)
    nodes = Nodes(
        roots,
        sides[0],
        sides[1],
        np.concatenate([features, padding]),
        np.concatenate([thresholds, padding]),
        np.concatenate([modes == _EQUAL, padding != 0]),
        np.concatenate([np.where(are_leaves[0] != 0, children[0] + count, children[0]), padding]),
    )
    return nodes, Leaves(targets, weights, reader.integer("n_targets", 1), np.zeros(0))


def _join(
    reader: _Reader, children: list[Indices], are_leaves: list[Indices], leaf_count: int
) -> list[Indices]:
    """The children by position; each leaf is a separate node, even if two parents name the same."""
    count = len(children[0])
    sides = []
    following = count
    for child, flags in zip(children, are_leaves, strict=True):
        is_leaf = flags != 0
        if (child < 0).any() or (child >= np.where(is_leaf, leaf_count, count)).any():
            reader.refuse("it names a node or leaf that does not exist")
        side = child.copy()
        added = int(np.count_nonzero(is_leaf))
        side[is_leaf] = np.arange(following, following + added)
        following += added
        sides.append(side)
    return [np.concatenate([side, np.full(following - count, _LEAF)]) for side in sides]
