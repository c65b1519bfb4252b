"""Real customers, real models, the real server: every propensity equals Python's onnxruntime.

Data: UCI Bank Marketing (Moro, Cortez, Rita 2014; CC BY 4.0), found through NEXTBEST_TEST_DATA. `duration` is
known only after the call and is never a feature.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnxruntime
import polars as pl
import pytest
import yaml
from numpy.typing import NDArray
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType as LightgbmFloats
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from nextbest import Client, bundle, models, workspace
from nextbest._core import Server

NUMBERS = ("age", "campaign", "pdays", "previous")
WORDS = ("job", "marital", "education", "contact", "month")
TREES, LOGISTIC = "term-deposit-trees", "term-deposit-logistic"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def customers() -> pl.DataFrame:
    folder = os.environ.get("NEXTBEST_TEST_DATA")
    if not folder:
        pytest.skip("NEXTBEST_TEST_DATA is not set: no folder with bank-marketing.csv.gz")
    data = pl.read_csv(Path(folder) / "bank-marketing.csv.gz")
    # 999 days is the file's way to say "never contacted before": absent.
    return data.with_columns(
        pl.when(pl.col("pdays") == 999).then(None).otherwise(pl.col("pdays")).alias("pdays")
    ).select(*NUMBERS, *WORDS, "output")


def numbers(data: pl.DataFrame) -> NDArray[np.float32]:
    return data.select(pl.col(NUMBERS).cast(pl.Float32)).fill_null(float("nan")).to_numpy()


def responded(data: pl.DataFrame) -> NDArray[np.int64]:
    return (data["output"] == "yes").cast(pl.Int64).to_numpy()


def train_trees(data: pl.DataFrame) -> bytes:
    model = lightgbm.LGBMClassifier(n_estimators=100, random_state=1, n_jobs=2, verbose=-1)
    model.fit(numbers(data), responded(data))
    onnx = convert_lightgbm(
        model,
        initial_types=[("numbers", LightgbmFloats([None, len(NUMBERS)]))],
        zipmap=False,
        target_opset=15,
    )
    return bytes(onnx.SerializeToString())


def train_logistic(data: pl.DataFrame) -> bytes:
    scale = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = ColumnTransformer(
        [("numbers", scale, ["age", "campaign"]), ("words", OneHotEncoder(), list(WORDS))]
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=1_000))
    model.fit(data.select("age", "campaign", *WORDS), responded(data))
    inputs = [(name, FloatTensorType([None, 1])) for name in ("age", "campaign")]
    inputs += [(name, StringTensorType([None, 1])) for name in WORDS]
    onnx = to_onnx(model, initial_types=inputs, options={"zipmap": False})
    return bytes(onnx.SerializeToString())


def write_workspace(folder: Path, data: pl.DataFrame) -> None:
    def dump(name: str, content: dict[str, Any]) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(yaml.dump(content, sort_keys=False))

    (folder / "models").mkdir(parents=True)
    (folder / "models/trees.onnx").write_bytes(train_trees(data))
    (folder / "models/logistic.onnx").write_bytes(train_logistic(data))
    dump("workspace.yaml", {"name": "bank-marketing"})
    schema = {name: {"type": "int"} for name in NUMBERS} | {name: {"type": "string"} for name in WORDS}
    dump("schema.yaml", {"customer": schema})
    dump("channels.yaml", {"channels": {"phone": {"placements": {"call": {"count": 2}}}}})
    trees = {"numbers": [f"customer.{name}" for name in NUMBERS]}
    logistic = {name: f"customer.{name}" for name in ("age", "campaign", *WORDS)}
    for name, file, inputs in ((TREES, "trees", trees), (LOGISTIC, "logistic", logistic)):
        binding = {"inputs": inputs, "output": "probabilities", "positive_class": 1}
        dump(f"models/{file}.yaml", {"name": name, "file": f"{file}.onnx", "prior": 0.1, **binding})
    treatments = [{"channel": "phone", "placement": "call"}]
    actions = {
        f"deposit-{name}": {"value": 1.0, "propensity": name, "treatments": treatments}
        for name in (TREES, LOGISTIC)
    }
    dump("actions/deposits.yaml", {"issue": "sales", "group": "deposits", "actions": actions})


def expected(folder: Path, data: pl.DataFrame) -> dict[str, NDArray[np.float32]]:
    trees = onnxruntime.InferenceSession((folder / "models/trees.onnx").read_bytes())
    logistic = onnxruntime.InferenceSession((folder / "models/logistic.onnx").read_bytes())
    columns: dict[str, Any] = {
        name: data[name].to_numpy().astype(np.float32)[:, None] for name in ("age", "campaign")
    }
    columns |= {name: data[name].to_numpy().astype(object)[:, None] for name in WORDS}
    return {
        f"deposit-{TREES}": trees.run(["probabilities"], {"numbers": numbers(data)})[0][:, 1],
        f"deposit-{LOGISTIC}": logistic.run(["probabilities"], columns)[0][:, 1],
    }


@pytest.fixture(scope="module")
def folder(customers: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bank-marketing")
    write_workspace(made, customers)
    return made


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    compilation = workspace.compile(folder)
    assert compilation.bundle is not None, [str(finding) for finding in compilation.diagnostics]
    server = Server(
        bundle.seal(compilation.bundle).data,
        {
            "address": "127.0.0.1:0",
            "health_address": "127.0.0.1:0",
            "onnxruntime_path": models.locate_runtime(),
        },
    )
    with Client(server.decision_address) as connected:
        yield connected
    assert server.shutdown(10.0) == (0, 0)


def test_propensities_of_all_customers_equal_onnxruntime(
    client: Client, folder: Path, customers: pl.DataFrame
) -> None:
    rows = customers.drop("output").to_dicts()
    client.customers.upsert((f"c{number}", row) for number, row in enumerate(rows))
    wanted = expected(folder, customers)
    actual = {name: np.full(len(rows), np.nan) for name in wanted}
    for number in range(len(rows)):
        decision = client.decide(customer_id=f"c{number}", channel="phone", placements=["call"])
        assert decision.degradations == ()
        for ranked in decision.placements[0].actions:
            actual[ranked.action][number] = ranked.score.propensity
    assert len(rows) == 41_188
    for name, propensities in wanted.items():
        np.testing.assert_allclose(actual[name], propensities, rtol=0, atol=1e-6)
        assert np.ptp(propensities) > 0.1
