"""The contributions of decisions and explanations: from a trained model to words, without a server."""

import json
import math
import shutil
import sys

import lightgbm
import numpy as np
import polars as pl
import pytest
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from nextbest import bundle, cli, workspace
from nextbest.bundle.offline import OfflineBundle
from nextbest.cli import output
from nextbest.client.errors import InvalidRequest
from nextbest.client.scores import ContributionLevel, ContributionScale

WORKSPACE = {
    "workspace.yaml": "name: contributions\n",
    "schema.yaml": """
customer:
  age: {type: int, label: age in years}
  income: {type: double}
""",
    "channels.yaml": "channels:\n  web:\n    placements:\n      hero: {count: 2}\n",
    "actions/cards.yaml": """
issue: sales
group: cards
actions:
  gold-card:
    value: 100
    propensity: {model: cards, prior: 0.02}
    treatments: [{channel: web, placement: hero}]
  iron-card:
    value: 1
    propensity: 0.02
    treatments: [{channel: web, placement: hero}]
""",
    "models/cards.yaml": """
name: cards
file: cards.onnx
background: sample.parquet
inputs:
  X: [customer.age, customer.income]
output: probabilities
positive_class: 1
""",
}
QUESTION = {"channel": "web", "placements": ["hero"]}


@pytest.fixture(scope="module")
def trained():
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.integers(18, 90, 2000), rng.normal(40_000, 15_000, 2000)]).astype(np.float32)
    rows[rng.random(2000) < 0.1, 1] = np.nan
    accepts = np.nan_to_num(rows[:, 1]) / 20_000 - rows[:, 0] / 40 + rng.normal(size=2000) > 0.5
    return rows, lightgbm.LGBMClassifier(n_estimators=30, verbose=-1, num_threads=1).fit(
        rows, accepts.astype(int)
    )


@pytest.fixture(scope="module")
def file(trained, tmp_path_factory):
    rows, fitted = trained
    folder = tmp_path_factory.mktemp("contributions")
    types = [("X", FloatTensorType([None, 2]))]
    onnx = convert_lightgbm(fitted, initial_types=types, zipmap=False).SerializeToString()
    for name, text in WORKSPACE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "models" / "cards.onnx").write_bytes(onnx)
    sample = pl.DataFrame({"customer.age": rows[:, 0], "customer.income": rows[:, 1]})
    sample.write_parquet(folder / "models" / "sample.parquet")
    message = workspace.compile(folder).bundle
    assert message is not None
    path = folder / "contributions.bundle"
    path.write_bytes(bundle.seal(message).data)
    return path


@pytest.fixture(scope="module")
def opened(file):
    return OfflineBundle(file.read_bytes())


@pytest.mark.parametrize("customer", [{"age": 30, "income": 72_000.0}, {"age": 71}])
def test_a_decision_has_the_contributions_of_lightgbm(opened, trained, customer):
    decision = opened.decide(**QUESTION, customer=customer, contributions="exact")
    gold, iron = decision["hero"]
    row = np.array([[customer["age"], customer.get("income", math.nan)]])
    *expected, base = trained[1].predict(row, pred_contrib=True)[0]
    found = {line.attribute: line.contribution for line in gold.contributions}
    assert found == pytest.approx({"customer.age": expected[0], "customer.income": expected[1]}, abs=1e-5)
    assert gold.contributions.base == pytest.approx(base, abs=1e-5)
    assert (gold.contributions.method, gold.contributions.scale) == (
        ContributionLevel.EXACT,
        ContributionScale.LOG_ODDS,
    )
    assert gold.score.propensity == pytest.approx(1 / (1 + math.exp(-gold.contributions.margin)), abs=1e-6)
    assert iron.contributions.refusal == "no model is bound to the action"


def test_contributions_in_words(opened):
    decision = opened.decide(**QUESTION, customer={"age": 71}, contributions="exact")
    lines = {line.attribute: line for line in decision["hero"][0].contributions}
    age, income = lines["customer.age"], lines["customer.income"]
    assert (age.label, age.value, income.label, income.value) == ("age in years", 71, "income", None)
    assert age.text.startswith("age in years 71 lowers the odds by ")
    assert income.text.startswith("income unknown ")
    percent = -math.expm1(age.contribution) * 100
    assert age.text.endswith(f" {percent:.0f} %")


