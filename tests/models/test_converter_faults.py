"""Known faults of converters, as docs/model-owner/converter-faults.md lists them: golden rows find each.

A fault that is fixed in a new version of a converter fails here: then remove its line from the page.
"""

import re
from importlib.metadata import version
from pathlib import Path

import catboost
import lightgbm
import numpy as np
import onnx
import pandas as pd
import pytest
import xgboost
from onnx import TensorProto, helper
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as BoosterFloats
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm as lightgbm_operator
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost as xgboost_operator
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    OneHotEncoder,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)

from nextbest.models import ModelError, inspect, stages
from nextbest.models.job import Job, Plan

# The corpus converts what skl2onnx cannot by itself with the installed version of onnx.
from corpus_scikit import convert as convert_patched  # isort: skip

pytestmark = pytest.mark.filterwarnings("ignore")
PAGE = Path(__file__).parents[2] / "docs/model-owner/converter-faults.md"
OPSETS = {"": 17, "ai.onnx.ml": 3}
COUNT = 800
SOURCE = np.random.default_rng(0)
NUMBERS = SOURCE.normal(size=(COUNT, 4)).round(1)
NUMBERS[SOURCE.random(NUMBERS.shape) < 0.15] = 0.0
ACCEPTS = (NUMBERS[:, 0] + NUMBERS[:, 1] * NUMBERS[:, 2] + (NUMBERS[:, 3] == 0) > 0.3).astype(int)
ROWS = NUMBERS.astype(np.float32)
GAPS = np.where(SOURCE.random(ROWS.shape) < 0.1, np.nan, ROWS).astype(np.float32)
CATEGORIES = np.column_stack([ROWS[:, :3], np.abs(ROWS[:, 3]).round()])
WHOLE = np.round(GAPS * 10)
WIDE = [("X", FloatTensorType([None, 4]))]
PEOPLE = pd.DataFrame(
    {"age": ROWS[:, 0], "income": ROWS[:, 1], "job": SOURCE.choice(np.array(["a", "b", "c"], object), COUNT)}
)
HAPPY = ((ROWS[:, 0] > 0) ^ (PEOPLE["job"] == "b")).astype(int)
for trainer, alias, operator in (
    (xgboost.XGBClassifier, "XGBoostXGBClassifier", xgboost_operator),
    (lightgbm.LGBMClassifier, "LightGbmLGBMClassifier", lightgbm_operator),
):
    update_registered_converter(
        trainer,
        alias,
        calculate_linear_classifier_output_shapes,
        operator,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )


def reproduced(exported, feeds, expected):
    """Whether a push would find the trainer's scores; raises what else it would refuse the model for."""
    job = Job(
        exported.SerializeToString(), Plan.REHEARSAL, output=exported.graph.output[-1].name, column=1,
        golden=feeds, expected=np.asarray(expected, float),
    )  # fmt: skip
    trial = stages.Trial(job)
    stages.structure(trial)
    stages.opening(trial)
    try:
        stages.golden(trial)
    except ModelError as error:
        if error.code != "NB664":
            raise
        return False
    return True


def light(rows=GAPS, fitting=None, **parameters):
    model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, num_threads=1, **parameters)
    model.fit(rows, ACCEPTS, **(fitting or {}))
    exported = convert_lightgbm(model, initial_types=[("X", BoosterFloats([None, 4]))], zipmap=False)
    return exported, {"X": rows}, model.predict_proba(rows)[:, 1]


def extreme(rows=GAPS, **parameters):
    model = xgboost.XGBClassifier(n_estimators=10, max_depth=4, n_jobs=1, **parameters).fit(rows, ACCEPTS)
    exported = convert_xgboost(model, initial_types=[("X", BoosterFloats([None, 4]))])
    return exported, {"X": rows}, model.predict_proba(rows)[:, 1]


def scikit(model, rows=ROWS, convert=convert_sklearn, **options):
    model = model.fit(rows, ACCEPTS)
    exported = convert(model, initial_types=WIDE, options={"zipmap": False}, **options)
    return exported, {"X": rows.astype(np.float32)}, model.predict_proba(rows)[:, 1]


def patched(model, initial_types, options):
    return convert_patched(model, initial_types, **options)


def people(classifier, *, sparse, numbers="passthrough"):
    columns = ColumnTransformer(
        [
            ("n", numbers, ["age", "income"]),
            ("job", OneHotEncoder(sparse_output=sparse), ["job"]),
        ],
        sparse_threshold=1.0 if sparse else 0.0,
    )
    model = make_pipeline(columns, classifier).fit(PEOPLE, HAPPY)
    types = [(name, FloatTensorType([None, 1])) for name in ("age", "income")]
    types.append(("job", StringTensorType([None, 1])))
    exported = convert_sklearn(model, initial_types=types, options={"zipmap": False}, target_opset=OPSETS)
    feeds = {name: PEOPLE[[name]].to_numpy() for name in PEOPLE}
    feeds |= {name: feeds[name].astype(np.float32) for name in ("age", "income")}
    return exported, feeds, model.predict_proba(PEOPLE)[:, 1]


