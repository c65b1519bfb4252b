"""A push from beginning to end: a version with all that was given, or every reason why not."""

import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import polars as pl
import pytest
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from nextbest import workspace
from nextbest.diagnostics.rendering import render_all
from nextbest.models import comparison
from nextbest.models.pushing.push import Request, push
from nextbest.registry.registry import Registry
from nextbest.workspace.definitions import moment_us

SCHEMA = """
customer:
  age: {type: int}
  balance: {type: double}
"""
BINDING = """
inputs:
  X: [customer.age, {attribute: customer.balance, missing: 0.0}]
prior: 0.03
"""
CARD = """
owner: Ana
training: {from: 2025-01-01, until: 2025-12-31}
metrics: {auc: 0.8}
limits: [not for companies]
expires: 2099-01-01
"""
SHOP = {
    "workspace.yaml": "name: shop\n",
    "channels.yaml": "channels: {web: {placements: {hero: {}}}}\n",
    "actions/cards.yaml": """
issue: sales
group: cards
actions:
  gold: {propensity: card, treatments: [{channel: web}]}
""",
}


def train(seed: int) -> tuple[bytes, pl.DataFrame]:
    source = np.random.default_rng(seed)
    rows = np.stack([source.integers(18, 90, 300), source.normal(1_000, 500, 300)], axis=1).astype(np.float32)
    model = LogisticRegression().fit(rows / [50, 1_000], rows[:, 0] + source.normal(0, 10, 300) > 50)
    model.coef_ = model.coef_ / [50, 1_000]
    frame = pl.DataFrame(
        {
            "customer.age": rows[:, 0].astype(int),
            "customer.balance": rows[:, 1].astype(float),
            "expected": model.predict_proba(rows)[:, 1],
        }
    )
    return to_onnx(model, rows[:1], options={"zipmap": False}).SerializeToString(), frame


def fill(tmp_path):
    data, frame = train(0)
    (tmp_path / "card.onnx").write_bytes(data)
    (tmp_path / "schema.yaml").write_text(SCHEMA)
    (tmp_path / "binding.yaml").write_text(BINDING)
    (tmp_path / "card.yaml").write_text(CARD)
    frame.head(50).write_parquet(tmp_path / "golden.parquet")
    frame.drop("expected").write_csv(tmp_path / "sample.csv")
    return tmp_path


@pytest.fixture
def folder(tmp_path):
    """All that is needed for a push."""
    return fill(tmp_path)


@pytest.fixture(scope="module")
def pushed_once(tmp_path_factory):
    folder = fill(tmp_path_factory.mktemp("pushed"))
    assert pushing(folder).version is not None
    return folder


@pytest.fixture
def published(pushed_once, tmp_path):
    """The same, and it has been pushed."""
    shutil.copytree(pushed_once, tmp_path / "published")
    return tmp_path / "published"


def version_of(folder):
    (version,) = Registry(folder / "models/registry").versions("card")
    return version


def pushing(folder, **changes):
    given = {
        "model": folder / "card.onnx",
        "name": "card",
        "by": "ana",
        "binding": folder / "binding.yaml",
        "card": folder / "card.yaml",
        "golden": folder / "golden.parquet",
        "background": folder / "sample.csv",
        "workspace": folder,
        **changes,
    }
    return push(Registry(folder / "models/registry"), Request(**given))


def codes(pushed):
    return [diagnostic.code for diagnostic in pushed.diagnostics]


def test_a_version_has_all_that_was_given(folder):
    pushed = pushing(folder, budget_us=100_000.0)
    assert pushed.diagnostics == []
    assert pushed.is_new
    assert sorted(path.name for path in pushed.version.folder.iterdir()) == [
        "background.parquet", "binding.yaml", "card.yaml", "golden.parquet", "manifest.json",
        "manifest.json.sha256", "model.onnx", "reference.json",
    ]  # fmt: skip
    manifest = pushed.manifest
    assert manifest == Registry(folder / "models/registry").manifest(pushed.version)
    assert manifest.report.golden.rows == 50
    assert manifest.report.spread.rows == 300
    assert manifest.card.trained_until == "2025-12-31"
    assert manifest.binding.output == "probabilities"
    assert (manifest.binding.positive_column, manifest.binding.prior) == (1, 0.03)
    reference = json.loads((pushed.version.folder / "reference.json").read_text())
    assert reference["features"].keys() == {"customer.age", "customer.balance"}
    assert sum(reference["scores"]["counts"]) == 300


