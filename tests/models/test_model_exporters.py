"""What the exporters of scikit-learn, LightGBM, XGBoost and CatBoost write is taken."""

import hashlib

import numpy as np
import onnx
import pytest
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, PowerTransformer, QuantileTransformer, StandardScaler
from sklearn.svm import SVC

from nextbest.models import ModelError, inspect
from nextbest.models.job import Job, Plan
from nextbest.models.structure import check_structure
from nextbest.models.validation import validate
from nextbest.models.zipmap import strip_zipmap

SOURCE = np.random.default_rng(0)
ROWS = SOURCE.normal(size=(300, 5)).astype(np.float32)
TARGET = (ROWS[:, 0] + ROWS[:, 1] ** 2 + SOURCE.normal(size=300) > 1).astype(int)
GAPS = np.where(SOURCE.random(ROWS.shape) < 0.1, np.nan, ROWS).astype(np.float32)
MIXED = GAPS.copy()
MIXED[:, 3] = SOURCE.integers(0, 12, 300)
FEATURES = [("features", FloatTensorType([None, 5]))]

SCIKIT_LEARN = [
    LogisticRegression(),
    RandomForestClassifier(5),
    AdaBoostClassifier(n_estimators=3),
    BaggingClassifier(n_estimators=3),
    CalibratedClassifierCV(RandomForestClassifier(3), method="isotonic", cv=3),
    StackingClassifier([("a", LogisticRegression()), ("b", RandomForestClassifier(3))], cv=3),
    CalibratedClassifierCV(SVC(), cv=3),
    GaussianNB(),
    make_pipeline(SimpleImputer(), StandardScaler(), MLPClassifier((8,), max_iter=300, tol=1e-2)),
    make_pipeline(PolynomialFeatures(2), LogisticRegression(max_iter=1_000)),
    make_pipeline(QuantileTransformer(n_quantiles=20), LogisticRegression()),
    make_pipeline(PowerTransformer(), LogisticRegression()),
]


def name_of(model):
    steps = getattr(model, "steps", None)
    return type(model).__name__ if steps is None else "+".join(type(step).__name__ for _, step in steps)


# SVC warns of attributes that it will lose.
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("model", SCIKIT_LEARN, ids=name_of)
def test_scikit_learn(model):
    exported = to_onnx(model.fit(ROWS, TARGET), ROWS[:1], options={"zipmap": False})
    assert inspect(exported.SerializeToString()).outputs[1].name == "probabilities"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("model", "code"),
    [(KNeighborsClassifier(3), "NB654"), (GaussianProcessClassifier(), "NB654")],
    ids=name_of,
)
def test_what_is_not_taken(model, code):
    exported = to_onnx(model.fit(ROWS, TARGET), ROWS[:1], options={"zipmap": False}).SerializeToString()
    with pytest.raises(ModelError) as caught:
        check_structure(exported)
    assert caught.value.code == code


def boosted(kind):
    if kind.startswith("LightGBM"):
        lightgbm = pytest.importorskip("lightgbm")
        model = lightgbm.LGBMClassifier(n_estimators=20, verbose=-1)
        rows = MIXED if kind.endswith("categories") else GAPS
        categories = [3] if kind.endswith("categories") else "auto"
        model.fit(rows, TARGET, categorical_feature=categories)
        return convert_lightgbm(model, "m", FEATURES, zipmap=False, target_opset=15), rows, model
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=20, max_depth=4).fit(GAPS, TARGET)
    return convert_xgboost(model, "m", FEATURES, target_opset=15), GAPS, model


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["LightGBM", "LightGBM with categories", "XGBoost"])
def test_boosted_trees_score_as_their_trainer(kind):
    exported, rows, model = boosted(kind)
    job = Job(
        exported.SerializeToString(), Plan.REHEARSAL, output="probabilities", column=1,
        golden={exported.graph.input[0].name: rows}, expected=model.predict_proba(rows)[:, 1].astype(float),
        background={exported.graph.input[0].name: rows},
    )  # fmt: skip
    outcome = validate(job)
    assert outcome.refusals == []
    assert outcome.report.golden.difference < 1e-5
    assert outcome.report.boundary.tested > 50
    assert outcome.report.boundary.unanswered == 0


@pytest.mark.filterwarnings("ignore")
def test_catboost_answers_with_a_table_once_its_zipmap_is_replaced(tmp_path):
    catboost = pytest.importorskip("catboost")
    model = catboost.CatBoostClassifier(iterations=10, depth=4, verbose=0, allow_writing_files=False)
    model.fit(ROWS, TARGET).save_model(str(tmp_path / "cat.onnx"), format="onnx")
    exported = (tmp_path / "cat.onnx").read_bytes()
    stripped = strip_zipmap(exported)
    assert [tensor.type_text for tensor in inspect(stripped).outputs] == ["tensor(int64)", "tensor(float)"]
    assert inspect(stripped).outputs[1].shape == (None, 2)
    job = Job(
        stripped, Plan.REHEARSAL, output="probabilities", column=1, golden={"features": ROWS},
        expected=model.predict_proba(ROWS)[:, 1],
    )  # fmt: skip
    assert validate(job).refusals == []
    # The same file makes the same version each time.
    assert strip_zipmap(exported) == stripped
    assert strip_zipmap(stripped) == stripped


def test_a_model_without_zipmap_stays_as_it_is():
    exported = to_onnx(LogisticRegression().fit(ROWS, TARGET), ROWS[:1], options={"zipmap": False})
    data = exported.SerializeToString()
    assert strip_zipmap(data) == data


def test_zipmaps_of_texts_are_replaced_too():
    labels = np.array(["no", "yes"])[TARGET]
    exported = to_onnx(LogisticRegression().fit(ROWS, labels), ROWS[:1]).SerializeToString()
    assert inspect(exported).outputs[1].type_text == "seq(map(string,tensor(float)))"
    stripped = strip_zipmap(exported)
    assert inspect(stripped).outputs[1].shape == (None, 2)
    assert hashlib.sha256(stripped).digest() != hashlib.sha256(exported).digest()
    assert "ZipMap" not in {node.op_type for node in onnx.ModelProto.FromString(stripped).graph.node}
