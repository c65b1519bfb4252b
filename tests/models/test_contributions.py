"""Contributions of native models against the `shap` package and LightGBM, and their sums."""

import functools
import warnings
from typing import Any

import lightgbm
import numpy as np
import pytest
from corpus import build, lowered
from corpus_boosted import TYPES
from corpus_case import table
from numpy.typing import NDArray
from onnxmltools import convert_lightgbm

from nextbest._core import NativeModel
from nextbest.models.native import lower
from nextbest.models.native.background import SampleError, add_background
from nextbest.v1 import native_pb2 as native

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of matplotlib, about how shap uses it
    import shap


def with_background(model: native.NativeModel, rows: NDArray[np.float32]) -> native.NativeModel:
    assert add_background(model, len(rows), rows.astype("<f4").tobytes(), [], []) == len(rows)
    return model


def contributions(
    model: native.NativeModel, rows: NDArray[np.float32], method: str, column: int = 1
) -> tuple[NDArray, NDArray, NDArray]:
    """Expected margins, margins, and a line of contributions for each row."""
    found = NativeModel(model.SerializeToString()).contributions(
        len(rows), rows.astype("<f4").tobytes(), [], [], column=column, method=method
    )
    lines = np.frombuffer(found, dtype="<f8").reshape(len(rows), -1)
    return lines[:, 0], lines[:, 1], lines[:, 2:]


def trees_of(ensemble: native.TreeEnsemble) -> list[dict[str, NDArray]]:
    """The same trees as `shap` takes them: inner nodes, then leaves."""
    trees, first_node, first_leaf = [], 0, 0
    for count in ensemble.tree_nodes:
        nodes, leaves = slice(first_node, first_node + count), slice(first_leaf, first_leaf + count + 1)
        children = [
            np.array(
                [child if child >= 0 else count - 1 - child for child in side[nodes]] + [-1] * (count + 1)
            )
            for side in (ensemble.node_lefts, ensemble.node_rights)
        ]
        slots = [ensemble.slots[slot] for slot in ensemble.node_slots[nodes]]
        default = [
            left if slot.missing_left else right for left, right, slot in zip(*children, slots, strict=False)
        ]
        covers = np.concatenate([np.zeros(count), ensemble.leaf_covers[leaves]])
        for node in reversed(range(count)):
            covers[node] = covers[children[0][node]] + covers[children[1][node]]
        weights = np.array(ensemble.leaf_weights[leaves], dtype=float) / max(ensemble.divisor, 1)
        trees.append(
            {
                "children_left": children[0],
                "children_right": children[1],
                "children_default": np.array(default + [-1] * (count + 1)),
                "features": np.array([slot.cell for slot in slots] + [-1] * (count + 1)),
                "thresholds": np.array([*ensemble.node_thresholds[nodes], *[-2.0] * (count + 1)]),
                "values": np.concatenate([np.zeros(count), weights])[:, None],
                "node_sample_weight": covers,
            }
        )
        first_node, first_leaf = nodes.stop, leaves.stop
    return trees


BACKGROUND, _ = table(3000, lost=0.1, seed=5)
ROWS, _ = table(200, lost=0.2, seed=6)


@pytest.mark.parametrize(
    "name",
    [
        "XGBoost",
        "XGBoost, deep",
        "XGBoost, base score",
        "CatBoost",
        "LightGBM",
        "LightGBM, 200 leaves",
        "LightGBM, 1,000 trees",
        "gradient boosting",
        "histogram boosting",
        "random forest",
        "decision tree",
    ],
)
def test_exact_is_what_shap_finds_with_the_same_covers(name: str) -> None:
    model = with_background(lowered(name), BACKGROUND)
    for ensemble in model.ensembles:
        # shap divides by the cover of every node, so each leaf has a cover of at least one.
        ensemble.leaf_covers[:] = [max(cover, 1.0) for cover in ensemble.leaf_covers]
    rows = ROWS if build(name).lost else np.nan_to_num(ROWS)
    base, margin, found = contributions(model, rows, "exact")
    explainer = shap.TreeExplainer({"trees": trees_of(model.ensembles[0])})
    expected = explainer.shap_values(rows.astype(float), check_additivity=False)
    assert np.abs(found - expected.reshape(found.shape)).max() < 1e-5
    assert np.abs(base + found.sum(axis=1) - margin).max() < 1e-5 * max(1, np.abs(margin).max())