def test_the_same_again_is_the_same_version(published):
    again = pushing(published)
    assert not again.is_new
    assert again.version == version_of(published)
    assert again.manifest.name == "card"


@pytest.mark.parametrize("change", ["binding.yaml", "golden.parquet", "sample.csv"])
def test_the_same_bytes_with_something_else_are_refused(published, change):
    path = published / change
    if path.suffix == ".parquet":
        pl.read_parquet(path).head(10).write_parquet(path)
    else:
        path.write_text(f"{path.read_text()}\n# changed\n")
    pushed = pushing(published)
    assert codes(pushed) == ["NB668"]
    assert pushed.version is None
    assert "metadata_props" in pushed.diagnostics[0].help


def test_a_push_without_a_card_leaves_the_card(published):
    version = version_of(published)
    pushed = pushing(published, card=None)
    assert (codes(pushed), pushed.version, pushed.is_revised) == ([], version, False)
    assert pushed.manifest.card is not None


def test_another_card_revises_the_one_before(published):
    version, card = version_of(published), published / "card.yaml"
    pushed_first = (version.folder / "card.yaml").read_bytes()
    card.write_text("owner: Eve\nexpires: 2020-01-01\n")
    pushed = pushing(published)
    assert (pushed.is_new, pushed.is_revised, codes(pushed)) == (False, True, ["NB620"])
    assert pushed.manifest.card.owner == "Eve"
    again = pushing(published)
    assert (again.is_new, again.is_revised) == (False, False)
    card.write_bytes(pushed_first)
    assert pushing(published).manifest.card.owner == "Ana"
    registry = Registry(published / "models/registry")
    revisions = registry.amendments("card").cards[version.digest]
    assert [(found.by, found.card.owner) for found in revisions] == [("ana", "Eve"), ("ana", "Ana")]
    assert (version.folder / "card.yaml").read_bytes() == pushed_first
    card.write_text("ownr: Eve\n")
    assert codes(pushing(published)) == ["NB201"]


def test_a_workspace_has_the_term_of_the_last_card(published):
    registry, version = Registry(published / "models/registry"), version_of(published)
    registry.promote(version, "champion", by="ana", at="2026-01-01T00:00:00Z")
    for file, text in SHOP.items():
        (published / file).parent.mkdir(exist_ok=True)
        (published / file).write_text(text)
    (published / "models/card.yaml").write_text("name: card\nversion: champion\n")
    for expires, found in (("2020-06-30", ["NB620"]), ("2090-06-30", [])):
        (published / "card.yaml").write_text(f"owner: Eve\nexpires: {expires}\n")
        assert codes(pushing(published)) == found
        compiled = workspace.compile(published)
        assert [each.code for each in compiled.diagnostics] == found
        assert compiled.bundle.models[0].reference.card_expires_us == moment_us(expires)


def test_a_push_repairs_what_was_damaged(published):
    version = version_of(published)
    before = {path.name: path.read_bytes() for path in version.folder.iterdir()}
    names = [name for name in before if not name.startswith("manifest")]
    for name in names:
        (version.folder / name).chmod(0o644)
        (version.folder / name).write_bytes(b"damaged")
    pushed = pushing(published)
    (found,) = pushed.diagnostics
    assert (found.code, found.severity) == ("NB618", "warning")
    assert (pushed.is_new, sorted(pushed.repaired)) == (False, sorted(names))
    assert {path.name: path.read_bytes() for path in version.folder.iterdir()} == before
    assert pushing(published).diagnostics == []


def test_a_push_of_something_else_does_not_repair(published):
    version, sample = version_of(published), published / "sample.csv"
    (version.folder / "model.onnx").chmod(0o644)
    (version.folder / "model.onnx").write_bytes(b"damaged")
    rows = sample.read_text()
    sample.write_text(rows + "20,1\n")
    (found,) = pushing(published).diagnostics
    assert (found.code, found.severity) == ("NB618", "error")
    assert "which was pushed with another background sample" in found.message
    # Without a manifest, the version is unknown.
    sample.write_text(rows)
    (version.folder / "manifest.json").unlink()
    (found,) = pushing(published).diagnostics
    assert (found.code, found.severity) == ("NB618", "error")
    shutil.move(version.folder, published / "moved")
    assert "move that folder away and push the model again" in found.help
    assert pushing(published).is_new