def test_fast_and_exact_add_up_alike(opened):
    for level in ("fast", "exact"):
        decision = opened.decide(**QUESTION, customer={"age": 30, "income": 1e4}, contributions=level)
        found = decision["hero"][0].contributions
        assert found.base + sum(line.contribution for line in found) == pytest.approx(found.margin, abs=1e-5)


def test_contributions_only_for_the_requested_number(opened):
    best, next_best = opened.decide(**QUESTION, contributions="fast", contributions_top=1)["hero"]
    assert best.contributions is not None
    assert next_best.contributions is None
    assert all(action.contributions is None for action in opened.decide(**QUESTION)["hero"])


def test_explain_has_contributions_of_every_action(opened):
    found = opened.explain(**QUESTION, actions=["gold-card"], contributions="exact").explanation.actions
    assert [len(action.contributions.contributions) for action in found] == [2]
    assert all(action.contributions is None for action in opened.explain(**QUESTION).explanation.actions)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"contributions": "some"}, "contributions"),
        ({"contributions": "exact", "contributions_top": 11}, "contributions_top"),
        ({"contributions": "exact", "contributions_top": -1}, "contributions_top"),
    ],
)
def test_invalid_requests_are_refused(opened, arguments, field):
    with pytest.raises(InvalidRequest) as refused:
        opened.decide(**QUESTION, **arguments)
    assert refused.value.field == field


SAMPLES = {
    "missing.csv": (None, "NB663", "there is no file `missing.csv`"),
    "../../sample.csv": (None, "NB616", "`../../sample.csv` is outside the workspace"),
    "few.csv": (
        "customer.age\n42\n",
        "NB663",
        "the rows of the background sample have no column `customer.income`",
    ),
    "text.csv": (
        "customer.age,customer.income\n42,much\n",
        "NB663",
        "row 1 of the background sample, column `customer.income`: `much` is not a number",
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_that_is_of_no_use_is_shown_where_it_is_named(file, tmp_path, name):
    text, code, message = SAMPLES[name]
    folder = shutil.copytree(file.parent, tmp_path / "contributions")
    model = folder / "models" / "cards.yaml"
    model.write_text(model.read_text().replace("sample.parquet", name))
    if text is not None:
        (folder / "models" / name).write_text(text)
    (found,) = workspace.compile(folder).diagnostics
    assert (found.code, found.message) == (code, message)
    assert (found.position.file, found.position.line) == ("models/cards.yaml", 4)


def test_without_a_sample_a_model_scores_and_has_no_contributions(file, tmp_path):
    folder = shutil.copytree(file.parent, tmp_path / "contributions")
    model = folder / "models" / "cards.yaml"
    model.write_text(model.read_text().replace("background: sample.parquet\n", ""))
    message = workspace.compile(folder).bundle
    decision = OfflineBundle(bundle.seal(message).data).decide(**QUESTION, contributions="exact")
    gold = decision["hero"][0]
    assert gold.score.propensity_source == "model"
    assert gold.contributions.refusal == "the model was compiled without a background sample"


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["nextbest", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        output._machine[0] = False
        assert not left.value.code
        return capsys.readouterr().out

    return run


def test_the_command_line_shows_a_table_and_json(file, run):
    asked = ["-b", str(file), "-c", "web", "-a", "age=30", "-a", "income=72000", "--contributions", "exact"]
    shown = run("decide", *asked)
    assert "income 72,000 raises the odds by" in shown
    assert "expected over the background sample" in shown
    assert "Contributions to the propensity of iron-card: none, no model is bound to the action" in shown
    gold, iron = json.loads(run("decide", *asked, "--top", "1", "--json"))["placements"][0]["actions"]
    found = {line["attribute"] for line in gold["contributions"]["contributions"]}
    assert found == {"customer.age", "customer.income"}
    assert iron["contributions"] is None
    assert "income 72,000 raises the odds by" in run("explain", "gold-card", *asked)
