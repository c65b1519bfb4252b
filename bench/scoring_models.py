"""The models whose scoring is measured: trained here, exported as owners do, and lowered as a push does.

60,000 customers of 50 numbers, some of them rounded, of whom an eighth accept. The data is drawn, since what
counts for speed is the shape of trees: 100 and 500 of depth 6, and of 31 leaves as LightGBM grows them. Some
models split three of the columns by sets of categories.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as BoostedFloats
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from nextbest.models.native import prove

COLUMNS: Final = 50
ROWS: Final = 60_000
CATEGORIES: Final = {0: 60, 1: 60, 45: 12}
"""Columns of models with categorical splits, and how many categories each has; the last is the action's."""
CATEGORICAL: Final = frozenset({"xgboost_categories", "lightgbm_categories"})
"""Cases whose rows are those of `draw_categories`."""
TRAINED_ROWS: Final = 20_000
"""Of models with categorical splits."""
MANY: Final = 100
"""Models for the case in which each action has a different one."""

Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Case:
    """A model, or several, and what it was trained as.

    Attributes:
        name: Of the files.
        trained: As its library has it; one for each file.
        onnx: The files.
    """

    name: str
    trained: list[Any]
    onnx: list[bytes]


def draw(seed: int = 7) -> tuple[Table, NDArray[np.int64]]:
    """Draws customers, and whether they accept."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    rows[:, ::3] = np.round(rows[:, ::3], 1)
    weights = rng.normal(size=COLUMNS) * (rng.random(COLUMNS) < 0.5)
    margin = rows @ weights * 0.5 + rows[:, 0] * rows[:, 1] - rows[:, 2] * (rows[:, 3] > 0) - 3
    return rows, (margin + rng.normal(size=ROWS) > 0).astype(np.int64)


def draw_categories(rows: Table, accepted: NDArray[np.int64]) -> tuple[Table, NDArray[np.int64]]:
    """Makes columns of customers categories, and has some that accept for them."""
    rng = np.random.default_rng(8)
    changed, effect = rows.copy(), np.zeros(len(rows))
    for column, count in CATEGORIES.items():
        categories = rng.integers(0, count, len(rows))
        changed[:, column] = categories
        effect += rng.normal(size=count)[categories]
    return changed, np.where(effect > 1, 1 - accepted, accepted)


def train(rows: Table, accepted: NDArray[np.int64], names: frozenset[str] | None = None) -> Iterator[Case]:
    """Trains and exports the cases of these names, or all of them."""
    for name, make in CASES.items():
        if names is None or name in names:
            with warnings.catch_warnings():
                # Of exporters, about the libraries they use; the nets train for a fixed number of rounds.
                warnings.simplefilter("ignore")
                trained = make(rows, accepted)
                yield Case(name, trained, [_export(model) for model in trained])


def write(cases: list[Case], rows: Table, folder: Path) -> None:
    """Writes what the bench target `scoring` reads.

    Raises:
        NotLowered: A model has no native form with the scores of ONNX Runtime.
    """
    rows.astype("<f4").tofile(folder / "rows.f32")
    lines = []
    for case in cases:
        for number, onnx in enumerate(case.onnx):
            stem = case.name if len(case.onnx) == 1 else f"{case.name}-{number}"
            (folder / f"{stem}.onnx").write_bytes(onnx)
            model = prove(onnx, "probabilities", [1])
            (folder / f"{stem}.native").write_bytes(model.SerializeToString())
        lines.append(f"{case.name} {COLUMNS} {len(case.onnx)}\n")
    (folder / "models").write_text("".join(lines))


def _light(trees: int, **settings: Any) -> Callable[[Table, NDArray[np.int64]], list[Any]]:
    def make(rows: Table, accepted: NDArray[np.int64]) -> list[Any]:
        model = lightgbm.LGBMClassifier(n_estimators=trees, verbose=-1, random_state=1, **settings)
        return [model.fit(rows, accepted)]

    return make


def _boosted(trees: int) -> Callable[[Table, NDArray[np.int64]], list[Any]]:
    def make(rows: Table, accepted: NDArray[np.int64]) -> list[Any]:
        return [xgboost.XGBClassifier(n_estimators=trees, max_depth=6, random_state=1).fit(rows, accepted)]

    return make


def _boosted_categories(rows: Table, accepted: NDArray[np.int64]) -> list[Any]:
    names = [f"f{column}" for column in range(COLUMNS)]
    table = pd.DataFrame(rows[:TRAINED_ROWS], columns=names)
    table = table.astype({f"f{column}": "int" for column in CATEGORIES})
    table = table.astype({f"f{column}": "category" for column in CATEGORIES})
    model = xgboost.XGBClassifier(
        n_estimators=100, max_depth=6, enable_categorical=True, tree_method="hist", random_state=1
    )
    return [model.fit(table, accepted[:TRAINED_ROWS])]


def _light_categories(rows: Table, accepted: NDArray[np.int64]) -> list[Any]:
    model = lightgbm.LGBMClassifier(n_estimators=100, verbose=-1, random_state=1)
    return [model.fit(rows[:TRAINED_ROWS], accepted[:TRAINED_ROWS], categorical_feature=[*CATEGORIES])]


def _logistic(rows: Table, accepted: NDArray[np.int64]) -> list[Any]:
    return [LogisticRegression(max_iter=200).fit(rows, accepted)]


def _net(rows: Table, accepted: NDArray[np.int64]) -> list[Any]:
    return [MLPClassifier((64, 32), max_iter=5, random_state=1).fit(rows, accepted)]


def _many(rows: Table, accepted: NDArray[np.int64]) -> list[Any]:
    """Small models, each trained on other customers."""
    models = []
    for number in range(MANY):
        some = slice(number * 500, number * 500 + 6_000)
        model = lightgbm.LGBMClassifier(n_estimators=20, num_leaves=15, verbose=-1, random_state=1, n_jobs=1)
        models.append(model.fit(rows[some], accepted[some]))
    return models


CASES: Final[dict[str, Callable[[Table, NDArray[np.int64]], list[Any]]]] = {
    "lightgbm_100": _light(100, max_depth=6, num_leaves=64),
    "lightgbm_500": _light(500, max_depth=6, num_leaves=64),
    "xgboost_100": _boosted(100),
    "xgboost_500": _boosted(500),
    "leafwise_100": _light(100),
    "leafwise_500": _light(500),
    "logistic": _logistic,
    "mlp": _net,
    "many_20": _many,
    "xgboost_categories": _boosted_categories,
    "lightgbm_categories": _light_categories,
}


def _export(model: Any) -> bytes:
    boosted = [("X", BoostedFloats([None, COLUMNS]))]
    # Exporters write a set of categories by recursion.
    sys.setrecursionlimit(100_000)
    if isinstance(model, lightgbm.LGBMClassifier):
        graph = convert_lightgbm(model, initial_types=boosted, zipmap=False)
    elif isinstance(model, xgboost.XGBClassifier):
        graph = convert_xgboost(model, initial_types=boosted)
    else:
        inputs = [("X", FloatTensorType([None, COLUMNS]))]
        graph = convert_sklearn(model, initial_types=inputs, options={id(model): {"zipmap": False}})
    return bytes(graph.SerializeToString())