def test_rows_that_this_copy_lacks_come_back_with_a_push(published):
    version = version_of(published)
    rows = {name: (version.folder / name).read_bytes() for name in ("golden.parquet", "background.parquet")}
    for name in rows:
        (version.folder / name).unlink()
    assert Registry(published / "models/registry").verify(version).report.golden.rows == 50
    pushed = pushing(published)
    assert (codes(pushed), sorted(pushed.repaired)) == ([], sorted(rows))
    assert {name: (version.folder / name).read_bytes() for name in rows} == rows


def test_two_who_push_the_same_bytes_at_once_both_leave_their_card(folder):
    pushes = []
    for owner in ("eve", "zoe"):
        (folder / f"{owner}.yaml").write_text(f"owner: {owner}\n")
        command = (sys.executable, "-m", "nextbest.cli", "model", "push", "card.onnx", "--name", "card")
        registry = ("--registry", "models/registry", "--card", f"{owner}.yaml")
        pushes.append(subprocess.Popen([*command, *registry], cwd=folder, stdout=subprocess.DEVNULL))
    assert [running.wait() for running in pushes] == [0, 0]
    registry, version = Registry(folder / "models/registry"), version_of(folder)
    first = json.loads((version.folder / "manifest.json").read_text())["card"]["owner"]
    revised = [found.card.owner for found in registry.amendments("card").cards[version.digest]]
    assert sorted([first, *revised]) == ["eve", "zoe"]


def test_new_metadata_make_it_a_version_of_its_own(published):
    folder = published
    model = onnx.ModelProto.FromString((folder / "card.onnx").read_bytes())
    onnx.helper.set_model_props(model, {"run": "2"})
    (folder / "card.onnx").write_bytes(model.SerializeToString())
    (folder / "binding.yaml").write_text(BINDING + "positive_class: 0\n")
    pushed = pushing(folder, golden=None)
    assert pushed.is_new
    assert pushed.manifest.report.facts.metadata == {"run": "2"}
    assert len(Registry(folder / "models/registry").versions("card")) == 2


def test_nothing_is_needed_but_the_model(folder):
    pushed = pushing(folder, binding=None, card=None, golden=None, background=None)
    assert codes(pushed) == []
    assert pushed.manifest.binding.inputs == {}
    assert pushed.manifest.report.latency is not None


def test_rows_may_be_named_by_place(folder):
    frame = pl.read_parquet(folder / "golden.parquet")
    frame.rename({"customer.age": "X[0]", "customer.balance": "X[1]"}).write_parquet(
        folder / "golden.parquet"
    )
    assert codes(pushing(folder, binding=None, background=None)) == []


def test_a_binding_is_wrong_where_it_is_wrong(folder):
    (folder / "binding.yaml").write_text("inputs:\n  X: [customer.agee, customer.balance]\noutputs: y\n")
    pushed = pushing(folder)
    assert codes(pushed) == ["NB201"]
    (folder / "binding.yaml").write_text("inputs:\n  X: [customer.agee]\npositive_class: 4\n")
    pushed = pushing(folder)
    assert codes(pushed) == ["NB608", "NB402", "NB611"]
    shown = render_all(pushed.diagnostics, pushed.sources).plain
    assert f"{folder}/binding.yaml:2:7\n" in shown
    assert "did you mean `customer.age`?" in shown
    assert Registry(folder / "models/registry").names() == []


def test_a_card_is_wrong_where_it_is_wrong(folder):
    (folder / "card.yaml").write_text("ownr: Ana\nexpires: soon\n")
    pushed = pushing(folder)
    assert codes(pushed) == ["NB201", "NB207"]
    (folder / "card.yaml").write_text("")
    assert codes(pushing(folder)) == ["NB111"]


def test_a_card_that_has_expired_already_is_taken_with_a_warning(folder):
    (folder / "card.yaml").write_text("owner: Ana\nexpires: 2020-01-01\n")
    pushed = pushing(folder)
    assert codes(pushed) == ["NB620"]
    assert pushed.version is not None


def test_golden_rows_in_another_order_of_columns_are_found_out(folder):
    (folder / "binding.yaml").write_text("inputs:\n  X: [customer.balance, customer.age]\n")
    pushed = pushing(folder)
    assert codes(pushed)[0] == "NB664"
    assert "golden row" in pushed.diagnostics[0].message


