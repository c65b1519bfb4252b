"""Past offers -> the demo bank's three propensity models, as ONNX files beside their bindings.

Three kinds on purpose: gradient-boosted trees, a logistic regression over one-hot encoded text, and a small
neural network. What a model reads, and in which order, comes from its binding (`models/*.yaml`), so that
training and serving cannot disagree. The same customers give the same bytes.

The only module that needs scikit-learn and skl2onnx (the `demo` extra); import it after `bank.require_extra`.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.operator_converters.random_forest import convert_sklearn_random_forest_classifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from nextbest.demo.bindings import Binding, TrainedModel
from nextbest.demo.responses import Offers, simulate
from nextbest.workspace import Workspace
from nextbest.workspace.definitions import ActionDefinition, ModelFile, PropensityDefinition
from nextbest.workspace.load import ignore, load

OFFER_COUNT = 40_000
OFFER_SEED = 7
TARGET_OPSET = {"": 17, "ai.onnx.ml": 3}


def train(workspace: Path, customers: pl.DataFrame, *, offer_count: int = OFFER_COUNT) -> list[TrainedModel]:
    """Trains the three models of a workspace and writes their ONNX files.

    Args:
        workspace: A copy of the demo bank's.
        customers: As `customers.generate` gives them.
        offer_count: Past offers to simulate for each model.
    """
    definitions, _ = load(workspace, ignore)
    trained = []
    # One thread: sums of floats depend on how many threads share them.
    with threadpool_limits(1):
        for index, source in enumerate(definitions.models):
            model = source.definition
            actions = _bound_actions(definitions, model.name)
            offers = simulate(model.name, customers, actions, count=offer_count, seed=OFFER_SEED + index)
            trained.append(_train_one(workspace / "models", model, offers))
    return trained


def _bound_actions(definitions: Workspace, model: str) -> list[dict[str, Any]]:
    def is_bound(action: ActionDefinition) -> bool:
        bound = action.propensity
        return bound == model or (isinstance(bound, PropensityDefinition) and bound.model == model)

    actions = (action for source in definitions.groups for action in source.definition.actions.values())
    return [action.attributes for action in actions if is_bound(action)]


def _train_one(folder: Path, model: ModelFile, offers: Offers) -> TrainedModel:
    binding = Binding.of(model)
    kind, pipeline = _pipeline(model.name, binding)
    table = _table(binding, offers)
    kept, held, accepted, held_accepted = train_test_split(
        table, offers.accepted, test_size=0.2, random_state=1
    )
    with warnings.catch_warnings():
        # The network trains for a fixed number of rounds, whatever it may say about that.
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(kept, accepted)
    auc = roc_auc_score(held_accepted, pipeline.predict_proba(held)[:, 1])
    data = _onnx(pipeline, model.name, binding)
    (folder / model.file).write_bytes(data)
    share = float(offers.accepted.mean())
    return TrainedModel(model.name, kind, len(table), share, float(auc), len(data))


def _table(binding: Binding, offers: Offers) -> NDArray[Any]:
    """The input columns side by side, numbers first; without text inputs, an array of float32."""
    numbers = [
        offers.column(c.attribute).cast(pl.Float64).fill_null(np.nan if c.missing is None else c.missing)
        for c in binding.number_columns
    ]
    # float32 is what the model is given when it decides.
    vector = np.column_stack([column.to_numpy() for column in numbers]).astype(np.float32)
    if not binding.texts:
        return vector
    texts = [offers.column(c.attribute).fill_null(c.missing or "").to_list() for c in binding.texts.values()]
    return np.column_stack([vector.astype(object), *(np.array(text, dtype=object) for text in texts)])


def _pipeline(name: str, binding: Binding) -> tuple[str, Any]:
    split = len(binding.number_columns)
    numbers, texts = list(range(split)), list(range(split, split + len(binding.texts)))
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    if name == "sales-propensity":
        # The trees take numbers as they are, NaN included.
        columns = ColumnTransformer([("numbers", "passthrough", numbers), ("texts", words, texts)])
        trees = HistGradientBoostingClassifier(
            max_iter=90, max_leaf_nodes=16, learning_rate=0.1, l2_regularization=1.0, random_state=1
        )
        return "gradient-boosted trees", make_pipeline(columns, trees)
    if name == "retention-propensity":
        columns = ColumnTransformer([("numbers", StandardScaler(), numbers), ("texts", words, texts)])
        return "logistic regression", make_pipeline(columns, LogisticRegression(max_iter=500))
    network = MLPClassifier((24, 12), alpha=1e-3, batch_size=500, max_iter=12, random_state=1)
    return "neural network", make_pipeline(StandardScaler(), network)


def _onnx(pipeline: Any, name: str, binding: Binding) -> bytes:
    inputs = [
        (binding.numbers, FloatTensorType([None, len(binding.number_columns)])),
        *((text, StringTensorType([None, 1])) for text in binding.texts),
    ]
    model = convert_sklearn(
        pipeline,
        name=name,
        initial_types=inputs,
        options={id(pipeline): {"zipmap": False}},
        target_opset=TARGET_OPSET,
        custom_conversion_functions={HistGradientBoostingClassifier: _convert_trees},
    )
    # skl2onnx keeps them in a set.
    model.opset_import.sort(key=lambda opset: opset.domain)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _convert_trees(scope: Any, operator: Any, container: Any) -> None:
    convert_sklearn_random_forest_classifier(scope, operator, _IntegerFlags(container))


class _IntegerFlags:
    """A container of skl2onnx that writes flags as 0 and 1.

    skl2onnx gives the direction of missing values as booleans, and protobuf takes none for an integer.
    """

    def __init__(self, container: Any) -> None:
        self._container = container

    def add_node(
        self, *arguments: Any, nodes_missing_value_tracks_true: Sequence[Any], **attributes: Any
    ) -> None:
        """Passes a node on."""
        flags = [int(flag) for flag in nodes_missing_value_tracks_true]
        self._container.add_node(*arguments, nodes_missing_value_tracks_true=flags, **attributes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)
