"""`push` and `promote` of `nextbest.models`, which notebooks and training jobs call.

`health` needs a server: `tests/serve/test_model_health.py`.
"""

import inspect

import pytest
from test_model_push import folder, pushed_once  # noqa: F401

from nextbest import models
from nextbest.models.owner import PushArguments
from nextbest.models.pushing.push import Request


@pytest.fixture
def given(folder):  # noqa: F811
    """What names the files of a push, as a notebook does."""
    return {
        "model": str(folder / "card.onnx"),
        "name": "card",
        "binding": str(folder / "binding.yaml"),
        "golden": str(folder / "golden.parquet"),
        "workspace": str(folder),
    }


def test_a_push_makes_a_version_and_moves_the_alias(given, tmp_path):
    pushed = models.push(tmp_path / "registry", **given, alias="challenger", by="ana")
    assert pushed.diagnostics == []
    assert (pushed.is_new, pushed.version.name) == (True, "card")
    assert (pushed.move.alias, pushed.move.after, pushed.move.by) == (
        "challenger",
        pushed.version.digest,
        "ana",
    )
    promotion = models.promote(str(tmp_path / "registry"), "card@challenger")
    assert (promotion.version, promotion.move.alias) == (pushed.version, "champion")
    assert promotion.warnings == []


def test_a_dry_run_plans_the_move_and_writes_nothing(given, tmp_path):
    planned = models.push(tmp_path / "registry", **given, alias="champion", is_dry_run=True)
    assert (planned.move.before, planned.move.after) == ("", planned.version.digest)
    assert not (tmp_path / "registry").exists()


def test_a_refused_model_has_reasons_and_no_version(given, tmp_path):
    pushed = models.push(tmp_path / "registry", **{**given, "budget_us": 0.0})
    assert (pushed.version, pushed.move) == (None, None)
    assert [found.code for found in pushed.diagnostics] == ["NB667"]


def test_a_champion_needs_golden_rows_or_a_waiver(given, tmp_path):
    registry = tmp_path / "registry"
    version = models.push(registry, **{**given, "golden": None}).version
    with pytest.raises(models.ModelError) as caught:
        models.promote(registry, str(version))
    assert caught.value.code == "NB673"
    promotion = models.promote(registry, str(version), waiver="the trainer is gone")
    assert [found.code for found in promotion.warnings] == ["NB673"]
    assert promotion.move.waiver == "the trainer is gone"


def test_a_version_has_to_be_named(tmp_path):
    with pytest.raises(models.ModelError, match="give card@challenger"):
        models.promote(tmp_path, "card")


def test_arguments_are_those_of_a_request():
    assert set(PushArguments.__annotations__) == set(inspect.signature(Request).parameters)