def test_rows_that_do_not_fit(folder):
    (folder / "sample.csv").write_text("customer.age\n3\n")
    pushed = pushing(folder)
    assert codes(pushed) == ["NB663"]
    assert pushed.version is None


def test_a_workspace_names_a_version(published):
    folder = published
    for file, text in SHOP.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(text)
    for name in ("binding.yaml", "card.yaml"):
        (folder / name).unlink()
    version = version_of(folder)
    registry = Registry(folder / "models/registry")
    registry.promote(version, "champion", by="ana", at="2026-01-01T00:00:00Z")
    (folder / "models/card.yaml").write_text("name: card\nversion: champion\n")
    by_alias = workspace.compile(folder)
    assert by_alias.diagnostics == []
    assert by_alias.bundle.models[0].onnx == (folder / "card.onnx").read_bytes()
    assert by_alias.bundle.actions[0].prior == 0.03
    ages = pl.read_csv(folder / "sample.csv")["customer.age"]
    assert by_alias.bundle.models[0].native.cell_means[0] == pytest.approx(ages.mean())
    assert by_alias.bundle.models[0].inputs[0].columns[1].missing.double == 0.0

    # The same as if the file and its binding were in the workspace, except for the baseline.
    by_alias.bundle.models[0].ClearField("reference")
    (folder / "models/card.onnx").write_bytes((folder / "card.onnx").read_bytes())
    (folder / "models/card.yaml").write_text(
        f"name: card\nfile: card.onnx\nbackground: ../sample.csv\n{BINDING}"
    )
    by_file = workspace.compile(folder)
    assert by_file.diagnostics == []
    assert by_file.bundle.SerializeToString(deterministic=True) == by_alias.bundle.SerializeToString(
        deterministic=True
    )

    # A binding in the model file comes first, as a whole; what else it gives, too.
    (folder / "models/card.yaml").write_text(
        f"name: card\nversion: '{version.digest[:8]}'\nprior: 0.5\npositive_class: 0\n"
        "inputs: {X: [customer.balance, customer.age]}\n"
    )
    bound_otherwise = workspace.compile(folder).bundle
    assert bound_otherwise.actions[0].prior == 0.5
    assert bound_otherwise.models[0].positive_column == 0
    assert bound_otherwise.models[0].inputs[0] != by_alias.bundle.models[0].inputs[0]

    # An attribute that the schema no longer has is shown where the binding names it.
    (folder / "models/card.yaml").write_text("name: card\nversion: champion\n")
    (folder / "schema.yaml").write_text("customer: {age: {type: int}}\n")
    (found,) = workspace.compile(folder).diagnostics
    assert found.code == "NB402"
    assert found.position.file == f"models/registry/card/versions/{version.digest}/binding.yaml"
    assert found.position.line == 3


def test_another_registry(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    pushed = push(Registry(elsewhere), Request(model=folder / "card.onnx", name="card", by="ana"))
    Registry(elsewhere).promote(pushed.version, "champion", by="ana", at="2026-01-01T00:00:00Z")
    for file, text in SHOP.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(text)
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models/card.yaml").write_text(f"name: card\nversion: champion\n{BINDING}")
    for name in ("binding.yaml", "card.yaml"):
        (folder / name).unlink()
    assert [found.code for found in workspace.compile(folder).diagnostics] == ["NB617"]
    assert workspace.compile(folder, registry=elsewhere).diagnostics == []


@pytest.mark.slow
def test_versions_are_compared(published):
    folder, first = published, version_of(published)
    data, frame = train(1)
    (folder / "card.onnx").write_bytes(data)
    frame.head(50).write_parquet(folder / "golden.parquet")
    (folder / "card.yaml").write_text(CARD.replace("auc: 0.8", "auc: 0.9"))
    second = pushing(folder).version
    registry = Registry(folder / "models/registry")
    found = comparison.compare(registry, first, second, lambda *_: None)
    assert [(change.what, change.before, change.after) for change in found.changes] == [
        ("metric auc", "0.8", "0.9")
    ]
    assert found.scores.rows == 300
    assert 0 < found.scores.difference_mean <= found.scores.difference_p95 <= found.scores.difference_max < 1


def test_scores_are_not_compared_without_a_sample(folder):
    version = pushing(folder, background=None, golden=None).version
    found = comparison.compare(Registry(folder / "models/registry"), version, version, lambda *_: None)
    assert found.scores is None
    assert "was pushed without rows" in found.reason
