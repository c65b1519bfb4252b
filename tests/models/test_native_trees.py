"""Random tree ensembles of every kind that ONNX has: lowered, they give the bits of ONNX Runtime."""

import numpy as np
import onnxruntime
import pytest
from corpus import open_session
from corpus_graphs import OLD_OPSETS, build, ml, number
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from native_evaluator import evaluate

from nextbest.models.native import NotLowered, lower

MODES = ("LEQ", "LT", "GTE", "GT", "EQ", "NEQ")
# Few numbers, so that rows lie on thresholds and thresholds repeat.
NUMBERS = [-2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 1.5, 3.0, 40.0, 1e-45, -1e-45, 3e38]
WEIGHTS = [-1.5, -0.1, -0.0, 0.0, 0.1, 0.3, 0.7, 1e-3, 123.25, 1e20]
ROWS = np.array(
    [[a, b] for a in [*NUMBERS, np.nan, np.inf, -np.inf, 0.1] for b in (-1.0, 0.0, 1.0, np.nan, 40.0)],
    dtype=np.float32,
)
TABLE = np.hstack([ROWS, np.zeros((len(ROWS), 4), dtype=np.float32)])


@st.composite
def trees(draw, modes=MODES):
    """One tree, as nested tuples: mode, column, threshold, whether NaN is true, yes, no; None: a leaf."""
    if draw(st.integers(0, 3)) == 0:
        return None
    tree = None
    for _ in range(draw(st.integers(1, 6))):
        node = (
            draw(st.sampled_from(modes)),
            draw(st.integers(0, 1)),
            draw(st.sampled_from(NUMBERS)),
            draw(st.booleans()),
        )
        other = draw(st.sampled_from([None, tree]))
        tree = (*node, tree, other) if draw(st.booleans()) else (*node, other, tree)
    return tree


@st.composite
def forests(draw, weight):
    """Attributes of the nodes of some trees; `weight` draws the pairs of target and weight of a leaf."""
    columns = ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")
    nodes: dict[str, list] = {name: [] for name in (*columns, "missing_value_tracks_true")}
    leaves: list[tuple[int, int, int, float]] = []

    def add(tree_id, tree):
        place = nodes["treeids"].count(tree_id)
        mode, column, threshold, missing, yes, no = tree or ("LEAF", 0, 0.0, False, None, None)
        entry = (tree_id, place, column, mode if tree is None else f"BRANCH_{mode}", threshold, 0, 0)
        for name, value in zip(columns, entry, strict=True):
            nodes[name].append(value)
        nodes["missing_value_tracks_true"].append(int(missing))
        at = len(nodes["treeids"]) - 1
        if tree is None:
            leaves.extend((tree_id, place, *pair) for pair in draw(weight))
        else:
            nodes["truenodeids"][at] = add(tree_id, yes)
            nodes["falsenodeids"][at] = add(tree_id, no)
        return place

    ids = draw(st.permutations([3, 0, 7]))
    for tree_id in ids[: draw(st.integers(1, 3))]:
        add(tree_id, draw(trees()))
    return {f"nodes_{name}": values for name, values in nodes.items()}, leaves


def attributes(prefix, leaves):
    names = (f"{prefix}_treeids", f"{prefix}_nodeids", f"{prefix}_ids", f"{prefix}_weights")
    return dict(zip(names, map(list, zip(*leaves, strict=True)), strict=True))


def differ(onnx, output="y"):
    """Counts the bits in which a lowered model differs from ONNX Runtime, in any column."""
    expected = open_session(onnx).run([output], {"X": TABLE})[0]
    expected = expected.reshape(len(TABLE), -1)
    found = evaluate(lower(onnx, output, range(expected.shape[1])), TABLE)
    found = np.stack([found[column] for column in range(expected.shape[1])], axis=1)
    same = (found.view(np.uint32) == expected.view(np.uint32)) | (np.isnan(found) & np.isnan(expected))
    # Zero is zero: the sign of a propensity of zero does not matter.
    return int((~same & ~((found == 0) & (expected == 0))).sum())


