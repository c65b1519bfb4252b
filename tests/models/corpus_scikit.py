"""Models of scikit-learn, exported by skl2onnx."""

from collections.abc import Callable
from unittest import mock

import numpy as np
import onnx
import pandas as pd
from corpus_case import JOBS, Case, table
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

NUMBERS = [("X", FloatTensorType([None, 6]))]


def convert(model, types=NUMBERS, **options):
    """Exports a fitted model; skl2onnx hands onnx truth values and numpy's integers for Python's."""
    make_attribute = onnx.helper.make_attribute

    def plain(key, value, *arguments, **named):
        if isinstance(value, list):
            value = [int(item) if isinstance(item, bool | np.bool_ | np.integer) else item for item in value]
        return make_attribute(key, value, *arguments, **named)

    with mock.patch("onnx.helper.make_attribute", plain):
        return convert_sklearn(model, initial_types=types, options={id(model): options} if options else None)


def classifier(build, *, exact=False, lost=True, share_lost=0.0, types=NUMBERS) -> Callable[[], Case]:
    def case() -> Case:
        numbers, accepts = table(lost=share_lost)
        model = build().fit(numbers, accepts)
        return Case(convert(model, types, zipmap=False).SerializeToString(), exact=exact, lost=lost)

    return case


def answers() -> np.ndarray:
    """Values of several actions for each row."""
    numbers, _ = table()
    return np.stack([np.sin(numbers[:, place] + place) for place in range(5)], axis=1)


def regressor(build, *, exact) -> Callable[[], Case]:
    """One column for each of five actions."""

    def case() -> Case:
        model = build().fit(table()[0], answers())
        return Case(convert(model).SerializeToString(), "variable", exact=exact, columns=(0, 1, 2, 3, 4))

    return case


def people(count: int = 600) -> tuple[pd.DataFrame, np.ndarray]:
    numbers, accepts = table(count, lost=0.1)
    frame = pd.DataFrame(numbers[:, :2], columns=["age", "balance"])
    rng = np.random.default_rng(5)
    frame["job"] = rng.choice(np.array(JOBS, dtype=object), count)
    frame["region"] = rng.integers(0, 5, count)
    return frame, accepts


def draw_people(rng: np.random.Generator, count: int):
    """Some jobs and regions were never seen in training."""
    jobs = np.array([*JOBS, "astronaut", ""], dtype=object)
    return {
        "age": rng.normal(size=(count, 1)).astype(np.float32),
        "balance": rng.normal(size=(count, 1)).astype(np.float32),
        "job": rng.choice(jobs, (count, 1)),
        "region": rng.integers(-1, 7, (count, 1)),
    }


def mixed(build, *, exact) -> Callable[[], Case]:
    def case() -> Case:
        columns = ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "balance"]),
                ("job", OneHotEncoder(handle_unknown="ignore"), ["job"]),
                ("region", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["region"]),
            ]
        )
        frame, accepts = people()
        model = make_pipeline(columns, build()).fit(frame, accepts)
        types = [(name, FloatTensorType([None, 1])) for name in ("age", "balance")]
        types += [("job", StringTensorType([None, 1])), ("region", Int64TensorType([None, 1]))]
        onnx_model = convert(model, types, zipmap=False)
        return Case(onnx_model.SerializeToString(), exact=exact, draw=draw_people)

    return case


def filled() -> Case:
    """Texts that are missing are filled in before they are encoded."""
    frame, accepts = people()
    frame = frame[["job", "age"]]
    frame.loc[::7, "job"] = ""
    texts = make_pipeline(SimpleImputer(strategy="most_frequent", missing_values=""), OneHotEncoder())
    columns = ColumnTransformer([("job", texts, ["job"]), ("age", SimpleImputer(), ["age"])])
    model = make_pipeline(columns, linear()).fit(frame, accepts)
    types = [("job", StringTensorType([None, 1])), ("age", FloatTensorType([None, 1]))]

    def draw(rng, count):
        job = rng.choice(np.array([*JOBS, ""], dtype=object), (count, 1))
        return {"job": job, "age": rng.normal(size=(count, 1)).astype(np.float32)}

    return Case(convert(model, types, zipmap=False).SerializeToString(), draw=draw)


