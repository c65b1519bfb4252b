"""Models of LightGBM, XGBoost and CatBoost, exported by onnxmltools and CatBoost itself."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import catboost
import lightgbm
import numpy as np
import xgboost
from corpus_case import Case, draw_numbers, table
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

TYPES = [("X", FloatTensorType([None, 6]))]


def light(count: int = 1000, *, lost: float = 0.1, zipmap: bool = False, exact: bool = True, **parameters):
    def case() -> Case:
        numbers, accepts = table(count, lost=lost)
        model = lightgbm.LGBMClassifier(verbose=-1, num_threads=1, random_state=0, **parameters)
        model.fit(numbers, accepts)
        onnx_model = convert_lightgbm(model, initial_types=TYPES, zipmap=zipmap)
        return Case(onnx_model.SerializeToString(), exact=exact)

    return case


def draw_categories(rng: np.random.Generator, count: int):
    """Two columns of categories, of which some were never seen, are negative or no whole numbers."""
    numbers = rng.normal(size=(count, 6)).astype(np.float32)
    numbers[:, 4] = rng.integers(-2, 45, count)
    numbers[:, 5] = rng.integers(0, 14, count) / rng.choice([1, 2], count)
    return {"X": numbers}


def light_categories() -> Case:
    numbers, _ = table(1000)
    rng = np.random.default_rng(3)
    numbers[:, 4], numbers[:, 5] = rng.integers(0, 40, 1000), rng.integers(0, 12, 1000)
    accepts = (np.isin(numbers[:, 4], [1, 5, 8, 9, 33, 36]) ^ (numbers[:, 5] > 6)).astype(int)
    model = lightgbm.LGBMClassifier(
        n_estimators=10, verbose=-1, num_threads=1, min_data_per_group=5, cat_smooth=1
    )
    model.fit(numbers, accepts, categorical_feature=[4, 5])
    onnx_model = convert_lightgbm(model, initial_types=TYPES, zipmap=False)
    return Case(onnx_model.SerializeToString(), exact=True, draw=draw_categories)


def classes() -> np.ndarray:
    """Which of four actions a customer likes best."""
    numbers, _ = table()
    return np.argmax(numbers[:, :4] + np.sin(3 * numbers[:, 1:5]), axis=1)


def light_actions() -> Case:
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, num_threads=1).fit(table()[0], classes())
    onnx_model = convert_lightgbm(model, initial_types=TYPES, zipmap=False)
    return Case(onnx_model.SerializeToString(), columns=(0, 1, 2, 3))


def extreme(
    model, labels=None, *, output="probabilities", columns=(1,), lost=0.1, exact=True
) -> Callable[[], Case]:
    def case() -> Case:
        numbers, accepts = table(lost=lost)
        fitted = model().fit(numbers, accepts if labels is None else labels())
        onnx_model = convert_xgboost(fitted, initial_types=TYPES)
        return Case(onnx_model.SerializeToString(), output, exact=exact, columns=columns)

    return case


def cat(**parameters) -> Callable[[], Case]:
    def case() -> Case:
        numbers, accepts = table()
        model = catboost.CatBoostClassifier(
            verbose=0, allow_writing_files=False, thread_count=1, random_seed=0, **parameters
        )
        model.fit(numbers, accepts)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "m.onnx")
            model.save_model(str(path), format="onnx")
            return Case(path.read_bytes(), exact=True, draw=draw_numbers("features"))

    return case


def booster(**parameters):
    return lambda: xgboost.XGBClassifier(n_jobs=1, random_state=0, **parameters)


BOOSTED: dict[str, Callable[[], Case]] = {
    "LightGBM": light(n_estimators=40),
    "LightGBM, one tree": light(n_estimators=1),
    "LightGBM, 1,000 trees": light(400, n_estimators=1000, num_leaves=4, min_child_samples=5),
    "LightGBM, 200 leaves": light(3000, n_estimators=5, num_leaves=200, min_child_samples=3),
    "LightGBM, 1,000 cuts": light(
        3000, n_estimators=40, max_bin=1023, min_data_in_bin=1, min_child_samples=2
    ),
    "LightGBM, DART": light(n_estimators=15, boosting_type="dart"),
    "LightGBM, random forest": light(
        n_estimators=8, boosting_type="rf", bagging_freq=1, bagging_fraction=0.5, exact=False
    ),
    "LightGBM with ZipMap": light(n_estimators=8, zipmap=True),
    "LightGBM, categories": light_categories,
    "LightGBM, four actions": light_actions,
    "XGBoost": extreme(booster(n_estimators=30, max_depth=6)),
    "XGBoost, base score": extreme(booster(n_estimators=10, base_score=0.2, max_depth=3)),
    "XGBoost, deep": extreme(booster(n_estimators=4, max_depth=14, min_child_weight=0), lost=0.0),
    "XGBoost, four actions": extreme(
        booster(n_estimators=5, max_depth=3), classes, columns=(0, 1, 2, 3), exact=False
    ),
    "XGBoost, regression": extreme(
        lambda: xgboost.XGBRegressor(n_estimators=10, n_jobs=1), output="variable", columns=(0,)
    ),
    "CatBoost": cat(iterations=30, depth=6),
    "CatBoost, shallow": cat(iterations=100, depth=2),
}
