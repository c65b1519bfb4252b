"""What a server counts of its models: every decision, its features and its scores, in the bins of a push."""

import numpy as np
import polars as pl
import pytest
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

import nextbest
from nextbest import bundle, models, workspace
from nextbest.client.operator import Operator
from nextbest.models.drift import Limits
from nextbest.models.pushing.push import Request, push
from nextbest.models.reference import count, index_of
from nextbest.registry.registry import Registry
from nextbest.v1 import control_pb2

WORKSPACE = {
    "workspace.yaml": "name: scored\n",
    "schema.yaml": """
customer:
  age: {type: int}
  balance: {type: double}
  vip: {type: bool}
context:
  page: {type: string}
""",
    "channels.yaml": "channels: {web: {placements: {hero: {count: 1}}}}\n",
    "actions/cards.yaml": """
issue: sales
group: cards
actions:
  gold-card: {value: 100, propensity: cards, treatments: [{channel: web}]}
  silver-card: {value: 50, propensity: cards, treatments: [{channel: web}]}
  free-card: {value: 1, propensity: 0.5, treatments: [{channel: web}]}
""",
    "models/cards.yaml": "name: cards\nversion: champion\n",
}
BINDING = "inputs: {X: [customer.age, customer.balance, customer.vip]}\nprior: 0.02\n"
CARD = "owner: Ana\nexpires: 2020-01-01\n"
QUESTION = {"channel": "web", "placements": ["hero"]}


def people(seed, rows):
    source = np.random.default_rng(seed)
    balances = np.where(source.random(rows) < 0.2, np.nan, source.normal(1_000, 500, rows))
    return pl.DataFrame(
        {
            "customer.age": source.integers(18, 90, rows),
            "customer.balance": pl.Series(balances).fill_nan(None),
            "customer.vip": source.random(rows) < 0.3,
        }
    )


def build(folder, coefficient):
    """A workspace whose model is a version that was pushed with 2,000 rows."""
    for name, text in WORKSPACE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    people(0, 2_000).write_parquet(folder / "sample.parquet")
    (folder / "binding").write_text(BINDING)
    (folder / "card").write_text(CARD)
    rows = np.array([[20, 0, 0], [80, 2_000, 1]], dtype=np.float32)
    model = LogisticRegression().fit(rows, [0, 1])
    model.coef_, model.intercept_ = np.array([[coefficient, 0.0, 0.5]]), np.array([-3.0])
    exported = to_onnx(model, rows[:1], options={"zipmap": False})
    # A missing balance is NaN, and 0.0 times NaN would not be a propensity.
    (folder / "cards.onnx").write_bytes(without_nan(exported).SerializeToString())
    registry = Registry(folder / "models/registry")
    request = Request(
        model=folder / "cards.onnx", name="cards", by="ana", binding=folder / "binding",
        card=folder / "card", background=folder / "sample.parquet", workspace=folder,
    )  # fmt: skip
    pushed = push(registry, request)
    assert pushed.version is not None, pushed.diagnostics
    registry.promote(pushed.version, "champion", by="ana", at="2026-01-01T00:00:00Z")
    compilation = workspace.compile(folder)
    assert compilation.bundle is not None, compilation.diagnostics
    return bundle.seal(compilation.bundle).data