SHAPES: dict[str, dict[str, Any]] = {
    "depth 6": {"n_estimators": 60, "max_depth": 6, "num_leaves": 64, "min_child_samples": 5},
    "31 leaves": {"n_estimators": 60, "min_child_samples": 3},
    "one tree": {"n_estimators": 1},
    "stumps": {"n_estimators": 80, "num_leaves": 2},
    "200 leaves": {"n_estimators": 10, "num_leaves": 200, "min_child_samples": 2},
}


@pytest.mark.parametrize("lost", [0.0, 0.15])
@pytest.mark.parametrize("shape", SHAPES)
def test_exact_is_what_lightgbm_and_shap_find_with_its_own_covers(shape: str, lost: float) -> None:
    """The sample is what LightGBM was trained on, so that it counts what LightGBM counted."""
    rows, accepts = table(2000, lost=lost)
    fitted = lightgbm.LGBMClassifier(verbose=-1, num_threads=1, random_state=0, **SHAPES[shape])
    fitted.fit(rows, accepts)
    onnx = convert_lightgbm(fitted, initial_types=TYPES, zipmap=False).SerializeToString()
    model = with_background(lower(onnx, "probabilities", (1,)), rows)
    base, margin, found = contributions(model, rows[:200], "exact")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the form of an answer that has not changed here
        expected = shap.TreeExplainer(fitted).shap_values(rows[:200])
    assert np.abs(found - expected).max() < 1e-5
    own = fitted.predict(rows[:200], pred_contrib=True)
    assert np.abs(np.column_stack([found, base]) - own).max() < 1e-5
    assert np.abs(margin - fitted.predict(rows[:200], raw_score=True)).max() < 1e-5


def test_categories_are_one_attribute_each() -> None:
    """LightGBM's categories become sets in chains of nodes."""
    rng = np.random.default_rng(3)
    rows, _ = table(1000)
    rows[:, 4], rows[:, 5] = rng.integers(0, 40, 1000), rng.integers(0, 12, 1000)
    accepts = (np.isin(rows[:, 4], [1, 5, 8, 9, 33, 36]) ^ (rows[:, 5] > 6)).astype(int)
    fitted = lightgbm.LGBMClassifier(
        n_estimators=10, verbose=-1, num_threads=1, min_data_per_group=5, cat_smooth=1
    ).fit(rows, accepts, categorical_feature=[4, 5])
    onnx = convert_lightgbm(fitted, initial_types=TYPES, zipmap=False).SerializeToString()
    model = with_background(lower(onnx, "probabilities", (1,)), rows)
    base, _, found = contributions(model, rows[:200], "exact")
    own = fitted.predict(rows[:200], pred_contrib=True)
    assert np.abs(np.column_stack([found, base]) - own).max() < 1e-5


@functools.cache
def explainable() -> tuple[str, ...]:
    names = (
        "LightGBM",
        "XGBoost, deep",
        "CatBoost",
        "random forest",
        "bagging of trees",
        "averaged, logistic",
    )
    linear = (
        "logistic regression",
        "imputer, scaler, logistic",
        "union with PCA",
        "discriminant analysis",
        "SGD",
    )
    return names + linear


@pytest.mark.parametrize("method", ["fast", "exact"])
@pytest.mark.parametrize("name", explainable())
def test_contributions_add_up_to_the_margin(name: str, method: str) -> None:
    model = with_background(lowered(name), np.nan_to_num(BACKGROUND))
    base, margin, found = contributions(model, np.nan_to_num(ROWS), method)
    assert np.ptp(base) == 0.0
    assert np.abs(base + found.sum(axis=1) - margin).max() < 1e-5 * max(1, np.abs(margin).max())


