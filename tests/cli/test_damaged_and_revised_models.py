"""What commands show of a version that is damaged, that was repaired, or whose card was revised."""

import json

import pytest
from test_model_commands import folder, pushed, pushed_once  # noqa: F401 - fixtures

from nextbest.registry.registry import Registry


@pytest.fixture
def damaged(folder, pushed):  # noqa: F811 - fixtures
    """The champion's bytes were changed."""
    path = folder / f"models/registry/card/versions/{pushed[0]}/model.onnx"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"x")
    return pushed


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "card"),
        ("show", "card", "--json"),
        ("list",),
        ("promote", "card@champion", "--alias", "shadow"),
        ("diff", "card@challenger", "card@champion"),
        ("revise", "card@champion", "--card", "card.yaml"),
    ],
)
def test_a_damaged_version_is_refused(nextbest, damaged, arguments):
    ran = nextbest("model", *arguments)
    assert ran.code == 1
    assert "NB618" in ran.out
    assert "its bytes are not those that it is named by" in ran.out
    assert "push the same file again" in ran.out


def test_other_versions_of_the_model_are_shown(nextbest, damaged):
    ran = nextbest("model", "show", "card@challenger")
    assert ran.code == 0
    (found,) = json.loads(nextbest("model", "list", "--json").out)
    assert (found["damage"]["code"], found["aliases"]["champion"]) == ("NB618", damaged[0])


def test_a_repair_is_shown_and_warned_of(nextbest, folder, damaged):  # noqa: F811 - fixtures
    given = ("--name", "card", "--inputs", "binding.yaml", "--background", "sample.csv")
    ran = nextbest("model", "push", "a.onnx", *given)
    assert ran.code == 0
    assert "warning[NB618]" in ran.out
    assert "it existed already; written again: model.onnx" in ran.out
    assert "repaired by" in nextbest("model", "show", "card").out
    ran = nextbest("model", "promote", "card@champion", "--alias", "shadow", "--json")
    assert (ran.code, json.loads(ran.out)["warnings"][0]["code"]) == (0, "NB618")
    assert "warning[NB618]" in nextbest("model", "promote", "card@champion", "--alias", "shadow").out
    # Also where the promotion is refused for another reason.
    nextbest("model", "promote", "card@challenger", "--waive-golden", "a test")
    refused = nextbest("model", "promote", f"card@{damaged[0]}")
    assert (refused.code, "error[NB673]" in refused.out, "warning[NB618]" in refused.out) == (1, True, True)


def test_revising_a_card(nextbest, folder, pushed):  # noqa: F811 - fixtures
    ran = nextbest("model", "revise", "card@champion", "--card", "card.yaml")
    assert ran.code == 0
    assert "warning[NB620]" in ran.out
    assert f"revised the card of card@{pushed[0][:12]}: owner Ana, expires 2020-01-01" in ran.out
    (folder / "card.yaml").write_text("owner: Eve\nexpires: 2099-01-01\n")
    found = json.loads(nextbest("model", "revise", "card@champion", "--card", "card.yaml", "--json").out)
    assert (found["revision"]["card"]["owner"], found["warnings"]) == ("Eve", [])
    again = nextbest("model", "revise", "card@champion", "--card", "card.yaml")
    assert (again.code, again.out) == (0, f"card@{pushed[0][:12]} has this card already: nothing changes\n")
    shown = json.loads(nextbest("model", "show", "card", "--json").out)
    assert shown["card"]["owner"] == "Eve"
    assert [each["card"]["owner"] for each in shown["card_revisions"]] == ["Ana", "Eve"]
    assert "owner Eve, expires 2099-01-01" in nextbest("model", "show", "card").out
    assert json.loads(nextbest("model", "list", "--json").out)[0]["expires"] == "2099-01-01"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("card", "--card", "card.yaml"), 2, "`card` does not name a version"),
        (("card@champion",), 2, "Missing option"),
        (("card@champion", "--card", "gone.yaml"), 2, "`gone.yaml` cannot be read"),
        (("card@champion", "--card", "binding.yaml"), 1, "NB201"),
    ],
)
def test_a_card_that_is_not_taken(nextbest, folder, pushed, arguments, code, message):  # noqa: F811 - fixtures
    ran = nextbest("model", "revise", *arguments)
    assert ran.code == code
    assert message in ran.out + ran.err
    assert Registry(folder / "models/registry").amendments("card").cards == {}