def grid():
    """A forest behind a scaler, on values whose thresholds lie between two of a grid."""
    return make_pipeline(StandardScaler(), RandomForestClassifier(20, random_state=0, n_jobs=1))


FAULTS = {
    "sparse one-hot encoder": lambda: people(xgboost.XGBClassifier(n_estimators=10, n_jobs=1), sparse=True),
    "zero_as_missing": lambda: light(zero_as_missing=True),
    "linear_tree": lambda: light(ROWS, linear_tree=True),
    'boosting_type="rf"': lambda: light(boosting_type="rf", bagging_freq=1, bagging_fraction=0.5),
    "`sigmoid`": lambda: light(sigmoid=2.0),
    "inside `CalibratedClassifierCV`": lambda: scikit(
        CalibratedClassifierCV(lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, num_threads=1), cv=2),
        target_opset=OPSETS,
    ),
    'method="isotonic"': lambda: scikit(
        CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=2)
    ),
    "categorical_features=...": lambda: scikit(
        HistGradientBoostingClassifier(max_iter=5, categorical_features=[3]),
        CATEGORIES,
        patched,
    ),
    "`LinearDiscriminantAnalysis` of two classes": lambda: scikit(LinearDiscriminantAnalysis()),
    "`StandardScaler` before trees": lambda: scikit(grid(), NUMBERS),
}
RIGHT_CALLS = {
    "dense one-hot encoder": lambda: people(xgboost.XGBClassifier(n_estimators=10, n_jobs=1), sparse=False),
    "LightGBM": light,
    "calibrated by sigmoid": lambda: scikit(CalibratedClassifierCV(LogisticRegression(), cv=2)),
    "calibrated discriminant analysis": lambda: scikit(
        CalibratedClassifierCV(LinearDiscriminantAnalysis(), cv=2)
    ),
    "calibrated XGBoost": lambda: scikit(
        CalibratedClassifierCV(xgboost.XGBClassifier(n_estimators=5, n_jobs=1), cv=2), target_opset=OPSETS
    ),
    "categories of LightGBM": lambda: light(CATEGORIES, {"categorical_feature": [3]}),
    "trees without a scaler": lambda: scikit(RandomForestClassifier(20, random_state=0, n_jobs=1), NUMBERS),
    "base_score": lambda: extreme(base_score=0.2),
    "scale_pos_weight": lambda: extreme(scale_pos_weight=3),
    "DART": lambda: light(boosting_type="dart"),
    "GOSS": lambda: light(data_sample_strategy="goss"),
    "is_unbalance": lambda: light(is_unbalance=True),
    "KBinsDiscretizer": lambda: scikit(
        make_pipeline(KBinsDiscretizer(5, encode="onehot-dense"), LogisticRegression()), NUMBERS
    ),
    "QuantileTransformer": lambda: scikit(
        make_pipeline(QuantileTransformer(n_quantiles=20), LogisticRegression()), NUMBERS
    ),
    "TargetEncoder": lambda: scikit(make_pipeline(TargetEncoder(), LogisticRegression()), NUMBERS.round()),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_golden_rows_find_the_fault(fault):
    assert not reproduced(*FAULTS[fault]())
    assert fault in PAGE.read_text(), "the page does not have it"


@pytest.mark.parametrize("call", RIGHT_CALLS)
def test_the_right_call_has_the_scores_of_the_trainer(call):
    assert reproduced(*RIGHT_CALLS[call]())


def fitted(rows, **options):
    """LightGBM on the first 500 rows."""
    model = lightgbm.LGBMClassifier(n_estimators=100, verbose=-1, num_threads=1)
    model.fit(rows[:500], ACCEPTS[:500], **options)
    exported = convert_lightgbm(model, initial_types=[("X", BoosterFloats([None, 4]))], zipmap=False)
    return model, (exported, {"X": rows}, model.predict_proba(rows)[:, 1])


def test_a_value_on_a_threshold_is_rounded_to_its_other_side():
    """The value midway between two values of training is not an exact number of 32 bits: -2.1."""
    assert not reproduced(*fitted(GAPS)[1])
    assert reproduced(*fitted(WHOLE)[1])


def test_early_stopping_is_exported():
    watched = {"eval_set": [(WHOLE[500:], ACCEPTS[500:])]}
    model, scored = fitted(WHOLE, callbacks=[lightgbm.early_stopping(3, verbose=False)], **watched)
    assert model.best_iteration_ < 90
    assert reproduced(*scored)
    boosted = xgboost.XGBClassifier(n_estimators=100, max_depth=3, early_stopping_rounds=3, n_jobs=1)
    boosted.fit(WHOLE[:500], ACCEPTS[:500], verbose=False, **watched)
    assert boosted.best_iteration < 90
    exported = convert_xgboost(boosted, initial_types=[("X", BoosterFloats([None, 4]))])
    assert reproduced(exported, {"X": WHOLE}, boosted.predict_proba(WHOLE)[:, 1])


@pytest.mark.parametrize(
    "export",
    [
        lambda: extreme(ROWS, missing=0.0),
        lambda: extreme(booster="dart"),
        lambda: extreme(booster="gblinear"),
        lambda: light(objective="cross_entropy"),
        lambda: scikit(HistGradientBoostingClassifier(max_iter=5)),
        lambda: scikit(make_pipeline(KBinsDiscretizer(5), LogisticRegression())),
        lambda: convert_sklearn(
            LogisticRegression().fit(ROWS, ACCEPTS), initial_types=[("X", BoosterFloats([None, 4]))]
        ),
    ],
    ids=["missing", "DART", "gblinear", "cross_entropy", "histogram", "sparse bins", "other types"],
)
def test_what_converters_refuse(export):
    with pytest.raises((RuntimeError, KeyError, ValueError, TypeError, NotImplementedError)):
        export()


def test_catboost_exports_no_categories(tmp_path):
    model = catboost.CatBoostClassifier(
        iterations=2, verbose=0, allow_writing_files=False, cat_features=["job"]
    )
    model.fit(PEOPLE, HAPPY)
    with pytest.raises(catboost.CatBoostError, match="categorical"):
        model.save_model(str(tmp_path / "m.onnx"), format="onnx")


def test_forests_of_xgboost_are_refused():
    exported, _, _ = extreme(num_parallel_tree=3)
    with pytest.raises(ModelError) as caught:
        inspect(exported.SerializeToString())
    assert caught.value.code == "NB657"


class Sampler:
    """What imbalanced-learn has in a pipeline: changes the rows of training, and has no `transform`."""

    def fit_resample(self, rows, accepts):
        return rows, accepts


def test_a_pipeline_is_exported_without_its_sampler():
    scaler = StandardScaler().fit(ROWS)
    linear = LogisticRegression().fit(scaler.transform(ROWS), ACCEPTS)
    steps = [("scale", scaler), ("sample", Sampler()), ("linear", linear)]
    served = Pipeline([step for step in steps if not hasattr(step[1], "fit_resample")])
    exported = convert_sklearn(served, initial_types=WIDE, options={"zipmap": False})
    assert reproduced(exported, {"X": ROWS}, linear.predict_proba(scaler.transform(ROWS))[:, 1])


def net(**given):
    """What torch.onnx.export writes of a linear layer and a sigmoid, weights as raw bytes."""
    weights = onnx.numpy_helper.from_array(np.full((1, 300), 0.01, np.float32), "net.0.weight")
    bias = onnx.numpy_helper.from_array(np.array([0.5], np.float32), "net.0.bias")
    nodes = [
        helper.make_node("Gemm", ["features", "net.0.weight", "net.0.bias"], ["linear"], transB=1),
        helper.make_node("Sigmoid", ["linear"], ["probabilities"]),
    ]
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", 300])
    scores = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["rows", 1])
    graph = helper.make_graph(nodes, "main_graph", [features], [scores], [weights, bias])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], **given)