def is_lowered(onnx, columns):
    """Where weights are missing, what ONNX Runtime answers depends on which of them a row has met."""
    try:
        lower(onnx, "y", range(columns))
    except NotLowered as refusal:
        event(refusal.reason)
        assert "base values" in refusal.reason or "second class" in refusal.reason  # noqa: PT017
        return False
    return True


def one_weight(targets):
    return st.tuples(st.tuples(st.sampled_from(targets), st.sampled_from(WEIGHTS)))


def every_weight(count):
    return st.tuples(*(st.tuples(st.just(target), st.sampled_from(WEIGHTS)) for target in range(count)))


@given(
    forests(every_weight(1)),
    st.sampled_from(["SUM", "AVERAGE"]),
    st.sampled_from(["NONE", "LOGISTIC", "SOFTMAX"]),
    st.sampled_from([[], [0.25]]),
)
def test_regressors_of_one_target(forest, aggregate, transform, base):
    nodes, leaves = forest
    node = ml(
        "TreeEnsembleRegressor",
        ["X"],
        ["y"],
        n_targets=1,
        aggregate_function=aggregate,
        post_transform=transform,
        **nodes,
        **attributes("target", leaves),
        **({"base_values": base} if base else {}),
    )
    assert differ(build([node], opsets=OLD_OPSETS)) == 0


@pytest.mark.slow
@given(
    st.one_of(forests(every_weight(3)), forests(one_weight([0, 1, 2]))),
    st.sampled_from(["SUM", "AVERAGE"]),
    st.sampled_from(["NONE", "LOGISTIC", "SOFTMAX"]),
    st.sampled_from([[], [0.25, -1.0, 0.0]]),
)
def test_regressors_of_three_targets(forest, aggregate, transform, base):
    nodes, leaves = forest
    node = ml(
        "TreeEnsembleRegressor",
        ["X"],
        ["y"],
        n_targets=3,
        aggregate_function=aggregate,
        post_transform=transform,
        **nodes,
        **attributes("target", leaves),
        **({"base_values": base} if base else {}),
    )
    onnx = build([node], opsets=OLD_OPSETS)
    assume(is_lowered(onnx, 3))
    assert differ(onnx) == 0


@pytest.mark.slow
@settings(max_examples=150)
@given(
    st.integers(2, 3).flatmap(
        lambda count: st.tuples(
            st.just(count),
            st.one_of(
                *(forests(one_weight([target])) for target in range(count)),
                forests(every_weight(count)),
                forests(one_weight(list(range(count)))),
            ),
        )
    ),
    st.sampled_from(["NONE", "LOGISTIC", "SOFTMAX"]),
    st.sampled_from([0, 1, 2, 3]),
)
def test_classifiers(labels_and_forest, transform, base):
    labels, (nodes, leaves) = labels_and_forest
    node = ml(
        "TreeEnsembleClassifier",
        ["X"],
        ["label", "y"],
        classlabels_int64s=list(range(labels)),
        post_transform=transform,
        **nodes,
        **attributes("class", leaves),
        **({"base_values": [0.25, -1.0, 0.5][:base]} if base else {}),
    )
    onnx = build([node], opsets=OLD_OPSETS)
    try:
        open_session(onnx)
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail:
        assume(False)  # base values that do not fit
    assume(is_lowered(onnx, labels))
    assert differ(onnx) == 0


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, 30.0, 31.0, 40.0, -1.0]), min_size=1, max_size=4),
    st.sampled_from([0, 1, 2, 3, 4, 5, 6]),
    st.sampled_from(NUMBERS),
    st.tuples(st.booleans(), st.booleans()),
    st.integers(0, 1),
    st.integers(0, 2),
    st.integers(0, 1),
)
def test_trees_of_version_5(members, mode, threshold, missing, column, transform, aggregate):
    """A node that tests for membership, and below it one of any other kind."""
    node = ml(
        "TreeEnsemble",
        ["X"],
        ["y"],
        n_targets=2,
        aggregate_function=aggregate,
        post_transform=transform,
        tree_roots=[0],
        nodes_featureids=[0, column],
        nodes_modes=number("m", np.array([6, mode], dtype=np.uint8)),
        nodes_splits=number("s", np.array([0.0, threshold], dtype=np.float32)),
        membership_values=number("v", np.array([*members, np.nan, 5.0, 0.0, np.nan], dtype=np.float32)),
        nodes_truenodeids=[0, 1],
        nodes_trueleafs=[1, 1],
        nodes_falsenodeids=[1, 2],
        nodes_falseleafs=[0, 1],
        nodes_missing_value_tracks_true=[int(flag) for flag in missing],
        leaf_targetids=[0, 1, 0],
        leaf_weights=number("w", np.array([1.0, 10.0, 100.0], dtype=np.float32)),
    )
    assert differ(build([node])) == 0


