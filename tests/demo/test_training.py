"""Models are the same each time, learn something, and take what the bindings say."""

import onnx
import polars as pl
import pytest

from nextbest.demo import bank, customers, training
from nextbest.demo.bindings import Binding, Column
from nextbest.workspace.definitions import ModelFile

OFFERS = 3_000


@pytest.fixture(scope="module")
def twice(tmp_path_factory, now):
    people = customers.generate(1_000, now=now)
    runs = []
    for _ in range(2):
        workspace = bank.write_workspace(tmp_path_factory.mktemp("run"))
        training.train(workspace, people, offer_count=OFFERS)
        runs.append({path.name: path.read_bytes() for path in sorted((workspace / "models").glob("*.onnx"))})
    return runs


def test_the_same_customers_give_the_same_bytes(twice):
    first, second = twice
    assert list(first) == ["retention-propensity.onnx", "sales-propensity.onnx", "service-propensity.onnx"]
    assert first == second


def test_models_are_well_formed(twice):
    for data in twice[0].values():
        model = onnx.load_from_string(data)
        onnx.checker.check_model(model)
        names = {entry.name: entry.type.tensor_type.shape.dim for entry in model.graph.output}
        assert not names["probabilities"][0].HasField("dim_value")


def test_models_are_of_three_kinds_and_learn(made):
    assert {model.kind for model in made.models} == {
        "gradient-boosted trees",
        "logistic regression",
        "neural network",
    }
    for model in made.models:
        assert 0.6 < model.auc < 0.95
        assert 0.01 < model.accepted_share < 0.5


def binding(inputs):
    return Binding.of(ModelFile.model_validate({"name": "m", "file": "m.onnx", "inputs": inputs}))


def test_a_binding_is_read_as_it_is_written():
    read = binding({"v": ["customer.age", {"attribute": "action.apr", "missing": 0}], "t": "action.family"})
    columns = (Column("customer.age"), Column("action.apr", 0))
    assert read == Binding("v", columns, {"t": Column("action.family")})


def test_missing_numbers_reach_the_trees_as_nan(made):
    inputs = {"v": ["customer.income"], "t": {"attribute": "context.page", "missing": "none"}}
    actions = [{"family": "card", "monthly_cost": 0, "reward": 0, "effort": 0.1}]
    offers = training.simulate("sales-propensity", made.customers, actions, count=500, seed=1)
    table = training._table(binding(inputs), offers)
    missing = offers.column("customer.income").is_null()
    assert missing.any()
    assert pl.Series(table[:, 0].astype(float)).is_nan().to_list() == missing.to_list()
    assert set(table[:, 1]) >= {"none", "cards"}
