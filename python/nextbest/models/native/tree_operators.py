"""Tree ensemble operators: trees in the normal form, and steps for the transformation of their sums."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from nextbest.models.native.call import Call, Operator
from nextbest.models.native.ensemble import Ensemble
from nextbest.models.native.forest import Forest, floats_of, read_forest, read_new_forest
from nextbest.models.native.normal_form import NormalForm
from nextbest.models.native.post_transforms import complement, negate, oppose, transform
from nextbest.models.native.program import Floats
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import Element, Missing, References, Tensor, Value, check_size
from nextbest.v1 import native_pb2 as native

_LABEL: Final = Missing("its answer is made from the label of a class")
_AGGREGATES: Final = ("AVERAGE", "SUM", "MIN", "MAX")
# Of version 5, as ONNX Runtime numbers them; ONNX has SOFTMAX before LOGISTIC.
_TRANSFORMS: Final = ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT")
# Numbers in all leaves of one ensemble.
WEIGHTS_MAX: Final = 1 << 25


def _line(call: Call) -> References:
    if call.tensor(0).element is Element.DOUBLE:
        raise NotLowered("its trees compute in doubles")
    return call.rows_of_floats(0)[0]


def _check(forest: Forest, targets: int, width: int) -> None:
    inner = [place for place, mode in enumerate(forest.modes) if mode != "LEAF"]
    if any(not 0 <= forest.columns[place] < width for place in inner):
        raise NotLowered("its trees test a column that is not there")
    for place, mode in enumerate(forest.modes):
        weights = forest.weights.get(place, [])
        if mode == "LEAF" and len({target for target, _ in weights}) != len(weights):
            raise NotLowered("a leaf of its trees has two weights for the same target")
        if mode == "LEAF" and not weights:
            raise NotLowered("a leaf of its trees has no weight")
        if any(not 0 <= target < targets for target, _ in weights):
            raise NotLowered("a leaf of its trees has a weight for a target that is not there")


def _parts(forest: Forest, targets: int) -> list[tuple[list[int], list[int]]]:
    """Groups targets that trees have in common: pairs of targets and the roots of their trees, in order."""
    of_tree = [_targets_of(forest, root) for root in forest.roots]
    group = list(range(targets))

    def leader(target: int) -> int:
        while group[target] != target:
            target = group[target]
        return target

    for own in of_tree:
        for target in own[1:]:
            group[leader(target)] = leader(own[0])
    parts: dict[int, tuple[list[int], list[int]]] = {}
    for target in range(targets):
        parts.setdefault(leader(target), ([], []))[0].append(target)
    for root, own in zip(forest.roots, of_tree, strict=True):
        parts[leader(own[0])][1].append(root)
    return list(parts.values())


def _targets_of(forest: Forest, root: int) -> list[int]:
    return sorted({target for leaf in _leaves_of(forest, root) for target, _ in forest.weights[leaf]})


def _leaves_of(forest: Forest, root: int) -> list[int]:
    found: list[int] = []
    pending, seen = [root], {root}
    while pending:
        node = pending.pop()
        if forest.modes[node] == "LEAF":
            found.append(node)
            continue
        for child in (forest.trues[node], forest.falses[node]):
            if child not in seen:
                seen.add(child)
                pending.append(child)
    return found


def _sums(call: Call, forest: Forest, targets: int, base: Floats | None, divisor: int) -> References:
    """Adds a step for each group of targets, and returns a line of sums."""
    # Before anything is made of it: a file of a few bytes can name any number.
    check_size([targets])
    line = _line(call)
    _check(forest, targets, len(line))
    sums = np.empty(targets, dtype=np.int64)
    for own, roots in _parts(forest, targets):
        if not roots:
            sums[own] = call.program.constant(np.zeros(1, dtype=np.float32) if base is None else base[own])
            continue
        form = NormalForm(forest, {target: place for place, target in enumerate(own)})
        trees = tuple(form.tree(root) for root in roots)
        if sum(tree.weights.size for tree in trees) > WEIGHTS_MAX:
            raise NotLowered("its trees have too many numbers in their leaves")
        part = None if base is None else base[own]
        ensemble = Ensemble(tuple(form.slots), trees, part, divisor)
        sums[own] = call.program.whole(native.NATIVE_TREES, _cells(call, line, ensemble), len(own), ensemble)
    return sums


def _cells(call: Call, line: References, ensemble: Ensemble) -> References:
    cells = [
        call.program.apply(native.NATIVE_TRUNCATE, line[slot.column : slot.column + 1])[0]
        if slot.cut
        else line[slot.column]
        for slot in ensemble.slots
    ]
    return np.array(cells, dtype=np.int64)


def _result(scores: References) -> Tensor:
    return Tensor(scores.reshape(1, -1), 0, Element.FLOAT)


def _regression(
    call: Call, forest: Forest, aggregate: str, kind: str, base: Floats | None
) -> Sequence[Value]:
    targets = call.attribute("n_targets", 0)
    if aggregate not in ("SUM", "AVERAGE"):
        raise NotLowered(f"its trees are joined by {aggregate}")
    if targets < 1 or (base is not None and len(base) != targets):
        raise NotLowered("its trees have base values that do not fit its targets")
    if base is not None and targets > 1:
        base = _base_of_named(forest, base)
    divisor = len(forest.roots) if aggregate == "AVERAGE" else 0
    sums = _sums(call, forest, targets, base, divisor)
    if targets == 1:
        # ONNX Runtime applies no other post-transform to a single target.
        if kind == "PROBIT":
            raise NotLowered("it ends in the post-transform PROBIT")
        return [_result(sums)]
    return [_result(transform(call.program, kind, sums))]


def _base_of_named(forest: Forest, base: Floats) -> Floats:
    """ONNX Runtime adds the base value of a target only where the row has met a weight for it."""
    named = {target for entries in forest.weights.values() for target, _ in entries}
    if not named <= _always_named(forest):
        raise NotLowered("its trees have base values, and say nothing of a target for some rows")
    return np.where([target in named for target in range(len(base))], base, np.float32(0.0))


def _regressor(call: Call) -> Sequence[Value]:
    forest = read_forest(call, "target")
    aggregate, kind = call.attribute("aggregate_function", "SUM"), call.attribute("post_transform", "NONE")
    return _regression(call, forest, aggregate, kind, floats_of(call, "base_values"))


def _ensemble(call: Call) -> Sequence[Value]:
    aggregate = _AGGREGATES[call.attribute("aggregate_function", 1)]
    kind = _TRANSFORMS[call.attribute("post_transform", 0)]
    return _regression(call, read_new_forest(call), aggregate, kind, None)


def _classifier(call: Call) -> Sequence[Value]:
    forest = read_forest(call, "class")
    labels = call.attribute("classlabels_int64s", call.attribute("classlabels_strings", []))
    base = floats_of(call, "base_values")
    kind = call.attribute("post_transform", "NONE")
    if len(labels) == 2:
        return [_LABEL, _result(_two_classes(call, forest, base, kind))]
    if len(labels) < 2 or (base is not None and len(base) != len(labels)):
        raise NotLowered("its trees have base values that do not fit its classes")
    sums = _sums(call, forest, len(labels), base, 0)
    return [_LABEL, _result(transform(call.program, kind, sums))]


def _two_classes(call: Call, forest: Forest, base: Floats | None, kind: str) -> References:
    """Follows ONNX Runtime, which reads two labels as one score or two, by what the leaves name."""
    named = {target for entries in forest.weights.values() for target, _ in entries}
    if base is not None and (len(base) > 2 or named != {0}):
        raise NotLowered("its trees have base values that do not fit its classes")
    zero = call.program.constant(np.zeros(1, dtype=np.float32))
    if named == {1}:
        renamed = {leaf: [(0, weight) for _, weight in entries] for leaf, entries in forest.weights.items()}
        score = _sums(call, replace(forest, weights=renamed), 1, None, 0)
        return transform(call.program, kind, np.concatenate([zero, score]))
    if named != {0}:
        if 1 not in _always_named(forest):
            raise NotLowered("its trees have a weight of the second class for some rows only")
        return transform(call.program, kind, _sums(call, forest, 2, None, 0))
    score = _sums(call, forest, 1, None if base is None else base[:1], 0)
    if base is not None and len(base) == 2:
        return transform(call.program, kind, np.concatenate([score, zero]))
    positive = all(weight >= 0 for entries in forest.weights.values() for _, weight in entries)
    if kind == "PROBIT":
        raise NotLowered("it ends in the post-transform PROBIT")
    if kind == "LOGISTIC":
        return oppose(call.program, score)
    return complement(call.program, score) if positive else negate(call.program, score)


def _always_named(forest: Forest) -> set[int]:
    """Returns the targets for which every row meets a weight: all leaves of some tree have one."""
    named: set[int] = set()
    for root in forest.roots:
        leaves = ({target for target, _ in forest.weights[leaf]} for leaf in _leaves_of(forest, root))
        named |= set.intersection(*leaves)
    return named


OPERATORS: Final[dict[str, Operator]] = {
    "TreeEnsembleClassifier": _classifier,
    "TreeEnsembleRegressor": _regressor,
    "TreeEnsemble": _ensemble,
}