@pytest.mark.parametrize("missing", [0, 1])
def test_a_chain_of_categories_is_one_slot(missing):
    """LightGBM writes a set as tests for equality, one after the other, with one true branch."""
    values = [7.0, 3.0, 40.0]
    node = ml(
        "TreeEnsembleRegressor",
        ["X"],
        ["y"],
        n_targets=1,
        nodes_treeids=[0] * 5,
        nodes_nodeids=[*range(5)],
        nodes_featureids=[0] * 5,
        nodes_modes=["BRANCH_EQ"] * 3 + ["LEAF"] * 2,
        nodes_values=[*values, 0.0, 0.0],
        nodes_truenodeids=[3, 3, 3, 0, 0],
        nodes_falsenodeids=[1, 2, 4, 0, 0],
        nodes_missing_value_tracks_true=[missing] * 3 + [0, 0],
        target_treeids=[0, 0],
        target_nodeids=[3, 4],
        target_ids=[0, 0],
        target_weights=[1.0, 2.0],
    )
    onnx = build([node], opsets=OLD_OPSETS)
    assert differ(onnx) == 0
    (ensemble,) = lower(onnx, "y", [0]).ensembles
    assert [list(slot.members) for slot in ensemble.slots] == [sorted(values)]
    assert list(ensemble.tree_nodes) == [1]


@given(
    st.lists(st.tuples(st.sampled_from(NUMBERS), st.booleans()), min_size=2, max_size=5),
    st.booleans(),
)
def test_chains_of_any_numbers(tests, same):
    """Each test sets the direction of missing values; chains are lowered if their tests have the same
    direction."""
    count = len(tests)
    flags = [int(tests[0][1] if same else flag) for _, flag in tests]
    node = ml(
        "TreeEnsembleRegressor",
        ["X"],
        ["y"],
        n_targets=1,
        nodes_treeids=[0] * (count + 2),
        nodes_nodeids=[*range(count + 2)],
        nodes_featureids=[0] * (count + 2),
        nodes_modes=["BRANCH_EQ"] * count + ["LEAF"] * 2,
        nodes_values=[*(value for value, _ in tests), 0.0, 0.0],
        nodes_truenodeids=[count] * count + [0, 0],
        nodes_falsenodeids=[*range(1, count), count + 1, 0, 0],
        nodes_missing_value_tracks_true=[*flags, 0, 0],
        target_treeids=[0, 0],
        target_nodeids=[count, count + 1],
        target_ids=[0, 0],
        target_weights=[1.0, 2.0],
    )
    onnx = build([node], opsets=OLD_OPSETS)
    if len(set(flags)) == 1:
        assert differ(onnx) == 0
    else:
        with pytest.raises(NotLowered, match="missing values two ways"):
            lower(onnx, "y", [0])