def test_a_linear_model_gives_weight_times_distance_from_the_mean() -> None:
    rows = np.nan_to_num(BACKGROUND)
    model = with_background(lowered("logistic regression"), rows)
    weights = np.array(model.matrices[0].weights)
    _, _, found = contributions(model, np.nan_to_num(ROWS), "exact")
    expected = weights * (np.nan_to_num(ROWS) - rows.mean(axis=0))
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("column", [0, 1, 2, 3, 4])
def test_every_column_of_an_output_is_explained(column: int) -> None:
    rows = np.nan_to_num(BACKGROUND)
    linear = with_background(lowered("linear of many actions"), rows)
    _, _, found = contributions(linear, np.nan_to_num(ROWS), "fast", column)
    weights = np.array(linear.matrices[0].weights).reshape(6, -1)[:, column]
    assert np.abs(found - weights * (np.nan_to_num(ROWS) - rows.mean(axis=0))).max() < 1e-5
    forest = with_background(lowered("forest of many actions"), rows)
    base, margin, found = contributions(forest, np.nan_to_num(ROWS), "exact", column)
    assert np.abs(base + found.sum(axis=1) - margin).max() < 1e-5


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("small net", "the model is not a sum over attributes: it takes the `relu` of several"),
        ("soft vote", "the model is not a sum over attributes: it takes the `logistic` of several"),
        (
            "polynomial features",
            "the model is not a sum over attributes: it takes the `reduce product` of several",
        ),
    ],
)
def test_a_model_that_is_not_a_sum_has_a_reason(name: str, reason: str) -> None:
    model = with_background(lowered(name), np.nan_to_num(BACKGROUND))
    with pytest.raises(ValueError, match=reason):
        contributions(model, ROWS, "exact")


def test_without_a_sample_there_are_none() -> None:
    with pytest.raises(ValueError, match="compiled without a background sample"):
        contributions(lowered("XGBoost"), ROWS, "exact")


def test_mixed_columns_keep_their_owners() -> None:
    """A text's cells, a whole number and two scaled numbers: contributions go to the four columns."""
    case = build("mixed columns, linear")
    tables = case.draw(np.random.default_rng(0), 500).values()
    of_kind = {
        kind: [values for values in tables if values.dtype.kind in kind] for kind in ("f", "iu", "OUS")
    }
    floats, ints, texts = (np.hstack(found) for found in of_kind.values())
    lines = (floats.astype("<f4").tobytes(), ints.reshape(-1).tolist(), texts.reshape(-1).tolist())
    model = lower(case.onnx, case.output, case.columns)
    assert add_background(model, 500, *lines) == 500
    engine = NativeModel(model.SerializeToString())
    told = np.frombuffer(engine.contributions(500, *lines, column=1, method="exact"), dtype="<f8")
    told = told.reshape(500, -1)
    assert told.shape[1] == 2 + floats.shape[1] + ints.shape[1] + texts.shape[1]
    assert np.abs(told[:, 0] + told[:, 2:].sum(axis=1) - told[:, 1]).max() < 1e-5
    # The same text gives the same contribution to each customer.
    for text in set(texts[:, 0]):
        assert np.ptp(told[texts[:, 0] == text, -1]) == 0.0
    # All columns of one attribute: what all add together.
    owners = [0] * (told.shape[1] - 2)
    alike = engine.contributions(500, *lines, column=1, method="exact", owners=owners)
    together = np.frombuffer(alike, dtype="<f8").reshape(500, -1)
    assert np.abs(together[:, 2] - told[:, 2:].sum(axis=1)).max() < 1e-4


def test_a_useless_sample_has_a_reason() -> None:
    with pytest.raises(SampleError, match="no score for any row"):
        add_background(lowered("XGBoost"), 0, b"", [], [])
    with pytest.raises(ValueError, match="do not have this number of rows"):
        add_background(lowered("XGBoost"), 2, b"", [], [])