def without_nan(model):
    """The model behind an imputer of nought."""
    from onnx import helper  # noqa: PLC0415

    imputer = helper.make_node(
        "Imputer", ["X"], ["imputed"], domain="ai.onnx.ml", imputed_value_floats=[0.0],
        replaced_value_float=float("nan"),
    )  # fmt: skip
    for node in model.graph.node:
        node.input[:] = ["imputed" if name == "X" else name for name in node.input]
    model.graph.node.insert(0, imputer)
    return model


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Bundles of one version, of the same version in another workspace, and of another version."""
    folder = tmp_path_factory.mktemp("health")
    (folder / "first.bundle").write_bytes(build(folder / "first", 0.05))
    (folder / "other.bundle").write_bytes(build(folder / "other", 0.06))
    settings = folder / "first" / "workspace.yaml"
    settings.write_text("name: renamed\n")
    (folder / "same.bundle").write_bytes(bundle.seal(workspace.compile(folder / "first").bundle).data)
    return folder


@pytest.fixture
def serving(start_serving, files):
    return start_serving(files / "first.bundle", "--workers", "2", NEXTBEST_HEALTH_SAMPLE="1")


@pytest.fixture
def operator(serving):
    with Operator(serving.control, timeout_s=20.0) as operator:
        yield operator


def attributes(frame):
    for row in frame.iter_rows(named=True):
        yield {name.partition(".")[2]: value for name, value in row.items() if value is not None}


def decide(serving, frame, **question):
    with nextbest.Client(serving.decisions, timeout_s=20.0) as client:
        return [client.decide(customer=customer, **QUESTION, **question) for customer in attributes(frame)]


def health(operator) -> control_pb2.ModelHealth:
    (found,) = operator.model_health("cards").models
    return found


def drift(compared):
    both = [[histogram.missing, *histogram.counts] for histogram in (compared.reference, compared.current)]
    return index_of(*both)


def test_counts_are_those_of_numpy(serving, operator):
    frame = people(1, 300)
    decide(serving, frame)
    found = health(operator)
    assert (found.decisions, found.engine) == (300, "native")
    assert len(found.version) == 64
    assert found.card_expires_us == 1_577_836_800_000_000
    assert [feature.name for feature in found.features] == [
        "customer.age", "customer.balance", "customer.vip"
    ]  # fmt: skip
    for feature in found.features:
        current = feature.histogram.current
        values = frame[feature.name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        present = values[~np.isnan(values)]
        assert list(current.counts) == count(present, np.array(current.edges)).tolist()
        assert current.missing == 300 - len(present)
        assert list(current.edges) == list(feature.histogram.reference.edges)
        assert sum(feature.histogram.reference.counts) + feature.histogram.reference.missing == 2_000
    logit = 0.05 * frame["customer.age"].to_numpy() + 0.5 * frame["customer.vip"].to_numpy() - 3.0
    scores = 1.0 / (1.0 + np.exp(-logit))
    current = found.scores.current
    # Two actions have the model's propensity; the third has a prior.
    assert (np.array(current.counts) == 2 * count(scores, np.array(current.edges))).all()
    assert sum(row.decisions for row in found.degradations) == 0


def test_dry_runs_explanations_and_refusals_do_not_count(serving, operator):
    frame = people(1, 10)
    decide(serving, frame, dry_run=True)
    with nextbest.Client(serving.decisions, timeout_s=20.0) as client:
        for customer in attributes(frame):
            client.explain(customer=customer, **QUESTION)
            with pytest.raises(nextbest.errors.InvalidRequest):
                client.decide(customer=customer, channel="fax", placements=["hero"])
    assert health(operator).decisions == 0
    assert operator.status().decisions == 10


def test_drifted_traffic_raises_the_index(serving, operator):
    decide(serving, people(1, 400))
    before = health(operator)
    assert all(drift(feature.histogram) < 0.2 for feature in before.features)
    older = people(2, 400).with_columns(pl.lit(85).alias("customer.age"))
    decide(serving, older)
    after = health(operator)
    indices = {feature.name: drift(feature.histogram) for feature in after.features}
    assert indices["customer.age"] > 1.0
    assert indices["customer.balance"] < 0.2
    assert drift(after.scores) > drift(before.scores) + 0.25


def test_a_notebook_sees_what_has_drifted(serving, operator):
    older = people(2, 400).with_columns(pl.col("customer.age") + 40)
    decide(serving, older)
    found = models.health("cards", operator)
    assert (found.name, found.decisions, found.is_expired) == ("cards", 400, True)
    assert {drift.what for drift in found.alerts} == {"customer.age", "score"}
    assert models.health("cards", operator, Limits(warn=50.0, alert=90.0)).alerts == []
    with pytest.raises(nextbest.errors.NotFound):
        models.health("loans", operator)


def test_another_version_begins_anew_and_the_same_one_goes_on(serving, operator, files):
    decide(serving, people(1, 20))
    before = health(operator)
    operator.activate((files / "same.bundle").read_bytes())
    decide(serving, people(1, 5))
    same = health(operator)
    assert (same.decisions, same.since_us, same.version) == (25, before.since_us, before.version)
    operator.activate((files / "other.bundle").read_bytes())
    other = health(operator)
    assert other.decisions == 0
    assert other.since_us > before.since_us
    assert other.version != before.version
    operator.activate((files / "first.bundle").read_bytes())
    assert health(operator).decisions == 0


@pytest.mark.slow
def test_a_sample_and_none(start_serving, files):
    for sample, least, most in (("4", 50, 150), ("0", 0, 0)):
        serving = start_serving(files / "first.bundle", NEXTBEST_HEALTH_SAMPLE=sample)
        decide(serving, people(1, 400))
        with Operator(serving.control) as operator:
            answer = operator.model_health()
        assert answer.sample == int(sample)
        assert least <= answer.models[0].decisions <= most