def test_weights_in_another_file_are_refused_and_joined_by_saving_again(tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(
        net(ir_version=10), path, save_as_external_data=True, location="net.onnx.data", size_threshold=0
    )
    with pytest.raises(ModelError) as caught:
        inspect(path.read_bytes())
    assert caught.value.code == "NB653"
    onnx.save(onnx.load(path), tmp_path / "one-file.onnx")
    assert inspect((tmp_path / "one-file.onnx").read_bytes()).inputs[0].shape == (None, 300)


def test_the_newest_version_of_the_format_may_be_too_new():
    with pytest.raises(ModelError) as caught:
        inspect(net(ir_version=99).SerializeToString())
    assert caught.value.code == "NB658"
    assert inspect(net(ir_version=10).SerializeToString()).outputs[0].name == "probabilities"


def test_the_page_names_the_versions_that_were_checked():
    """An upgrade runs these tests again; the page then has to be updated."""
    libraries = {
        "skl2onnx": "skl2onnx", "onnxmltools": "onnxmltools", "scikit-learn": "scikit-learn",
        "LightGBM": "lightgbm", "XGBoost": "xgboost-cpu", "CatBoost": "catboost",
    }  # fmt: skip
    text = " ".join(PAGE.read_text().split())
    for name, package in libraries.items():
        found = re.search(rf"test, with .*?{name} (\d+\.\d+)", text)
        assert found is not None
        assert version(package).startswith(f"{found[1]}."), name