def zipped() -> Case:
    numbers, accepts = table()
    model = RandomForestClassifier(5, random_state=0, n_jobs=1).fit(numbers, accepts)
    return Case(convert(model).SerializeToString(), "output_probability", exact=True)


def doubles() -> Case:
    numbers, accepts = table()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(numbers, accepts)
    onnx_model = convert(model, [("X", DoubleTensorType([None, 6]))], zipmap=False)
    return Case(onnx_model.SerializeToString(), draw=lambda rng, count: {"X": rng.normal(size=(count, 6))})


def linear():
    return LogisticRegression()


def boosted():
    return GradientBoostingClassifier(n_estimators=8, random_state=0)


def bins():
    return KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf")


SCIKIT: dict[str, Callable[[], Case]] = {
    "logistic regression": classifier(linear),
    "imputer, scaler, logistic": classifier(
        lambda: make_pipeline(SimpleImputer(), StandardScaler(), linear()), share_lost=0.1
    ),
    "SGD": classifier(lambda: SGDClassifier(loss="log_loss", random_state=0)),
    "discriminant analysis": classifier(LinearDiscriminantAnalysis),
    "robust, power transformer": classifier(
        lambda: make_pipeline(RobustScaler(), PowerTransformer(), linear())
    ),
    "polynomial features": classifier(lambda: make_pipeline(PolynomialFeatures(2), linear())),
    "bins": classifier(lambda: make_pipeline(bins(), linear())),
    "normalizer, min-max": classifier(lambda: make_pipeline(Normalizer(), MinMaxScaler(), linear())),
    "binarizer": classifier(lambda: make_pipeline(Binarizer(), linear()), lost=False),
    "union with PCA": classifier(
        lambda: make_pipeline(FeatureUnion([("a", StandardScaler()), ("b", PCA(2))]), linear())
    ),
    "Gaussian naive Bayes": classifier(GaussianNB),
    "Bernoulli naive Bayes": classifier(BernoulliNB, lost=False),
    "small net": classifier(lambda: MLPClassifier((16, 8), max_iter=15, random_state=0, tol=1.0)),
    "net of tanh": classifier(
        lambda: MLPClassifier((8,), activation="tanh", max_iter=15, random_state=0, tol=1.0)
    ),
    "decision tree": classifier(lambda: DecisionTreeClassifier(random_state=0), exact=True),
    "random forest": classifier(lambda: RandomForestClassifier(20, random_state=0, n_jobs=1), exact=True),
    "extra trees": classifier(lambda: ExtraTreesClassifier(20, random_state=0, n_jobs=1), exact=True),
    "gradient boosting": classifier(boosted, exact=True),
    "histogram boosting": classifier(
        lambda: HistGradientBoostingClassifier(max_iter=10, random_state=0), exact=True, share_lost=0.1
    ),
    "AdaBoost": classifier(lambda: AdaBoostClassifier(n_estimators=5, random_state=0)),
    "bagging of trees": classifier(lambda: BaggingClassifier(n_estimators=4, random_state=0)),
    "bagging of linear models": classifier(
        lambda: BaggingClassifier(linear(), n_estimators=4, max_features=0.5, random_state=0)
    ),
    "soft vote": classifier(
        lambda: VotingClassifier([("a", linear()), ("b", boosted())], voting="soft", flatten_transform=False)
    ),
    "stacking": classifier(
        lambda: StackingClassifier([("a", linear()), ("b", DecisionTreeClassifier(max_depth=3))], cv=3)
    ),
    "calibrated by sigmoid": classifier(lambda: CalibratedClassifierCV(linear(), cv=3)),
    "calibrated by steps": classifier(
        lambda: CalibratedClassifierCV(boosted(), method="isotonic", cv=3), lost=False
    ),
    "mixed columns, linear": mixed(linear, exact=False),
    "mixed columns, boosting": mixed(boosted, exact=True),
    "texts filled in": filled,
    "forest with ZipMap": zipped,
    "forest of many actions": regressor(
        lambda: RandomForestRegressor(10, max_depth=6, random_state=0, n_jobs=1), exact=True
    ),
    "linear of many actions": regressor(LinearRegression, exact=False),
    "doubles": doubles,
    "support vectors": classifier(lambda: CalibratedClassifierCV(SVC(), cv=2)),
}
